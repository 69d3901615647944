/** Where an expression stands: what its words mean and what is known there. */
import type * as ast from "./ast.ts";
import { both, type Known, meet } from "./known.ts";
import type { Report } from "./report.ts";
import type { Span } from "./source.ts";
import type { RecordType, Type } from "./type.ts";
import type { Typed } from "./typed.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What all expressions of a package share. */
export interface Surroundings {
  readonly vocabulary: Vocabulary;
  readonly functions: ReadonlyMap<string, Signature>;
  readonly modules: ReadonlyMap<string, { readonly index: number; readonly type: Type }>;
  readonly counters: ReadonlyMap<
    string,
    { readonly index: number; readonly type: "Int" | "Decimal" }
  >;
  readonly latches: ReadonlyMap<string, number>;
  /** By counter and latch: what its keys read. */
  readonly keys: ReadonlyMap<string, KeyScope>;
  readonly report: Report;
  /** `expression.ts`'s `check`, for the parts of the checker that it is made of. */
  readonly check: (expr: ast.Expr, context: Context, wanted?: Type) => Typed | undefined;
  /** The index of a place (see `Program.places`), made on first use. */
  readonly place: (span: Span) => number;
  /** A local id that nothing else in the program has. */
  readonly fresh: () => number;
}

/** The keys of a counter or latch, as written, and the type of each that is no word such as `session`. */
export interface KeyScope {
  readonly per: readonly ast.Expr[];
  readonly types: readonly (Type | undefined)[];
}

export interface Signature {
  readonly index: number;
  readonly params: readonly { readonly name: string; readonly type: Type }[];
  readonly result: Type;
}

export interface Context {
  readonly around: Surroundings;
  readonly locals: ReadonlyMap<string, { readonly id: number; readonly type: Type }>;
  readonly known: Known;
  /** Tools the expression can be asked about (indexes). */
  readonly tools: readonly number[];
  /** What defines state cannot read state; a `fn` reads no state and neither arguments nor the resource. */
  readonly reads: "everything" | "no state" | "parameters";
  /** Unknown makes the rule apply (forbid, hold, never): reading what may be missing deserves a warning. */
  readonly cautious: boolean;
  /** How many loops are around it. */
  readonly loops: number;
  /** Absent steps on the way are no error: inside `has`, and left of `??`. */
  readonly lenient: boolean;
}

export function knowing(context: Context, known: Known): Context {
  return { ...context, known: both(context.known, known) };
}

export function withLocal(context: Context, name: string, id: number, type: Type): Context {
  return { ...context, locals: new Map(context.locals).set(name, { id, type }) };
}

/** The tools still possible here. */
export function toolsHere(context: Context): readonly number[] {
  return context.known.tools === undefined
    ? context.tools
    : meet(context.tools, context.known.tools);
}

/** The element type where there is one. */
export function elementOf(type: Type): Type | undefined {
  return type.kind === "Set" || type.kind === "List" ? type.of : undefined;
}

export const HOP: RecordType = {
  kind: "Record",
  open: false,
  fields: [
    { name: "from", type: { kind: "Party" } },
    { name: "to", type: { kind: "Party" } },
    { name: "scope", type: { kind: "Set", of: { kind: "String" } } },
    { name: "purpose", type: { kind: "Optional", of: { kind: "Purpose" } } },
    { name: "issued_at", type: { kind: "Optional", of: { kind: "Time" } } },
    { name: "expires_at", type: { kind: "Optional", of: { kind: "Time" } } },
    { name: "approved", type: { kind: "Bool" } },
  ],
};
