/** A decision of ours as AuthZEN says it (SPEC §12.9; Authorization API 1.0, §5.5). */
import type { Decision, GivenObligation } from "../../decision.ts";
import type { Understands } from "../hand-out.ts";

export interface AuthzenDecision {
  readonly decision: boolean;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** Obligations Profile 1.0: what it has a type for, and everything else as `custom`. */
export interface AuthzenObligation {
  readonly id: string;
  readonly type: "notification" | "custom";
  readonly properties: Readonly<Record<string, unknown>>;
}

export const OBLIGATION_TYPES = ["notification", "custom"] as const;

/** Whoever declares one of these means AuthZEN's. A policy may call an obligation of its own so, which is a custom one. */
const STANDARD_TYPES: ReadonlySet<string> = new Set([
  "step-up",
  "notification",
  "session_termination",
  "custom",
]);

/** Whoever carries out `custom` ones carries out all that this service calls so. */
export function understandsAny(words: ReadonlySet<string>): Understands {
  return (type) =>
    (words.has(type) && !STANDARD_TYPES.has(type)) ||
    words.has(type === "notify" ? "notification" : "custom");
}

export function answerOf(decision: Decision, nowMs: number): AuthzenDecision {
  const { id, because, obligations } = decision;
  const reason = decision.decision === "hold" ? "approval_required" : decision.code;
  return {
    decision: decision.decision === "allow",
    context: {
      evaluation_id: id,
      evaluated_at: new Date(nowMs).toISOString(),
      ...(reason === undefined ? {} : { reason }),
      ...(because === undefined ? {} : { reason_user: { en: because } }),
      ...(obligations.length === 0 ? {} : { obligations: obligations.flatMap(obligationsOf) }),
      writ: ownMembers(decision),
    },
  };
}

/** What AuthZEN has no words for, as `POST /decide` says it. */
function ownMembers(decision: Decision): Partial<Decision> {
  const { call, code, reasons, errors, next, interrupt, approval, policy } = decision;
  return {
    ...(call === undefined ? {} : { call }),
    ...(code === undefined ? {} : { code }),
    reasons,
    ...(errors === undefined ? {} : { errors }),
    ...(next === undefined ? {} : { next }),
    ...(interrupt === undefined ? {} : { interrupt }),
    ...(approval === undefined ? {} : { approval }),
    policy,
  };
}

/** What could not be decided at all: a denial all the same (Authorization API 1.0, §7.2.2). */
export function errorOf(status: number, message: string): AuthzenDecision {
  return { decision: false, context: { error: { status, message } } };
}

export function obligationsOf(given: GivenObligation): readonly AuthzenObligation[] {
  const { id, type, ...members } = given;
  if (type === "notify" && "whom" in given) {
    return given.whom.map((to, index) => ({
      id: given.whom.length === 1 ? id : `${id}.${index + 1}`,
      type: "notification",
      properties: { to, body: "the policy wants this call to be told of" },
    }));
  }
  return [{ id, type: "custom", properties: { vendor: "writ", action: type, ...members } }];
}
