/** What operators are shown of live state, as it stands on the wire (SPEC §12.10). Times are RFC 3339. */
import type { Reason } from "../decision.ts";

export interface StateView {
  readonly at: string;
  readonly policy: { readonly package: string; readonly digest: string; readonly rules: number };
  readonly sessions: FilledView & { readonly interrupted: number };
  readonly tasks: FilledView;
  /** Allowed calls whose outcome has not been reported. */
  readonly calls: FilledView;
  /** What each counter and each latch may have. */
  readonly keys_most: number;
  readonly counters: readonly CounterView[];
  readonly latches: readonly LatchView[];
}

export interface FilledView {
  readonly count: number;
  readonly most: number;
}

export interface CounterView {
  readonly name: string;
  readonly op: "count" | "sum" | "distinct";
  readonly per: readonly string[];
  /** `10s`; missing = for the key's lifetime. */
  readonly within?: string;
  readonly since?: string;
  readonly keys: number;
  /** Up to where it may go, as far as that is a constant; the lowest first. */
  readonly limits: readonly LimitView[];
  readonly highest: readonly ReadingView[];
}

export interface LimitView {
  readonly most: number;
  readonly rule: string;
  readonly effect: Reason["effect"];
  /** `rules.writ:41:1` */
  readonly at: string;
}

export interface ReadingView {
  readonly key: readonly string[];
  /** `null` where it cannot be told. */
  readonly value: number | null;
  /** The next limit, or the last where all are reached. */
  readonly limit?: number;
  readonly reached?: boolean;
}

export interface LatchView {
  readonly name: string;
  readonly per: readonly string[];
  /** Since when it knows all, where it was declared late. */
  readonly since?: string;
  readonly keys: number;
  readonly set: number;
  readonly pending: number;
  readonly some: readonly { readonly key: readonly string[]; readonly state: "set" | "pending" }[];
}

export interface SessionView {
  readonly id: string;
  readonly since: string;
  readonly used: string;
  readonly labels: readonly string[];
  /** The name in the level `Sensitivity`, where there is one. */
  readonly sensitivity: string | number;
  readonly interrupted: boolean;
  readonly interruption?: {
    readonly by: "rule" | "operator" | "host";
    readonly names: readonly string[];
    readonly because?: string;
    readonly at: string;
  };
}

export interface SessionsView {
  readonly at: string;
  readonly sessions: readonly SessionView[];
  /** Where the next page begins; missing on the last. */
  readonly next?: string;
}

export interface SessionDetail extends SessionView {
  readonly at: string;
  readonly calls: number;
  /** The oldest of them. */
  readonly under_way: readonly {
    readonly call: string;
    readonly tool: string;
    readonly since: string;
  }[];
  readonly tasks: readonly TaskView[];
  readonly counters: readonly (ReadingView & Pick<CounterView, "name" | "per" | "within">)[];
  readonly latches: readonly {
    readonly name: string;
    readonly key: readonly string[];
    readonly state: "set" | "pending";
  }[];
}

export interface TaskView {
  readonly name: string;
  readonly since: string;
  /** Digest of the policy whose sequence it is in; missing where that in force has the same. */
  readonly policy?: string;
  readonly calls: number;
  readonly calls_most?: number;
  /** When it has lasted as long as it may. */
  readonly until?: string;
  readonly under_way: number;
  /** Steps that may follow; missing where the task has no sequence. */
  readonly next?: readonly string[];
  readonly complete?: boolean;
}
