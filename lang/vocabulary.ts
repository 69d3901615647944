/**
 * Declarations → what names mean (SPEC §4). Levels, purposes and labels are open sets that files and packages
 * may declare again alike; everything else is declared once.
 */
import type * as ast from "./ast.ts";
import type { LevelDecl, ResourceDecl, ToolDecl, Yield } from "./ir.ts";
import { TYPE_DEPTH_MAX, TYPE_PARTS_MAX } from "./limits.ts";
import { literal } from "./literal.ts";
import type { Report } from "./report.ts";
import type { Span } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Effect, Field, RecordType, ScalarName, Type } from "./type.ts";
import {
  EFFECTS,
  extent,
  isScalar,
  NAMED_LABEL,
  optional,
  SCALARS,
  sameType,
  spell,
  USER_LABEL,
} from "./type.ts";

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
  const first = new Map(values.map((value, at) => [value, at] as const).reverse());
  const repeated = item.values.find((value, at) => (first.get(value.text) ?? at) < at);
  if (repeated !== undefined)
    report("E203", repeated.span, `\`${repeated.text}\` stands twice in this level`);
  const before = vocabulary.levels.get(item.name.text);
  if (before !== undefined && before.values.join("<") !== values.join("<")) {
    report(
      "E203",
      item.name.span,
      `level \`${item.name.text}\` is declared twice, with different values`,
    );
    return;
  }
  vocabulary.levels.set(item.name.text, { name: item.name.text, values });
}

/** Aliases may name each other in any order, but not in a circle. */
function collectAliases(items: readonly ast.Item[], vocabulary: Vocabulary, report: Report): void {
  const declared = new Map<string, ast.TypeAlias>();
  for (const item of items) {
    if (item.kind !== "type") continue;
    const taken =
      declared.has(item.name.text) ||
      vocabulary.levels.has(item.name.text) ||
      isBuiltInType(item.name.text);
    if (taken) report("E203", item.name.span, `type \`${item.name.text}\` is declared twice`);
    else declared.set(item.name.text, item);
  }
  const open = new Set<string>();
  const resolve = (name: string): void => {
    const item = declared.get(name);
    if (item === undefined || vocabulary.aliases.has(name)) return;
    open.add(name);
    for (const used of namesIn(item.type)) {
      if (open.size >= TYPE_DEPTH_MAX) {
        report("E122", item.name.span, `types stand in each other ${TYPE_DEPTH_MAX} deep at most`);
        vocabulary.aliases.set(name, { kind: "Any" });
      } else if (open.has(used.text)) {
        report("E212", used.span, `type \`${used.text}\` is made of itself`);
        vocabulary.aliases.set(used.text, { kind: "Any" });
      } else resolve(used.text);
    }
    open.delete(name);
    if (!vocabulary.aliases.has(name)) {
      const type = resolveType(item.type, vocabulary, report);
      vocabulary.aliases.set(name, isTooLarge(type, item.name.span, report) ? ANY : type);
    }
  };
  for (const name of declared.keys()) resolve(name);
}

const ANY: Type = { kind: "Any" };

function isTooLarge(type: Type, span: Span, report: Report): boolean {
  const { size, depth } = extent(type);
  if (depth > TYPE_DEPTH_MAX) {
    report("E122", span, `types stand in each other ${TYPE_DEPTH_MAX} deep at most`);
    return true;
  }
  if (size <= TYPE_PARTS_MAX) return false;
  report("E122", span, `a type is made of ${TYPE_PARTS_MAX} at most, names counted out`);
  return true;
}

function namesIn(type: ast.Type): ast.Name[] {
  switch (type.kind) {
    case "named":
      return [type.name, ...type.arguments.flatMap(namesIn)];
    case "record":
      return type.fields.flatMap((field) => namesIn(field.type));
    case "optional":
      return namesIn(type.of);
    default:
      return [];
  }
}

function isBuiltInType(name: string): boolean {
  return (
    (SCALARS as readonly string[]).includes(name) ||
    name === "Set" ||
    name === "List" ||
    name === "Map"
  );
}

/** `Any` after reporting, so that one unknown type is one diagnostic. */
export function resolveType(type: ast.Type, vocabulary: Vocabulary, report: Report): Type {
  const resolved = resolve(type, vocabulary, report);
  return isTooLarge(resolved, type.span, report) ? ANY : resolved;
}

function resolve(type: ast.Type, vocabulary: Vocabulary, report: Report): Type {
  switch (type.kind) {
    case "optional":
      return optional(resolveType(type.of, vocabulary, report));
    case "oneOf":
      return { kind: "OneOf", values: [...new Set(type.values.map((value) => value.text))] };
    case "record":
      refuseDefaults(type, report, "only what stands directly in a declaration has a default");
      return resolveRecord(type, vocabulary, report);
    case "named":
      return resolveNamed(type, vocabulary, report);
  }
}

function resolveNamed(
  type: Extract<ast.Type, { kind: "named" }>,
  vocabulary: Vocabulary,
  report: Report,
): Type {
  const name = type.name.text;
  if (name === "Set" || name === "List" || name === "Map") {
    const [of] = type.arguments;
    if (of === undefined || type.arguments.length > 1) {
      report("E202", type.span, `\`${name}\` takes one type`, `such as \`${name}<String>\``);
      return { kind: "Any" };
    }
    const element = resolveType(of, vocabulary, report);
    // `Any` stands for a type that was reported already.
    const broken = element.kind === "Any" && !(of.kind === "named" && of.name.text === "Any");
    if (!broken && (element.kind === "Optional" || (name === "Set" && !isScalar(element)))) {
      report(
        "E202",
        of.span,
        `a ${name} cannot hold ${spell(element)}`,
        name === "Set" ? "use `List`" : undefined,
      );
      return { kind: "Any" };
    }
    return { kind: name, of: element };
  }
  if (type.arguments.length > 0) report("E202", type.span, `\`${name}\` takes no types`);
  if ((SCALARS as readonly string[]).includes(name)) return { kind: name as ScalarName };
  if (vocabulary.levels.has(name)) return { kind: "Level", name };
  const alias = vocabulary.aliases.get(name);
  if (alias !== undefined) return alias;
  const known = [
    ...SCALARS,
    "Set",
    "List",
    "Map",
    ...vocabulary.levels.keys(),
    ...vocabulary.aliases.keys(),
  ];
  report("E202", type.name.span, `unknown type \`${name}\``, didYouMean(name, known).help);
  return { kind: "Any" };
}

export function resolveRecord(
  type: ast.RecordType,
  vocabulary: Vocabulary,
  report: Report,
): RecordType {
  const seen = new Set<string>();
  const fields = type.fields.map((field) => {
    if (seen.has(field.name.text))
      report("E203", field.name.span, `\`${field.name.text}\` is declared twice`);
    seen.add(field.name.text);
    return resolveField(field, vocabulary, report);
  });
  return { kind: "Record", fields, open: type.open };
}

function refuseDefaults(type: ast.RecordType, report: Report, why: string): void {
  for (const field of type.fields) {
    if (field.default !== undefined) report("E217", field.default.span, why, "write `T?`");
  }
}

function resolveField(field: ast.FieldType, vocabulary: Vocabulary, report: Report): Field {
  const type = resolveType(field.type, vocabulary, report);
  const fallback =
    field.default === undefined ? undefined : literal(field.default, type, vocabulary, report);
  return {
    name: field.name.text,
    ...(field.wire === undefined ? {} : { wire: field.wire.text }),
    type,
    ...(fallback === undefined ? {} : { default: fallback.wire }),
  };
}

function declareTools(item: ast.Tool, vocabulary: Vocabulary, report: Report): void {
  const shape = toolShape(item, vocabulary, report);
  for (const { name, wire } of item.names) {
    if (vocabulary.toolIndex.has(name.text)) {
      report("E203", name.span, `tool \`${name.text}\` is declared twice`);
      continue;
    }
    const tool = { name: name.text, wire: wire?.text ?? name.text, ...shape };
    const key = JSON.stringify([tool.wire, tool.server]);
    const clash = vocabulary.wires.get(key);
    vocabulary.wires.set(key, clash ?? tool);
    if (clash !== undefined) {
      report(
        "E203",
        name.span,
        `\`${clash.name}\` is the same tool on the wire`,
        "give one of them a `server`",
      );
    }
    vocabulary.toolIndex.set(name.text, vocabulary.tools.length);
    vocabulary.tools.push(tool);
  }
}

type ToolShape = Omit<ToolDecl, "name" | "wire">;

function toolShape(item: ast.Tool, vocabulary: Vocabulary, report: Report): ToolShape {
  const effect = toolEffect(item, report);
  const args = last(item, "args", report);
  const record =
    args === undefined
      ? { fields: [], open: false }
      : resolveRecord(args.record, vocabulary, report);
  if (args !== undefined) {
    refuseDefaults(
      args.record,
      report,
      "an argument has no default: what was not sent was not sent",
    );
  }
  const server = last(item, "server", report)?.server.text;
  const digest = last(item, "digest", report)?.digest.text;
  const source = sourceOf(item, record.fields, report);
  return {
    effect,
    args: record.fields,
    open: record.open,
    yields: yieldsOf(item, vocabulary, report),
    scope: last(item, "scope", report)?.scopes.map((scope) => scope.text) ?? [],
    ...(server === undefined ? {} : { server }),
    ...(digest === undefined ? {} : { digest }),
    ...(source === undefined ? {} : { source }),
  };
}

function toolEffect(item: ast.Tool, report: Report): Effect {
  const stated = last(item, "effect", report);
  const named = EFFECTS.find((effect) => effect === stated?.effect.text);
  if (named !== undefined) return named;
  const first = item.names[0]?.name;
  const span = stated?.effect.span ?? first?.span ?? item.span;
  const near = stated === undefined ? undefined : didYouMean(stated.effect.text, EFFECTS).help;
  const message =
    stated === undefined
      ? `tool \`${first?.text ?? ""}\` has no effect`
      : `unknown effect \`${stated.effect.text}\``;
  report("E218", span, message, near ?? `write \`effect\` and one of ${EFFECTS.join(", ")}`);
  // The most careful one, so that no rule on effects is passed by while the error stands.
  return "execute";
}

function last<K extends ast.ToolItem["kind"]>(
  item: ast.Tool,
  kind: K,
  report: Report,
): Extract<ast.ToolItem, { kind: K }> | undefined {
  const found = item.items.filter(
    (entry): entry is Extract<ast.ToolItem, { kind: K }> => entry.kind === kind,
  );
  const second = found[1];
  if (second !== undefined) report("E203", second.span, `\`${kind}\` stands twice in this tool`);
  return found[0];
}

function yieldsOf(item: ast.Tool, vocabulary: Vocabulary, report: Report): Yield[] {
  return item.items.flatMap((entry) => {
    if (entry.kind !== "yields") return [];
    return entry.labels.flatMap((label) => {
      if (!vocabulary.labels.has(label.text)) unknownLabel(label, vocabulary, report);
      if (label.text === USER_LABEL || label.text === NAMED_LABEL) {
        report(
          "E219",
          label.span,
          `\`${label.text}\` is given by the engine alone`,
          "declare a label of your own",
        );
      }
      const fields =
        entry.where === "in" ? { fields: entry.fields.map((field) => field.text) } : {};
      return [{ label: label.text, ...fields, elsewhere: entry.where === "elsewhere" }];
    });
  });
}

export function unknownLabel(name: ast.Name, vocabulary: Vocabulary, report: Report): void {
  const help =
    didYouMean(name.text, vocabulary.labels).help ?? `declare it: \`label ${name.text}\``;
  report("E207", name.span, `unknown label \`${name.text}\``, help);
}

function sourceOf(item: ast.Tool, args: readonly Field[], report: Report): ToolDecl["source"] {
  const entry = last(item, "source", report);
  if (entry === undefined) return undefined;
  const parts = entry.path.text.split(".");
  const [head = "", name] = parts;
  if (parts.length === 1) return { of: "output", name: head };
  if (head !== "args" || name === undefined || parts.length > 2) {
    report(
      "E219",
      entry.path.span,
      "a source is a member of the output's records, or an argument",
      "such as `source sender` or `source args.path`",
    );
    return undefined;
  }
  if (!args.some((field) => field.name === name)) unknownArgument(entry.path, name, args, report);
  return { of: "args", name };
}

function unknownArgument(at: ast.Name, name: string, args: readonly Field[], report: Report): void {
  report(
    "E206",
    at.span,
    `the tool has no argument \`${name}\``,
    didYouMean(
      name,
      args.map((field) => field.name),
    ).help,
  );
}

function declareResource(item: ast.Resource, vocabulary: Vocabulary, report: Report): void {
  if (vocabulary.resources.has(item.name.text)) {
    report("E203", item.name.span, `resource \`${item.name.text}\` is declared twice`);
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
    if (before === undefined) {
      into.push(field);
      known.set(field.name, field);
    } else if (
      !sameType(before.type, field.type) ||
      JSON.stringify(before.default) !== JSON.stringify(field.default)
    ) {
      const span: Span = item.record.fields[at]?.name.span ?? item.span;
      report("E203", span, `\`${item.of}.${field.name}\` is declared twice, differently`);
    }
  }
}
