/**
 * Declarations → what names mean (SPEC §4). Levels, purposes and labels are open sets that files and packages
 * may declare again alike; everything else is declared once.
 */
import type * as ast from "./ast.ts";
import type { LevelDecl, ResourceDecl, ToolDecl } from "./ir.ts";
import { firstOf, type Report } from "./report.ts";
import { collectAliases, isBuiltInType, resolveRecord } from "./resolve.ts";
import type { Span } from "./source.ts";
import { declareTools } from "./tools.ts";
import type { Field, Type } from "./type.ts";
import { NAMED_LABEL, sameType, USER_LABEL } from "./type.ts";

export interface Vocabulary {
  readonly levels: Map<string, LevelDecl>;
  readonly purposes: Set<string>;
  /** With the built-in ones. */
  readonly labels: Set<string>;
  readonly aliases: Map<string, Type>;
  readonly tools: ToolDecl[];
  readonly toolIndex: Map<string, number>;
  /** By name on the wire and server: no two tools are alike in both. */
  readonly wires: Map<string, ToolDecl>;
  readonly resources: Map<string, ResourceDecl>;
  readonly attributes: Record<ast.Attributes["of"], Field[]>;
  readonly tasks: Set<string>;
  /** Where things were declared first: `tool look`, `agent.clearance`. */
  readonly places: Map<string, Span>;
}

/** Members that every root has, and that no package may declare again. */
const BUILT_IN: Record<ast.Attributes["of"] | "resource", readonly string[]> = {
  agent: ["id", "kind", "groups", "attested", "trust"],
  principal: ["id", "kind", "groups"],
  session: ["id", "started_at", "status", "labels", "sensitivity"],
  environment: ["now"],
  resource: ["type", "id", "labels"],
};

export function collectVocabulary(items: readonly ast.Item[], report: Report): Vocabulary {
  const vocabulary: Vocabulary = {
    levels: new Map(),
    purposes: new Set(),
    labels: new Set([USER_LABEL, NAMED_LABEL]),
    aliases: new Map(),
    tools: [],
    toolIndex: new Map(),
    wires: new Map(),
    resources: new Map(),
    attributes: { agent: [], principal: [], session: [], environment: [] },
    tasks: new Set(),
    places: new Map(),
  };
  collectSets(items, vocabulary, report);
  collectAliases(items, vocabulary, report);
  for (const item of items) {
    if (item.kind === "tool") declareTools(item, vocabulary, report);
    if (item.kind === "resource") declareResource(item, vocabulary, report);
    if (item.kind === "attributes") declareAttributes(item, vocabulary, report);
    if (item.kind === "task") vocabulary.tasks.add(item.name.text);
  }
  return vocabulary;
}

function collectSets(items: readonly ast.Item[], vocabulary: Vocabulary, report: Report): void {
  for (const item of items) {
    if (item.kind === "level") declareLevel(item, vocabulary, report);
    if (item.kind === "purpose") {
      for (const name of item.names) vocabulary.purposes.add(name.text);
    }
    if (item.kind === "label") {
      for (const name of item.names) {
        if (name.text === USER_LABEL || name.text === NAMED_LABEL) {
          report("E203", name.span, `\`${name.text}\` is a built-in label`, "leave it out here");
        }
        vocabulary.labels.add(name.text);
      }
    }
  }
  requireParents(items, vocabulary, report);
}

/** `payments.payroll` is within `payments` only if there is `payments`: a misspelt parent would open nothing. */
function requireParents(items: readonly ast.Item[], vocabulary: Vocabulary, report: Report): void {
  for (const item of items) {
    if (item.kind !== "purpose") continue;
    for (const name of item.names) {
      const cut = name.text.lastIndexOf(".");
      if (cut < 0 || vocabulary.purposes.has(name.text.slice(0, cut))) continue;
      const parent = name.text.slice(0, cut);
      report(
        "E207",
        name.span,
        `purpose \`${parent}\` is not declared`,
        `declare it: \`purpose ${parent}\``,
      );
    }
  }
}

function declareLevel(item: ast.Level, vocabulary: Vocabulary, report: Report): void {
  const values = item.values.map((value) => value.text);
  const places = new Map(values.map((value, at) => [value, at] as const).reverse());
  const repeated = item.values.find((value, at) => (places.get(value.text) ?? at) < at);
  if (repeated !== undefined)
    report("E203", repeated.span, `\`${repeated.text}\` stands twice in this level`);
  if (isBuiltInType(item.name.text))
    report("E203", item.name.span, `\`${item.name.text}\` is a built-in type`);
  const before = vocabulary.levels.get(item.name.text);
  const first = firstOf(vocabulary.places, `level ${item.name.text}`, item.name.span);
  if (before !== undefined && before.values.join("<") !== values.join("<")) {
    const message = `level \`${item.name.text}\` is declared twice, with different values`;
    report("E203", item.name.span, message, undefined, first);
    return;
  }
  vocabulary.levels.set(item.name.text, { name: item.name.text, values });
}

function declareResource(item: ast.Resource, vocabulary: Vocabulary, report: Report): void {
  const first = firstOf(vocabulary.places, `resource ${item.name.text}`, item.name.span);
  if (first !== undefined) {
    const message = `resource \`${item.name.text}\` is declared twice`;
    report("E203", item.name.span, message, undefined, first);
    return;
  }
  const record = resolveRecord(item.record, vocabulary, report);
  refuseBuiltIn(item.record, "resource", report);
  for (const [at, field] of record.fields.entries()) {
    const wrong =
      field.name === "sensitivity" &&
      !(field.type.kind === "Level" && field.type.name === "Sensitivity");
    if (wrong)
      report(
        "E204",
        item.record.fields[at]?.type.span ?? item.span,
        "`sensitivity` is of the level `Sensitivity`",
      );
  }
  vocabulary.resources.set(item.name.text, {
    name: item.name.text,
    attributes: record.fields,
    open: record.open,
  });
}

function refuseBuiltIn(record: ast.RecordType, root: keyof typeof BUILT_IN, report: Report): void {
  for (const field of record.fields) {
    if (BUILT_IN[root].includes(field.name.text)) {
      report("E203", field.name.span, `every ${root} has \`${field.name.text}\` already`);
    }
  }
}

/** Blocks of several files and packages add up; what two of them declare must be alike. */
function declareAttributes(item: ast.Attributes, vocabulary: Vocabulary, report: Report): void {
  refuseBuiltIn(item.record, item.of, report);
  if (item.record.open)
    report(
      "E219",
      item.span,
      `\`*\` cannot stand in \`${item.of}\``,
      "declare what the attributes are",
    );
  const into = vocabulary.attributes[item.of];
  const { fields } = resolveRecord(item.record, vocabulary, report);
  const known = new Map(into.map((field) => [field.name, field] as const));
  for (const [at, field] of fields.entries()) {
    const before = known.get(field.name);
    const span: Span = item.record.fields[at]?.name.span ?? item.span;
    const first = firstOf(vocabulary.places, `${item.of}.${field.name}`, span);
    if (before === undefined) {
      into.push(field);
      known.set(field.name, field);
    } else if (
      !sameType(before.type, field.type) ||
      (before.wire ?? before.name) !== (field.wire ?? field.name) ||
      JSON.stringify(before.default) !== JSON.stringify(field.default)
    ) {
      const message = `\`${item.of}.${field.name}\` is declared twice, differently`;
      report("E203", span, message, undefined, first);
    }
  }
}
