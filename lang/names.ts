/** Bare words: variables, state, and values of enumerations (SPEC §5.1). */
import type * as ast from "./ast.ts";
import type { Context } from "./context.ts";
import type { Expr } from "./ir.ts";
import { dottedName, listed, wordsOf } from "./literal.ts";
import { isRoot, ROOTS, rootFields } from "./roots.ts";
import type { Span } from "./source.ts";
import { missingKey } from "./state.ts";
import { didYouMean } from "./suggest.ts";
import { EFFECTS, KINDS, present, SOURCES, spell, type Type } from "./type.ts";
import { BOOL, narrowed, type Typed, typed } from "./typed.ts";

export function checkName(
  expr: Extract<ast.Expr, { kind: "name" }>,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const { around } = context;
  const at = around.place(expr.span);
  const local = context.locals.get(expr.name);
  if (local !== undefined) {
    const ir: Expr = { kind: "local", id: local.id, name: expr.name, at };
    return typed(ir, narrowed(ir, local.type, context));
  }
  const state = checkState(expr, context, at);
  if (state !== "none") return state;
  if (isRoot(expr.name) && !standsFor(expr.name, wanted, context)) {
    around.report(
      "E208",
      expr.span,
      `\`${expr.name}\` is no value by itself`,
      `name an attribute: \`${expr.name}.…\``,
    );
    return undefined;
  }
  return checkWord(expr.name, expr.span, context, wanted);
}

/** Whether the wanted enumeration has the word. */
function standsFor(word: string, wanted: Type | undefined, context: Context): boolean {
  if (wanted === undefined) return false;
  return wordsOf(present(wanted), context.around.vocabulary)?.includes(word) ?? false;
}

function checkState(
  expr: Extract<ast.Expr, { kind: "name" }>,
  context: Context,
  at: number,
): Typed | undefined | "none" {
  const { around } = context;
  const counter = around.counters.get(expr.name);
  const latch = around.latches.get(expr.name);
  if (counter === undefined && latch === undefined) return "none";
  if (context.reads !== "everything") {
    const where = context.reads === "parameters" ? "a `fn`" : "what defines state";
    around.report("E220", expr.span, `${where} cannot read \`${expr.name}\`, which is state`);
    return undefined;
  }
  const scope = around.keys.get(expr.name);
  const missing = scope === undefined ? undefined : missingKey(scope, context);
  if (missing !== undefined) {
    const key = dottedName(missing);
    const of = key === undefined ? "something that" : `\`${key}\`, which`;
    const message = `\`${expr.name}\` is kept per ${of} may be missing here`;
    const help = "name the tools or resources in a clause, or test with `has` what may be absent";
    around.report("E205", expr.span, message, help);
    return undefined;
  }
  if (counter !== undefined)
    return typed({ kind: "counter", counter: counter.index, at }, { kind: counter.type });
  return typed({ kind: "latch", latch: latch ?? 0, at }, BOOL);
}

/** A word without a variable of that name: a value of the wanted enumeration, or of the one that has it. */
export function checkWord(
  word: string,
  span: Span,
  context: Context,
  wanted: Type | undefined,
): Typed | undefined {
  const { around } = context;
  const type = wanted === undefined ? undefined : present(wanted);
  const words = type === undefined ? undefined : wordsOf(type, around.vocabulary);
  if (type !== undefined && words !== undefined) {
    const position = words.indexOf(word);
    if (position >= 0) return enumerated(type, word, position, span, context);
    around.report(
      "E201",
      span,
      `\`${word}\` is no ${spell(type)}`,
      didYouMean(word, words).help ?? listed(words),
    );
    return undefined;
  }
  const meanings = enumerations(context).filter(([, values]) => values.includes(word));
  const [meaning] = meanings;
  if (meaning !== undefined && meanings.length === 1) {
    return enumerated(meaning[0], word, meaning[1].indexOf(word), span, context);
  }
  if (meanings.length > 1) {
    const types = meanings.map(([of]) => spell(of)).join(" or ");
    around.report("E209", span, `\`${word}\` could be ${types}, and nothing here tells which`);
    return undefined;
  }
  unknownName(word, span, context);
  return undefined;
}

function enumerated(
  type: Type,
  word: string,
  position: number,
  span: Span,
  context: Context,
): Typed {
  const value = type.kind === "Level" ? position : word;
  return typed({ kind: "const", type, value, at: context.around.place(span) }, type);
}

function enumerations(context: Context): [Type, readonly string[]][] {
  const { levels, purposes, labels } = context.around.vocabulary;
  return [
    ...[...levels.values()].map((level): [Type, readonly string[]] => [
      { kind: "Level", name: level.name },
      level.values,
    ]),
    [{ kind: "Purpose" }, [...purposes]],
    [{ kind: "Label" }, [...labels]],
    [{ kind: "Effect" }, EFFECTS],
    [{ kind: "Kind" }, KINDS],
    [{ kind: "Source" }, SOURCES],
  ];
}

function unknownName(word: string, span: Span, context: Context): void {
  const { counters, latches, functions } = context.around;
  const names = [
    ...context.locals.keys(),
    ...counters.keys(),
    ...latches.keys(),
    ...functions.keys(),
    ...ROOTS,
    ...enumerations(context).flatMap(([, words]) => words),
  ];
  const isArgument = rootFields("args", context).some(({ name }) => name === word);
  const help = isArgument
    ? `an argument of the call is \`args.${word}\``
    : (didYouMean(word, names).help ?? `a text stands in quotes: \`"${word}"\``);
  context.around.report("E201", span, `unknown name \`${word}\``, help);
}
