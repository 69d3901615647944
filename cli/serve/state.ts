/** Where the service remembers what agents have done, and by which clock it counts. */
import { join, relative, resolve } from "node:path";
import { type Clock, createClock } from "../../engine/clock.ts";
import { durable } from "../../engine/durable.ts";
import type { DecisionService } from "../../engine/http/index.ts";
import type { Journal } from "../../engine/state/journal.ts";
import { createMemoryStore, type MemoryLimits } from "../../engine/state/memory.ts";
import { StateFileRefused } from "../../engine/state/sqlite/database.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../engine/state/store.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { HOME, openHome } from "./home.ts";

const STATE_FILE = "state.db";

export const STATE_OPTIONS: readonly Option[] = [
  {
    name: "state",
    value: "FILE",
    help: `what agents have done, kept over restarts (${HOME}/${STATE_FILE}); memory keeps it until the end`,
  },
  { name: "state-keys", value: "COUNT", help: "keys of one counter or latch, sessions, tasks (100000)" },
  { name: "state-survives", value: "WHAT", help: "the end of the process, or of power: slower (process)" },
];

export interface OpenState {
  readonly store: StateStore;
  readonly clock: Clock;
  /** Around an engine on this state: answers wait until what they rest on is kept. */
  keep(service: DecisionService): DecisionService;
  /** Resolves when what was done until now is kept. */
  settled(): Promise<void>;
  /** One line for whoever starts the service. */
  readonly place: string;
  close(): void;
}

export function openState(input: Input, io: Io): OpenState {
  const limits = limitsOf(input.values.get("state-keys"));
  const durability = durabilityOf(input.values.get("state-survives"));
  const given = input.values.get("state");
  if (given === "memory") return inMemory(limits, input);
  const path =
    given === undefined ? join(openHome(io.cwd), STATE_FILE) : resolve(io.cwd, given);
  const onFault = (fault: unknown) => io.err(`${messageOf(fault)}\n`);
  return inFile(open({ path, limits, durability, onFault }), relative(io.cwd, path) || path);
}

function inMemory(limits: Partial<MemoryLimits>, { values }: Input): OpenState {
  if (values.has("state-survives")) {
    throw new Misuse("state in memory survives nothing", "leave out `--state-survives`");
  }
  return {
    store: createMemoryStore(limits),
    clock: createClock(),
    keep: (service) => service,
    settled: async () => {},
    place: "in this process, and forgotten with it",
    close: () => {},
  };
}

function inFile(journal: Journal, place: string): OpenState {
  return {
    store: journal.store,
    clock: createClock({ latestMs: journal.latestMs }),
    keep: (service) => durable(service, journal),
    settled: () => journal.flushed(),
    place: `in ${place}`,
    close: () => journal.close(),
  };
}

function open(parts: Parameters<typeof openSqliteJournal>[0]): Journal {
  try {
    return openSqliteJournal(parts);
  } catch (fault) {
    if (fault instanceof StateFileRefused) throw new Misuse(fault.message, fault.help);
    throw fault;
  }
}

function limitsOf(given: string | undefined): Partial<MemoryLimits> {
  if (given === undefined) return {};
  const count = Number(given);
  if (!/^\d+$/.test(given) || count < 1 || count > 10_000_000) {
    throw new Misuse(`\`--state-keys\` is a number from 1 to 10000000, not ${JSON.stringify(given)}`);
  }
  return { keyCount: count, sessionCount: count, taskCount: count, callCount: count };
}

function durabilityOf(given = "process"): "process" | "power" {
  if (given === "process" || given === "power") return given;
  throw new Misuse(`\`--state-survives\` is process or power, not ${JSON.stringify(given)}`);
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
