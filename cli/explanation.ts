/** Decisions and how they came about, as text. */
import type { Decision, DenyCode } from "../engine/decision.ts";
import type { Outcome, RuleExplanation, TreeNode, Unfolded } from "../engine/explain/explain.ts";
import { indent, type Paint, printable } from "./terminal.ts";

const MARKS: Readonly<Record<Outcome, string>> = { true: "✓", false: "✗", unknown: "?" };

/** `deny  forbidden by exfiltration (payments.writ:52:8)`, and below it what follows from it. */
export function showDecision(decision: Decision, paint: Paint): string {
  const { decision: word, code, cause, reasons, because } = decision;
  const color = word === "allow" ? "green" : word === "deny" ? "red" : "yellow";
  const names = reasons.map(
    ({ rule, at, indeterminate }) =>
      `${printable(rule)} ${paint("dim", `(${printable(at)}${indeterminate ? ", could not be decided" : ""})`)}`,
  );
  const by = names.length === 0 ? "" : ` by ${names.join(", ")}`;
  const lines = [
    `${paint(color, word)}${code === undefined ? "" : ` ${code}`}${cause === undefined ? "" : ` (${cause})`}${by}`,
    ...(because === undefined ? [] : [`  because: ${printable(because)}`]),
    ...(decision.next === undefined
      ? []
      : [`  next: ${printable(decision.next.join(", ")) || "nothing"}`]),
    ...(decision.interrupt ? ["  the session is interrupted"] : []),
    ...decision.obligations.map((obligation) => `  with ${showObligation(obligation)}`),
    ...(decision.approval?.by ?? []).map((one) => `  until approved by ${showApprover(one)}`),
    ...(decision.errors ?? []).map(
      (one) => `  could not be decided: ${printable(`${one.rule} (${one.at})`)}: ${one.cause}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function showObligation({ id: _, type, ...rest }: Decision["obligations"][number]): string {
  return printable(`${type} ${JSON.stringify(rest)}`);
}

type Approver = NonNullable<Decision["approval"]>["by"][number];

function showApprover({ party, group, count, rule }: Approver): string {
  const who = party === undefined ? `${count} of group "${group}"` : party;
  return printable(`${who} (${rule})`);
}

/** Below the decision: what rules say of it, or that none was asked (SPEC §6.2). */
export function showUnfolded({ code }: Decision, unfolded: Unfolded, paint: Paint): string {
  const shown = showRules(unfolded, paint);
  if (shown === "") return "\nno rule is about this\n";
  const isBefore = code !== undefined && BEFORE_RULES.has(code);
  return isBefore ? `\nno rule was asked; this is what they would say\n\n${shown}` : `\n${shown}`;
}

const BEFORE_RULES: ReadonlySet<DenyCode> = new Set([
  "session_interrupted",
  "revoked",
  "delegation_invalid",
]);

function showRules(unfolded: Unfolded, paint: Paint): string {
  const { applying, nearly, nearestPermit, broken } = unfolded;
  const sections: string[] = [];
  const add = (title: string, rules: readonly RuleExplanation[]) => {
    if (rules.length === 0) return;
    const shown = rules.map((rule) => indent(showRule(rule, paint), "  ")).join("");
    sections.push(`${paint("bold", title)}\n${shown}`);
  };
  const isTrue = ({ outcome }: RuleExplanation) => outcome === "true";
  const isUnknown = ({ outcome }: RuleExplanation) => outcome === "unknown";
  add("Applies", applying.filter(isTrue));
  add("Could not be decided", [...applying, ...broken].filter(isUnknown));
  add("Would break an invariant", broken.filter(isTrue));
  add("Nearest permit", nearestPermit === undefined ? [] : [nearestPermit]);
  add("Nearly applies", nearly);
  return sections.join("\n");
}

export function showRule(rule: RuleExplanation, paint: Paint): string {
  const because = rule.because === undefined ? [] : [`  because: ${printable(rule.because)}`];
  const clauses = rule.clauses.map(({ text, outcome, instead }) => {
    const other = instead === undefined ? "" : `: ${printable(instead)}`;
    return `  ${mark(outcome, paint)} ${printable(text)}${other}`;
  });
  const conditions = rule.conditions.flatMap(({ text, outcome, tree }) => [
    `  ${mark(outcome, paint)} ${printable(text)}`,
    ...showParts(tree, 4, paint),
  ]);
  const stopped =
    rule.stoppedBy.length === 0 || rule.outcome === "true"
      ? []
      : [
          `  ${paint("yellow", "stopped by")}`,
          ...rule.stoppedBy.map((one) => `    ${printable(one)}`),
        ];
  const head = `${rule.effect} ${paint("bold", printable(rule.rule))} ${paint("dim", `(${printable(rule.at)})`)}`;
  return `${[head, ...because, ...clauses, ...conditions, ...stopped].join("\n")}\n`;
}

function mark(outcome: Outcome, paint: Paint): string {
  const color = outcome === "true" ? "green" : outcome === "false" ? "red" : "yellow";
  return paint(color, MARKS[outcome]);
}

function showNode(node: TreeNode, columns: number, paint: Paint): string {
  const { text, value, element } = node;
  const at = element === undefined ? "" : `${printable(element)}: `;
  const line = `${" ".repeat(columns)}${at}${printable(text)} ${paint("dim", "=")} ${paint("cyan", printable(value))}`;
  return [line, ...showParts(node, columns + 2, paint)].join("\n");
}

function showParts({ parts, more }: TreeNode, columns: number, paint: Paint): readonly string[] {
  const shown = parts.map((part) => showNode(part, columns, paint));
  return more === undefined ? shown : [...shown, `${" ".repeat(columns)}… ${more} more`];
}
