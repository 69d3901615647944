import type * as ast from "./ast.ts";
import { type Doc, group, indent, line } from "./doc.ts";
import { expression } from "./print-expression.ts";
import type { Trivia } from "./trivia.ts";
import { unreachable } from "./unreachable.ts";

/** `a, (b | c)*, d{1,2}`: parentheses where the tree needs them, and nowhere else. */
export function sequence(node: ast.Sequence, trivia: Trivia): Doc {
  switch (node.kind) {
    case "step":
      return step(node, trivia);
    case "then":
      return parts(
        node.parts,
        ",",
        trivia,
        (part) => part.kind === "then" || part.kind === "either",
      );
    case "either":
      return parts(node.parts, " |", trivia, (part) => part.kind === "either");
    case "repeat":
      return [grouped(node.of, trivia, node.of.kind !== "step"), times(node)];
    default:
      return unreachable(node);
  }
}

function parts(
  nodes: readonly ast.Sequence[],
  separator: string,
  trivia: Trivia,
  isGroup: (node: ast.Sequence) => boolean,
): Doc {
  return indent(
    nodes.map((node, index) => {
      if (index === 0) return grouped(node, trivia, isGroup(node));
      const gap = trivia.gap(line, node.span.start);
      return [separator, group([gap, grouped(node, trivia, isGroup(node))])];
    }),
  );
}

function grouped(node: ast.Sequence, trivia: Trivia, inParentheses: boolean): Doc {
  const inner = sequence(node, trivia);
  return inParentheses ? ["(", inner, ")"] : inner;
}

function times(node: Extract<ast.Sequence, { kind: "repeat" }>): string {
  if (node.written !== "{}") return node.written;
  if (node.most === undefined) return `{${node.least},}`;
  return node.most === node.least ? `{${node.least}}` : `{${node.least},${node.most}}`;
}

function step(node: Extract<ast.Sequence, { kind: "step" }>, trivia: Trivia): Doc {
  const { kind, names } = node.selector;
  const name = [kind === "effects" ? "effect " : "", names.map(({ text }) => text).join(", ")];
  if (node.args.length === 0) return name;
  const args = node.args.map((argument, index) => {
    const gap =
      index === 0
        ? trivia.gap("", argument.span.start)
        : [",", trivia.gap(line, argument.span.start)];
    return [gap, stepArgument(argument, trivia)];
  });
  return group([name, "(", indent(args), ")"]);
}

function stepArgument(node: ast.StepArgument, trivia: Trivia): Doc {
  if (node.kind === "bind") return [node.argument.text, " as ", node.as.text];
  return expression(node.condition, trivia);
}
