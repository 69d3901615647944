/**
 * What is decided (SPEC §11): names resolved, sugar gone, plain JSON. It is shipped, hashed, diffed and
 * explained; both evaluators read it and nothing else.
 *
 * Values in `const` nodes are run-time values in their JSON form (`engine/value.ts`): a Decimal is an
 * integer of ten-thousandths, a Level its position, a Time and a Duration milliseconds, and a Path, Url,
 * Email, Ip or Purpose its canonical text. A Set is a list without duplicates.
 */
import type { Effect, Field, Json, Type } from "./type.ts";

/** A reader refuses another major version, and a newer minor one that it does not know. */
export const IR_VERSION = { major: 1, minor: 1 } as const;

export interface Program {
  readonly format: "writ.ir";
  readonly version: { readonly major: number; readonly minor: number };
  /** The package this was built from, and every package it uses, itself first. */
  readonly package: string;
  readonly packages: readonly string[];
  readonly levels: readonly LevelDecl[];
  readonly purposes: readonly string[];
  readonly labels: readonly string[];
  readonly tools: readonly ToolDecl[];
  readonly resources: readonly ResourceDecl[];
  readonly principal: readonly Field[];
  readonly agent: readonly Field[];
  readonly session: readonly Field[];
  readonly environment: readonly Field[];
  readonly functions: readonly FunctionDecl[];
  readonly modules: readonly ModuleDecl[];
  /** What modules are run from. Missing where none is imported, or nobody looked for their files. */
  readonly binaries?: readonly ModuleBinary[];
  readonly counters: readonly CounterDecl[];
  readonly latches: readonly LatchDecl[];
  readonly tasks: readonly TaskDecl[];
  readonly rules: readonly Rule[];
  readonly nevers: readonly Never[];
  /** Rules read `origin`: the engine must keep texts of instructions and outcomes. */
  readonly readsOrigin: boolean;
  /** Files by path, for positions. */
  readonly sources: readonly string[];
  /** Five numbers a place: file, start, end (UTF-16 offsets), line, column (from 1). `at` is an index of fives. */
  readonly places: readonly number[];
}

/** The level named `Sensitivity`, where there is one, is what `resource.sensitivity` holds. */
export interface LevelDecl {
  readonly name: string;
  readonly values: readonly string[];
}

export interface ToolDecl {
  /** The name in the language, and `wire` the one in requests. */
  readonly name: string;
  readonly wire: string;
  /** Only this server's tool of that name is meant. */
  readonly server?: string;
  readonly effect: Effect;
  readonly args: readonly Field[];
  /** Arguments that are not declared are accepted; else they refuse the request. */
  readonly open: boolean;
  /** Labels of what a call returns (SPEC §7.5), leaf by leaf. */
  readonly yields: readonly Yield[];
  /** Where a record of the output names what it comes from: a member of the record, or an argument of the call. */
  readonly source?: { readonly of: "output" | "args"; readonly name: string };
  /** What a delegation's scope must contain, each of them, to cover a call. */
  readonly scope: readonly string[];
  /** Of the published definition; another one in a request refuses it. */
  readonly digest?: string;
}

/** `fields` missing and `elsewhere` false: every leaf. */
export interface Yield {
  readonly label: string;
  /** Only leaves under a member of one of these names. */
  readonly fields?: readonly string[];
  /** Only leaves that no yield with `fields` of this tool covers. */
  readonly elsewhere: boolean;
}

export interface ResourceDecl {
  readonly name: string;
  readonly attributes: readonly Field[];
  readonly open: boolean;
}

export interface FunctionDecl {
  readonly name: string;
  /** Local ids of the parameters. */
  readonly params: readonly number[];
  readonly body: Expr;
  readonly at: number;
}

export interface ModuleDecl {
  readonly name: string;
  readonly module: string;
  readonly entrypoint: string;
  readonly type: Type;
  /** Index into `binaries`. Missing = it cannot be run. */
  readonly binary?: number;
  readonly at: number;
}

export interface ModuleBinary {
  /** WebAssembly, in base64. */
  readonly wasm: string;
  /** The document that belongs to it: JSON. */
  readonly data?: string;
}

/** Which calls; indexes into `tools`. Missing = every call. */
export interface CallFilter {
  readonly base: "attempts" | "allowed" | "completed";
  readonly tools?: readonly number[];
  /** Unknown counts as true: a counter only ever over-counts. */
  readonly where?: Expr;
}

export interface CounterDecl {
  readonly name: string;
  readonly op: "count" | "sum" | "distinct";
  readonly of?: Expr;
  /** What readings of it are: `Int` or `Decimal` (ten-thousandths). */
  readonly type: "Int" | "Decimal";
  readonly calls: CallFilter;
  readonly per: readonly Expr[];
  /** Missing = for the key's lifetime. */
  readonly windowMs?: number;
  readonly at: number;
}

export interface LatchDecl {
  readonly name: string;
  readonly calls: CallFilter;
  readonly per: readonly Expr[];
  readonly reset?: CallFilter;
  readonly at: number;
}

export interface TaskDecl {
  readonly name: string;
  readonly purpose?: string;
  readonly sequence?: SequenceDecl;
  readonly limits: readonly LimitDecl[];
  readonly at: number;
}

/**
 * A sequence as its positions (Glushkov automaton): position p is one step in the text. After a call taken
 * at p, the next may be taken at any of `follow[p]`; the first at any of `first`. Bindings make each
 * running configuration carry its own values.
 */
export interface SequenceDecl {
  readonly positions: readonly StepDecl[];
  readonly first: readonly number[];
  readonly follow: readonly (readonly number[])[];
  /** Positions at which the sequence may be complete; `empty` when no call at all completes it. */
  readonly last: readonly number[];
  readonly empty: boolean;
}

export interface StepDecl {
  /** How the step is named to people. */
  readonly label: string;
  readonly tools: readonly number[];
  /** Name of argument → local id its value is bound to. Bound again, it must be equal. */
  readonly binds: readonly { readonly argument: string; readonly id: number }[];
  readonly predicates: readonly Expr[];
  readonly at: number;
}

export type LimitDecl =
  | { readonly kind: "calls"; readonly most: number; readonly at: number }
  | { readonly kind: "duration"; readonly mostMs: number; readonly at: number }
  /** `counter` is kept for the task alone, for its lifetime; what this call would add is included. */
  | {
      readonly kind: "counter";
      readonly counter: number;
      readonly most: number;
      readonly at: number;
    };

export interface Rule {
  readonly name: string;
  readonly package: string;
  readonly effect: "permit" | "forbid" | "hold" | "oblige";
  readonly guard: Guard;
  /** Values named by `let`, in order; conditions read them as locals. A failing one is unknown where it is read. */
  readonly lets: readonly { readonly id: number; readonly name: string; readonly value: Expr }[];
  /** All must be true. `unless c` stands here as `not c`. */
  readonly conditions: readonly Expr[];
  readonly obligations: readonly Obligation[];
  readonly approval?: Approval;
  readonly interrupt: boolean;
  readonly because?: string;
  readonly tags: readonly string[];
  readonly at: number;
}

/** The clauses an index can use: exact, never unknown. Each missing one admits every request. */
export interface Guard {
  readonly tools?: readonly number[];
  readonly agentGroups?: readonly string[];
  readonly agentKinds?: readonly string[];
  /** Also require that there is a principal. */
  readonly principalGroups?: readonly string[];
  readonly principalKinds?: readonly string[];
  /** Names of resource types; also requires that there is a resource. */
  readonly resources?: readonly string[];
  /** The request has a purpose within one of these. */
  readonly purposes?: readonly string[];
  readonly tasks?: readonly string[];
}

export type Obligation =
  | { readonly type: "credential"; readonly scope: readonly string[]; readonly ttlMs: number }
  | { readonly type: "redact"; readonly paths: readonly string[] }
  | { readonly type: "log"; readonly level: "none" | "summary" | "full" }
  | { readonly type: "notify"; readonly whom: readonly string[] }
  /** Any other word: handed to the PEP as written, once for each different value. */
  | { readonly type: "custom"; readonly name: string; readonly value: Json };

export interface Approval {
  readonly count: number;
  readonly approver:
    | { readonly kind: "party"; readonly party: Expr }
    | { readonly kind: "group"; readonly group: string };
  readonly withinMs?: number;
}

/** No decision may allow while the condition is true or unknown. */
export interface Never {
  readonly name: string;
  readonly package: string;
  readonly condition: Expr;
  readonly because?: string;
  readonly at: number;
}

/** The values every request brings. `args` are the tool's. */
export type RootName =
  | "agent"
  | "principal"
  | "delegation"
  | "intent"
  | "tool"
  | "args"
  | "resource"
  | "session"
  | "environment";

/** How numbers are calculated and compared: Int and Decimal are checked for overflow; all are plain numbers. */
export type NumberKind = "Int" | "Decimal" | "Float" | "Duration" | "Time";

/**
 * An expression. Evaluation gives a value or *unknown* with its cause (SPEC §5.3). Operators are strict:
 * the leftmost unknown operand is the result, except where the node says otherwise.
 */
export type Expr =
  | { readonly kind: "const"; readonly type: Type; readonly value: Json; readonly at: number }
  /** Unknown (`absent`) when the request has no such root. */
  | { readonly kind: "root"; readonly name: RootName; readonly at: number }
  | { readonly kind: "local"; readonly id: number; readonly name: string; readonly at: number }
  /** A member of a record or root. Unknown (`absent`) when missing; the checker lets this happen only behind an absent root. */
  | { readonly kind: "attribute"; readonly of: Expr; readonly name: string; readonly at: number }
  /** Element of a list from 0, or of a map by key: unknown (`absent`) when there is none. */
  | {
      readonly kind: "index";
      readonly of: Expr;
      readonly index: Expr;
      readonly over: "List" | "Map";
      readonly at: number;
    }
  /** Whether `of` (root, attribute or index) is there: `absent` inside it is false; other unknowns pass. */
  | { readonly kind: "has"; readonly of: Expr; readonly at: number }
  /** `left` unless it is absent; then `right`. Other unknowns pass. */
  | { readonly kind: "coalesce"; readonly left: Expr; readonly right: Expr; readonly at: number }
  | { readonly kind: "not"; readonly operand: Expr; readonly at: number }
  /** Kleene: false wins over unknown; the left is evaluated first and false ends it. */
  | { readonly kind: "and"; readonly left: Expr; readonly right: Expr; readonly at: number }
  /** Kleene: true wins over unknown. */
  | { readonly kind: "or"; readonly left: Expr; readonly right: Expr; readonly at: number }
  /** Unknown condition is unknown; only the chosen branch is evaluated. */
  | {
      readonly kind: "if";
      readonly condition: Expr;
      readonly then: Expr;
      readonly else: Expr;
      readonly at: number;
    }
  /** Deep equality of two values of one type; Sets without order. */
  | {
      readonly kind: "equal";
      readonly left: Expr;
      readonly right: Expr;
      readonly type: Type;
      readonly at: number;
    }
  | {
      readonly kind: "less";
      readonly op: "<" | "<=" | ">" | ">=";
      readonly left: Expr;
      readonly right: Expr;
      readonly at: number;
    }
  /** Overflow beyond ±(2^53−1) is unknown (`overflow`). Decimal × Decimal rounds half to even. */
  | {
      readonly kind: "arithmetic";
      readonly op: "+" | "-" | "*";
      readonly number: NumberKind;
      readonly left: Expr;
      readonly right: Expr;
      readonly at: number;
    }
  /** Int → Decimal, where a literal or an Int stands beside a Decimal. */
  | { readonly kind: "decimal"; readonly of: Expr; readonly at: number }
  | { readonly kind: "negate"; readonly of: Expr; readonly at: number }
  /** Element of a Set or List of scalars. */
  | {
      readonly kind: "in";
      readonly left: Expr;
      readonly right: Expr;
      readonly over: "Set" | "List";
      readonly at: number;
    }
  /** Every element of `left` is in `right` (Sets or Lists of scalars). */
  | { readonly kind: "subset"; readonly left: Expr; readonly right: Expr; readonly at: number }
  /** Purpose within purpose, Path within path, Ip or Cidr within Cidr. */
  | {
      readonly kind: "within";
      readonly left: Expr;
      readonly right: Expr;
      readonly of: "Purpose" | "Path" | "Ip";
      readonly at: number;
    }
  /** Glob with `*`, whole string, linear time. */
  | { readonly kind: "like"; readonly left: Expr; readonly pattern: Expr; readonly at: number }
  | {
      readonly kind: "text";
      readonly op: "starts" | "ends" | "contains";
      readonly left: Expr;
      readonly right: Expr;
      readonly at: number;
    }
  /** Kleene over the elements in order: a true one decides `any`, a false one `all`; else the first unknown. */
  | {
      readonly kind: "quantifier";
      readonly op: "any" | "all";
      readonly id: number;
      readonly name: string;
      readonly over: Expr;
      readonly body: Expr;
      readonly at: number;
    }
  /** Elements for which `where` is true; unknown in any part is unknown. `min`, `max`, `first` and `last` of nothing are unknown (`absent`). */
  | {
      readonly kind: "aggregate";
      readonly op: "count" | "sum" | "min" | "max" | "first" | "last" | "list" | "set";
      readonly number?: NumberKind;
      readonly id: number;
      readonly name: string;
      readonly over: Expr;
      readonly where?: Expr;
      readonly body?: Expr;
      readonly at: number;
    }
  | {
      readonly kind: "list";
      readonly items: readonly Expr[];
      readonly as: "List" | "Set";
      readonly at: number;
    }
  | {
      readonly kind: "record";
      readonly fields: readonly { readonly name: string; readonly value: Expr }[];
      readonly at: number;
    }
  /** A derived attribute of a structured scalar, or a builtin function: `name` is a key of `builtins.ts`. */
  | {
      readonly kind: "builtin";
      readonly name: string;
      readonly args: readonly Expr[];
      readonly at: number;
    }
  | {
      readonly kind: "call";
      readonly function: number;
      readonly args: readonly Expr[];
      readonly at: number;
    }
  /** An imported module's answer; unknown (`module_unavailable`) where it gives none. */
  | { readonly kind: "module"; readonly module: number; readonly at: number }
  /** A counter's value before this request. Unknown (`absent` key, `state_unavailable`). */
  | { readonly kind: "counter"; readonly counter: number; readonly at: number }
  /** A latch's bit. Unknown (`pending`) while a call that would change it has not reported its outcome. */
  | { readonly kind: "latch"; readonly latch: number; readonly at: number }
  /** Set of labels (SPEC §7.5). */
  | { readonly kind: "origin"; readonly of: Expr; readonly at: number };

export type ExprKind = Expr["kind"];

/** Why a value is unknown (SPEC §5.3). */
export const CAUSES = [
  "absent",
  "overflow",
  "length_mismatch",
  "pending",
  "state_unavailable",
  "module_unavailable",
  "fuel",
] as const;
export type Cause = (typeof CAUSES)[number];
