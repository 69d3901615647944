/** AST → canonical text (`writ fmt`): two columns a level, a clause a line, 100 columns; comments stay where they were. */
import type * as ast from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type Doc, group, hardLine, indent, layOut, line } from "./doc.ts";
import { parseFile } from "./parse.ts";
import {
  braces,
  expression,
  expressionRow,
  nameRow,
  quote,
  recordType,
  row,
  type,
  wire,
} from "./print-expression.ts";
import { rule, selector } from "./print-rule.ts";
import { sequence } from "./print-sequence.ts";
import { test } from "./print-test.ts";
import type { SourceFile } from "./source.ts";
import { Trivia } from "./trivia.ts";
import { unreachable } from "./unreachable.ts";

const WIDTH = 100;

export type Formatted = { readonly text: string } | { readonly diagnostics: readonly Diagnostic[] };

/** The text in canonical form, or why it has none. */
export function format(source: SourceFile): Formatted {
  const { file, diagnostics } = parseFile(source);
  return diagnostics.length > 0 ? { diagnostics } : { text: print(file, source.text) };
}

/**
 * Parsing the result gives the same tree. `text` is what the tree was parsed from: it tells blank lines, and which
 * comments stand at the end of a line. A tree made otherwise needs none.
 */
export function print(file: ast.File, text = ""): string {
  const trivia = new Trivia(file.comments, text);
  const head = [trivia.gap("", file.span.start, "keep"), "package ", file.package.text];
  const uses = file.uses.map((use, index) => [
    trivia.gap(hardLine, use.span.start, index === 0 ? "always" : "keep"),
    ["use ", use.package.text, " from ", quote(use.from.text)],
  ]);
  const items = file.items.map((node, index) => {
    const before = file.items[index - 1];
    const apart = before === undefined || standsApart(before) || standsApart(node);
    const gap = trivia.gap(hardLine, node.span.start, apart ? "always" : "keep");
    const printed = item(node, trivia);
    return [gap, trivia.left(node.span.end), printed];
  });
  const end = trivia.closing("", Number.POSITIVE_INFINITY);
  return `${layOut([head, uses, items, end], WIDTH).trim()}\n`;
}

/** Items of many lines have a blank line around them; the others stand as the author grouped them. */
function standsApart(node: ast.Item): boolean {
  return (
    node.kind === "rule" || node.kind === "task" || node.kind === "never" || node.kind === "test"
  );
}

function item(node: ast.Item, trivia: Trivia): Doc {
  switch (node.kind) {
    case "import":
      return importRego(node, trivia);
    case "level":
      return ["level ", node.name.text, " = ", nameRow(node.values, trivia, " <")];
    case "purpose":
    case "label":
      return [node.kind, " ", nameRow(node.names, trivia)];
    case "type":
      return ["type ", node.name.text, " = ", type(node.type, trivia)];
    case "tool":
      return tool(node, trivia);
    case "resource":
      return ["resource ", node.name.text, " ", recordType(node.record, trivia)];
    case "attributes":
      return [node.of, " ", recordType(node.record, trivia)];
    case "counter":
      return counter(node, trivia);
    case "latch":
      return latch(node, trivia);
    case "fn":
      return fn(node, trivia);
    case "rule":
      return rule(node, trivia);
    case "task":
      return task(node, trivia);
    case "never":
      return never(node, trivia);
    case "pep":
      return ["pep ", node.name.text, " { lacks ", nameRow(node.lacks, trivia), " }"];
    case "test":
      return test(node, trivia);
    default:
      return unreachable(node);
  }
}

function importRego(node: ast.ImportRego, trivia: Trivia): Doc {
  const from = [
    "import rego ",
    quote(node.module.text),
    " entrypoint ",
    quote(node.entrypoint.text),
  ];
  return [from, " as ", node.name.text, ": ", type(node.type, trivia)];
}

function tool(node: ast.Tool, trivia: Trivia): Doc {
  const names = node.names.map((each) => ({
    start: each.name.span.start,
    print: () => [each.name.text, wire(each.wire)],
  }));
  const head = row(names, trivia);
  const items = node.items.map((each) => ({
    start: each.span.start,
    print: () => toolItem(each, trivia),
  }));
  return ["tool ", head, " ", braces(items, node.span.end, trivia)];
}

function toolItem(node: ast.ToolItem, trivia: Trivia): Doc {
  switch (node.kind) {
    case "effect":
      return ["effect ", node.effect.text];
    case "args":
      return ["args ", recordType(node.record, trivia)];
    case "yields":
      return ["yields ", oneOrMore(node.labels.map((label) => label.text)), yieldsWhere(node)];
    case "source":
      return ["source ", node.path.text];
    case "server":
      return ["server ", quote(node.server.text)];
    case "scope":
      return ["scope ", oneOrMore(node.scopes.map((scope) => quote(scope.text)))];
    case "digest":
      return ["digest ", quote(node.digest.text)];
    default:
      return unreachable(node);
  }
}

function yieldsWhere(node: Extract<ast.ToolItem, { kind: "yields" }>): Doc {
  switch (node.where) {
    case "everywhere":
      return "";
    case "in":
      return [" in ", oneOrMore(node.fields.map((field) => field.text))];
    case "elsewhere":
      return " elsewhere";
    default:
      return unreachable(node.where);
  }
}

function oneOrMore(texts: readonly string[]): Doc {
  return texts.length === 1 ? texts : ["[", texts.join(", "), "]"];
}

function counter(node: ast.Counter, trivia: Trivia): Doc {
  const of = node.of === undefined ? "" : [" ", expression(node.of, trivia), " of"];
  const head = ["counter ", node.name.text, " = ", node.op, of, " ", calls(node.calls, trivia)];
  const within = node.within;
  const rest = [
    per(node.per, trivia),
    within === undefined ? "" : [trivia.gap(line, within.span.start), "within ", within.text],
  ];
  return group([head, indent(rest)]);
}

function latch(node: ast.Latch, trivia: Trivia): Doc {
  const head = ["latch ", node.name.text, " = ", calls(node.calls, trivia)];
  const keys = per(node.per, trivia);
  const reset = node.reset === undefined ? "" : [line, "reset by ", calls(node.reset, trivia)];
  return group([head, indent([keys, reset])]);
}

function calls(node: ast.CallFilter, trivia: Trivia): Doc {
  const which = node.selector === undefined ? "" : [" ", selector(node.selector, trivia)];
  const { where } = node;
  if (where === undefined) return [node.base, which];
  const gap = trivia.gap(line, where.span.start);
  return [node.base, which, indent([gap, "where ", expression(where, trivia)])];
}

function per(keys: readonly ast.Expr[], trivia: Trivia): Doc {
  const gap = trivia.gap(line, keys[0]?.span.start ?? 0);
  return [gap, "per ", expressionRow(keys, trivia)];
}

function fn(node: ast.Fn, trivia: Trivia): Doc {
  const params = node.params.map((param) => ({
    start: param.name.span.start,
    print: () => [param.name.text, ": ", type(param.type, trivia)],
  }));
  const head = ["fn ", node.name.text, "(", row(params, trivia), "): ", type(node.result, trivia)];
  const gap = trivia.gap(line, node.body.span.start);
  return group([head, " =", indent([gap, expression(node.body, trivia)])]);
}

function task(node: ast.Task, trivia: Trivia): Doc {
  const items = node.items.map((each, index) => [
    trivia.gap(hardLine, each.span.start, index === 0 ? "never" : "keep"),
    taskItem(each, trivia),
  ]);
  const after = trivia.closing("", node.span.end);
  return ["task ", node.name.text, " {", indent([items, after]), hardLine, "}"];
}

function taskItem(node: ast.TaskItem, trivia: Trivia): Doc {
  switch (node.kind) {
    case "purpose":
      return ["purpose ", node.purpose.text];
    case "sequence":
      return ["sequence ", sequence(node.sequence, trivia)];
    case "limit": {
      const limits = node.limits.map((limit) => ({
        start: limit.span.start,
        print: () => [limit.name.text, " <= ", expression(limit.bound, trivia)],
      }));
      return ["limit ", row(limits, trivia)];
    }
    default:
      return unreachable(node);
  }
}

function never(node: ast.Never, trivia: Trivia): Doc {
  const gap = trivia.gap(hardLine, node.condition.span.start);
  const condition = [gap, "allow when ", expression(node.condition, trivia)];
  const { because } = node;
  const reason =
    because === undefined
      ? ""
      : [trivia.gap(hardLine, because.span.start), "because ", quote(because.text)];
  return ["never ", node.name.text, indent([condition, reason])];
}
