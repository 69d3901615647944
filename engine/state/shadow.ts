/**
 * State for a candidate that decides beside the policy in force: it sees what that policy remembers where the
 * two declare the same, counts the rest for itself, and writes nothing into what it sees. What was really
 * allowed is what it counts; its own verdicts change nothing.
 */
import type { CounterDecl, LatchDecl, Program } from "../../lang/ir.ts";
import type { SessionFacts } from "../request-reader.ts";
import type { Scalar, Value } from "../value.ts";
import { meaningOf, sequenceMeaning } from "./meaning.ts";
import type { Effects, PolicyState, StateScope, StateStore, StateView } from "./store.ts";

export interface ShadowState {
  /** For the candidate's engine. */
  readonly store: StateStore;
  /** Of the request that was decided last; asked for before the next. */
  decided(): Happened;
}

/** Counts the request: as allowed, where `call` names it. */
export type Happened = (call: string | undefined) => void;

export interface ShadowedPrograms {
  readonly active: Program;
  readonly candidate: Program;
}

/** `own` is the candidate's alone, and may outlive a swap of the policy in force. */
export function shadowState(
  { active, candidate }: ShadowedPrograms,
  store: StateStore,
  own: StateStore,
): ShadowState {
  const shared = sharedDeclarations(candidate, active);
  const seen = store.open(shared.program);
  const kept = own.open(candidate);
  let latest: Effects | undefined;
  const state: PolicyState = {
    ...kept,
    session: (id) => together(id, seen, kept),
    begin: (scope) => new ShadowView(scope, { seen, kept, shared }),
    commit(effects) {
      latest = effects;
      return "ok";
    },
  };
  return {
    store: { open: () => state },
    decided() {
      const effects = latest;
      latest = undefined;
      return (call) => {
        if (effects === undefined) return;
        const task = effects.allowed?.task;
        const allowed = call === undefined ? undefined : { call, task };
        kept.commit({ ...effects, interrupt: undefined, allowed });
      };
    },
  };
}

interface SharedDeclarations {
  /** The candidate with nothing but the declarations that both have. */
  readonly program: Program;
  /** Index in the candidate → index in `program`; missing where only the candidate has it. */
  readonly counters: ReadonlyMap<number, number>;
  readonly latches: ReadonlyMap<number, number>;
  readonly tasks: ReadonlySet<number>;
}

function sharedDeclarations(candidate: Program, active: Program): SharedDeclarations {
  const counters = inBoth(candidate.counters, candidate, active.counters, active);
  const latches = inBoth(candidate.latches, candidate, active.latches, active);
  const sequences = new Map(
    active.tasks.map(({ name, sequence }) => [name, sequenceMeaning(sequence, active)]),
  );
  const tasks = candidate.tasks.flatMap(({ name, sequence }, index) =>
    sequences.get(name) === sequenceMeaning(sequence, candidate) ? [index] : [],
  );
  return {
    program: {
      ...candidate,
      counters: candidate.counters.filter((_, index) => counters.has(index)),
      latches: candidate.latches.filter((_, index) => latches.has(index)),
      readsOrigin: candidate.readsOrigin && active.readsOrigin,
    },
    counters,
    latches,
    tasks: new Set(tasks),
  };
}

function inBoth(
  declared: readonly (CounterDecl | LatchDecl)[],
  candidate: Program,
  known: readonly (CounterDecl | LatchDecl)[],
  active: Program,
): ReadonlyMap<number, number> {
  const meanings = new Set(known.map((one) => meaningOf(one, active)));
  const shared = declared.flatMap((one, index) =>
    meanings.has(meaningOf(one, candidate)) ? [index] : [],
  );
  return new Map(shared.map((index, position) => [index, position]));
}

/**
 * The candidate's tools may return labels that those of the policy in force do not. Of those that both do, an operator
 * may take one from what is seen.
 */
function together(id: string, from: PolicyState, own: PolicyState): SessionFacts | undefined {
  const [seen, kept] = [from.session(id), own.session(id)];
  if (seen === undefined || kept === undefined) return seen ?? kept;
  for (const label of seen.labels) if (kept.labels.has(label)) own.declassify(id, String(label));
  return {
    startedAtMs: seen.startedAtMs,
    interrupted: seen.interrupted,
    labels: new Set([...seen.labels, ...kept.labels]),
    sensitivity: Math.max(seen.sensitivity, kept.sensitivity),
  };
}

interface ShadowParts {
  readonly seen: PolicyState;
  readonly kept: PolicyState;
  readonly shared: SharedDeclarations;
}

class ShadowView implements StateView {
  readonly nowMs: number;
  readonly task: StateView["task"];
  readonly #seen: StateView;
  readonly #kept: StateView;
  readonly #shared: SharedDeclarations;

  constructor(scope: StateScope, { seen, kept, shared }: ShadowParts) {
    // An instruction would be kept by what it is begun with.
    this.#seen = seen.begin({ ...scope, instruction: undefined });
    this.#kept = kept.begin(scope);
    this.#shared = shared;
    this.nowMs = scope.nowMs;
    const isShared = scope.task !== undefined && shared.tasks.has(scope.task);
    this.task = (isShared ? this.#seen : this.#kept).task;
  }

  counter(index: number, key: string): number | "unavailable" {
    const position = this.#shared.counters.get(index);
    return position === undefined
      ? this.#kept.counter(index, key)
      : this.#seen.counter(position, key);
  }

  latch(index: number, key: string): boolean | "pending" | "unavailable" {
    const position = this.#shared.latches.get(index);
    return position === undefined ? this.#kept.latch(index, key) : this.#seen.latch(position, key);
  }

  origin(value: Value): ReadonlySet<Scalar> | "unavailable" {
    const seen = this.#seen.origin(value);
    const kept = this.#kept.origin(value);
    if (seen === "unavailable" || kept === "unavailable") return "unavailable";
    return new Set([...seen, ...kept]);
  }
}
