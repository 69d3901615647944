/**
 * What decisions rest on and what became of calls, for whoever records it (SPEC §14). The engine hands it out
 * before the answer, and gathers it only where somebody asked for it.
 */
import type { Program } from "../lang/ir.ts";
import type { ApprovalFact } from "./approvals/fact.ts";
import type { Decision } from "./decision.ts";
import type { ModuleReading } from "./facts.ts";
import type { DelegationRefusal } from "./identity/cause.ts";
import type { VouchedDelegation } from "./identity/vouched.ts";
import type { OutcomeReport } from "./outcome-reader.ts";
import type { AcceptedRequest } from "./request-reader.ts";
import type { StateView, TaskState } from "./state/store.ts";
import type { Scalar, Value } from "./value.ts";
import type { Problem } from "./value-reader.ts";

/** Called while the answer waits; what it throws makes the answer a deny. */
export interface EvidenceSink {
  decided(evidence: DecisionEvidence): void;
  settled(evidence: OutcomeEvidence): void;
}

export interface DecisionEvidence {
  /** Missing where there is no policy. */
  readonly program?: Program | undefined;
  /** The clock that was decided by: milliseconds since the Unix epoch. Missing where the engine failed before. */
  readonly nowMs?: number | undefined;
  /** What the clock that is ahead said, where two of them disagreed. */
  readonly laterMs?: number | undefined;
  /** JSON as it was asked. */
  readonly input: unknown;
  readonly vouched: VouchedEvidence;
  readonly decision: Decision;
  /** `sha256:…` of request and policy: what approvals are of. */
  digest(): string;
  /** Missing where the request was refused before any rule. */
  readonly accepted?: AcceptedRequest | undefined;
  /** What the policy does not know of the request. */
  readonly problems?: readonly Problem[] | undefined;
  /** Missing where no rule was asked, or something else than rules decided. */
  readonly facts?: FactsRead | undefined;
  /** From taking the request to having decided it. */
  readonly micros: number;
}

export interface VouchedEvidence {
  readonly approvals?: readonly ApprovalFact[];
  readonly delegationVerified?: boolean;
  readonly delegation?: VouchedDelegation;
  readonly refused?: DelegationRefusal;
}

export interface OutcomeEvidence {
  readonly program: Program;
  readonly nowMs: number;
  readonly report: OutcomeReport;
  readonly settlement: "settled" | "repeated" | "unknown" | "conflict";
}

/** Everything that a decision read of the state, each once. */
export interface FactsRead {
  /** By which the state counts: the store's own clock, where processes share one. */
  readonly nowMs: number;
  readonly counters: readonly CounterRead[];
  readonly latches: readonly LatchRead[];
  readonly origins: readonly OriginRead[];
  readonly modules: readonly ModuleRead[];
  readonly task: TaskState | "changed" | undefined;
}

export interface CounterRead {
  /** Of the declaration. */
  readonly index: number;
  readonly key: string;
  readonly value: number | "unavailable";
}

export interface LatchRead {
  readonly index: number;
  readonly key: string;
  readonly value: boolean | "pending" | "unavailable";
}

export interface OriginRead {
  readonly of: Value;
  readonly labels: ReadonlySet<Scalar> | "unavailable";
}

/** What an imported module said; without a reading where it said nothing that counts. */
export interface ModuleRead {
  readonly index: number;
  readonly reading: ModuleReading | undefined;
}

/** A view that keeps what is read of it; most decisions read little. */
export class WatchedView implements StateView, FactsRead {
  readonly nowMs: number;
  readonly task: TaskState | "changed" | undefined;
  counters: CounterRead[] = NONE;
  latches: LatchRead[] = NONE;
  origins: OriginRead[] = NONE;
  modules: ModuleRead[] = NONE;
  readonly #view: StateView;
  /** A loop may ask of thousands of values. */
  #labels: Map<Value, OriginRead["labels"]> | undefined;

  constructor(view: StateView) {
    this.#view = view;
    this.nowMs = view.nowMs;
    this.task = view.task;
  }

  counter(index: number, key: string): number | "unavailable" {
    for (const one of this.counters) if (one.index === index && one.key === key) return one.value;
    const value = this.#view.counter(index, key);
    this.counters = added(this.counters, { index, key, value });
    return value;
  }

  latch(index: number, key: string): boolean | "pending" | "unavailable" {
    for (const one of this.latches) if (one.index === index && one.key === key) return one.value;
    const value = this.#view.latch(index, key);
    this.latches = added(this.latches, { index, key, value });
    return value;
  }

  origin(value: Value): ReadonlySet<Scalar> | "unavailable" {
    this.#labels ??= new Map();
    const known = this.#labels.get(value);
    if (known !== undefined) return known;
    const labels = this.#view.origin(value);
    this.#labels.set(value, labels);
    this.origins = added(this.origins, { of: value, labels });
    return labels;
  }

  module(index: number): ModuleReading | undefined {
    const known = this.modules.find((one) => one.index === index);
    if (known !== undefined) return known.reading;
    const reading = this.#view.module?.(index);
    this.modules = added(this.modules, { index, reading });
    return reading;
  }
}

const NONE: never[] = [];
Object.freeze(NONE);

/** `items` with one more; a list is made for the first. */
function added<Item>(items: Item[], item: Item): Item[] {
  if (items.length === 0) return [item];
  items.push(item);
  return items;
}
