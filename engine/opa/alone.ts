/**
 * A package that is decided by Rego alone (SPEC §5.9.2): the request is the module's input, its answer the
 * decision. Nothing is remembered but which calls wait for their outcome, and which sessions operators ended.
 */

import type { Program } from "../../lang/ir.ts";
import type { OperatedService } from "../active.ts";
import type { Answer, OutcomeReceipt } from "../answer.ts";
import { settledAs } from "../answering.ts";
import { requestDigest } from "../canonical-json.ts";
import { INTERRUPTED } from "../decide.ts";
import type { Decision, GivenObligation, PolicyIdentity } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import type { EvidenceSink, FactsRead } from "../evidence.ts";
import type { Ids } from "../ids.ts";
import type { JsonValue } from "../json.ts";
import { readOutcome } from "../outcome-reader.ts";
import type { Settlement } from "../state/store.ts";
import { anyFromJson } from "../value.ts";
import { failed, type ModuleAnswer } from "./answer.ts";
import type { ModulePool } from "./pool.ts";

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
          facts: answer && factsOf(answer),
          digest: () => requestDigest(input, parts.identity.digest),
          micros: Math.round((performance.now() - beganMs) * 1000),
        });
      } catch {
        return { kind: "answer", value: unrecorded(decision) };
      }
      if (decision.call !== undefined) remember(decision.call, calls);
      return { kind: "answer", value: decision };
    },
    outcome: (input) => settle(input, calls, parts),
    readiness: () => ({ ready: true }),
  };
}

interface Refused {
  readonly code: NonNullable<Decision["code"]>;
  readonly cause?: NonNullable<Decision["cause"]>;
  readonly because: string;
}

/** What was revoked, and tokens that do not verify, are no question for Rego. */
function refusedBy({ refused, delegation }: Vouched): Refused | undefined {
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

function denied(id: string, refused: Refused, policy: PolicyIdentity): Decision {
  return { decision: "deny", id, ...refused, reasons: [], obligations: [], policy };
}

function ask(input: unknown, nowMs: number, { pool, entrypoint }: AloneParts) {
  const asked = { module: 0, entrypoint, input: JSON.stringify(input), nowMs };
  return pool.ask(asked).catch(() => failed("it could not be asked"));
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
function factsOf(answer: ModuleAnswer): FactsRead {
  const reading =
    answer.kind === "failed"
      ? undefined
      : { value: answer.kind === "defined" ? anyFromJson(answer.value) : undefined };
  return {
    counters: [],
    latches: [],
    origins: [],
    modules: [{ index: 0, reading }],
    task: undefined,
  };
}

interface Said {
  readonly allow: boolean;
  readonly reasons: readonly string[];
  readonly obligations: readonly GivenObligation[];
}

function decisionOf(answer: ModuleAnswer, parts: AloneParts): Decision {
  const { entrypoint, ids, identity } = parts;
  const said = answer.kind === "defined" ? saidBy(answer.value) : undefined;
  const rule = { rule: entrypoint, at: "policy.wasm" };
  const common = { id: ids.decision(), policy: identity };
  if (said === undefined) {
    const because =
      answer.kind === "failed"
        ? `the module gave no answer: ${answer.why}`
        : NO_DECISION[answer.kind];
    const errors = [{ ...rule, cause: "module_unavailable" }];
    return {
      decision: "deny",
      code: "indeterminate",
      because,
      reasons: [],
      obligations: [],
      errors,
      ...common,
    };
  }
  const because = said.reasons.length === 0 ? {} : { because: said.reasons.join("; ") };
  if (!said.allow) {
    const reasons = [{ ...rule, effect: "forbid", ...because } as const];
    return { decision: "deny", code: "forbidden", ...because, reasons, obligations: [], ...common };
  }
  const reasons = [{ ...rule, effect: "permit", ...because } as const];
  const { obligations } = said;
  return { decision: "allow", call: ids.call(), reasons, obligations, ...common };
}

const NO_DECISION = {
  undefined: "the module has no decision for this request",
  defined: "the module's answer is no decision",
} as const;

const MEMBERS: readonly string[] = ["allow", "reasons", "obligations"];

/** `undefined` for what is neither a Bool nor `{ allow, reasons?, obligations? }`: never an allow. */
function saidBy(value: JsonValue): Said | undefined {
  if (typeof value === "boolean") return { allow: value, reasons: [], obligations: [] };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { allow, reasons = [], obligations = [] } = value;
  if (Object.keys(value).some((name) => !MEMBERS.includes(name))) return undefined;
  if (typeof allow !== "boolean" || !isTexts(reasons) || !Array.isArray(obligations))
    return undefined;
  const given = obligations.map(obligationOf);
  const known = given.filter((one) => one !== undefined);
  return known.length === given.length ? { allow, reasons, obligations: known } : undefined;
}

function isTexts(value: JsonValue): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

const LEVELS: readonly JsonValue[] = ["none", "summary", "full"];
const TTL = /^[1-9][0-9]{0,9}(?:ms|s|m|h|d)$/;

/** As the language's obligations stand in decisions (SPEC §6.5); what is malformed is none. */
function obligationOf(json: JsonValue, index: number): GivenObligation | undefined {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const { type, scope, ttl, paths, level, whom, value = true } = json;
  const id = `o${index + 1}`;
  switch (type) {
    case "credential":
      if (!isTexts(scope ?? null) || typeof ttl !== "string" || !TTL.test(ttl)) return undefined;
      return { id, type, scope: scope as string[], ttl };
    case "redact":
      return isTexts(paths ?? null) ? { id, type, paths: paths as string[] } : undefined;
    case "log":
      return LEVELS.includes(level ?? null) ? { id, type, level: level as "full" } : undefined;
    case "notify":
      return isTexts(whom ?? null) ? { id, type, whom: whom as string[] } : undefined;
    default:
      return typeof type === "string" && /^[a-z][a-z0-9_]*$/.test(type)
        ? { id, type, value }
        : undefined;
  }
}

function remember(call: string, calls: Calls): void {
  calls.set(call, undefined);
  const [oldest] = calls.keys();
  if (calls.size > CALLS_MOST && oldest !== undefined) calls.delete(oldest);
}

/** Kept for the record: what a call returned changes nothing that Rego decides. */
function settle(input: unknown, calls: Calls, parts: AloneParts): Answer<OutcomeReceipt> {
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
