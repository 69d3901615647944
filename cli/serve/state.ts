/** Where the service remembers what agents have done, and by which clock it counts. */
import { createHash } from "node:crypto";
import { join, relative, resolve } from "node:path";
import type { OperatedService } from "../../engine/active.ts";
import { type Clock, createClock } from "../../engine/clock.ts";
import { durable } from "../../engine/durable.ts";
import { createEngine, type EngineParts } from "../../engine/engine.ts";
import { messageOf } from "../../engine/fault.ts";
import { type DecisionService, type Vitals, Waits } from "../../engine/http/index.ts";
import type { Ledger } from "../../engine/ledger/ledger.ts";
import { openRedisLedger } from "../../engine/ledger/redis.ts";
import { createSharedEngine } from "../../engine/shared-engine.ts";
import type { Journal } from "../../engine/state/journal.ts";
import { createMemoryStore, type MemoryLimits } from "../../engine/state/memory.ts";
import { parseRedisAddress, spellAddress } from "../../engine/state/redis/address.ts";
import { openLink } from "../../engine/state/redis/link.ts";
import { openSightings, type Sightings } from "../../engine/state/redis/sightings.ts";
import { connectRedis } from "../../engine/state/redis/store.ts";
import { StateFileRefused } from "../../engine/state/sqlite/database.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../engine/state/store.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { logNameOf } from "./backfill.ts";
import { HOME, openHome } from "./home.ts";

const STATE_FILE = "state.db";
const STATE_KEYS_MOST = 10_000_000;
/** An open call is small, and where nobody reports outcomes there is one for each that was allowed lately (SPEC §7.4). */
const CALLS_PER_KEY = 10;

export const STATE_OPTIONS: readonly Option[] = [
  {
    name: "state",
    value: "FILE",
    help: `what agents have done, kept over restarts (${HOME}/${STATE_FILE}); memory keeps it until the end, redis://HOST:PORT/NAMESPACE shares it with other processes`,
  },
  {
    name: "state-keys",
    value: "COUNT",
    help: "keys of one counter or latch, sessions, tasks; of calls under way ten times as many (100000)",
  },
  {
    name: "session-days",
    value: "DAYS",
    help: "sessions that were not used for so long make room for new ones (7)",
  },
  { name: "state-sync", help: "answer once state survives the machine, not only the process" },
];

export interface OpenState {
  /** An engine that remembers here. */
  engine(parts: Omit<EngineParts, "store">): OperatedService;
  readonly clock: Clock;
  /** For a candidate to look into; missing where state is on another machine. */
  readonly store?: StateStore;
  /** Around an engine on this state: answers wait until what they rest on is kept. */
  keep(service: DecisionService): DecisionService;
  /** Resolves when what was done until now is kept. */
  settled(): Promise<void>;
  readonly vitals: NonNullable<Vitals["state"]>;
  /** Shared as the state is; missing where that is not. */
  readonly ledger?: () => Promise<Ledger>;
  /** One line for whoever starts the service. */
  readonly place: string;
  close(): void;
}

/** `log`: where this service records what it decides, if it does. */
export async function openState(
  input: Input,
  io: Io,
  log: { readonly path: string } | undefined,
): Promise<OpenState> {
  const limits = limitsOf(input);
  const durability = input.flags.has("state-sync") ? "power" : "process";
  const given = input.values.get("state");
  if (given === "memory") return inMemory(limits, input);
  if (given !== undefined && /^rediss?:/.test(given)) {
    return inRedis({ url: given, limits, log }, input, io);
  }
  const path = given === undefined ? join(openHome(io.cwd), STATE_FILE) : resolve(io.cwd, given);
  const onFault = (fault: unknown) => io.err(`${messageOf(fault)}\n`);
  const journal = orMisuse(() => openSqliteJournal({ path, limits, durability, onFault }));
  return inFile(journal, relative(io.cwd, path));
}

function inMemory(limits: Partial<MemoryLimits>, { flags }: Input): OpenState {
  if (flags.has("state-sync")) {
    throw new Misuse("state in memory survives nothing", "leave out `--state-sync`");
  }
  const store = createMemoryStore(limits);
  return {
    engine: (parts) => createEngine({ ...parts, store }),
    store,
    clock: createClock(),
    keep: (service) => service,
    settled: async () => {},
    vitals: { readiness: () => ({ ready: true }) },
    place: "memory, and forgotten with this process",
    close: () => {},
  };
}

function inFile(journal: Journal, place: string): OpenState {
  // What is damaged of a counter shows when a policy declares it.
  const store: StateStore = { open: (program) => orMisuse(() => journal.store.open(program)) };
  const waits = new Waits();
  const readiness = () => journal.readiness();
  const flushed = () => waits.time(journal.flushed());
  return {
    engine: (parts) => createEngine({ ...parts, store }),
    store,
    clock: createClock({ latestMs: journal.latestMs }),
    keep: (service) => durable(service, { flushed, readiness }),
    settled: () => journal.flushed(),
    vitals: { readiness, waits },
    place,
    close: () => journal.close(),
  };
}

interface WantedRedis {
  readonly url: string;
  readonly limits: Partial<MemoryLimits>;
  readonly log: { readonly path: string } | undefined;
}

async function inRedis(
  { url, limits, log }: WantedRedis,
  { flags }: Input,
  io: Io,
): Promise<OpenState> {
  if (flags.has("state-sync")) {
    throw new Misuse("what Redis keeps is for its own settings to say", "leave out `--state-sync`");
  }
  const address = parseRedisAddress(url);
  if (typeof address === "string") throw new Misuse(`\`--state\`: ${address}`);
  const place = spellAddress(address);
  const waits = new Waits();
  const sightings = sightingsOf(place, io);
  const store = await connectRedis({
    address,
    limits,
    sightings,
    log: log && logNameOf(log.path),
    openLink: async (...asked) => {
      const link = await openLink(...asked);
      return { ...link, send: (command) => waits.time(link.send(command)) };
    },
    onNotice: (notice) => io.err(`${place}: ${notice}\n`),
  }).catch((fault: unknown) => {
    sightings.close();
    throw new Misuse(`cannot keep state in ${place}: ${messageOf(fault)}`);
  });
  return {
    engine: (parts) => createSharedEngine({ ...parts, store }),
    clock: createClock(),
    keep: (service) => service,
    settled: async () => {},
    vitals: { readiness: () => store.readiness(), waits },
    ledger: () =>
      openRedisLedger({
        send: store.command,
        run: store.run,
        generation: store.wholeGeneration,
        saw: store.saw,
        namespace: address.namespace,
        elapsedMs: () => performance.now(),
        now: Date.now,
      }),
    place,
    close: () => {
      store.close();
      sightings.close();
    },
  };
}

/** In a file of this address's own: another server, or another namespace of it, was seen by itself. */
function sightingsOf(place: string, io: Io): Sightings {
  const name = createHash("sha256").update(place).digest("hex").slice(0, 16);
  const path = join(openHome(io.cwd), `redis-${name}.json`);
  try {
    return openSightings(path, place);
  } catch (fault) {
    throw new Misuse(`cannot keep what is seen of ${place}: ${messageOf(fault)}`);
  }
}

function orMisuse<Value>(open: () => Value): Value {
  try {
    return open();
  } catch (fault) {
    if (fault instanceof StateFileRefused) throw new Misuse(fault.message, fault.help);
    throw fault;
  }
}

function limitsOf(input: Input): Partial<MemoryLimits> {
  const count = numberIn(input, "state-keys", STATE_KEYS_MOST);
  const days = numberIn(input, "session-days", 3_650);
  return {
    ...(count && { keyCount: count, sessionCount: count, taskCount: count }),
    ...(count && { callCount: Math.min(count * CALLS_PER_KEY, STATE_KEYS_MOST) }),
    ...(days && { sessionIdleMs: days * 24 * 3_600_000 }),
  };
}

function numberIn({ values }: Input, name: string, most: number): number | undefined {
  const given = values.get(name);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (/^\d+$/.test(given) && number >= 1 && number <= most) return number;
  throw new Misuse(`\`--${name}\` is a number from 1 to ${most}, not ${JSON.stringify(given)}`);
}
