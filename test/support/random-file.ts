/** Random trees of every kind of node that some text parses to; without spans that mean anything. */
import fc from "fast-check";
import type * as ast from "../../lang/ast.ts";
import { layOut } from "../../lang/doc.ts";
import { expression } from "../../lang/print-expression.ts";
import { CONTEXTUAL, RESERVED, STARTERS } from "../../lang/tokens.ts";
import { Trivia } from "../../lang/trivia.ts";

const span = { file: 0, start: 0, end: 0 };
const words = (lines: readonly string[]) => lines.flatMap((line) => line.split(" "));

const identifier = fc.stringMatching(/^[a-z_][a-z0-9_]{0,6}$/).filter((text) => !isKeyword(text));
const plainWord = fc.oneof(
  { weight: 4, arbitrary: identifier },
  fc.constantFrom(...words(CONTEXTUAL)),
);
const nameWord = fc.oneof({ weight: 4, arbitrary: plainWord }, fc.constantFrom(...words(STARTERS)));
const word = fc.oneof({ weight: 4, arbitrary: nameWord }, fc.constantFrom(...words(RESERVED)));

function isKeyword(text: string): boolean {
  return words([...RESERVED, ...STARTERS, ...CONTEXTUAL]).includes(text);
}

const named = (text: fc.Arbitrary<string>): fc.Arbitrary<ast.Name> =>
  text.map((text) => ({ text, span }));
const name = named(word);
const freeName = named(nameWord);
const dotted = named(
  fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(".")),
);
const text = named(fc.string({ unit: "binary", maxLength: 12 }));
const some = <T>(arbitrary: fc.Arbitrary<T>, maxLength = 4) =>
  fc.array(arbitrary, { minLength: 1, maxLength });

/** Members that may be absent. */
const maybe = <T extends object>(members: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
  fc.record(members, { requiredKeys: [] });

const int = fc.nat({ max: 1_000_000 });
const number = fc
  .oneof(
    int.map(String),
    fc.tuple(int, fc.stringMatching(/^[0-9]{1,4}$/)).map((parts) => parts.join(".")),
  )
  .map((text): ast.Expr => ({ kind: "number", span, text }));
const duration = fc
  .constantFrom(["250ms", 250], ["10s", 10_000], ["15m", 900_000], ["7d", 604_800_000])
  .map(([text, ms]): ast.DurationLiteral => {
    return { kind: "duration", span, text: String(text), ms: Number(ms) };
  });

// ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────

/** How tight an expression binds, as in SPEC §5; parentheses are put where one binds too loosely. */
function tightness(expr: ast.Expr): number {
  switch (expr.kind) {
    case "binary":
      return TIGHTNESS[expr.op] ?? 4;
    case "not":
      return 3;
    case "is":
      return 4;
    case "negate":
      return 8;
    case "has":
    case "quantifier":
    case "if":
      return 9;
    default:
      return 10;
  }
}

const TIGHTNESS: Readonly<Partial<Record<ast.BinaryOperator, number>>> = {
  or: 1,
  and: 2,
  "??": 5,
  "+": 6,
  "-": 6,
  "*": 7,
};

/** Whether what follows would belong to its last part: `any x in xs: a` and then `or b`. */
function isOpen(expr: ast.Expr): boolean {
  switch (expr.kind) {
    case "quantifier":
    case "if":
      return true;
    case "binary":
      return isOpen(expr.right);
    case "not":
    case "negate":
      return isOpen(expr.operand);
    case "has":
      return isOpen(expr.of);
    default:
      return false;
  }
}

function paren(inner: ast.Expr): ast.Expr {
  return { kind: "paren", span, inner };
}

/** In front of something. */
function closed(expr: ast.Expr, least: number): ast.Expr {
  return tightness(expr) >= least && !isOpen(expr) ? expr : paren(expr);
}

/** At the end. */
function last(expr: ast.Expr, least: number): ast.Expr {
  return tightness(expr) >= least ? expr : paren(expr);
}

const BINARY: readonly ast.BinaryOperator[] = [
  ...(["or", "and", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "within"] as const),
  ...(["not within", "like", "not like", "subset of", "starts with", "ends with"] as const),
  ...(["contains", "+", "-", "*", "??"] as const),
];
const AGGREGATES = ["count", "sum", "min", "max", "list", "set"] as const;

const { expr } = fc.letrec<{ expr: ast.Expr; leaf: ast.Expr; node: ast.Expr }>((tie) => ({
  expr: fc.oneof({ maxDepth: 4, depthSize: "small" }, tie("leaf"), tie("node")),
  leaf: fc.oneof(
    fc.boolean().map((value): ast.Expr => ({ kind: "bool", span, value })),
    number,
    text.map(({ text }): ast.Expr => ({ kind: "string", span, value: text })),
    duration,
    nameWord.map((text): ast.Expr => ({ kind: "name", span, name: text })),
  ),
  node: fc.oneof(
    fc
      .array(tie("expr"), { maxLength: 4 })
      .map((items): ast.Expr => ({ kind: "list", span, items })),
    recordOf(tie("expr")),
    fc.tuple(tie("expr"), name).map(([of, name]): ast.Expr => {
      return { kind: "attribute", span, of: closed(of, 10), name };
    }),
    fc.tuple(tie("expr"), tie("expr")).map(([of, index]): ast.Expr => {
      return { kind: "index", span, of: closed(of, 10), index };
    }),
    fc
      .tuple(named(nameWord), fc.array(tie("expr"), { maxLength: 3 }))
      .map(
        ([name, args]): ast.Expr => ({ kind: "call", span, name, arguments: unlike(name, args) }),
      ),
    fc
      .tuple(
        fc.record({ op: fc.constantFrom(...AGGREGATES), variable: freeName, over: tie("expr") }),
        maybe({ where: tie("expr"), body: tie("expr") }),
      )
      .map(([{ op, variable, over }, rest]): ast.Expr => {
        return { kind: "aggregate", span, op, variable, over: closed(over, 6), ...rest };
      }),
    fc
      .tuple(fc.constantFrom("any", "all"), freeName, tie("expr"), tie("expr"))
      .map(([op, variable, over, body]): ast.Expr => {
        return { kind: "quantifier", span, op, variable, over: closed(over, 6), body };
      }),
    tie("expr").map((operand): ast.Expr => ({ kind: "not", span, operand: last(operand, 3) })),
    tie("expr").map((operand): ast.Expr => ({ kind: "negate", span, operand: last(operand, 8) })),
    tie("expr").map((of): ast.Expr => ({ kind: "has", span, of: last(of, 9) })),
    fc
      .tuple(tie("expr"), fc.boolean(), named(word.filter((text) => text !== "not")))
      .map(([of, not, what]): ast.Expr => ({ kind: "is", span, of: closed(of, 5), not, what })),
    fc
      .tuple(fc.constantFrom(...BINARY), tie("expr"), tie("expr"))
      .map(([op, left, right]): ast.Expr => {
        const least = TIGHTNESS[op];
        if (least === undefined) {
          return { kind: "binary", span, op, left: closed(left, 5), right: last(right, 5) };
        }
        return {
          kind: "binary",
          span,
          op,
          left: closed(left, least),
          right: last(right, least + 1),
        };
      }),
    fc.tuple(tie("expr"), tie("expr"), tie("expr")).map(([condition, yes, no]): ast.Expr => {
      return { kind: "if", span, condition, then: yes, else: no };
    }),
    tie("expr").map(paren),
  ),
}));

function bare(text: string): ast.Expr {
  return { kind: "name", span, name: text };
}

/** `count(x in xs)` is an aggregate: a call like it has parentheses inside. */
function unlike(name: ast.Name, args: ast.Expr[]): ast.Expr[] {
  const [first, ...rest] = args;
  const looks = AGGREGATES.some((op) => op === name.text) && first?.kind !== "paren";
  return looks && first !== undefined ? [paren(first), ...rest] : args;
}

function recordOf(value: fc.Arbitrary<ast.Expr>): fc.Arbitrary<ast.RecordExpr> {
  return fc
    .array(fc.record({ name, value }), { maxLength: 3 })
    .map((fields) => ({ kind: "record", span, fields }));
}

const record = recordOf(expr);
const sum = expr.map((expr) => closed(expr, 6));
const list = fc
  .array(expr, { maxLength: 3 })
  .map((items): ast.Expr => ({ kind: "list", span, items }));

// ── Types ──────────────────────────────────────────────────────────────────────────────────────────────────

const { type, recordType } = fc.letrec<{
  type: ast.Type;
  flat: ast.Type;
  recordType: ast.RecordType;
}>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    tie("flat"),
    tie("flat").map((of): ast.Type => ({ kind: "optional", span, of })),
  ),
  flat: fc.oneof(
    { maxDepth: 3 },
    name.map((name): ast.Type => ({ kind: "named", span, name, arguments: [] })),
    some(text, 3).map((values): ast.Type => ({ kind: "oneOf", span, values })),
    fc
      .tuple(name, some(tie("type"), 2))
      .map(([name, types]): ast.Type => ({ kind: "named", span, name, arguments: types })),
    tie("recordType"),
  ),
  recordType: fc.record({
    kind: fc.constant("record"),
    span: fc.constant(span),
    fields: fc.array(
      fc.record(
        { name, wire: text, type: tie("type"), default: expr },
        { requiredKeys: ["name", "type"] },
      ),
      { maxLength: 3 },
    ),
    open: fc.boolean(),
  }),
}));

// ── Items ──────────────────────────────────────────────────────────────────────────────────────────────────

const node = <K extends string, T extends object>(
  kind: K,
  members: { [Key in keyof T]: fc.Arbitrary<T[Key]> },
) => fc.record(members).map((rest) => ({ kind, span, ...rest }));

/** The first word of a selector is told from a clause or an item. */
const selected = fc
  .tuple(named(identifier), fc.array(name, { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest]);
const selector = fc.oneof(
  node("tools", { names: selected }),
  node("effects", { names: selected }),
) as fc.Arbitrary<ast.Selector>;

const calls: fc.Arbitrary<ast.CallFilter> = fc.record(
  { base: fc.constantFrom("attempts", "allowed", "completed"), selector, where: expr },
  { requiredKeys: ["base"] },
);

const toolItem = fc.oneof(
  node("effect", { effect: name }),
  node("args", { record: recordType }),
  fc
    .tuple(some(name, 3), fc.constantFrom("everywhere", "in", "elsewhere"), some(name, 3))
    .map(([labels, where, fields]) => {
      return { kind: "yields", span, labels, where, fields: where === "in" ? fields : [] };
    }),
  node("source", { path: dotted }),
  node("server", { server: text }),
  node("scope", { scopes: some(text, 3) }),
  node("digest", { digest: text }),
) as fc.Arbitrary<ast.ToolItem>;

const counter = fc
  .tuple(
    fc.oneof(
      fc.constant({ op: "count" }),
      fc.record({ op: fc.constantFrom("sum", "distinct"), of: sum }),
    ),
    fc.record({ name: freeName, calls, per: some(sum, 2) }),
    maybe({ within: duration }),
  )
  .map(([measured, rest, within]) => ({ kind: "counter", span, ...measured, ...rest, ...within }));

const latch = fc
  .tuple(fc.record({ name: freeName, calls, per: some(sum, 2) }), maybe({ reset: calls }))
  .map(([rest, reset]) => ({ kind: "latch", span, ...rest, ...reset }));

const obligation = fc
  .tuple(
    name,
    maybe({
      value: fc.oneof(record, list, number, duration, text.map(literal), plainWord.map(bare)),
    }),
  )
  .map(([name, value]): ast.Obligation => ({ name, span, ...value }));

function literal({ text }: ast.Text): ast.Expr {
  return { kind: "string", span, value: text };
}

const clause = fc.oneof(
  node("group", { of: fc.constantFrom("agent", "principal"), groups: some(text, 2) }),
  node("kind", { of: fc.constantFrom("agent", "principal"), is: name }),
  node("tool", { selector }),
  node("resource", { types: some(name) }),
  node("purpose", { within: some(dotted) }),
  node("task", { names: some(name) }),
  node("when", { condition: expr }),
  node("unless", { condition: expr }),
  node("let", { name: freeName, value: expr }),
  node("with", { obligations: some(obligation, 3) }),
  fc
    .tuple(
      fc.integer({ min: 1, max: 3 }),
      fc.oneof(
        sum.map((party) => ({ kind: "party", party })),
        text.map((group) => ({ kind: "group", group })),
      ),
      maybe({ within: duration }),
    )
    .map(([count, approver, within]) => ({ kind: "until", span, count, approver, ...within })),
  fc.constant({ kind: "then", span }),
  node("because", { text }),
  node("tag", { tags: some(text, 2) }),
) as fc.Arbitrary<ast.Clause>;

const stepArgument = fc.oneof(
  node("bind", { argument: name, as: name }),
  node("predicate", { condition: expr.map((expr) => (looksLikeABind(expr) ? paren(expr) : expr)) }),
) as fc.Arbitrary<ast.StepArgument>;

/** `has as`, `any as in b: c`: what has `as` as its second word binds (SPEC §3.9). */
function looksLikeABind(expr: ast.Expr): boolean {
  return /^\w+ as\b/.test(layOut(expression(expr, new Trivia([], "")), 100));
}

const { sequence } = fc.letrec<{ sequence: ast.Sequence; step: ast.Sequence }>((tie) => ({
  sequence: fc.oneof(
    { maxDepth: 3 },
    tie("step"),
    fc
      .array(tie("sequence"), { minLength: 2, maxLength: 3 })
      .map((parts): ast.Sequence => ({ kind: "then", span, parts })),
    fc
      .array(tie("sequence"), { minLength: 2, maxLength: 3 })
      .map((parts): ast.Sequence => ({ kind: "either", span, parts })),
    fc
      .tuple(
        tie("sequence"),
        fc.constantFrom<Omit<Extract<ast.Sequence, { kind: "repeat" }>, "kind" | "span" | "of">>(
          { least: 0, written: "*" },
          { least: 1, written: "+" },
          { least: 0, most: 1, written: "?" },
          { least: 2, most: 2, written: "{}" },
          { least: 2, most: 5, written: "{}" },
          { least: 2, written: "{}" },
        ),
      )
      .map(([of, times]): ast.Sequence => ({ kind: "repeat", span, of, ...times })),
  ),
  step: fc
    .tuple(
      fc.constantFrom("tools", "effects"),
      named(identifier),
      fc.array(stepArgument, { maxLength: 2 }),
    )
    .map(([kind, name, args]): ast.Sequence => {
      return { kind: "step", span, selector: { kind, span, names: [name] }, args };
    }),
}));

const taskItem = fc.oneof(
  node("purpose", { purpose: dotted }),
  node("sequence", { sequence }),
  node("limit", { limits: some(fc.record({ name, span: fc.constant(span), bound: sum }), 3) }),
) as fc.Arbitrary<ast.TaskItem>;

const testResource = fc.record(
  { type: name, id: text, attributes: record },
  { requiredKeys: ["type", "id"] },
);
const testCall = fc
  .tuple(
    fc.record({ tool: name, approvedBy: fc.array(text, { maxLength: 2 }) }),
    maybe({ args: record, on: testResource }),
  )
  .map(([call, rest]): ast.TestCall => ({ span, ...call, ...rest }));
const reasons = fc.array(named(word.filter((text) => text !== "interrupt")), { maxLength: 2 });
const expectation: fc.Arbitrary<ast.Expectation> = fc.record({
  span: fc.constant(span),
  decision: fc.constantFrom("allow", "deny", "hold"),
  by: reasons,
  interrupt: fc.boolean(),
  with: reasons,
  next: reasons,
});

const testStep = fc.oneof(
  fc
    .tuple(
      fc.record({ of: fc.constantFrom("agent", "principal"), id: text }),
      maybe({ attributes: record }),
    )
    .map(([party, rest]) => ({ kind: "givenParty", span, ...party, ...rest })),
  fc
    .tuple(
      fc.array(fc.oneof(name, text), { minLength: 2, maxLength: 3 }),
      maybe({ scope: list, purpose: dotted }),
      fc.boolean(),
    )
    .map(([parties, rest, verified]) => {
      return { kind: "givenDelegation", span, parties, ...rest, verified };
    }),
  testResource.map((resource) => ({ kind: "givenResource", span, ...resource })),
  node("givenFact", {
    of: fc.constantFrom(
      ...(["session", "purpose", "task", "source"] as const),
      ...(["instruction", "plan", "environment", "now"] as const),
    ),
    value: expr,
  }),
  fc
    .tuple(fc.record({ call: testCall }), maybe({ expect: expectation }))
    .map(([call, expect]) => ({ kind: "when", span, ...call, ...expect })),
  fc
    .tuple(fc.record({ times: int, call: testCall }), maybe({ expect: expectation }))
    .map(([call, expect]) => ({ kind: "repeat", span, ...call, ...expect })),
  node("wait", { duration }),
  node("outcome", {
    status: fc.constantFrom("ok", "error", "pending"),
    labels: fc.array(name, { maxLength: 2 }),
    returns: fc.array(expr, { maxLength: 2 }),
  }),
) as fc.Arbitrary<ast.TestStep>;

const toolName = fc.record({ name, wire: text }, { requiredKeys: ["name"] });

const item = fc.oneof(
  node("import", { module: text, entrypoint: text, name: freeName, type }),
  node("level", { name, values: some(freeName) }),
  // `purpose within` is a clause of the rule before.
  node("purpose", { names: some(dotted).filter((all) => !all[0]?.text.startsWith("within")) }),
  node("label", { names: some(freeName) }),
  node("type", { name, type }),
  node("tool", { names: some(toolName, 3), items: fc.array(toolItem, { maxLength: 4 }) }),
  node("resource", { name, record: recordType }),
  node("attributes", {
    of: fc.constantFrom("principal", "agent", "session", "environment"),
    record: recordType,
  }),
  counter,
  latch,
  node("fn", {
    name: freeName,
    params: fc.array(fc.record({ name: freeName, type })),
    result: type,
    body: expr,
  }),
  node("rule", {
    effect: fc.constantFrom("permit", "forbid", "hold", "oblige"),
    name: freeName,
    clauses: fc.array(clause, { maxLength: 5 }),
  }),
  node("task", { name, items: fc.array(taskItem, { maxLength: 3 }) }),
  fc
    .tuple(fc.record({ name, condition: expr }), maybe({ because: text }))
    .map(([rest, because]) => ({ kind: "never", span, ...rest, ...because })),
  node("pep", { name, lacks: some(dotted) }),
  node("test", { name: text, steps: fc.array(testStep, { maxLength: 4 }) }),
) as fc.Arbitrary<ast.Item>;

export const randomExpr: fc.Arbitrary<ast.Expr> = expr;

export const randomFile: fc.Arbitrary<ast.File> = fc
  .record({
    package: dotted,
    uses: fc.array(
      fc
        .record({ package: dotted, from: text })
        .map((rest): ast.Use => ({ kind: "use", span, ...rest })),
      { maxLength: 2 },
    ),
    items: fc.array(item, { maxLength: 6 }),
  })
  .map((rest): ast.File => ({ kind: "file", span, ...rest, comments: [] }));
