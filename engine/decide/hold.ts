/** Which holds a request waits for, and whose approval they want (SPEC §6.6). Pure. */
import { type ApprovalFact, idsOf, isMet, type Wanted } from "../approvals/fact.ts";
import type { DecisionInput } from "../decide.ts";
import type { ApprovalRequest, Reason } from "../decision.ts";
import type { Hit } from "../evaluate/evaluator.ts";
import type { Policy } from "../policy.ts";
import type { DecisionRequest } from "../request.ts";
import type { StateView } from "../state/store.ts";
import { isList, type RecordValue, Unknown } from "../value.ts";
import {
  becauseOf,
  errorsIn,
  inOrder,
  NO_REASONS,
  type Refusal,
  reasonsOf,
  unknownCode,
} from "./reasons.ts";

const HOLD_MS = 15 * 60_000;

export interface Holding {
  /** Who still has to approve; empty where nobody does. */
  readonly by: ApprovalRequest["by"];
  readonly reasons: readonly Reason[];
  readonly because: string | undefined;
  readonly withinMs: number;
  readonly refusal?: Refusal;
}

const NOT_HELD: Holding = { by: [], reasons: NO_REASONS, because: undefined, withinMs: HOLD_MS };

export function holdsOf(
  policy: Policy,
  holds: readonly Hit[],
  request: DecisionRequest,
  view: StateView,
  input: DecisionInput,
): Holding {
  if (holds.length === 0) return NOT_HELD;
  const given = validApprovals(input, request);
  const waiting: Hit[] = [];
  const by: ApprovalRequest["by"][number][] = [];
  for (const hit of inOrder(policy.rules, holds)) {
    const wanted = wantedBy(policy, hit, request, view);
    if (wanted instanceof Unknown) {
      return { ...NOT_HELD, refusal: unapprovable(policy, hit, wanted) };
    }
    if (isMet(wanted, given)) continue;
    waiting.push(hit);
    by.push(wanted);
  }
  const shown = waiting.length > 0 ? waiting : holds;
  const within = waiting.map(
    ({ rule }) => policy.program.rules[rule]?.approval?.withinMs ?? HOLD_MS,
  );
  return {
    by,
    reasons: reasonsOf(policy.rules, shown),
    because: becauseOf(policy.rules, shown),
    withinMs: Math.min(...within),
  };
}

function wantedBy(
  policy: Policy,
  { rule }: Hit,
  request: DecisionRequest,
  view: StateView,
): Wanted | Unknown {
  const name = policy.rules[rule]?.name ?? "";
  const approval = policy.program.rules[rule]?.approval;
  if (approval === undefined) return { group: "", count: 1, rule: name };
  const { approver, count } = approval;
  if (approver.kind === "group") return { group: approver.group, count, rule: name };
  const party = policy.evaluator.approver(rule, request, view);
  return party instanceof Unknown ? party : { party, count, rule: name };
}

function unapprovable(policy: Policy, hit: Hit, unknown: Unknown): Refusal {
  const unknowable = [{ rule: hit.rule, unknown }];
  return {
    code: unknownCode(unknowable),
    because: "this needs an approval, and whose could not be decided",
    reasons: reasonsOf(policy.rules, [hit]),
    errors: errorsIn(policy, policy.rules, unknowable),
  };
}

/** Of exactly this request, and of nobody who gains by it: not the agent, nor anyone the task passed through. */
function validApprovals(input: DecisionInput, { roots }: DecisionRequest): readonly ApprovalFact[] {
  if (input.approvals.length === 0) return [];
  const digest = input.digest();
  const excluded = partiesOf(roots.agent, roots.delegation);
  return input.approvals.filter(
    (approval) =>
      (approval.digest === undefined || approval.digest === digest) &&
      !idsOf(approval).some((id) => excluded.has(id)),
  );
}

/** Who cannot approve: the agent, and everybody that the task passed through but a person it began with. */
export function partiesOf(
  agent: RecordValue,
  delegation: RecordValue | undefined,
): ReadonlySet<unknown> {
  const parties = new Set<unknown>();
  const chain = delegation?.chain;
  for (const hop of isList(chain) ? (chain as readonly RecordValue[]) : []) {
    for (const end of [hop.from, hop.to] as readonly RecordValue[]) parties.add(end.id);
  }
  // The root is there without a chain as well: the principal, or the agent itself.
  const root = delegation?.root as RecordValue | undefined;
  if (root?.kind === "human") parties.delete(root.id);
  else parties.add(root?.id);
  parties.add(agent.id);
  return parties;
}
