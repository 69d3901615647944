/** Expressions and types as text: half of the formatter. */
import type * as ast from "./ast.ts";
import { hexOf, replaceHidden } from "./characters.ts";
import { brokenGroup, type Doc, group, hardLine, ifBroken, indent, line, softLine } from "./doc.ts";
import type { Trivia } from "./trivia.ts";
import { unreachable } from "./unreachable.ts";

export function expression(expr: ast.Expr, trivia: Trivia): Doc {
  switch (expr.kind) {
    case "bool":
      return String(expr.value);
    case "number":
    case "duration":
      return expr.text;
    case "string":
      return quote(expr.value);
    case "list":
      return list(expr, trivia);
    case "record":
      return record(expr, trivia);
    case "name":
      return expr.name;
    case "attribute":
      return [
        expression(expr.of, trivia),
        trivia.inside(expr.name.span.start),
        ".",
        expr.name.text,
      ];
    case "index":
      return [expression(expr.of, trivia), "[", operand(expr.index, trivia), "]"];
    case "call":
      return call(expr, trivia);
    case "aggregate":
      return aggregate(expr, trivia);
    case "quantifier":
      return quantifier(expr, trivia);
    case "not":
      return ["not ", operand(expr.operand, trivia)];
    case "negate":
      return ["-", operand(expr.operand, trivia)];
    case "has":
      return ["has ", operand(expr.of, trivia)];
    case "is":
      return [expression(expr.of, trivia), expr.not ? " is not " : " is ", word(expr.what, trivia)];
    case "binary":
      return chain(expr, trivia);
    case "if":
      return group(conditional(expr, trivia));
    case "paren":
      return parentheses(expr, trivia);
    default:
      return unreachable(expr);
  }
}

/** Behind a word or sign, on its line: comments in between stay there. */
export function operand(expr: ast.Expr, trivia: Trivia): Doc {
  return [trivia.inside(expr.span.start), expression(expr, trivia)];
}

/** A name behind a word or sign, likewise. */
export function word({ text, span }: ast.Name, trivia: Trivia): Doc {
  return [trivia.inside(span.start), text];
}

export function type(node: ast.Type, trivia: Trivia): Doc {
  switch (node.kind) {
    case "named":
      if (node.arguments.length === 0) return node.name.text;
      return [node.name.text, "<", separated(node.arguments, ", ", (of) => type(of, trivia)), ">"];
    case "oneOf":
      return group(indent(node.values.map((value, index) => oneOf(value, index, trivia))));
    case "record":
      return recordType(node, trivia);
    case "optional":
      return [type(node.of, trivia), "?"];
    default:
      return unreachable(node);
  }
}

function oneOf(value: ast.Text, index: number, trivia: Trivia): Doc {
  const gap = trivia.gap(index === 0 ? "" : line, value.span.start);
  return [gap, index === 0 ? "" : "| ", quote(value.text)];
}

/** Before the file: no comment stands there. */
const NOWHERE = -1;

export function recordType(node: ast.RecordType, trivia: Trivia): Doc {
  const fields = node.fields.map((field) => ({
    start: field.name.span.start,
    print: () => fieldType(field, trivia),
  }));
  // The `*` has no place of its own in the tree: comments before it go before the bracket.
  const all = node.open ? [...fields, { start: NOWHERE, print: () => "*" }] : fields;
  return braces(all, node.span.end, trivia);
}

function fieldType(field: ast.FieldType, trivia: Trivia): Doc {
  const head = [field.name.text, wire(field.wire), ": ", type(field.type, trivia)];
  return field.default === undefined ? head : [head, " = ", expression(field.default, trivia)];
}

export function wire(name: ast.Text | undefined): Doc {
  return name === undefined ? "" : [" named ", quote(name.text)];
}

export function record(node: ast.RecordExpr, trivia: Trivia): Doc {
  const fields = node.fields.map(({ name, value }) => ({
    start: name.span.start,
    print: () => [name.text, ": ", expression(value, trivia)],
  }));
  return braces(fields, node.span.end, trivia);
}

export interface Element {
  readonly start: number;
  readonly print: () => Doc;
}

/** `{ a, b }`, or one element a line where the author began so, or where one line is too short. */
export function braces(elements: readonly Element[], end: number, trivia: Trivia): Doc {
  return bracketed("{", elements, "}", end, trivia, line);
}

function list(node: Extract<ast.Expr, { kind: "list" }>, trivia: Trivia): Doc {
  const items = node.items.map((item) => ({
    start: item.span.start,
    print: () => expression(item, trivia),
  }));
  return bracketed("[", items, "]", node.span.end, trivia, softLine);
}

function bracketed(
  open: string,
  elements: readonly Element[],
  close: string,
  end: number,
  trivia: Trivia,
  edge: Doc,
): Doc {
  const [first] = elements;
  const wide = first !== undefined && trivia.opensLine(first.start);
  const inside = elements.map(({ start, print }, index) => [
    index === 0 ? trivia.gap(edge, start) : [",", trivia.gap(line, start, "keep")],
    print(),
  ]);
  const after = trivia.closing("", end);
  const last = after === "" && first === undefined ? "" : edge;
  const contents = [
    [open, indent([inside, first === undefined ? "" : ifBroken(","), after])],
    [after === "" ? last : hardLine, close],
  ];
  return wide ? brokenGroup(contents) : group(contents);
}

/** `a, b, c` over as few lines as it needs. */
export function row(elements: readonly Element[], trivia: Trivia, separator = ","): Doc {
  return indent(
    elements.map(({ start, print }, index) =>
      index === 0
        ? [trivia.gap("", start), print()]
        : [separator, group([trivia.gap(line, start), print()])],
    ),
  );
}

export function nameRow(names: readonly ast.Name[], trivia: Trivia, separator = ","): Doc {
  return row(
    names.map((name) => ({ start: name.span.start, print: () => name.text })),
    trivia,
    separator,
  );
}

export function textRow(texts: readonly ast.Text[], trivia: Trivia): Doc {
  return row(
    texts.map((text) => ({ start: text.span.start, print: () => quote(text.text) })),
    trivia,
  );
}

export function expressionRow(exprs: readonly ast.Expr[], trivia: Trivia): Doc {
  return row(
    exprs.map((expr) => ({ start: expr.span.start, print: () => expression(expr, trivia) })),
    trivia,
  );
}

function call(node: Extract<ast.Expr, { kind: "call" }>, trivia: Trivia): Doc {
  const args = node.arguments.map((argument, index) => [
    index === 0
      ? trivia.gap(softLine, argument.span.start)
      : [",", trivia.gap(line, argument.span.start)],
    expression(argument, trivia),
  ]);
  const after = trivia.closing("", node.span.end);
  if (args.length === 0 && after === "") return [node.name.text, "()"];
  const end = after === "" ? softLine : hardLine;
  return group([node.name.text, "(", indent([args, after]), end, ")"]);
}

function aggregate(node: Extract<ast.Expr, { kind: "aggregate" }>, trivia: Trivia): Doc {
  const head = [node.op, "(", node.variable.text, " in ", expression(node.over, trivia)];
  const { where, body } = node;
  const filter = where
    ? [trivia.gap(line, where.span.start), "where ", expression(where, trivia)]
    : "";
  const result = body ? [":", trivia.gap(line, body.span.start), expression(body, trivia)] : "";
  const after = trivia.closing("", node.span.end);
  return group([head, indent([filter, result, after]), after === "" ? "" : hardLine, ")"]);
}

function quantifier(node: Extract<ast.Expr, { kind: "quantifier" }>, trivia: Trivia): Doc {
  const head = [node.op, " ", node.variable.text, " in ", expression(node.over, trivia), ":"];
  const gap = trivia.gap(line, node.body.span.start);
  return group([head, indent([gap, expression(node.body, trivia)])]);
}

function conditional(node: Extract<ast.Expr, { kind: "if" }>, trivia: Trivia): Doc {
  const condition = expression(node.condition, trivia);
  const yes = [trivia.gap(line, node.then.span.start), "then ", expression(node.then, trivia)];
  const no = [trivia.gap(line, node.else.span.start), "else ", expression(node.else, trivia)];
  return ["if ", condition, indent([yes, no])];
}

function parentheses(node: Extract<ast.Expr, { kind: "paren" }>, trivia: Trivia): Doc {
  const before = trivia.gap("", node.inner.span.start);
  const inner = expression(node.inner, trivia);
  const after = trivia.closing("", node.span.end);
  return ["(", before, inner, after, after === "" ? "" : hardLine, ")"];
}

/** Operators that stand in one row: `a - b + c` is read from the left, and breaks as a whole. */
const LEVELS: Readonly<Partial<Record<ast.BinaryOperator, string>>> = {
  or: "or",
  and: "and",
  "??": "??",
  "+": "sum",
  "-": "sum",
  "*": "*",
};

function chain(node: Extract<ast.Expr, { kind: "binary" }>, trivia: Trivia): Doc {
  const level = LEVELS[node.op];
  const links = [node];
  let left = node.left;
  while (left.kind === "binary" && level !== undefined && LEVELS[left.op] === level) {
    links.push(left);
    left = left.left;
  }
  const first = expression(left, trivia);
  const rest = links.toReversed().map(({ op, right }) => {
    const gap = trivia.gap(line, right.span.start);
    return [gap, op, " ", expression(right, trivia)];
  });
  return group([first, indent(rest)]);
}

function separated<T>(items: readonly T[], separator: string, print: (item: T) => Doc): Doc {
  return items.map((item, index) => [index === 0 ? "" : separator, print(item)]);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
};

/** As a literal: what nobody would see is written by its number. */
export function quote(value: string): string {
  const escaped = value.replace(/["\\\n\t\r]/g, (character) => ESCAPES[character] ?? character);
  return `"${replaceHidden(escaped, (character) => `\\u{${hexOf(character)}}`)}"`;
}
