/**
 * A package that is decided by Rego alone (SPEC §5.9.2): the request is the module's input, its answer the
 * decision. Nothing is remembered but which calls wait for their outcome.
 */

import type { Program } from "../../lang/ir.ts";
import type { OperatedService } from "../active.ts";
import type { Answer } from "../answer.ts";
import { digestOf } from "../canonical-json.ts";
import type { Decision, GivenObligation, PolicyIdentity } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import type { EvidenceSink } from "../evidence.ts";
import type { Ids } from "../ids.ts";
import type { JsonValue } from "../json.ts";
import { readOutcome } from "../outcome-reader.ts";
import { failed, type ModuleAnswer } from "./answer.ts";
import type { ModulePool } from "./pool.ts";

export interface AloneParts {
  readonly pool: ModulePool;
  readonly entrypoint: string;
  /** Declares nothing: what records name as the policy. */
  readonly program: Program;
  readonly identity: PolicyIdentity;
  /** Milliseconds since the Unix epoch, never backwards. */
  readonly now: () => number;
  readonly ids: Ids;
  readonly evidence?: EvidenceSink | undefined;
  /** Looked at and ended by operators: sessions are none of Rego's. */
  readonly operated: Pick<OperatedService, "inspection" | "sessions">;
}

/** Calls whose outcome may still come; the oldest are forgotten first. */
const CALLS_MOST = 100_000;

export function decidedByRego(parts: AloneParts): OperatedService {
  const calls = new Map<string, "ok" | "error" | undefined>();
  return {
    ...parts.operated,
    decide: async (input, vouched = {}) => {
      const beganMs = performance.now();
      const fault = faultOf(input);
      if (fault !== undefined) return { kind: "malformed", faults: [fault] };
      const nowMs = parts.now();
      const decision =
        refusedBy(vouched, parts) ?? decisionOf(await ask(input, nowMs, parts), parts);
      try {
        parts.evidence?.decided({
          program: parts.program,
          nowMs,
          input,
          vouched,
          decision,
          digest: () => digestOf({ policy: parts.identity.digest, request: input }),
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

/** What was revoked, and tokens that do not verify, are no question for Rego. */
function refusedBy(
  { refused, delegation }: Vouched,
  { ids, identity }: AloneParts,
): Decision | undefined {
  const refusal = refused ?? (delegation?.ok === false ? delegation : undefined);
  if (refusal === undefined) return undefined;
  const { code, cause, why } = refusal;
  return {
    decision: "deny",
    id: ids.decision(),
    code,
    ...(cause === undefined ? {} : { cause }),
    because: why,
    reasons: [],
    obligations: [],
    policy: identity,
  };
}

function ask(input: unknown, nowMs: number, { pool, entrypoint }: AloneParts) {
  const asked = { module: 0, entrypoint, input: JSON.stringify(input), nowMs };
  return pool.ask(asked).catch(() => failed("it could not be asked"));
}

/** A decision that nobody can look up later is not given. */
function unrecorded({ id, policy }: Decision): Decision {
  const because = "the decision could not be recorded";
  return {
    decision: "deny",
    id,
    code: "internal_error",
    because,
    reasons: [],
    obligations: [],
    policy,
  };
}

/** What any request has, so that records can say who asked for what. */
function faultOf(input: unknown): { readonly at: string; readonly message: string } | undefined {
  const { agent, tool } = (input ?? {}) as { agent?: { id?: unknown }; tool?: { name?: unknown } };
  if (typeof agent?.id !== "string") return { at: "/agent/id", message: "is no text" };
  if (typeof tool?.name !== "string") return { at: "/tool/name", message: "is no text" };
  return undefined;
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

type Calls = Map<string, "ok" | "error" | undefined>;

function remember(call: string, calls: Calls): void {
  calls.set(call, undefined);
  const [oldest] = calls.keys();
  if (calls.size > CALLS_MOST && oldest !== undefined) calls.delete(oldest);
}

/** Kept for the record: what a call returned changes nothing that Rego decides. */
function settle(
  input: unknown,
  calls: Calls,
  { program, evidence, now }: AloneParts,
): Answer<{ readonly call: string; readonly status: "ok" | "error" }> {
  const reading = readOutcome(input, program);
  if (!reading.ok) return { kind: "malformed", faults: reading.problems };
  const { report } = reading;
  const { call, status } = report;
  const before = calls.get(call);
  const tell = (settlement: "settled" | "repeated" | "unknown" | "conflict") =>
    evidence?.settled({ program, nowMs: now(), report, settlement });
  if (!calls.has(call)) {
    tell("unknown");
    return {
      kind: "unknown_call",
      because: "no call of that name was allowed, or it is long settled",
    };
  }
  if (before !== undefined && before !== status) {
    tell("conflict");
    return { kind: "already_settled", because: "another outcome of this call was reported before" };
  }
  calls.set(call, status);
  tell(before === undefined ? "settled" : "repeated");
  return { kind: "answer", value: { call, status } };
}
