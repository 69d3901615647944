/**
 * What is remembered between calls (SPEC §7): the contract of every store. A decision reads one view and
 * then commits what it leaves behind. In process both are synchronous, so that nothing comes between them.
 * A store on other machines gives promises of the same: it fetches what `begin` asks for in one round trip,
 * and `commit` answers `conflict` when what was read has changed since, and the decision is made anew.
 */
import type { Program } from "../../lang/ir.ts";
import type { Touch } from "../evaluate/evaluator.ts";
import type { Facts } from "../facts.ts";
import type { DecisionRequest } from "../request.ts";
import type { SessionFacts } from "../request-reader.ts";
import type { ReturnedPart } from "./origin/returned.ts";
import type { KeptSequence } from "./past.ts";
import type { Lacking, PastUses } from "./past-uses.ts";
import type { Interruption, StateReport } from "./report.ts";
import type { Match, Progress } from "./sequence.ts";

/** Thrown by a store that is out of reach; the engine answers it with a deny of its own code. */
export class StateUnavailable extends Error {}

export interface StateStore {
  /** State of a policy's declarations; those that mean the same as before keep what they held. */
  open(program: Program): PolicyState;
}

export interface PolicyState {
  session(id: string): SessionFacts | undefined;
  begin(scope: StateScope): StateView;
  /**
   * All or nothing. `full`: there is no room for what an allowed call must leave behind. `free`: the call itself is not
   * remembered, since its outcome can change nothing.
   */
  commit(effects: Effects): "ok" | "free" | "full";
  settle(outcome: SettledOutcome, match: TaskMatch): Settlement;
  /** Ended until reinstated. Creates the session where it was never seen. */
  interrupt(sessionId: string, nowMs: number, why: Interruption): void;
  reinstate(sessionId: string): boolean;
  /** Removes a label from what the session has returned so far; whoever calls it records why. */
  declassify(sessionId: string, label: string): boolean;
  /** What of the policy does not know all that it should; `undefined` where all does. */
  late(nowMs: number): Late | undefined;
  /** By the index of latches that are late: what they may lack. */
  lacking(nowMs: number): ReadonlyMap<number, Lacking>;
  /** Counts what was decided before these counters were declared. */
  fill(past: PastUses, nowMs: number): void;
  readonly report: StateReport;
}

/** Since when each knows all, by its index: milliseconds since the Unix epoch. */
export interface Late {
  readonly counters: ReadonlyMap<number, number>;
  readonly latches: ReadonlyMap<number, number>;
}

export interface StateScope {
  readonly nowMs: number;
  readonly sessionId?: string | undefined;
  /** Index of the task that the request names. */
  readonly task?: number | undefined;
  /** Which of several runs of it in one session: of tasks that were granted (SPEC §16). */
  readonly taskId?: string | undefined;
  /** What the person wrote, come with this request: part of what `origin` sees, kept when there is a session. */
  readonly instruction?: string | undefined;
  /** Nothing is decided: it is not kept. */
  readonly isAhead?: boolean;
}

export interface StateView extends Facts {
  /**
   * Where the task stands; `undefined` before its first allowed call, `changed` when it began with another sequence
   * than it has now, and that is kept no longer.
   */
  readonly task: TaskState | "changed" | undefined;
}

export interface TaskState {
  readonly startedAtMs: number;
  /** Its latest allowed call. */
  readonly usedAtMs: number;
  /** Digest of the policy that it began under. */
  readonly policy: string;
  /** Allowed so far, whatever became of them. */
  readonly callCount: number;
  readonly progress: Progress;
  /** The sequence it began with and `progress` is told in terms of; missing where the policy in force has the same. */
  readonly past?: KeptSequence;
}

/** What one decision leaves behind. */
export interface Effects {
  readonly nowMs: number;
  readonly request: DecisionRequest;
  readonly touches: readonly Touch[];
  readonly sessionId?: string | undefined;
  /** Set where the decision ends the session. */
  readonly interrupt?: Interruption | undefined;
  /** Set where the decision is allow. */
  readonly allowed?: AllowedCall | undefined;
}

export interface AllowedCall {
  readonly call: string;
  /** Index of the task and where it stands with this call. */
  readonly task?: { readonly index: number; readonly state: TaskState } | undefined;
}

export interface SettledOutcome {
  readonly call: string;
  readonly nowMs: number;
  readonly status: "ok" | "error";
  /** Join the session's, and are of all values. */
  readonly labels: readonly string[];
  /** Position in the level `Sensitivity`. */
  readonly sensitivity?: number;
  readonly parts: readonly ReturnedPart[];
}

/** `Match` of task `index`. */
export type TaskMatch = (index: number) => Match;

export type Settlement =
  | { readonly ok: true; readonly repeated: boolean }
  | { readonly ok: false; readonly why: "unknown" | "settled" };
