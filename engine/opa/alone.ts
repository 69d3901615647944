/**
 * A package that is decided by Rego alone (SPEC §5.9.2): the request is the module's input, its answer the
 * decision. Nothing is remembered but which calls wait for their outcome, and which sessions operators ended.
 */

import type { Program } from "../../lang/ir.ts";
import type { OperatedService } from "../active.ts";
import type { Answer, OutcomeReceipt } from "../answer.ts";
import { settledAs } from "../answering.ts";
import type { Whole } from "../audit/whole.ts";
import { requestDigest } from "../canonical-json.ts";
import { INTERRUPTED } from "../decide.ts";
import { type Decision, denied, type PolicyIdentity, type Refused } from "../decision.ts";
import type { DecidingEngine, Vouched } from "../engine.ts";
import type { EvidenceSink, FactsRead } from "../evidence.ts";
import type { Ids } from "../ids.ts";
import { readOutcome } from "../outcome-reader.ts";
import type { Settlement } from "../state/store.ts";
import { anyFromJson } from "../value.ts";
import { failed, type ModuleAnswer } from "./answer.ts";
import type { ModulePool, Question } from "./pool.ts";
import { decisionOf, isRecord } from "./said.ts";

export interface AloneParts {
  readonly pool: ModulePool;
  readonly entrypoint: string;
  /** Declares nothing but the module, as records name it. */
  readonly program: Program;
  readonly identity: PolicyIdentity;
  /** Milliseconds since the Unix epoch, never backwards. */
  readonly now: () => number;
  readonly ids: Ids;
  readonly evidence?: EvidenceSink | undefined;
  /** Looked at and ended by operators: sessions are none of Rego's. */
  readonly operated: Pick<OperatedService, "inspection" | "sessions">;
  /** Of all policies that follow each other: what one allowed may settle under the next. */
  readonly calls: Calls;
}

/** By call, what was reported of it. */
export type Calls = Map<string, OutcomeReceipt["status"] | undefined>;

/** Calls whose outcome may still come; the oldest are forgotten first. */
const CALLS_MOST = 100_000;

export function decidedByRego(parts: AloneParts): OperatedService {
  const { calls } = parts;
  const { inspection, sessions } = parts.operated;
  return {
    // Nothing else of it: what it would say ahead of a call is not what Rego says.
    inspection,
    sessions,
    decide: async (input, vouched = {}) => {
      const beganMs = performance.now();
      const fault = faultOf(input);
      if (fault !== undefined) return { kind: "malformed", faults: [fault] };
      const nowMs = parts.now();
      const refused = refusedBy(vouched);
      const answer = refused === undefined ? await ask(input, nowMs, parts) : undefined;
      const decision = await decisionAbout(input, answer, refused, parts);
      try {
        parts.evidence?.decided({
          program: parts.program,
          nowMs,
          input,
          vouched,
          decision,
          facts: answer && factsOf(answer, nowMs),
          digest: () => requestDigest(input, parts.identity.digest),
          micros: Math.round((performance.now() - beganMs) * 1000),
        });
      } catch {
        return { kind: "answer", value: unrecorded(decision) };
      }
      if (decision.call !== undefined) remember(decision.call, calls);
      return { kind: "answer", value: decision, ...(isRecord(answer) && { isRecord: true }) };
    },
    outcome: (input) => settle(input, calls, parts),
    readiness: () => ({ ready: true }),
  };
}

export interface AloneAtOnceParts
  extends Omit<AloneParts, "pool" | "operated" | "calls" | "evidence"> {
  /** Waits for the module. */
  readonly ask: (question: Question) => ModuleAnswer;
}

/** The same for whoever decides one request after the other, where there are no operators and no records. */
export function decidedByRegoAtOnce(parts: AloneAtOnceParts): DecidingEngine {
  const calls: Calls = new Map();
  const about = (input: unknown, vouched: Vouched): Decision => {
    const refused = refusedBy(vouched);
    if (refused !== undefined) return denied(parts.ids.decision(), refused, parts.identity);
    return decisionOf(parts.ask(questionAbout(input, parts.now(), parts.entrypoint)), parts);
  };
  return {
    decide(input, vouched = {}) {
      const fault = faultOf(input);
      if (fault !== undefined) return { kind: "malformed", faults: [fault] };
      const value = about(input, vouched);
      if (value.call !== undefined) remember(value.call, calls);
      return { kind: "answer", value };
    },
    outcome: (input) => settle(input, calls, parts),
  };
}

/** What was revoked, and tokens that do not verify, are no question for Rego. */
export function refusedBy({
  refused,
  delegation,
}: Pick<Whole, "refused" | "delegation">): Refused | undefined {
  const refusal = refused ?? (delegation?.ok === false ? delegation : undefined);
  if (refusal === undefined) return undefined;
  const { code, cause, why: because } = refusal;
  return { code, ...(cause === undefined ? {} : { cause }), because };
}

/** The session is looked up last: one that was ended while Rego was asked is ended. */
async function decisionAbout(
  input: unknown,
  answer: ModuleAnswer | undefined,
  refused: Refused | undefined,
  parts: AloneParts,
): Promise<Decision> {
  const refusal = refused ?? (await sessionRefusal(input, parts.operated));
  if (refusal === undefined) return decisionOf(answer ?? failed("it was not asked"), parts);
  return denied(parts.ids.decision(), refusal, parts.identity);
}

function ask(input: unknown, nowMs: number, { pool, entrypoint }: AloneParts) {
  return pool
    .ask(questionAbout(input, nowMs, entrypoint))
    .catch(() => failed("it could not be asked"));
}

function questionAbout(input: unknown, nowMs: number, entrypoint: string): Question {
  return { module: 0, entrypoint, input: JSON.stringify(input), nowMs };
}

/** A decision that nobody can look up later is not given. */
function unrecorded({ id, policy }: Decision): Decision {
  const because = "the decision could not be recorded";
  return denied(id, { code: "internal_error", because }, policy);
}

interface Named {
  readonly agent?: { readonly id?: unknown } | null;
  readonly tool?: { readonly name?: unknown } | null;
  readonly session?: { readonly id?: unknown } | null;
}

/** What any request has, so that records can say who asked for what, and operators end a session. */
function faultOf(input: unknown): { readonly at: string; readonly message: string } | undefined {
  const { agent, tool, session } = (input ?? {}) as Named;
  if (typeof agent?.id !== "string") return { at: "/agent/id", message: "is no text" };
  if (typeof tool?.name !== "string") return { at: "/tool/name", message: "is no text" };
  if (session !== undefined && typeof session?.id !== "string") {
    return { at: "/session/id", message: "is no text" };
  }
  return undefined;
}

/** Why nothing is allowed in the request's session, whatever Rego says. */
async function sessionRefusal(
  input: unknown,
  { inspection }: AloneParts["operated"],
): Promise<Refused | undefined> {
  const id = (input as Named).session?.id;
  if (typeof id !== "string") return undefined;
  try {
    const session = await inspection.session(id);
    return session?.interrupted === true ? INTERRUPTED : undefined;
  } catch {
    return UNKNOWN_SESSION;
  }
}

const UNKNOWN_SESSION: Refused = {
  code: "state_unavailable",
  because: "whether the session was ended cannot be known",
};

/** As of any imported module, so that records have which one said what. */
function factsOf(answer: ModuleAnswer, nowMs: number): FactsRead {
  const reading =
    answer.kind === "failed"
      ? undefined
      : { value: answer.kind === "defined" ? anyFromJson(answer.value) : undefined };
  return {
    nowMs,
    counters: [],
    latches: [],
    origins: [],
    modules: [{ index: 0, reading }],
    task: undefined,
  };
}

function remember(call: string, calls: Calls): void {
  calls.set(call, undefined);
  const [oldest] = calls.keys();
  if (calls.size > CALLS_MOST && oldest !== undefined) calls.delete(oldest);
}

/** Kept for the record: what a call returned changes nothing that Rego decides. */
function settle(
  input: unknown,
  calls: Calls,
  parts: Pick<AloneParts, "program" | "now" | "evidence">,
): Answer<OutcomeReceipt> {
  const reading = readOutcome(input, parts.program);
  if (!reading.ok) return { kind: "malformed", faults: reading.problems };
  const { report } = reading;
  const { call, status } = report;
  const settled = settlementBy({ call, status }, calls);
  if (settled.ok) calls.set(call, status);
  return settledAs(settled, report, parts.now(), parts);
}

function settlementBy({ call, status }: OutcomeReceipt, calls: Calls): Settlement {
  const before = calls.get(call);
  if (!calls.has(call)) return { ok: false, why: "unknown" };
  if (before !== undefined && before !== status) return { ok: false, why: "settled" };
  return { ok: true, repeated: before !== undefined };
}
