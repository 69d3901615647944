/** Types as written → types as meant (SPEC §4.2). */
import type * as ast from "./ast.ts";
import { TYPE_DEPTH_MAX, TYPE_PARTS_MAX } from "./limits.ts";
import { literal } from "./literal.ts";
import type { Report } from "./report.ts";
import type { Span } from "./source.ts";
import { didYouMean } from "./suggest.ts";
import type { Field, RecordType, ScalarName, Type } from "./type.ts";
import { extent, isScalar, optional, SCALARS, spell } from "./type.ts";
import { FORBIDDEN_NAMES } from "./value.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Aliases may name each other in any order, but not in a circle. */
export function collectAliases(
  items: readonly ast.Item[],
  vocabulary: Vocabulary,
  report: Report,
): void {
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

export function isBuiltInType(name: string): boolean {
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
  const wires = new Set<string>();
  const fields = type.fields.map((field) => {
    const { text, span } = field.name;
    const wire = field.wire?.text ?? text;
    if (FORBIDDEN_NAMES.has(wire)) {
      report("E116", field.wire?.span ?? span, `no request has a member \`${wire}\``);
    }
    if (seen.has(text)) report("E203", span, `\`${text}\` is declared twice`);
    else if (wires.has(wire)) report("E203", span, `\`${wire}\` on the wire is declared twice`);
    seen.add(text);
    wires.add(wire);
    return resolveField(field, vocabulary, report);
  });
  return { kind: "Record", fields, open: type.open };
}

export function refuseDefaults(type: ast.RecordType, report: Report, why: string): void {
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
