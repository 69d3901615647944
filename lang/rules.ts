/** Rules and invariants (SPEC §6): clauses → a guard the index can use, conditions, and what follows. */
import type * as ast from "./ast.ts";
import { type Context, knowing, type Surroundings, withLocal } from "./context.ts";
import type { Approval, Expr, Guard, Never, Obligation, Rule } from "./ir.ts";
import { both, type Known, presence } from "./known.ts";
import { APPROVERS_MAX, CLAUSES_MAX, HOLD_MS_MAX } from "./limits.ts";
import { anyLiteral, literal, withoutParens } from "./literal.ts";
import { selectTools, stateContext } from "./state.ts";
import { didYouMean } from "./suggest.ts";
import { KINDS, spell } from "./type.ts";
import { condition, refuseShadowing, solid } from "./typed.ts";

export function checkRule(item: ast.Rule, packageName: string, around: Surroundings): Rule {
  refuseMisplaced(item, around);
  const { guard, known } = checkGuard(item, around);
  const cautious = item.effect === "forbid" || item.effect === "hold";
  const all = stateContext(around);
  const entered: Context = {
    ...all,
    reads: "everything",
    cautious,
    known,
    tools: guard.tools ?? all.tools,
  };
  const { lets, conditions, context } = checkConditions(
    item.clauses.slice(0, CLAUSES_MAX),
    entered,
  );
  const because = one(item, "because")?.text.text;
  const until = one(item, "until");
  const approval = until === undefined ? undefined : checkApproval(until, context);
  return {
    name: item.name.text,
    package: packageName,
    effect: item.effect,
    guard,
    lets,
    conditions,
    obligations: every(item, "with").flatMap((clause) =>
      clause.obligations.flatMap((obligation) => checkObligation(obligation, around)),
    ),
    ...(approval === undefined ? {} : { approval }),
    interrupt: one(item, "then") !== undefined,
    ...(because === undefined ? {} : { because }),
    tags: every(item, "tag").flatMap((clause) => clause.tags.map((tag) => tag.text)),
    at: around.place(item.name.span),
  };
}

export function checkNever(item: ast.Never, packageName: string, around: Surroundings): Never {
  const context: Context = { ...stateContext(around), reads: "everything", cautious: true };
  const held = condition(item.condition, context);
  return {
    name: item.name.text,
    package: packageName,
    condition: held?.ir ?? broken(around.place(item.condition.span)),
    ...(item.because === undefined ? {} : { because: item.because.text }),
    at: around.place(item.name.span),
  };
}

/** Stands for what was reported; a program with errors is never evaluated. */
function broken(at: number): Expr {
  return { kind: "const", type: { kind: "Bool" }, value: true, at };
}

type ClauseOf<K extends ast.Clause["kind"]> = Extract<ast.Clause, { kind: K }>;

function every<K extends ast.Clause["kind"]>(item: ast.Rule, kind: K): ClauseOf<K>[] {
  return item.clauses.filter((clause): clause is ClauseOf<K> => clause.kind === kind);
}

function one<K extends ast.Clause["kind"]>(item: ast.Rule, kind: K): ClauseOf<K> | undefined {
  return every(item, kind)[0];
}

/** Which kinds of rule a clause may stand in; the others in all. */
const BELONGS: Partial<Record<ast.Clause["kind"], readonly ast.RuleKind[]>> = {
  with: ["permit", "oblige"],
  until: ["hold"],
  then: ["forbid"],
};

const REPEATABLE: readonly ast.Clause["kind"][] = [
  "when",
  "unless",
  "let",
  "with",
  "tag",
  "group",
  "kind",
];

function refuseMisplaced(item: ast.Rule, around: Surroundings): void {
  const seen = new Set<string>();
  const beyond = item.clauses[CLAUSES_MAX];
  if (beyond !== undefined) {
    around.report("E122", beyond.span, `a rule has ${CLAUSES_MAX} clauses at most`);
  }
  for (const clause of item.clauses) {
    const kinds = BELONGS[clause.kind];
    if (kinds !== undefined && !kinds.includes(item.effect)) {
      around.report(
        "E214",
        clause.span,
        `\`${clause.kind}\` cannot stand in a \`${item.effect}\``,
        `it belongs to \`${kinds.join("` and `")}\``,
      );
    }
    const name = "of" in clause ? `${clause.of} ${clause.kind}` : clause.kind;
    const repeatable = REPEATABLE.includes(clause.kind) && !("of" in clause);
    if (seen.has(name) && !repeatable) {
      around.report(
        "E213",
        clause.span,
        "this clause stands twice in the rule",
        "say it once, with commas for what is allowed",
      );
    }
    seen.add(name);
  }
  if (item.effect === "hold" && one(item, "until") === undefined) {
    around.report(
      "E215",
      item.name.span,
      "a `hold` must say whose approval it waits for",
      "add `until approved by delegation.root`",
    );
  }
  if (item.effect === "oblige" && one(item, "with") === undefined) {
    around.report(
      "E215",
      item.name.span,
      "an `oblige` must say what it obliges to",
      "add `with log full`, for example",
    );
  }
}

function checkGuard(item: ast.Rule, around: Surroundings): { guard: Guard; known: Known } {
  let guard: Guard = {};
  let known: Known = { present: new Set() };
  for (const clause of item.clauses) {
    const part = guardOf(clause, around);
    if (part === undefined) continue;
    guard = { ...guard, ...part.guard };
    known = both(known, part.known);
  }
  return { guard, known };
}

function guardOf(
  clause: ast.Clause,
  around: Surroundings,
): { guard: Guard; known: Known } | undefined {
  const { vocabulary, report } = around;
  switch (clause.kind) {
    case "group": {
      const groups = clause.groups.map((group) => group.text);
      const guard = clause.of === "agent" ? { agentGroups: groups } : { principalGroups: groups };
      return { guard, known: presence(clause.of) };
    }
    case "kind": {
      if (!(KINDS as readonly string[]).includes(clause.is.text)) {
        report(
          "E201",
          clause.is.span,
          `\`${clause.is.text}\` is no kind of actor`,
          `there is ${KINDS.join(", ")}`,
        );
      }
      const guard =
        clause.of === "agent"
          ? { agentKinds: [clause.is.text] }
          : { principalKinds: [clause.is.text] };
      return { guard, known: presence(clause.of) };
    }
    case "tool":
      return {
        guard: { tools: selectTools(clause.selector, around) },
        known: { present: new Set() },
      };
    case "resource": {
      for (const name of clause.types)
        declared(name, new Set(vocabulary.resources.keys()), "resource", around);
      const resources = clause.types.map((name) => name.text);
      return { guard: { resources }, known: { ...presence("resource"), resources } };
    }
    case "purpose":
      for (const name of clause.within) declared(name, vocabulary.purposes, "purpose", around);
      return {
        guard: { purposes: clause.within.map((name) => name.text) },
        known: presence("intent.purpose"),
      };
    case "task":
      for (const name of clause.names) declared(name, vocabulary.tasks, "task", around);
      return {
        guard: { tasks: clause.names.map((name) => name.text) },
        known: presence("intent.task"),
      };
    default:
      return undefined;
  }
}

export function declared(
  name: ast.Name,
  names: Iterable<string>,
  what: string,
  around: Surroundings,
): boolean {
  if (names instanceof Set ? names.has(name.text) : [...names].includes(name.text)) return true;
  const help = didYouMean(name.text, names).help ?? `declare it: \`${what} ${name.text}\``;
  around.report("E207", name.span, `unknown ${what} \`${name.text}\``, help);
  return false;
}

function checkConditions(clauses: readonly ast.Clause[], entered: Context) {
  const { around } = entered;
  const lets: { id: number; name: string; value: Expr }[] = [];
  const conditions: Expr[] = [];
  let context = entered;
  for (const clause of clauses) {
    if (clause.kind === "let") {
      const value = context.around.check(clause.value, context);
      refuseShadowing(clause.name, context);
      const id = around.fresh();
      if (value !== undefined) lets.push({ id, name: clause.name.text, value: value.ir });
      context = withLocal(context, clause.name.text, id, value?.type ?? { kind: "Any" });
    }
    if (clause.kind === "when" || clause.kind === "unless") {
      const held = condition(clause.condition, context);
      if (held === undefined) continue;
      const negative = clause.kind === "unless";
      const at = around.place(clause.condition.span);
      conditions.push(negative ? { kind: "not", operand: held.ir, at } : held.ir);
      context = knowing(context, negative ? held.otherwise : held.then);
    }
  }
  return { lets, conditions, context };
}

function checkApproval(clause: ClauseOf<"until">, context: Context): Approval | undefined {
  const { around } = context;
  const window = clause.within === undefined ? {} : { withinMs: waiting(clause.within, around) };
  if (clause.count < 1 || clause.count > APPROVERS_MAX) {
    around.report("E211", clause.span, `1 to ${APPROVERS_MAX} people can be asked to approve`);
  }
  if (clause.approver.kind === "group") {
    return {
      count: clause.count,
      approver: { kind: "group", group: clause.approver.group.text },
      ...window,
    };
  }
  if (clause.count > 1) {
    around.report(
      "E211",
      clause.span,
      `one party cannot approve ${clause.count} times`,
      'ask a group: `2 of group "sre"`',
    );
  }
  const party = checkParty(clause.approver.party, context);
  return party === undefined
    ? undefined
    : { count: 1, approver: { kind: "party", party }, ...window };
}

/** What ends as it begins could never be approved. */
function waiting({ ms, span }: ast.DurationLiteral, { report }: Surroundings): number {
  if (ms < 1 || ms > HOLD_MS_MAX) report("E211", span, "a hold waits from `1ms` to `366d`");
  return ms;
}

/** The id of an actor: a Party, `principal`, or a String that is one. */
function checkParty(expr: ast.Expr, context: Context): Expr | undefined {
  const { around } = context;
  const inner = withoutParens(expr);
  const at = around.place(inner.span);
  if (inner.kind === "name" && inner.name === "principal") {
    return { kind: "attribute", of: { kind: "root", name: "principal", at }, name: "id", at };
  }
  const party = solid(expr, context);
  if (party === undefined) return undefined;
  if (party.type.kind === "Party") return { kind: "attribute", of: party.ir, name: "id", at };
  if (party.type.kind === "String") return party.ir;
  around.report(
    "E204",
    expr.span,
    `${spell(party.type)} is nobody who could approve`,
    "such as `delegation.root`",
  );
  return undefined;
}

const LOG_LEVELS = ["none", "summary", "full"] as const;

function checkObligation(item: ast.Obligation, around: Surroundings): Obligation[] {
  const { report } = around;
  switch (item.name.text) {
    case "credential":
      return checkCredential(item, around);
    case "redact": {
      const paths = texts(item, around);
      return paths === undefined ? [] : [{ type: "redact", paths }];
    }
    case "notify": {
      const whom = texts(item, around);
      return whom === undefined ? [] : [{ type: "notify", whom }];
    }
    case "log": {
      const value = item.value === undefined ? undefined : withoutParens(item.value);
      const level = LOG_LEVELS.find(
        (candidate) => value?.kind === "name" && candidate === value.name,
      );
      if (level !== undefined) return [{ type: "log", level }];
      report("E216", item.span, "`log` takes a level", `one of ${LOG_LEVELS.join(", ")}`);
      return [];
    }
    default: {
      const near = didYouMean(item.name.text, ["credential", "redact", "notify", "log"]).help;
      if (near !== undefined)
        report(
          "W304",
          item.name.span,
          `\`${item.name.text}\` is no obligation Writ knows; the PEP must`,
          near,
        );
      const value = item.value === undefined ? { wire: true } : anyLiteral(item.value, report);
      return value === undefined
        ? []
        : [{ type: "custom", name: item.name.text, value: value.wire }];
    }
  }
}

function checkCredential(item: ast.Obligation, around: Surroundings): Obligation[] {
  const { vocabulary, report } = around;
  const fields = item.value?.kind === "record" ? item.value.fields : [];
  const scope = fields.find((field) => field.name.text === "scope");
  const ttl = fields.find((field) => field.name.text === "ttl");
  if (scope === undefined || ttl === undefined || fields.length > 2) {
    report(
      "E216",
      item.span,
      "`credential` takes a scope and a ttl",
      'such as `credential { scope: ["payments:write"], ttl: 60s }`',
    );
    return [];
  }
  const scopes = literal(scope.value, { kind: "List", of: { kind: "String" } }, vocabulary, report);
  const ttlMs = literal(ttl.value, { kind: "Duration" }, vocabulary, report);
  if (scopes === undefined || typeof ttlMs?.value !== "number") return [];
  return [{ type: "credential", scope: strings(scopes.value), ttlMs: ttlMs.value }];
}

function texts(item: ast.Obligation, around: Surroundings): readonly string[] | undefined {
  const { vocabulary, report } = around;
  if (item.value === undefined) {
    report("E216", item.span, `\`${item.name.text}\` takes a text or a list of texts`);
    return undefined;
  }
  const inner = withoutParens(item.value);
  if (inner.kind === "string") return [inner.value];
  const list = literal(inner, { kind: "List", of: { kind: "String" } }, vocabulary, report);
  return list === undefined ? undefined : strings(list.value);
}

function strings(json: unknown): string[] {
  return Array.isArray(json) ? json.map(String) : [];
}
