/**
 * State that several processes share (SPEC §7.6): the contract of stores on other machines. A decision is a
 * pure function of the request and of what it reads, so a process decides on what it *thinks* is remembered, and
 * hands the store what the decision rests on together with what it leaves behind. The store checks the one and
 * keeps the other in one step, or says what is really so, and the decision is made anew. So there is one round
 * trip where the guess was right, and never an allow that was not checked in the step that reserved.
 */
import type { Program } from "../../lang/ir.ts";
import type { Readiness } from "../answer.ts";
import type { Evaluator } from "../evaluate/evaluator.ts";
import type { SessionFacts } from "../request-reader.ts";
import type { Missing, PastUses } from "./past-uses.ts";
import type { Interruption, StateReport } from "./report.ts";
import type {
  Effects,
  Late,
  SettledOutcome,
  Settlement,
  StateScope,
  StateView,
  TaskMatch,
} from "./store.ts";

export interface SharedPolicy {
  readonly program: Program;
  readonly digest: string;
  /** What it is decided with. */
  readonly evaluator: Evaluator;
}

export interface SharedStore {
  /** As `StateStore.open`. */
  open(policy: SharedPolicy): SharedState;
  readiness(): Readiness;
  close(): void;
}

/** Every promise here rejects with `StateUnavailable` where the store cannot be asked or must not be believed. */
export interface SharedState {
  /** To decide with: the one that was given, watched. */
  readonly evaluator: Evaluator;
  /** `decideOn` may be asked several times; the last one holds. */
  attempt<Made extends Attempt>(decideOn: (guess: Guess) => Made): Promise<Attempted<Made>>;
  /** The same, and nothing is kept: what would be decided now. `effects` say for whom. */
  look<Made extends Attempt>(decideOn: (guess: Guess) => Made): Promise<Made>;
  settle(outcome: SettledOutcome, match: TaskMatch): Promise<Settlement>;
  interrupt(sessionId: string, nowMs: number, why: Interruption): Promise<void>;
  reinstate(sessionId: string): Promise<boolean>;
  declassify(sessionId: string, label: string): Promise<boolean>;
  /** As `PolicyState.late`; nothing until the first decision. */
  late(nowMs: number): Late | undefined;
  /**
   * What counters of this policy may lack of what this process decided, once nothing is being decided by another.
   * `hostMs`: the clock by which that was recorded.
   */
  missing(hostMs: number): Promise<Missing | undefined>;
  /** Counts it; what does not fit, or was begun before and not done, goes on counting since it was declared. */
  fill(past: PastUses, hostMs: number): Promise<void>;
  readonly report: StateReport;
}

/** What is thought to be remembered; takes note of what it is asked. */
export interface Guess {
  session(id: string): SessionFacts | undefined;
  /** `beheld`: a view of the same, for who wants to see what is read. */
  begin(scope: StateScope, beheld?: (view: StateView) => StateView): StateView;
}

export interface Attempt {
  /** Missing where nothing was decided, so that nothing is kept or checked. */
  readonly effects?: Effects | undefined;
}

export interface Attempted<Made> {
  readonly made: Made;
  /**
   * `full`: there is no room for what an allowed call must leave behind, and nothing was kept.
   * `free`: kept, but for the call itself: its outcome can change nothing.
   */
  readonly result: "kept" | "full" | "free";
}
