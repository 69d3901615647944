/** Decisions that are not the same under two policies. */
import type { Decision } from "../../engine/decision.ts";
import type { ReplayPolicy, ReplayStep } from "../../engine/replay.ts";
import { count, type Paint } from "../terminal.ts";
import type { Run } from "./agentdojo.ts";
import { cut, moreText, paintDecision } from "./report.ts";
import { foundCall } from "./score.ts";

export interface Differing {
  readonly run: string;
  readonly call: number;
  readonly request: ReplayStep["request"];
  readonly decision: Decision;
  readonly against: Decision;
}

export function compareRun(
  run: Run,
  ours: readonly Decision[],
  theirs: readonly Decision[],
  into: Differing[],
): void {
  const name = [run.suite, run.kind, run.model, run.attack, run.name];
  for (const [call, step] of run.steps.entries()) {
    const [decision, against] = [ours[call], theirs[call]];
    if (decision === undefined || against === undefined || sameDecision(decision, against))
      continue;
    const label = name.filter((part) => part !== undefined && part !== "").join(" · ");
    into.push({ run: label, call, request: step.request, decision, against });
  }
}

/** Everything but names of records, places in the text, words for people and the policy's identity. */
export function sameDecision(a: Decision, b: Decision): boolean {
  return meaningOf(a) === meaningOf(b);
}

/** What the enforcement point does, whatever it was decided by. */
export function sameEffect(a: Decision, b: Decision): boolean {
  return effectOf(a) === effectOf(b);
}

function effectOf({ decision, obligations }: Decision): string {
  return JSON.stringify([decision, dutiesOf(obligations)]);
}

function dutiesOf(obligations: Decision["obligations"]): readonly string[] {
  return obligations.map(({ id: _, ...rest }) => JSON.stringify(rest)).sort();
}

function meaningOf({
  decision,
  code,
  reasons,
  obligations,
  next,
  interrupt,
  approval,
}: Decision): string {
  const rules = reasons.map(({ rule, effect, indeterminate }) => [effect, rule, indeterminate]);
  const duties = dutiesOf(obligations);
  const by = approval?.by.map(({ rule: _, ...rest }) => rest);
  return JSON.stringify([decision, code, rules, duties, next, interrupt, by, approval?.until]);
}

export function differingText(
  differing: readonly Differing[],
  other: ReplayPolicy | undefined,
  limit: number,
  paint: Paint,
): string {
  if (other === undefined) return "";
  if (differing.length === 0) return "\nno decision differs\n";
  const changed = differing.filter(
    ({ decision, against }) => decision.decision !== against.decision,
  );
  const rest = differing.filter(({ decision, against }) => decision.decision === against.decision);
  const shown = [...changed, ...rest].slice(0, limit).map((one) => {
    const from = foundCall(one.request, one.against);
    const to = foundCall(one.request, one.decision);
    const why = (rules: readonly string[], code?: string) =>
      [code, ...rules].filter((part) => part !== undefined).join(", ");
    return (
      `  ${cut(one.run)}, call ${one.call + 1}: ${cut(`${to.tool} ${JSON.stringify(to.args)}`, 120)}\n` +
      `    ${paintDecision(from.decision, paint)} ${why(from.rules, from.code)}\n` +
      `    ${paintDecision(to.decision, paint)} ${why(to.rules, to.code)}\n`
    );
  });
  const summary = `${count(differing.length, "decision")} differ${differing.length === 1 ? "s" : ""}${rest.length === 0 ? "" : `, ${rest.length} of them only in why or with what`} (under OTHER first)`;
  return `\n${paint("bold", summary)}\n${shown.join("")}${moreText(differing.length - shown.length)}`;
}
