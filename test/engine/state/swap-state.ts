/** State that random histories are held against: in memory, in a file, and what is asked of it elsewhere. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createEngine } from "../../../engine/engine.ts";
import type { SessionFacts } from "../../../engine/request-reader.ts";
import type { Journal } from "../../../engine/state/journal.ts";
import { type MemoryLimits, storeOf } from "../../../engine/state/memory.ts";
import type { Backfill } from "../../../engine/state/past-uses.ts";
import { PACE } from "../../../engine/state/sqlite/backlog.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import type { Late, StateStore, StateView } from "../../../engine/state/store.ts";
import { createMemory } from "../../../engine/state/tables.ts";
import type { Random } from "../../differential/random.ts";
import { copyFile } from "../../simulation/faulty-file.ts";
import type { ContractEngine, ContractEngineParts } from "./contract.ts";
import { SHORT } from "./stores.ts";
import type { Swapped } from "./swap-policies.ts";

export const IDLE_MS = 600_000;
/** Sessions are too many all the time. */
export const ROOMY: SwapLimits = { sessionCount: 2, sessionIdleMs: IDLE_MS };
/** And so is everything else. */
export const TIGHT: SwapLimits = {
  ...ROOMY,
  ...{ keyCount: 2, taskCount: 1, callCount: 5, reservationMs: 60_000 },
};

export type SwapLimits = Partial<MemoryLimits> & Pick<MemoryLimits, "sessionIdleMs">;

type Awaitable<Value> = Value | Promise<Value>;

/** One of the processes, deciding by a policy. */
export interface SwapEngine extends Pick<ContractEngine, "decide" | "outcome" | "sessions"> {
  late(): Late | undefined;
  /** Where it is given what a log knows. */
  readonly backfill?: Backfill;
}

/** State that may be left and taken up again. */
export interface Reopened {
  /** How many decide at once, each by a policy of its own. */
  readonly processCount: number;
  readonly limits: SwapLimits;
  engine(parts: ContractEngineParts, process: number): SwapEngine;
  /** What is there, as a decision of this policy would read it; it changes nothing of what any process knows. */
  look<Seen>(policy: Swapped, at: LookedAt, read: (looked: Looked) => Seen): Awaitable<Seen>;
  /** What was answered so far has left. */
  flush(): void;
  /** As it is once this process has ended; the same where it never does. */
  restart(isKilled: boolean, process: number): Awaitable<Reopened>;
  stop(): Awaitable<void>;
  /** Of state on another machine. */
  readonly link?: SwapLink;
  /** Meanings of tables that went and are not back, where that can be seen. */
  readonly gone?: () => Iterable<string>;
}

/** The way to another machine, and what becomes of that. */
export interface SwapLink {
  /** One of the next steps breaks it, before it is taken or before that is told. */
  break(random: Random): void;
  /** What became of what was asked last, where the link broke; resolves once all have it again. */
  broken(): Promise<Broken | undefined>;
  /** The server ends and starts again with all it held. */
  restart(): Promise<void>;
  /** All it held is lost; an operator says to go on once `ask` is done. */
  lose(ask: () => Promise<void>): Promise<void>;
}

export interface Broken {
  /** Whether the change was made that was asked for. */
  readonly isKept: boolean;
  /** All that was given to make it with. */
  readonly given: readonly string[];
}

export interface LookedAt {
  readonly sessionId: string;
  readonly nowMs: number;
}

export interface Looked {
  readonly facts: SessionFacts | undefined;
  readonly view: StateView;
}

/** Of one process, whose state is nobody else's. */
function alone(
  store: StateStore,
  limits: SwapLimits,
): Pick<Reopened, "processCount" | "limits" | "engine" | "look"> {
  return {
    processCount: 1,
    limits,
    engine(parts) {
      const engine = createEngine({ ...parts, store });
      return { ...engine, late: () => engine.backfill.since() };
    },
    look({ program }, at, read) {
      const present = store.open(program);
      return read({ facts: present.session(at.sessionId), view: present.begin(at) });
    },
  };
}

export function inMemory(limits: SwapLimits): Reopened {
  const memory = createMemory(limits);
  const nothing = () => {};
  const same = {
    ...alone(storeOf(memory), limits),
    ...{ flush: nothing, restart: () => same, stop: nothing },
    gone: () => memory.gone.keys(),
  };
  return same;
}

export function inFile(directory: string, limits: SwapLimits, starts = 0): Reopened {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${starts}.db`);
  const pace = starts % 2 === 0 ? PACE : SHORT;
  const journal: Journal = openSqliteJournal({ path, limits, pace });
  return {
    ...alone(journal.store, limits),
    flush: () => journal.flush(),
    restart(isKilled) {
      const next = join(directory, `${starts + 1}.db`);
      journal.flush();
      if (!isKilled) journal.close();
      copyFile(path, next);
      journal.close();
      return inFile(directory, limits, starts + 1);
    },
    stop() {
      journal.close();
      rmSync(directory, { recursive: true });
    },
  };
}
