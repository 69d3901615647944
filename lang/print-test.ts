import type * as ast from "./ast.ts";
import { type Doc, group, hardLine, indent, line } from "./doc.ts";
import { expression, expressionRow, quote, record, textRow } from "./print-expression.ts";
import type { Trivia } from "./trivia.ts";
import { unreachable } from "./unreachable.ts";

export function test(node: ast.Test, trivia: Trivia): Doc {
  const steps = node.steps.map((each, index) => [
    trivia.gap(hardLine, each.span.start, index === 0 ? "never" : "keep"),
    step(each, trivia),
  ]);
  const after = trivia.closing("", node.span.end);
  return ["test ", quote(node.name.text), " {", indent([steps, after]), hardLine, "}"];
}

function step(node: ast.TestStep, trivia: Trivia): Doc {
  switch (node.kind) {
    case "givenParty":
      return ["given ", node.of, " ", quote(node.id.text), attributes(node.attributes, trivia)];
    case "givenDelegation":
      return delegation(node, trivia);
    case "givenResource":
      return ["given resource ", resource(node, trivia)];
    case "givenFact":
      return ["given ", node.of, " ", expression(node.value, trivia)];
    case "when":
      return group(["when ", call(node.call, trivia), expectation(node.expect, trivia)]);
    case "repeat":
      return group([
        `repeat ${node.times} `,
        call(node.call, trivia),
        expectation(node.expect, trivia),
      ]);
    case "wait":
      return ["wait ", node.duration.text];
    case "outcome":
      return outcome(node, trivia);
    default:
      return unreachable(node);
  }
}

function delegation(
  node: Extract<ast.GivenStep, { kind: "givenDelegation" }>,
  trivia: Trivia,
): Doc {
  const parties = node.parties.map((party) => partyName(party.text)).join(" -> ");
  const scope = node.scope === undefined ? "" : [" scope ", expression(node.scope, trivia)];
  const purpose = node.purpose === undefined ? "" : [" purpose ", node.purpose.text];
  return ["given delegation ", parties, scope, purpose, node.verified ? "" : " unverified"];
}

/** A word as it is, anything else as a string. */
function partyName(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : quote(text);
}

function resource(node: ast.TestResource, trivia: Trivia): Doc {
  return [node.type.text, " ", quote(node.id.text), attributes(node.attributes, trivia)];
}

function attributes(node: ast.RecordExpr | undefined, trivia: Trivia): Doc {
  return node === undefined ? "" : [" ", record(node, trivia)];
}

function call(node: ast.TestCall, trivia: Trivia): Doc {
  const args = attributes(node.args, trivia);
  const on = node.on === undefined ? "" : [" on ", resource(node.on, trivia)];
  const approvers = node.approvedBy;
  const approved = approvers.length === 0 ? "" : [" approved by ", textRow(approvers, trivia)];
  return [node.tool.text, args, on, approved];
}

function expectation(node: ast.Expectation | undefined, trivia: Trivia): Doc {
  if (node === undefined) return "";
  const listed = (word: string, names: readonly ast.Name[]) =>
    names.length === 0 ? "" : ` ${word} ${names.map((name) => name.text).join(", ")}`;
  const reasons = listed("by", node.by) + listed("with", node.with) + listed("next", node.next);
  const gap = trivia.gap(line, node.span.start);
  return [gap, "then ", node.decision, reasons, node.interrupt ? ", interrupt" : ""];
}

function outcome(node: Extract<ast.TestStep, { kind: "outcome" }>, trivia: Trivia): Doc {
  const names = node.labels.map((label) => label.text).join(", ");
  const labels = node.labels.length === 0 ? "" : ` labels [${names}]`;
  const { returns } = node;
  const value = returns.length === 0 ? "" : [" returns ", expressionRow(returns, trivia)];
  return ["outcome ", node.status, labels, value];
}
