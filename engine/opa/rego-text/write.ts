/**
 * A stateless policy as Rego (SPEC §11.8): a rule of Rego for each of Writ's, around them what reads a request and
 * what combines them. Pure.
 */
import type { Expr, Guard, Never, Program, Rule } from "../../../lang/ir.ts";
import { RULE_STEPS_MAX } from "../../../lang/limits.ts";
import type { PolicyIdentity } from "../../decision.ts";
import { stepsAtMost } from "../../evaluate/steps.ts";
import { JSON_LIMITS } from "../../limits.ts";
import { ruleName, spellPlace } from "../../policy.ts";
import { decisionTexts } from "./combine.ts";
import { ExpressionWriter, reads } from "./expression.ts";
import { memberOf, Names, ruleText, setOf, textOf } from "./names.ts";
import { declaredObstacles, type Obstacle } from "./obstacles.ts";
import { Readers } from "./readers.ts";
import { requestTexts } from "./request.ts";
import { ANYWHERE, Certainty, factsOf, type Local, type Scope, scopeUnder } from "./scope.ts";
import { Unwritable } from "./unwritable.ts";

export type RegoText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly obstacles: readonly Obstacle[] };

export function writeRego(program: Program, identity: PolicyIdentity): RegoText {
  const declared = declaredObstacles(program);
  if (declared.length > 0) return { ok: false, obstacles: declared };
  const writer = new PolicyWriter(program);
  const text = writer.text(identity);
  return writer.obstacles.length > 0
    ? { ok: false, obstacles: writer.obstacles }
    : { ok: true, text };
}

/** Not plain functions: names, readers and obstacles are gathered while rules are written. */
class PolicyWriter {
  readonly #program: Program;
  readonly #names = new Names();
  readonly #readers: Readers;
  readonly #certainty: Certainty;
  readonly #functions: readonly string[];
  readonly obstacles: Obstacle[] = [];

  constructor(program: Program) {
    this.#program = program;
    this.#readers = new Readers(program, this.#names);
    this.#certainty = new Certainty(program);
    this.#functions = program.functions.map(({ name }) => this.#names.fresh(name));
  }

  text(identity: PolicyIdentity): string {
    const program = this.#program;
    const rules = program.rules.map((rule) => this.#guarded(rule, () => this.#rule(rule)));
    const nevers = program.nevers.map((never) => this.#guarded(never, () => this.#never(never)));
    const functions = program.functions.map((_, at) => this.#function(at));
    const holds = program.rules.some(({ effect }) => effect === "hold");
    const approvers = program.rules.flatMap((rule) =>
      this.#guarded(rule, () => this.#approver(rule)),
    );
    if (this.obstacles.length > 0) return "";
    const request = requestTexts(program, this.#readers);
    const sections = [
      [header(program, identity)],
      heading("Rules"),
      ...rules,
      ...nevers,
      emptySets([...rules.flat(), ...nevers.flat()]),
      ...functions,
      heading("Whose approval a hold waits for"),
      holds ? approvers : ["approvals := {}"],
      heading("Decision"),
      decisionTexts(program, identity),
      heading("Request: what rules read of it, and what is wrong with it"),
      vocabulary(program),
      delegation(program),
      request,
      heading("What Rego lacks"),
      this.#readers.texts(),
    ];
    return laidOut(
      `${sections
        .flat()
        .filter((part) => part !== "")
        .join("\n\n")}\n`,
    );
  }

  /** One rule after the other, so that all that is in the way is told at once. */
  #guarded(one: Rule | Never, write: () => readonly string[]): readonly string[] {
    try {
      return write();
    } catch (fault) {
      if (!(fault instanceof Unwritable)) throw fault;
      this.obstacles.push({
        name: one.name,
        at: spellPlace(this.#program, fault.at),
        because: fault.message,
        help: fault.help,
      });
      return [];
    }
  }

  #writer(prefix: string): ExpressionWriter {
    return new ExpressionWriter({
      program: this.#program,
      readers: this.#readers,
      names: this.#names,
      functions: this.#functions,
      certainty: this.#certainty,
      prefix,
    });
  }

  #rule(rule: Rule): readonly string[] {
    const name = ruleName(this.#program, rule);
    const writer = this.#writer(rule.name);
    const { scope, texts } = this.#lets(rule, writer);
    const guard = this.#guard(rule.guard);
    const written = this.#conditions(rule.conditions, scope, writer);
    const { lets } = rule;
    this.#boundSteps([...lets.map(({ value }) => value), ...rule.conditions], rule.at, lets);
    const holds = ruleText(`${rule.effect} contains ${textOf(name)}`, [...guard, ...written.lines]);
    return [
      `${annotation(rule, this.#program)}\n${holds}`,
      ...(written.known ? [] : undecided(name, rule.effect, guard, written.fails)),
      ...texts,
      ...writer.beside,
    ];
  }

  #never(never: Never): readonly string[] {
    const name = ruleName(this.#program, never);
    const writer = this.#writer(never.name);
    const written = this.#conditions([never.condition], ANYWHERE, writer);
    this.#boundSteps([never.condition], never.at);
    const holds = ruleText(`never contains ${textOf(name)}`, written.lines);
    return [
      `${annotation(never, this.#program)}\n${holds}`,
      ...(written.known ? [] : undecided(name, "never", [], written.fails)),
      ...writer.beside,
    ];
  }

  /** For requests that are no larger than Writ's own service takes them. */
  #boundSteps(exprs: readonly Expr[], at: number, lets: Rule["lets"] = []): void {
    const bounds = { program: this.#program, sizeMost: JSON_LIMITS.byteCount, lets };
    const steps = exprs.reduce((sum, expr) => sum + stepsAtMost(expr, bounds), 0);
    if (steps > RULE_STEPS_MAX)
      throw new Unwritable(
        at,
        `it may take ${steps} steps, and Writ gives up after ${RULE_STEPS_MAX}, which Rego does not`,
        "use fewer loops inside of each other, or decide this rule in Writ",
      );
  }

  /** A `let` is a rule of its own: where it fails, it is unknown where it is read, not before. */
  #lets(
    rule: Rule,
    writer: ExpressionWriter,
  ): { readonly scope: Scope; readonly texts: readonly string[] } {
    let scope = scopeUnder(rule.guard);
    const texts: string[] = [];
    for (const { id, name, value } of rule.lets) {
      const text = this.#names.fresh(`${rule.name}_${name}`);
      texts.push(`${text} := ${writer.value(value, scope)}`);
      const local: Local = {
        text,
        known: this.#certainty.isKnown(value, scope),
        type: this.#certainty.typeOf(value, scope),
      };
      scope = { ...scope, locals: new Map(scope.locals).set(id, local) };
    }
    return { scope, texts };
  }

  #conditions(conditions: readonly Expr[], start: Scope, writer: ExpressionWriter) {
    const parts = conditions.flatMap(conjuncts);
    const lines: string[] = [];
    let known = true;
    let scope = start;
    const scopes: Scope[] = [];
    for (const part of parts) {
      scopes.push(scope);
      lines.push(...writer.whenTrue(part, scope));
      known &&= this.#certainty.isKnown(part, scope);
      scope = factsOf(part, true, scope);
    }
    const fails = known ? [] : parts.map((part, at) => writer.whenFalse(part, scopes[at] ?? start));
    return { lines, known, fails };
  }

  #guard(guard: Guard): readonly string[] {
    const { tools: declared } = this.#program;
    const { tools, agentGroups, agentKinds, principalGroups, principalKinds, resources, purposes } =
      guard;
    return [
      ...oneOf(
        "called",
        tools?.map((at) => declared[at]?.name ?? ""),
      ),
      ...someOf("agent.groups", agentGroups),
      ...oneOf("agent.kind", agentKinds),
      ...someOf("principal.groups", principalGroups),
      ...oneOf("principal.kind", principalKinds),
      ...oneOf("resource.type", resources),
      ...this.#within(purposes),
    ];
  }

  #within(purposes: readonly string[] | undefined): readonly string[] {
    if (purposes === undefined) return [];
    const within = this.#readers.use("within");
    const [only] = purposes;
    if (purposes.length === 1) return [`${within}(intent.purpose, ${textOf(only ?? "")})`];
    return [`some wider in ${setOf(purposes.map(textOf))}`, `${within}(intent.purpose, wider)`];
  }

  #function(at: number): readonly string[] {
    const declared = this.#program.functions[at];
    if (declared === undefined) return [];
    const { name, params, body } = declared;
    return this.#guarded({ ...declared, package: "", condition: body }, () => {
      const writer = this.#writer(name);
      const variables = params.map((id) => this.#names.fresh(`${name}_${id}`));
      const locals = new Map(
        params.map((id, index) => [
          id,
          { text: variables[index] ?? "", known: true, type: undefined },
        ]),
      );
      const value = writer.value(body, { ...ANYWHERE, locals, variables });
      const head = variables.map((one) => (reads(value, one) ? one : "_")).join(", ");
      const written = this.#functions[at] ?? name;
      return [`${written}${head === "" ? "" : `(${head})`} := ${value}`, ...writer.beside];
    });
  }

  #approver(rule: Rule): readonly string[] {
    const { approval } = rule;
    if (rule.effect !== "hold") return [];
    const name = ruleName(this.#program, rule);
    const { approver, count } = approval ?? ANYBODY;
    const given = (by: string) =>
      `${memberOf("approvals", name)} := {${by}, "count": ${count}, "rule": ${textOf(name)}}`;
    if (approver.kind === "group") return [given(`"group": ${textOf(approver.group)}`)];
    const { party } = approver;
    if (party.kind === "root") return [given(`"party": ${party.name}.id`)];
    const writer = this.#writer(`${rule.name}_approver`);
    const { scope } = this.#lets(rule, writer);
    const value = writer.value(party, scope);
    if (this.#certainty.typeOf(party, scope)?.kind === "String")
      return [given(`"party": ${value}`), ...writer.beside];
    return [
      `${given(`"party": person`)} if {\n\tsome person in [object.get(${value}, "id", null), ${value}]\n\tis_string(person)\n}`,
      ...writer.beside,
    ];
  }
}

const ANYBODY = { count: 1, approver: { kind: "group", group: "" } } as const;

/** `a and b` are two conditions. */
function conjuncts(expr: Expr): readonly Expr[] {
  return expr.kind === "and" ? [...conjuncts(expr.left), ...conjuncts(expr.right)] : [expr];
}

function oneOf(what: string, words: readonly string[] | undefined): readonly string[] {
  if (words === undefined) return [];
  const [only] = words;
  if (words.length === 1) return [`${what} == ${textOf(only ?? "")}`];
  return [`${what} in ${setOf(words.map(textOf))}`];
}

function someOf(what: string, words: readonly string[] | undefined): readonly string[] {
  if (words === undefined) return [];
  const [only] = words;
  if (words.length === 1) return [`${textOf(only ?? "")} in ${what}`];
  return [`count(${what} & ${setOf(words.map(textOf))}) > 0`];
}

/** Neither true nor false: what it reads is missing, or too large to be calculated with. */
function undecided(
  name: string,
  effect: string,
  guard: readonly string[],
  fails: readonly (readonly string[])[],
): readonly string[] {
  const quoted = textOf(name);
  return [
    ruleText(`undecided.${effect} contains ${quoted}`, [
      ...guard,
      `not ${quoted} in ${effect}`,
      `not ${quoted} in fails.${effect}`,
    ]),
    ...fails.map((body) => ruleText(`fails.${effect} contains ${quoted}`, body)),
  ];
}

/** Comments that `opa inspect` shows. */
function annotation(one: Rule | Never, program: Program): string {
  return [
    "# METADATA",
    `# title: ${textOf(ruleName(program, one))}`,
    ...(one.because === undefined ? [] : [`# description: ${textOf(one.because)}`]),
    "# custom:",
    `#   source: ${textOf(spellPlace(program, one.at))}`,
  ].join("\n");
}

function header(program: Program, { digest, revision }: PolicyIdentity): string {
  const name = program.package.replaceAll(/[^A-Za-z0-9_]/g, "_");
  return [
    `# Written by \`writ build --target rego\` from the package \`${program.package}\`.`,
    `# ${digest}${revision === undefined ? "" : `, ${revision.replaceAll(/[\r\n]/g, " ")}`}`,
    `package writ.${isKeyword(name) ? `${name}_` : name}`,
  ].join("\n");
}

function isKeyword(name: string): boolean {
  return memberOf("", name).startsWith("[");
}

/** `opa fmt` leaves `args.note :=` where some set has a dotted name as well, and writes `args["note"] :=` elsewhere. */
function laidOut(text: string): string {
  if (/^\w+\.\w+ contains /m.test(text)) return text;
  return text.replaceAll(/^(\w+)\.(\w+)(?= := )/gm, '$1["$2"]');
}

function heading(text: string): readonly string[] {
  return [`# ── ${text} ${"─".repeat(Math.max(3, 100 - text.length))}`];
}

const EFFECTS = ["permit", "forbid", "hold", "oblige", "never"];

/** Of what no rule is written of. */
function emptySets(rules: readonly string[]): readonly string[] {
  const isWritten = (set: string) => rules.some((text) => text.includes(`${set} contains `));
  const none = (set: string) => (isWritten(set) ? [] : [`${set} := set()`]);
  return EFFECTS.flatMap((effect) => [
    ...(rules.some((text) => new RegExp(`^${effect} contains `, "m").test(text))
      ? []
      : [`${effect} := set()`]),
    ...none(`undecided.${effect}`),
  ]);
}

function vocabulary({ levels, purposes }: Program): readonly string[] {
  const written = levels.map(({ name, values }) => {
    const positions = values.map((value, at) => `${textOf(value)}: ${at}`).join(", ");
    return `${textOf(name)}: {${positions}}`;
  });
  return [
    ...(written.length === 0 ? [] : [`levels := {${written.join(", ")}}`]),
    `purposes := ${setOf(purposes.map(textOf))}`,
  ];
}

/** Who acts on nobody's grant is their own root (SPEC §4.4). */
function delegation(program: Program): readonly string[] {
  const read = JSON.stringify([program.rules, program.nevers]).includes('"name":"delegation"');
  if (!read) return [];
  return [
    "delegation.depth := 0",
    "delegation.verified := false",
    "delegation.scope := set()",
    'delegation.root := {"id": principal.id, "kind": principal.kind}',
    'delegation.root := {"id": agent.id, "kind": agent.kind} if not input.principal',
  ];
}
