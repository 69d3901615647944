/**
 * Why a request is decided as it is (SPEC §9): the rules that apply with every value they rest on, those
 * that nearly did and what stopped them, and for a denial by default the nearest permit. Pure.
 */
import type { Expr, Never, Rule } from "../../lang/ir.ts";
import { ruleName, spellPlace } from "../policy.ts";
import { elementsOf, isList, isSet, Unknown, type Value } from "../value.ts";
import { clausesOf } from "./clauses.ts";
import { spellExpr, spellValue } from "./spell.ts";
import type { Texts } from "./texts.ts";
import {
  blame,
  createProber,
  type Prober,
  type Situation,
  type Trace,
  type Truth,
} from "./trace.ts";
import { type TypeOf, typing } from "./typing.ts";

export interface Unfolded {
  /** Rules that apply or could not be decided. */
  readonly applying: readonly RuleExplanation[];
  /** Rules about this tool that do not apply, nearest first. */
  readonly nearly: readonly RuleExplanation[];
  /** The permit that lacks least, whatever it is about; missing where one applies. */
  readonly nearestPermit?: RuleExplanation;
  /** Invariants that allowing this would break. */
  readonly broken: readonly RuleExplanation[];
}

export interface RuleExplanation {
  readonly rule: string;
  readonly effect: Rule["effect"] | "never";
  /** `payments.writ:41:1` */
  readonly at: string;
  readonly outcome: Outcome;
  readonly because?: string;
  readonly clauses: readonly ClauseExplanation[];
  readonly conditions: readonly ConditionExplanation[];
  /** What is not so and would have to be, a sentence each. */
  readonly stoppedBy: readonly string[];
}

export type Outcome = "true" | "false" | "unknown";

export interface ClauseExplanation {
  readonly text: string;
  readonly outcome: Outcome;
  /** What the request has instead. */
  readonly instead?: string;
}

export interface ConditionExplanation {
  /** As written, with the word before it: `when args.amount <= 100.00`. */
  readonly text: string;
  readonly at: string;
  readonly outcome: Outcome;
  readonly tree: TreeNode;
}

export interface TreeNode {
  readonly text: string;
  /** As the language writes it. */
  readonly value: string;
  /** The element a loop is at: `to = "a@b.example"`. */
  readonly element?: string;
  /** Elements of a loop that are not among the parts, where none of them decided. */
  readonly more?: number;
  readonly parts: readonly TreeNode[];
}

const NEARLY_SHOWN = 6;

/** More than so many things that are not so is not near. */
const NEARLY_LACKS_MOST = 3;

/** `named` are shown as well, whether they are near or not. */
export function unfold(
  situation: Situation,
  texts: Texts,
  { named = [] }: { readonly named?: readonly string[] } = {},
): Unfolded {
  const { program, request } = situation;
  const resource = request.roots.resource?.type;
  const teller: Teller = {
    situation,
    texts,
    prober: createProber(situation),
    typeOf: typing(program, {
      tool: request.tool,
      ...(typeof resource === "string" ? { resource } : {}),
    }),
  };
  const rules = program.rules.map((rule) => ({
    rule,
    explained: explainRule(rule, teller),
    isAboutTool: rule.guard.tools?.includes(request.tool) ?? true,
  }));
  const missed = rules
    .filter(({ explained }) => explained.outcome === "false")
    .toSorted((a, b) => lack(a) - lack(b) || compare(a.explained.rule, b.explained.rule));
  const permits = rules.filter(({ rule }) => rule.effect === "permit");
  const isPermitted = permits.some(({ explained }) => explained.outcome === "true");
  const nearest = missed.find(({ rule }) => rule.effect === "permit");
  return {
    applying: rules
      .map(({ explained }) => explained)
      .filter(({ outcome }) => outcome !== "false")
      .toSorted((a, b) => EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect)),
    nearly: [
      ...missed.filter(({ rule }) => named.includes(rule.name)),
      ...missed
        .filter(({ rule }) => !named.includes(rule.name))
        .filter((one) => one.isAboutTool && lack(one) <= NEARLY_LACKS_MOST)
        .filter((one) => isPermitted || one !== nearest)
        .slice(0, NEARLY_SHOWN),
    ].map(({ explained }) => explained),
    ...(isPermitted || nearest === undefined ? {} : { nearestPermit: nearest.explained }),
    broken: program.nevers
      .map((never) => explainNever(never, teller))
      .filter(({ outcome }) => outcome !== "false"),
  };
}

/** In the order in which they decide. */
const EFFECTS: readonly RuleExplanation["effect"][] = [
  "forbid",
  "never",
  "permit",
  "hold",
  "oblige",
];

/** A rule about another tool is farther than any about this one. */
const OTHER_TOOL = 1_000;

function lack(one: { readonly explained: RuleExplanation; readonly isAboutTool: boolean }): number {
  return one.explained.stoppedBy.length + (one.isAboutTool ? 0 : OTHER_TOOL);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Teller {
  readonly situation: Situation;
  readonly texts: Texts;
  readonly prober: Prober;
  readonly typeOf: TypeOf;
}

function explainRule(rule: Rule, teller: Teller): RuleExplanation {
  const { situation, prober, texts } = teller;
  const { program, request } = situation;
  const all = clausesOf(rule.guard, program, texts.isByEffect(rule.at));
  const clauses = all.map((clause): ClauseExplanation => {
    const { text } = clause;
    if (prober.admits(clause.guard)) return { text, outcome: "true" };
    return { text, outcome: "false", instead: clause.instead(request) };
  });
  const { outcome, parts } = prober.probe(rule);
  const conditions = parts.map((part) => explainCondition(part, teller));
  return {
    rule: ruleName(program, rule),
    effect: rule.effect,
    at: spellPlace(program, rule.at),
    outcome: spellOutcome(outcome),
    ...(rule.because === undefined ? {} : { because: rule.because }),
    clauses,
    conditions: conditions.map(({ explained }) => explained),
    stoppedBy:
      outcome === true
        ? []
        : [
            ...clauses.flatMap(({ text, instead }) =>
              instead === undefined ? [] : [`\`${text}\`: ${instead}`],
            ),
            ...conditions.flatMap(({ stoppedBy }) => stoppedBy),
          ],
  };
}

function explainNever(never: Never, teller: Teller): RuleExplanation {
  const { program } = teller.situation;
  const asked = { guard: {}, lets: [], conditions: [never.condition] };
  const { outcome, parts } = teller.prober.probe(asked);
  return {
    rule: ruleName(program, never),
    effect: "never",
    at: spellPlace(program, never.at),
    outcome: spellOutcome(outcome),
    ...(never.because === undefined ? {} : { because: never.because }),
    clauses: [],
    conditions: parts.map((part) => explainCondition(part, teller).explained),
    stoppedBy: [],
  };
}

interface Explained {
  readonly explained: ConditionExplanation;
  readonly stoppedBy: readonly string[];
}

function explainCondition(whole: Trace, teller: Teller): Explained {
  const { expr, value } = whole;
  const isUnless = expr.kind === "not" && teller.texts.isUnless(expr.at);
  // `unless c` stands in a program as `not c`, at the place of `c`.
  const trace = isUnless ? (whole.parts.at(-1) ?? whole) : whole;
  const explained: ConditionExplanation = {
    text: `${isUnless ? "unless" : "when"} ${textFor(trace.expr, teller)}`,
    at: spellPlace(teller.situation.program, expr.at),
    outcome: spellOutcome(value instanceof Unknown ? value : value === true),
    tree: treeOf(trace, teller),
  };
  const stoppedBy = value === true ? [] : blame(trace).map((cause) => sentence(cause, teller));
  // One condition is one thing that is not so, however many words it takes to say why.
  return { explained, stoppedBy: stoppedBy.length === 0 ? [] : [stoppedBy.join("; and ")] };
}

/** `` `args.amount <= 100.00` is false: `args.amount` is 150.00 `` */
function sentence(trace: Trace, teller: Teller): string {
  const { expr } = trace;
  const value = spellValue(trace.value, { kind: "Bool" }, []);
  const isItself = expr.kind === "attribute" || expr.kind === "local" || expr.kind === "latch";
  const readings = isItself ? [] : [...new Set(readingsOf(trace, expr.at, teller))];
  const said = readings.length === 0 ? "" : `: ${readings.join(", ")}`;
  return `\`${textFor(expr, teller)}\` is ${value}${said}`;
}

/**
 * What was read on the way: attributes, counters, what functions gave; not constants, nor what is calculated.
 * What stands at `within` has the text of the whole: `delegation.root is human` reads `delegation.root.kind`.
 */
function readingsOf(trace: Trace, within: number, teller: Teller): readonly string[] {
  const { expr, value, parts } = withoutLoopOfOne(trace);
  switch (expr.kind) {
    case "const":
    case "root":
    case "has":
      return [];
    case "attribute":
    case "local":
    case "index":
    case "counter":
    case "latch":
    case "origin":
    case "module":
    case "builtin":
    case "aggregate":
    case "call":
      return [`\`${textWithin(expr, within, teller)}\` is ${spelled(expr, value, teller)}`];
    case "quantifier": {
      // Of `a within [b, c]`, a loop of the checker's own, also what is sought.
      const sought = expr.body.at === expr.at ? (parts[1]?.parts.slice(0, 1) ?? []) : [];
      return [...sought, ...parts.slice(0, 1)].flatMap((part) => readingsOf(part, within, teller));
    }
    default:
      return parts.flatMap((part) => readingsOf(part, within, teller));
  }
}

function treeOf(whole: Trace, teller: Teller, within = -1): TreeNode {
  const trace = withoutLoopOfOne(whole);
  const { expr, value } = trace;
  const [inner] = trace.parts;
  if (expr.kind === "decimal" && inner !== undefined) return treeOf(inner, teller, within);
  const more = moreOf(trace);
  return {
    text: textWithin(expr, within, teller),
    value: spelled(expr, value, teller),
    ...(more > 0 ? { more } : {}),
    parts: partsOf(trace, teller),
  };
}

function partsOf(trace: Trace, teller: Teller): readonly TreeNode[] {
  const { expr, parts } = trace;
  switch (expr.kind) {
    case "attribute":
    case "has":
    case "counter":
    case "latch":
    case "local":
      return [];
    case "not": {
      const [operand] = parts;
      const isOne = expr.operand.at === expr.at && operand !== undefined;
      return isOne ? partsOf(withoutLoopOfOne(operand), teller) : nodes(trace, parts, teller);
    }
    case "quantifier":
    case "aggregate":
      return [
        ...nodes(trace, parts.slice(0, 1), teller),
        ...roundsOf(expr, trace).map((part) => roundOf(expr, part, teller)),
      ];
    default:
      return nodes(trace, parts, teller);
  }
}

function nodes({ expr }: Trace, parts: readonly Trace[], teller: Teller): readonly TreeNode[] {
  return parts
    .filter((part) => !isConstant(part.expr) && part.expr.kind !== "root")
    .map((part) => treeOf(part, teller, expr.at));
}

/** The checker makes several expressions of one text: the inner ones are spelled as what they are. */
function textWithin(expr: Expr, within: number, teller: Teller): string {
  return expr.at === within ? spellExpr(expr, teller.situation.program) : textFor(expr, teller);
}

function isConstant(expr: Expr): boolean {
  if (expr.kind === "decimal" || expr.kind === "negate") return isConstant(expr.of);
  return expr.kind === "const" || (expr.kind === "list" && expr.items.every(isConstant));
}

/**
 * Of `a within xs` the checker makes a loop over `[a]` around the one over `xs` (so that `a` is asked for where
 * there are no `xs`): the inner one, with `a` in it instead of the outer one's variable.
 */
function withoutLoopOfOne(trace: Trace): Trace {
  const { expr } = trace;
  const [list, inner] = trace.parts;
  if (expr.kind !== "quantifier" || expr.over.kind !== "list" || expr.over.at !== expr.at)
    return trace;
  const { body } = expr;
  const [subject] = list?.parts ?? [];
  if (body.kind !== "quantifier" || body.body.kind !== "within") return trace;
  if (inner === undefined || subject === undefined) return trace;
  const compared: Expr = { ...body.body, left: subject.expr };
  const rounds = inner.parts
    .slice(1)
    .map(({ value, parts }) => ({ expr: compared, value, parts: [subject, ...parts.slice(1)] }));
  return {
    expr: { ...body, body: compared },
    value: inner.value,
    parts: [...inner.parts.slice(0, 1), ...rounds],
  };
}

const ROUNDS_SHOWN = 3;

type Loop = Extract<Expr, { kind: "quantifier" | "aggregate" }>;

/** Of the element that decided, or where none did of the first few. */
function roundsOf(expr: Loop, { value, parts }: Trace): readonly Trace[] {
  const [, ...bodies] = parts;
  if (value instanceof Unknown) return unknownIn(bodies);
  if (expr.kind === "aggregate") {
    const begin = expr.where ?? expr.body;
    const fourth = bodies.filter((part) => part.expr === begin)[ROUNDS_SHOWN];
    return fourth === undefined ? bodies : bodies.slice(0, bodies.indexOf(fourth));
  }
  return value === (expr.op === "any") ? bodies.slice(-1) : bodies.slice(0, ROUNDS_SHOWN);
}

/** Where no element decided and there are more than the first few. */
function moreOf(trace: Trace): number {
  const { expr, value, parts } = trace;
  if (expr.kind === "not" && expr.operand.at === expr.at) {
    const [operand] = parts;
    return operand === undefined ? 0 : moreOf(withoutLoopOfOne(operand));
  }
  if (expr.kind !== "quantifier" && expr.kind !== "aggregate") return 0;
  const decided = expr.kind === "quantifier" && value === (expr.op === "any");
  const isWhole = roundsOf(expr, trace).length === parts.length - 1;
  if (decided || isWhole || value instanceof Unknown) return 0;
  const over = parts[0]?.value;
  if (over instanceof Unknown) return 0;
  return isList(over) || isSet(over) ? elementsOf(over).length - ROUNDS_SHOWN : 0;
}

function roundOf({ id, name, at }: Loop, part: Trace, teller: Teller): TreeNode {
  const element = valueOfLocal(part, id);
  const node = treeOf(part, teller, at);
  if (element === undefined) return node;
  return { ...node, element: `${name} = ${spelled(element.expr, element.value, teller)}` };
}

/** A loop goes on behind what is unknown; where nothing is, it was given up at the last. */
function unknownIn(bodies: readonly Trace[]): readonly Trace[] {
  const first = bodies.find(({ value }) => value instanceof Unknown) ?? bodies.at(-1);
  return first === undefined ? [] : [first];
}

function valueOfLocal(trace: Trace, id: number): Trace | undefined {
  if (trace.expr.kind === "local" && trace.expr.id === id) return trace;
  for (const part of trace.parts) {
    const found = valueOfLocal(part, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function spelled(expr: Expr, value: Value | Unknown, teller: Teller): string {
  const { typeOf, situation, texts } = teller;
  const isCount = expr.kind === "counter" || expr.kind === "latch";
  // What a counter is kept per stands in its declaration, and is not shown elsewhere.
  const missing = isCount && value instanceof Unknown ? texts.at(value.at) : undefined;
  if (value instanceof Unknown && missing !== undefined && value.at !== expr.at) {
    return `unknown (${value.cause}: \`${missing}\`)`;
  }
  return spellValue(value, typeOf(expr), situation.program.levels);
}

function textFor(expr: Expr, { texts, situation }: Teller): string {
  return texts.at(expr.at) ?? spellExpr(expr, situation.program);
}

function spellOutcome(outcome: Truth): Outcome {
  if (outcome instanceof Unknown) return "unknown";
  return outcome ? "true" : "false";
}
