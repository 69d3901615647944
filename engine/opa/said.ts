/** What a package that Rego alone decides makes of its module's answer (SPEC §5.9.2). Pure. */
import type { Decision, GivenObligation, PolicyIdentity } from "../decision.ts";
import type { Ids } from "../ids.ts";
import type { JsonValue } from "../json.ts";
import type { ModuleAnswer } from "./answer.ts";

export interface DecidingParts {
  readonly entrypoint: string;
  readonly identity: PolicyIdentity;
  readonly ids: Ids;
}

/** What it comes to that a module said this of a request (SPEC §5.9.2). */
export function decisionOf(
  answer: ModuleAnswer,
  { entrypoint, ids, identity }: DecidingParts,
): Decision {
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

/** Whether a decision was said by a record: OPA's clients, who know the document, read it so and no other way. */
export function isRecord(answer: ModuleAnswer | undefined): boolean {
  if (answer?.kind !== "defined" || typeof answer.value === "boolean") return false;
  return saidBy(answer.value) !== undefined;
}

interface Said {
  readonly allow: boolean;
  readonly reasons: readonly string[];
  readonly obligations: readonly GivenObligation[];
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
