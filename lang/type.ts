/**
 * The types of the language (SPEC §4.2), as the checker uses them and as IR carries them.
 * How each is represented at run time is in `engine/value.ts`.
 */
export type Type =
  | { readonly kind: ScalarName }
  /** An ordered level; values are compared by position. */
  | { readonly kind: "Level"; readonly name: string }
  /** One of the strings listed: a closed set, so that a misspelt comparison is an error. */
  | { readonly kind: "OneOf"; readonly values: readonly string[] }
  | { readonly kind: "Set"; readonly of: Type }
  | { readonly kind: "List"; readonly of: Type }
  /** A JSON object used as a table: string keys, values of one type. */
  | { readonly kind: "Map"; readonly of: Type }
  | RecordType
  /** An actor with `id` and `kind`: the ends of a delegation hop. */
  | { readonly kind: "Party" }
  /** May be absent. Never nested. */
  | { readonly kind: "Optional"; readonly of: Type };

export type ScalarName = (typeof SCALARS)[number];

/** In the order SPEC §4.2 lists them. */
export const SCALARS = [
  "Bool",
  "Int",
  "Decimal",
  "Float",
  "String",
  "Duration",
  "Time",
  "Ip",
  "Cidr",
  "Path",
  "Url",
  "Email",
  "Command",
  "Purpose",
  "Label",
  "Effect",
  "Kind",
  "Source",
  "Any",
] as const;

export interface RecordType {
  readonly kind: "Record";
  readonly fields: readonly Field[];
  /** Accepts members that are not declared; no rule can read them. */
  readonly open: boolean;
}

export interface Field {
  readonly name: string;
  /** The member's name in JSON where it is not a word of the language. */
  readonly wire?: string;
  readonly type: Type;
  /** Taken when the member is missing: a JSON value as it would stand on the wire. */
  readonly default?: Json;
}

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** `read` looks, `write` changes, `delete` destroys, `execute` runs code, `send` carries data out (SPEC §4.4). */
export const EFFECTS = ["read", "write", "delete", "execute", "send"] as const;
export type Effect = (typeof EFFECTS)[number];

/** What an actor is (SPEC §4.5). */
export const KINDS = ["human", "workload", "autonomous"] as const;
export type Kind = (typeof KINDS)[number];

/** What instructed a call (SPEC §4.6). */
export const SOURCES = ["user", "agent", "tool_output", "document", "unknown"] as const;
export type Source = (typeof SOURCES)[number];

/** The label of values that stand in the person's own instruction; declared by no policy. */
export const USER_LABEL = "user";

/** The label of what anyone may have written; `named` asks about leaves that carry it (SPEC §7.5). */
export const UNTRUSTED_LABEL = "untrusted";

/** The label of untrusted values whose every source stands in the person's instruction (SPEC §7.5). */
export const NAMED_LABEL = "named";

/** A type as an author would write it, but for what is too long to be read in a message. */
export function spell(type: Type, depth = 4): string {
  switch (type.kind) {
    case "Level":
      return type.name;
    case "OneOf":
      return spellValues(type.values);
    case "Set":
    case "List":
    case "Map":
      return depth === 0 ? `${type.kind}<…>` : `${type.kind}<${spell(type.of, depth - 1)}>`;
    case "Record":
      return depth === 0 ? "{ … }" : spellRecord(type, depth - 1);
    case "Optional":
      return `${spell(type.of, depth)}?`;
    default:
      return type.kind;
  }
}

function spellValues(values: readonly string[]): string {
  const shown = values.slice(0, 16).map((value) => JSON.stringify(value));
  if (values.length > shown.length) shown.push("…");
  return shown.join(" | ");
}

function spellRecord(type: RecordType, depth: number): string {
  const shown = type.fields
    .slice(0, 4)
    .map((field) => `${field.name}: ${spell(field.type, depth)}`);
  if (type.fields.length > shown.length || type.open) shown.push("…");
  return `{ ${shown.join(", ")} }`;
}

export function sameType(a: Type, b: Type): boolean {
  if (a === b) return true;
  switch (a.kind) {
    case "Level":
      return b.kind === "Level" && a.name === b.name;
    case "OneOf":
      return b.kind === "OneOf" && sameValues(a.values, b.values);
    case "Set":
    case "List":
    case "Map":
    case "Optional":
      return b.kind === a.kind && sameType(a.of, b.of);
    case "Record":
      return b.kind === "Record" && sameFields(a, b);
    case "Party":
      return b.kind === "Party";
    default:
      return a.kind === b.kind;
  }
}

/** Whether a value of type `from` may stand where `to` is wanted, without being converted. */
export function assignable(from: Type, to: Type): boolean {
  if (sameType(from, to)) return true;
  if (to.kind === "Optional") return assignable(from.kind === "Optional" ? from.of : from, to.of);
  if (from.kind === "OneOf") {
    if (to.kind === "String") return true;
    return to.kind === "OneOf" && isWithin(from.values, to.values);
  }
  if ((from.kind === "Set" || from.kind === "List") && from.kind === to.kind) {
    return assignable(from.of, to.of);
  }
  return false;
}

export function optional(type: Type): Type {
  return type.kind === "Optional" ? type : { kind: "Optional", of: type };
}

export function present(type: Type): Type {
  return type.kind === "Optional" ? type.of : type;
}

/** Types whose values have a total order: `<` may be asked of them. */
export function isOrdered(type: Type): boolean {
  switch (type.kind) {
    case "Int":
    case "Decimal":
    case "Float":
    case "Duration":
    case "Time":
    case "Level":
      return true;
    default:
      return false;
  }
}

/** Types a `Set` may hold and a counter may be keyed by: their values are told apart by one primitive. */
export function isScalar(type: Type): boolean {
  switch (type.kind) {
    case "Set":
    case "List":
    case "Map":
    case "Record":
    case "Optional":
    case "Party":
    case "Any":
      return false;
    default:
      return true;
  }
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && isWithin(a, b);
}

function isWithin(part: readonly string[], whole: readonly string[]): boolean {
  if (part === whole) return true;
  const known = within.get(part) ?? new WeakMap<readonly string[], boolean>();
  within.set(part, known);
  const values = valueSet(whole);
  const found = known.get(whole) ?? part.every((value) => values.has(value));
  known.set(whole, found);
  return found;
}

const within = new WeakMap<readonly string[], WeakMap<readonly string[], boolean>>();

const valueSets = new WeakMap<readonly string[], ReadonlySet<string>>();

/** The values of a `OneOf`, for asking which are among them. */
export function valueSet(values: readonly string[]): ReadonlySet<string> {
  const known = valueSets.get(values) ?? new Set(values);
  valueSets.set(values, known);
  return known;
}

/** How many types a type is made of, and how deep they stand in each other. */
export function extent(type: Type): Extent {
  const known = extents.get(type);
  if (known !== undefined) return known;
  const parts =
    type.kind === "Record" ? type.fields.map((field) => field.type) : "of" in type ? [type.of] : [];
  let [size, depth] = [1, 0];
  for (const part of parts) {
    const inner = extent(part);
    size += inner.size;
    depth = Math.max(depth, inner.depth);
  }
  const found = { size, depth: depth + 1 };
  extents.set(type, found);
  return found;
}

interface Extent {
  readonly size: number;
  readonly depth: number;
}

const extents = new WeakMap<Type, Extent>();

function sameFields(a: RecordType, b: RecordType): boolean {
  return (
    a.open === b.open &&
    a.fields.length === b.fields.length &&
    a.fields.every((field, at) => {
      const other = b.fields[at];
      return (
        other !== undefined &&
        other.name === field.name &&
        other.wire === field.wire &&
        sameType(field.type, other.type) &&
        JSON.stringify(field.default) === JSON.stringify(other.default)
      );
    })
  );
}
