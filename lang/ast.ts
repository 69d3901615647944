/**
 * What the author wrote (SPEC §3): a closed union by `kind`, each node with its span.
 * Parsing builds it, printing reads it back, checking elaborates it into IR.
 */
import type { Span } from "./source.ts";

/** A word as written. `text` of a dotted name is its parts joined by `.`, without spaces. */
export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** A string literal's value (escapes resolved) and where it stands. */
export interface Text {
  readonly text: string;
  readonly span: Span;
}

/** A `//` comment, `text` from the slashes to the end of the line. */
export interface Comment {
  readonly text: string;
  readonly span: Span;
}

export interface File {
  readonly kind: "file";
  readonly span: Span;
  readonly package: Name;
  readonly uses: readonly Use[];
  readonly items: readonly Item[];
  /** Every comment of the file, in source order; the printer puts each back beside what it stood at. */
  readonly comments: readonly Comment[];
}

/** `use acme.base from "../base"` */
export interface Use {
  readonly kind: "use";
  readonly span: Span;
  readonly package: Name;
  readonly from: Text;
}

export type Item =
  | ImportRego
  | Level
  | Purpose
  | Label
  | TypeAlias
  | Tool
  | Resource
  | Attributes
  | Counter
  | Latch
  | Fn
  | Rule
  | Task
  | Never
  | Pep
  | Test;

/** `import rego "legacy/authz.wasm" entrypoint "authz/allow" as legacy : Bool` */
export interface ImportRego {
  readonly kind: "import";
  readonly span: Span;
  readonly module: Text;
  readonly entrypoint: Text;
  readonly name: Name;
  readonly type: Type;
}

/** `level Sensitivity = public < internal < confidential` */
export interface Level {
  readonly kind: "level";
  readonly span: Span;
  readonly name: Name;
  readonly values: readonly Name[];
}

/** `purpose payments, payments.payroll` */
export interface Purpose {
  readonly kind: "purpose";
  readonly span: Span;
  readonly names: readonly Name[];
}

/** `label untrusted, private` */
export interface Label {
  readonly kind: "label";
  readonly span: Span;
  readonly names: readonly Name[];
}

/** `type Item = { id: String, price: Decimal }` */
export interface TypeAlias {
  readonly kind: "type";
  readonly span: Span;
  readonly name: Name;
  readonly type: Type;
}

/** `tool get_env named "get-env", list_env { effect read, args { … }, yields untrusted }` */
export interface Tool {
  readonly kind: "tool";
  readonly span: Span;
  readonly names: readonly ToolName[];
  readonly items: readonly ToolItem[];
}

/** `named` gives the name on the wire where it is not a word of the language. */
export interface ToolName {
  readonly name: Name;
  readonly wire?: Text;
}

export type ToolItem =
  | { readonly kind: "effect"; readonly span: Span; readonly effect: Name }
  | { readonly kind: "args"; readonly span: Span; readonly record: RecordType }
  /**
   * What a call's output carries (SPEC §7.5): `yields untrusted` all of it, `yields untrusted in [subject, body]`
   * what stands under members of these names, `yields system elsewhere` the rest.
   */
  | {
      readonly kind: "yields";
      readonly span: Span;
      readonly labels: readonly Name[];
      readonly where: "everywhere" | "in" | "elsewhere";
      /** Member names, for `in`; empty else. */
      readonly fields: readonly Name[];
    }
  /** Who or what each record of the output comes from: `source sender` (a member of it), `source args.file_path`. */
  | { readonly kind: "source"; readonly span: Span; readonly path: Name }
  | { readonly kind: "server"; readonly span: Span; readonly server: Text }
  | { readonly kind: "scope"; readonly span: Span; readonly scopes: readonly Text[] }
  | { readonly kind: "digest"; readonly span: Span; readonly digest: Text };

/** `resource account { owner: String, sensitivity: Sensitivity = restricted }` */
export interface Resource {
  readonly kind: "resource";
  readonly span: Span;
  readonly name: Name;
  readonly record: RecordType;
}

/** `principal { … }`, `agent { … }`, `session { … }`, `environment { … }`: declared attributes of what requests have. */
export interface Attributes {
  readonly kind: "attributes";
  readonly span: Span;
  readonly of: "principal" | "agent" | "session" | "environment";
  readonly record: RecordType;
}

export type Type =
  /** `Int`, `Sensitivity`, `Set<Email>` */
  | {
      readonly kind: "named";
      readonly span: Span;
      readonly name: Name;
      readonly arguments: readonly Type[];
    }
  /** `"pending" | "delivered"` */
  | { readonly kind: "oneOf"; readonly span: Span; readonly values: readonly Text[] }
  | RecordType
  /** `T?` */
  | { readonly kind: "optional"; readonly span: Span; readonly of: Type };

export interface RecordType {
  readonly kind: "record";
  readonly span: Span;
  readonly fields: readonly FieldType[];
  /** `*` as the last field: members that are not declared are accepted, and can be read by no rule. */
  readonly open: boolean;
}

/** `amount: Decimal`, `file_path named "file-path": Path`, `known: Set<String> = []` */
export interface FieldType {
  readonly name: Name;
  readonly wire?: Text;
  readonly type: Type;
  readonly default?: Expr;
}

export type CounterBase = "attempts" | "allowed" | "completed";

/** Which calls: every one, those of some tools, or those with some effects. */
export type Selector =
  | { readonly kind: "tools"; readonly span: Span; readonly names: readonly Name[] }
  | { readonly kind: "effects"; readonly span: Span; readonly names: readonly Name[] };

/** `completed effect read where resource.sensitivity >= confidential` */
export interface CallFilter {
  readonly base: CounterBase;
  readonly selector?: Selector;
  readonly where?: Expr;
}

/** `counter spend = sum args.amount of allowed send_money per principal within 24h` */
export interface Counter {
  readonly kind: "counter";
  readonly span: Span;
  readonly name: Name;
  readonly op: "count" | "sum" | "distinct";
  /** What is summed or told apart; none for `count`. */
  readonly of?: Expr;
  readonly calls: CallFilter;
  readonly per: readonly Expr[];
  readonly within?: DurationLiteral;
}

/** `latch read_private = completed effect read where … per session [reset by completed edit_file]` */
export interface Latch {
  readonly kind: "latch";
  readonly span: Span;
  readonly name: Name;
  readonly calls: CallFilter;
  readonly per: readonly Expr[];
  readonly reset?: CallFilter;
}

/** `fn fee(a: Decimal): Decimal = a * 0.02` */
export interface Fn {
  readonly kind: "fn";
  readonly span: Span;
  readonly name: Name;
  readonly params: readonly { readonly name: Name; readonly type: Type }[];
  readonly result: Type;
  readonly body: Expr;
}

export type RuleKind = "permit" | "forbid" | "hold" | "oblige";

export interface Rule {
  readonly kind: "rule";
  readonly span: Span;
  readonly effect: RuleKind;
  readonly name: Name;
  /** In the order written; `fmt` puts them in canonical order only where the author did. */
  readonly clauses: readonly Clause[];
}

export type Clause =
  /** `agent in group "a", "b"` · `principal in group "staff"` (in any of them) */
  | {
      readonly kind: "group";
      readonly span: Span;
      readonly of: "agent" | "principal";
      readonly groups: readonly Text[];
    }
  /** `agent is autonomous` */
  | {
      readonly kind: "kind";
      readonly span: Span;
      readonly of: "agent" | "principal";
      readonly is: Name;
    }
  /** `tool send_money, send_email` · `tool effect read, send` */
  | { readonly kind: "tool"; readonly span: Span; readonly selector: Selector }
  /** `resource account, file` (the request has a resource of one of these types) */
  | { readonly kind: "resource"; readonly span: Span; readonly types: readonly Name[] }
  /** `purpose within payments, support` */
  | { readonly kind: "purpose"; readonly span: Span; readonly within: readonly Name[] }
  /** `task pay_invoice` */
  | { readonly kind: "task"; readonly span: Span; readonly names: readonly Name[] }
  | { readonly kind: "when"; readonly span: Span; readonly condition: Expr }
  | { readonly kind: "unless"; readonly span: Span; readonly condition: Expr }
  | { readonly kind: "let"; readonly span: Span; readonly name: Name; readonly value: Expr }
  | { readonly kind: "with"; readonly span: Span; readonly obligations: readonly Obligation[] }
  /** `until approved by delegation.root within 10m` · `until approved by 2 of group "sre"` */
  | {
      readonly kind: "until";
      readonly span: Span;
      readonly count: number;
      readonly approver:
        | { readonly kind: "party"; readonly party: Expr }
        | { readonly kind: "group"; readonly group: Text };
      readonly within?: DurationLiteral;
    }
  /** `then interrupt session` */
  | { readonly kind: "then"; readonly span: Span }
  | { readonly kind: "because"; readonly span: Span; readonly text: Text }
  /** `tag "ASI01", "LLM06"` */
  | { readonly kind: "tag"; readonly span: Span; readonly tags: readonly Text[] };

/** `credential { scope: ["payments:write"], ttl: 60s }` · `redact ["*.iban"]` · `log full` */
export interface Obligation {
  readonly name: Name;
  readonly span: Span;
  /** A record, a list, a bare word (`name`), a string or a number; constants only. */
  readonly value?: Expr;
}

export interface Task {
  readonly kind: "task";
  readonly span: Span;
  readonly name: Name;
  readonly items: readonly TaskItem[];
}

export type TaskItem =
  | { readonly kind: "purpose"; readonly span: Span; readonly purpose: Name }
  | { readonly kind: "sequence"; readonly span: Span; readonly sequence: Sequence }
  | { readonly kind: "limit"; readonly span: Span; readonly limits: readonly Limit[] };

/** `calls <= 20` · `duration <= 15m` · `spend <= 1000.00` */
export interface Limit {
  readonly name: Name;
  readonly span: Span;
  readonly bound: Expr;
}

/** A regular expression over calls (SPEC §8). `,` binds tighter than `|`. */
export type Sequence =
  | {
      readonly kind: "step";
      readonly span: Span;
      readonly selector: Selector;
      readonly args: readonly StepArgument[];
    }
  | { readonly kind: "then"; readonly span: Span; readonly parts: readonly Sequence[] }
  | { readonly kind: "either"; readonly span: Span; readonly parts: readonly Sequence[] }
  /** `*` is 0 and up, `+` 1 and up, `?` 0 to 1, `{m,n}`, `{m,}`, `{m}`; `written` is the form the author chose. */
  | {
      readonly kind: "repeat";
      readonly span: Span;
      readonly of: Sequence;
      readonly least: number;
      readonly most?: number;
      readonly written: "*" | "+" | "?" | "{}";
    };

export type StepArgument =
  /** `path as p`: later steps and predicates may read `p` */
  | { readonly kind: "bind"; readonly span: Span; readonly argument: Name; readonly as: Name }
  /** `args.recipient == p` */
  | { readonly kind: "predicate"; readonly span: Span; readonly condition: Expr };

/** `never unattested_write allow when tool.effect == write and not agent.attested` */
export interface Never {
  readonly kind: "never";
  readonly span: Span;
  readonly name: Name;
  readonly condition: Expr;
  readonly because?: Text;
}

/** `pep nginx { lacks args, outcome }`: what a kind of enforcement point cannot supply. */
export interface Pep {
  readonly kind: "pep";
  readonly span: Span;
  readonly name: Name;
  readonly lacks: readonly Name[];
}

export interface Test {
  readonly kind: "test";
  readonly span: Span;
  readonly name: Text;
  readonly steps: readonly TestStep[];
}

export type TestStep =
  | GivenStep
  /** `when send_money { … } then deny by planted_payee` */
  | {
      readonly kind: "when";
      readonly span: Span;
      readonly call: TestCall;
      readonly expect?: Expectation;
    }
  /** `repeat 400 get_balance` */
  | {
      readonly kind: "repeat";
      readonly span: Span;
      readonly times: number;
      readonly call: TestCall;
      readonly expect?: Expectation;
    }
  | { readonly kind: "wait"; readonly span: Span; readonly duration: DurationLiteral }
  /** Of the call before it. Without one, an allowed call is reported `ok` before the next step. */
  | {
      readonly kind: "outcome";
      readonly span: Span;
      readonly status: "ok" | "error" | "pending";
      readonly labels: readonly Name[];
      /** `returns "text"`: what the call gave back, for `origin`. */
      readonly returns: readonly Expr[];
    };

export type GivenStep =
  | {
      readonly kind: "givenParty";
      readonly span: Span;
      readonly of: "agent" | "principal";
      readonly id: Text;
      readonly attributes?: RecordExpr;
    }
  /** `given delegation alice -> planner -> teller scope ["payments:write"] purpose payments` */
  | {
      readonly kind: "givenDelegation";
      readonly span: Span;
      readonly parties: readonly Name[];
      readonly scope?: Expr;
      readonly purpose?: Name;
      /** `unverified`: as asserted by the PEP, not checked by the engine. */
      readonly verified: boolean;
    }
  | ({ readonly kind: "givenResource"; readonly span: Span } & TestResource)
  /** `given session "s-1"`, `given purpose payments`, `given task pay_invoice`, `given source user` … */
  | {
      readonly kind: "givenFact";
      readonly span: Span;
      readonly of:
        | "session"
        | "purpose"
        | "task"
        | "source"
        | "instruction"
        | "plan"
        | "environment"
        | "now";
      readonly value: Expr;
    };

export interface TestResource {
  readonly type: Name;
  readonly id: Text;
  readonly attributes?: RecordExpr;
}

export interface TestCall {
  readonly span: Span;
  readonly tool: Name;
  readonly args?: RecordExpr;
  /** `on account "acc-1" { owner: "alice" }` */
  readonly on?: TestResource;
  /** `approved by "alice", "bob"` */
  readonly approvedBy: readonly Text[];
}

export interface Expectation {
  readonly span: Span;
  readonly decision: "allow" | "deny" | "hold";
  /** Rules, invariants, tasks or decision codes; each must be among the reasons. */
  readonly by: readonly Name[];
  readonly interrupt: boolean;
  /** Obligation types that must be given. */
  readonly with: readonly Name[];
  /** Steps that must be named as next allowed. */
  readonly next: readonly Name[];
}

export type BinaryOperator =
  | "or"
  | "and"
  | "=="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "in"
  | "not in"
  | "within"
  | "not within"
  | "like"
  | "not like"
  | "subset of"
  | "starts with"
  | "ends with"
  | "contains"
  | "+"
  | "-"
  | "*"
  | "??";

export interface DurationLiteral {
  readonly kind: "duration";
  readonly span: Span;
  /** As written, `15m`; the printer gives it back unchanged. */
  readonly text: string;
  readonly ms: number;
}

export interface RecordExpr {
  readonly kind: "record";
  readonly span: Span;
  readonly fields: readonly { readonly name: Name; readonly value: Expr }[];
}

export type Expr =
  | { readonly kind: "bool"; readonly span: Span; readonly value: boolean }
  /** An `Int` or `Decimal` literal as written, without sign: `500`, `0.25`. */
  | { readonly kind: "number"; readonly span: Span; readonly text: string }
  | { readonly kind: "string"; readonly span: Span; readonly value: string }
  | DurationLiteral
  | { readonly kind: "list"; readonly span: Span; readonly items: readonly Expr[] }
  | RecordExpr
  | { readonly kind: "name"; readonly span: Span; readonly name: string }
  /** `of.name` */
  | { readonly kind: "attribute"; readonly span: Span; readonly of: Expr; readonly name: Name }
  /** `xs[i]`, `table[key]`: may be absent */
  | { readonly kind: "index"; readonly span: Span; readonly of: Expr; readonly index: Expr }
  /** `name(a, b)`: a declared `fn`, an imported module, or a builtin such as `origin`, `count`, `lower` */
  | {
      readonly kind: "call";
      readonly span: Span;
      readonly name: Name;
      readonly arguments: readonly Expr[];
    }
  /** `sum(i in order.items where i.kept: i.price)`; `body` may be missing for `count` */
  | {
      readonly kind: "aggregate";
      readonly span: Span;
      readonly op: "count" | "sum" | "min" | "max" | "first" | "last" | "list" | "set";
      readonly variable: Name;
      readonly over: Expr;
      readonly where?: Expr;
      readonly body?: Expr;
    }
  /** `any x in xs: …`, `all x in xs: …`; the body reaches as far as it can */
  | {
      readonly kind: "quantifier";
      readonly span: Span;
      readonly op: "any" | "all";
      readonly variable: Name;
      readonly over: Expr;
      readonly body: Expr;
    }
  | { readonly kind: "not"; readonly span: Span; readonly operand: Expr }
  | { readonly kind: "negate"; readonly span: Span; readonly operand: Expr }
  | { readonly kind: "has"; readonly span: Span; readonly of: Expr }
  /** `x is human`, `resource is not account` */
  | {
      readonly kind: "is";
      readonly span: Span;
      readonly of: Expr;
      readonly not: boolean;
      readonly what: Name;
    }
  | {
      readonly kind: "binary";
      readonly span: Span;
      readonly op: BinaryOperator;
      readonly left: Expr;
      readonly right: Expr;
    }
  | {
      readonly kind: "if";
      readonly span: Span;
      readonly condition: Expr;
      readonly then: Expr;
      readonly else: Expr;
    }
  /** Parentheses the author wrote; kept so that printing changes nothing. */
  | { readonly kind: "paren"; readonly span: Span; readonly inner: Expr };
