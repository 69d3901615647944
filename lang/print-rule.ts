import type * as ast from "./ast.ts";
import { type Doc, hardLine, indent } from "./doc.ts";
import { nameRow, operand, quote, row, textRow, word } from "./print-expression.ts";
import type { Trivia } from "./trivia.ts";
import { unreachable } from "./unreachable.ts";

/** A clause a line, in the author's order. */
export function rule(node: ast.Rule, trivia: Trivia): Doc {
  const clauses = node.clauses.map((each, index) => [
    trivia.gap(hardLine, each.span.start, index === 0 ? "never" : "keep"),
    clause(each, trivia),
  ]);
  return [node.effect, " ", node.name.text, indent(clauses)];
}

function clause(node: ast.Clause, trivia: Trivia): Doc {
  switch (node.kind) {
    case "group":
      return [node.of, " in group ", textRow(node.groups, trivia)];
    case "kind":
      return [node.of, " is ", word(node.is, trivia)];
    case "tool":
      return ["tool ", selector(node.selector, trivia)];
    case "resource":
      return ["resource ", nameRow(node.types, trivia)];
    case "purpose":
      return ["purpose within ", nameRow(node.within, trivia)];
    case "task":
      return ["task ", nameRow(node.names, trivia)];
    case "when":
    case "unless":
      return [node.kind, " ", operand(node.condition, trivia)];
    case "let":
      return ["let ", node.name.text, " = ", operand(node.value, trivia)];
    case "with":
      return ["with ", obligations(node.obligations, trivia)];
    case "until":
      return until(node, trivia);
    case "then":
      return "then interrupt session";
    case "because":
      return ["because ", trivia.inside(node.text.span.start), quote(node.text.text)];
    case "tag":
      return ["tag ", textRow(node.tags, trivia)];
    default:
      return unreachable(node);
  }
}

/** `send_money, send_email` · `effect read, send` */
export function selector(node: ast.Selector, trivia: Trivia): Doc {
  return [node.kind === "effects" ? "effect " : "", nameRow(node.names, trivia)];
}

function obligations(nodes: readonly ast.Obligation[], trivia: Trivia): Doc {
  const elements = nodes.map(({ name, span, value }) => ({
    start: span.start,
    print: () => (value === undefined ? name.text : [name.text, " ", operand(value, trivia)]),
  }));
  return row(elements, trivia);
}

function until(node: Extract<ast.Clause, { kind: "until" }>, trivia: Trivia): Doc {
  const { approver, count } = node;
  const many = count === 1 ? "" : `${count} of `;
  const who =
    approver.kind === "group"
      ? [trivia.inside(approver.group.span.start), "group ", quote(approver.group.text)]
      : operand(approver.party, trivia);
  const { within } = node;
  const until =
    within === undefined
      ? ""
      : [indent(trivia.gap(" ", within.span.start)), "within ", within.text];
  return ["until approved by ", many, who, until];
}
