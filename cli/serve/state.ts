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
  {
    name: "state-keys",
    value: "COUNT",
    help: "keys of one counter or latch, sessions, tasks (100000)",
  },
  { name: "state-sync", help: "answer once state survives the machine, not only the process" },
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
  const durability = input.flags.has("state-sync") ? "power" : "process";
  const given = input.values.get("state");
  if (given === "memory") return inMemory(limits, input);
  const path = given === undefined ? join(openHome(io.cwd), STATE_FILE) : resolve(io.cwd, given);
  const onFault = (fault: unknown) => io.err(`${messageOf(fault)}\n`);
  const journal = orMisuse(() => openSqliteJournal({ path, limits, durability, onFault }));
  return inFile(journal, relative(io.cwd, path));
}

function inMemory(limits: Partial<MemoryLimits>, { flags }: Input): OpenState {
  if (flags.has("state-sync")) {
    throw new Misuse("state in memory survives nothing", "leave out `--state-sync`");
  }
  return {
    store: createMemoryStore(limits),
    clock: createClock(),
    keep: (service) => service,
    settled: async () => {},
    place: "memory, and forgotten with this process",
    close: () => {},
  };
}

function inFile(journal: Journal, place: string): OpenState {
  return {
    // What is damaged of a counter shows when a policy declares it.
    store: { open: (program) => orMisuse(() => journal.store.open(program)) },
    clock: createClock({ latestMs: journal.latestMs }),
    keep: (service) => durable(service, journal),
    settled: () => journal.flushed(),
    place,
    close: () => journal.close(),
  };
}

function orMisuse<Value>(open: () => Value): Value {
  try {
    return open();
  } catch (fault) {
    if (fault instanceof StateFileRefused) throw new Misuse(fault.message, fault.help);
    throw fault;
  }
}

function limitsOf(given: string | undefined): Partial<MemoryLimits> {
  if (given === undefined) return {};
  const count = Number(given);
  if (!/^\d+$/.test(given) || count < 1 || count > 10_000_000) {
    throw new Misuse(
      `\`--state-keys\` is a number from 1 to 10000000, not ${JSON.stringify(given)}`,
    );
  }
  return { keyCount: count, sessionCount: count, taskCount: count, callCount: count };
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
