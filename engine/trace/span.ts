/** What a trace tells of one decision or outcome: what was decided and by what, and nothing that was asked. Pure. */
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";

export interface Span {
  readonly name: "decide" | "outcome";
  readonly traceId: string;
  readonly spanId: string;
  /** Missing where the trace begins here. */
  readonly parentId?: string | undefined;
  readonly state: string;
  /** Since the Unix epoch. */
  readonly startMs: number;
  readonly elapsedMs: number;
  readonly attributes: Attributes;
  /** There is no answer: why not, in a word. */
  readonly failure?: string | undefined;
}

export type Attributes = Readonly<Record<string, string | readonly string[]>>;

/** Of the rules that determined a decision, so many are named. */
export const RULES_NAMED = 16;

/** Ids, arguments, reasons and words of people stay where they are: a trace has other readers than an audit log. */
export function told<Value>(
  answer: Answer<Value> | undefined,
  tell: (value: Value) => Attributes,
): Pick<Span, "attributes" | "failure"> {
  if (answer === undefined) return { attributes: {}, failure: "fault" };
  if (answer.kind === "answer") return { attributes: tell(answer.value) };
  const attributes = { "writ.refused": answer.kind };
  return answer.kind === "unavailable" ? { attributes, failure: answer.kind } : { attributes };
}

export function toldOfDecision(decision: Decision): Attributes {
  const { id, decision: effect, code, reasons, policy } = decision;
  return {
    "writ.decision": effect,
    // Ours, and random: it leads to the audit record.
    "writ.decision.id": id,
    ...(code === undefined ? {} : { "writ.code": code }),
    "writ.rules": reasons.slice(0, RULES_NAMED).map(({ rule }) => rule),
    "writ.policy.package": policy.package,
    "writ.policy.digest": policy.digest,
    ...(policy.revision === undefined ? {} : { "writ.policy.revision": policy.revision }),
  };
}
