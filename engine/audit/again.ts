/**
 * Recorded decisions, made again from their records and the policy they name (SPEC §14.4): what is decided twice
 * from the same must be the same. Pure.
 */

import type { Program } from "../../lang/ir.ts";
import type { ApprovalFact } from "../approvals/fact.ts";
import { canonicalJson, digestOf } from "../canonical-json.ts";
import { decide } from "../decide.ts";
import type { Decision } from "../decision.ts";
import type { Evaluator } from "../evaluate/evaluator.ts";
import type { ModuleReading } from "../facts.ts";
import { messageOf } from "../fault.ts";
import { type Policy, preparePolicy } from "../policy.ts";
import { createRequestReader, type RequestReader } from "../request-reader.ts";
import type { StateView, TaskState } from "../state/store.ts";
import type { Scalar, Value } from "../value.ts";
import { sealedJson } from "./sealed.ts";
import { digestOfValue, moduleFrom, sessionFrom, taskFrom, type Whole } from "./whole.ts";

/** As `record.ts` wrote it. */
export interface RecordedDecision {
  readonly kind: "decision";
  readonly id: string;
  readonly call?: string;
  readonly decision: Decision["decision"];
  readonly code?: string;
  readonly request: string;
  readonly approvals?: readonly ApprovalFact[];
  readonly policy: { readonly package: string; readonly digest: string };
  /** The task was judged by the sequence of this policy, where it is another than `policy`. */
  readonly task_policy?: string;
  /** As it was, its level by name. */
  readonly session?: { readonly sensitivity?: string };
  readonly modules?: readonly { readonly answer: unknown }[];
  readonly whole?: Whole;
}

export type Again =
  | { readonly kind: "same" }
  | { readonly kind: "differs"; readonly differences: readonly Difference[] }
  | { readonly kind: "skipped"; readonly why: Skip };

export interface Difference {
  /** Of the decision: `decision`, `rules`, … */
  readonly member: string;
  readonly recorded: unknown;
  readonly again: unknown;
}

/** Why a record tells too little to decide from. */
export const SKIPS = {
  other_policy: "of another policy",
  other_sequence: "in a task that began under another policy",
  not_whole: "without the request and what was read (`--audit-requests`)",
  left_out: "with something left out",
  not_decided:
    "not decided by rules: the engine or its state failed, there was no policy, or an allow was not handed out",
  session_ended: "in a session that was ended, which is none of Rego's",
  no_answer: "to which the module gave no answer then",
  random: "by a module that draws lots (`rand.intn`, `uuid.rfc4122`)",
} as const;
export type Skip = keyof typeof SKIPS;

export interface AgainParts {
  readonly program: Program;
  readonly digest: string;
  readonly evaluator: Evaluator;
}

/** Made once for a policy. */
export function openAgain({ program, digest, evaluator }: AgainParts) {
  const policy = preparePolicy(program, { digest }, evaluator);
  const read = createRequestReader(program);
  return (record: RecordedDecision): Again => {
    const why = skipOf(record, digest);
    if (why !== undefined) return { kind: "skipped", why };
    const again = decideAgain(record, record.whole ?? { request: undefined }, policy, read);
    return held(record, again);
  };
}

/** A recorded decision against the one that was made again. */
export function held(record: RecordedDecision, again: Made): Again {
  const differences = compare(record, again);
  return differences.length === 0 ? { kind: "same" } : { kind: "differs", differences };
}

function skipOf(record: RecordedDecision, digest: string): Skip | undefined {
  const { whole, policy, code } = record;
  if (policy.digest !== digest) return policy.digest === "" ? "not_decided" : "other_policy";
  if (record.task_policy !== undefined) return "other_sequence";
  if (whole === undefined) return "not_whole";
  if (whole.altered === true) return "left_out";
  return whole.counters === undefined && code !== "invalid_request" ? "not_decided" : undefined;
}

/** What was decided again, or why nothing was. */
export type Made = Partial<Decision> & { readonly failed?: string };

function decideAgain(
  { id, call = "", approvals = [], request }: RecordedDecision,
  whole: Whole,
  policy: Policy,
  read: RequestReader,
): Made {
  const { now = 0, later, kept = now, verified = false, session, delegation, refused } = whole;
  const reading = read(whole.request, {
    nowMs: now,
    doubt: later === undefined ? undefined : { laterMs: later },
    verified,
    delegation,
    refused,
    session: () => session && sessionFrom(session),
  });
  if (!reading.ok) {
    return reading.kind === "invalid"
      ? { decision: "deny", code: "invalid_request", reasons: [], obligations: [] }
      : { failed: "the recorded request is malformed" };
  }
  try {
    const view = new RecordedView(whole, kept, taskFrom(whole.task, reading, policy.program));
    return decide(policy, reading, view, { id, call, approvals, digest: () => request }).decision;
  } catch (fault) {
    return { failed: messageOf(fault) };
  }
}

/** What is recorded and nothing else: to read more than was read then is to decide otherwise. */
class RecordedView implements StateView {
  readonly nowMs: number;
  readonly task: TaskState | "changed" | undefined;
  readonly #counters: ReadonlyMap<string, number | string>;
  readonly #latches: ReadonlyMap<string, boolean | string>;
  readonly #origins: ReadonlyMap<string, readonly Scalar[] | string>;
  readonly #modules: ReadonlyMap<number, ModuleReading | undefined>;

  constructor(whole: Whole, nowMs: number, task: TaskState | "changed" | undefined) {
    const { counters = [], latches = [], origins = [], modules = [] } = whole;
    this.nowMs = nowMs;
    this.task = task;
    this.#counters = new Map(counters.map(([index, key, value]) => [`${index} ${key}`, value]));
    this.#latches = new Map(latches.map(([index, key, value]) => [`${index} ${key}`, value]));
    this.#origins = new Map(origins);
    this.#modules = new Map(modules.map((module) => [module[0], moduleFrom(module)]));
  }

  counter(index: number, key: string): number | "unavailable" {
    const value = this.#counters.get(`${index} ${digestOf(key)}`);
    if (typeof value === "number" || value === "unavailable") return value;
    throw new Error(`counter ${index} is read, and was not read with this key then`);
  }

  latch(index: number, key: string): boolean | "pending" | "unavailable" {
    const value = this.#latches.get(`${index} ${digestOf(key)}`);
    if (typeof value === "boolean" || value === "pending" || value === "unavailable") return value;
    throw new Error(`latch ${index} is read, and was not read with this key then`);
  }

  origin(value: Value): ReadonlySet<Scalar> | "unavailable" {
    const labels = this.#origins.get(digestOfValue(value));
    if (labels === "unavailable") return labels;
    if (Array.isArray(labels)) return new Set(labels);
    throw new Error("the origin of a value is asked, and was not asked then");
  }

  /** The module itself is not run: it may not be here, and would know another clock. */
  module(index: number): ModuleReading | undefined {
    if (this.#modules.has(index)) return this.#modules.get(index);
    throw new Error(`imported module ${index} is asked, and was not asked then`);
  }
}

/** Where rules stand in their files may have changed under one digest, and words for people say the same. */
function compare(record: RecordedDecision, again: Made): readonly Difference[] {
  const recorded = essence(record as unknown as Readonly<Record<string, unknown>>);
  const made = essence({ ...again, rules: again.reasons });
  return [...new Set([...Object.keys(recorded), ...Object.keys(made)])].flatMap((member) => {
    const [before, after] = [recorded[member], made[member]];
    if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
    return [{ member, recorded: before, again: after }];
  });
}

function essence(of: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { decision, code, cause, rules, obligations, errors, next, interrupt, approval, failed } =
    of;
  return {
    decision,
    code,
    cause,
    rules: list(rules).map(({ rule, effect, indeterminate }) => ({ rule, effect, indeterminate })),
    obligations,
    errors: list(errors).map((error) => ({ rule: error.rule, cause: error.cause })),
    next,
    interrupt,
    approval: sealedJson(approval),
    failed,
  };
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value : [];
}
