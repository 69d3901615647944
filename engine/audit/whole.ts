/**
 * What a record holds so that its decision can be made again (SPEC §14.4): the request and everything that was
 * read to decide it. Keys of counters and values whose origin was asked stand as digests. Pure.
 */
import type { Program } from "../../lang/ir.ts";
import type { Json } from "../../lang/type.ts";
import { digestOf } from "../canonical-json.ts";
import type { DecisionEvidence, FactsRead } from "../evidence.ts";
import type { ModuleReading } from "../facts.ts";
import type { DelegationRefusal } from "../identity/cause.ts";
import type { VouchedDelegation } from "../identity/vouched.ts";
import type { DecisionRequest } from "../request.ts";
import type { AcceptedRequest, SessionFacts } from "../request-reader.ts";
import { decodeTask, decodeValue, encodeTask, encodeValue } from "../state/codec.ts";
import { sequenceIn } from "../state/past.ts";
import type { TaskState } from "../state/store.ts";
import { isSet, type RecordValue, type Scalar, type Value } from "../value.ts";
import { isObject } from "../value-reader.ts";
import { without } from "./pointer.ts";
import { isUnsealed, sealedJson } from "./sealed.ts";

/** As written in a record. */
export interface Whole {
  readonly request: unknown;
  /** Something that may matter was left out, or stands as a digest: nothing can be decided from this. */
  readonly altered?: true | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now?: number | undefined;
  /** By the clock that was ahead, where two disagreed: `now` could not be told then. */
  readonly later?: number | undefined;
  /** By the clock of the state, where that is another. */
  readonly kept?: number | undefined;
  readonly verified?: boolean | undefined;
  /** What the tokens came to. */
  readonly delegation?: VouchedDelegation | undefined;
  /** What was revoked. */
  readonly refused?: DelegationRefusal | undefined;
  readonly session?: WholeSession | undefined;
  readonly counters?: readonly (readonly [index: number, key: string, value: number | string])[];
  readonly latches?: readonly (readonly [index: number, key: string, value: boolean | string])[];
  readonly origins?: readonly (readonly [of: string, labels: readonly Scalar[] | string])[];
  readonly modules?: readonly WholeModule[];
  readonly task?: Json | undefined;
}

/** What an imported module gave, where it gave a value. */
type WholeModule = readonly [index: number, said: "value" | "absent" | "unavailable", value?: Json];

export interface WholeSession {
  readonly started: number;
  readonly interrupted: boolean;
  readonly labels: readonly Scalar[];
  readonly sensitivity: number;
}

/** Read for `origin` and for nobody else, and free text: no decision needs more of them than its facts. */
const NEVER = [
  ["intent", "instruction"],
  ["intent", "reason"],
];

export function wholeOf(
  { input, program, accepted, facts, nowMs, laterMs, vouched }: DecisionEvidence,
  but: readonly (readonly string[])[],
): Whole {
  const spared = withoutTokens(NEVER.reduce(without, input));
  const request = but.reduce(without, spared);
  const read = accepted && facts && program && factsJson(facts, accepted, program);
  // A module may answer with what it was asked.
  const told = [request, read?.task, read?.modules, vouched.delegation, vouched.refused];
  // Steps before this one, and answers of modules, may hold what this request is spared of.
  const isTold = but.length > 0 && (facts?.task !== undefined || (facts?.modules ?? []).length > 0);
  const isAltered = isTold || request !== spared || !isUnsealed(told);
  if (isAltered) return { request: sealedJson(request), altered: true };
  return {
    request,
    now: nowMs,
    later: laterMs === undefined ? undefined : Math.min(laterMs, Number.MAX_SAFE_INTEGER),
    kept: facts?.nowMs === nowMs ? undefined : facts?.nowMs,
    verified: vouched.delegationVerified === true,
    delegation: vouched.delegation,
    refused: vouched.refused,
    session: sessionOf(accepted?.request.roots.session),
    ...read,
  };
}

/** That there were tokens is decided on where nobody verifies them; what they came to is told beside the request. */
function withoutTokens(input: unknown): unknown {
  if (!isObject(input) || !isObject(input.delegation)) return input;
  if (input.delegation.tokens === undefined) return input;
  return { ...input, delegation: { ...input.delegation, tokens: [] } };
}

/** By which a value is found again whose origin was asked. */
export function digestOfValue(value: Value): string {
  return digestOf(encodeValue(value));
}

function sessionOf(session: RecordValue | undefined): WholeSession | undefined {
  if (session === undefined) return undefined;
  return {
    started: Number(session.started_at),
    interrupted: session.status === "interrupted",
    labels: isSet(session.labels) ? [...session.labels] : [],
    sensitivity: Number(session.sensitivity),
  };
}

export function sessionFrom(session: WholeSession): SessionFacts {
  return {
    startedAtMs: session.started,
    interrupted: session.interrupted,
    labels: new Set(session.labels),
    sensitivity: session.sensitivity,
  };
}

function factsJson(
  { counters, latches, origins, modules, task }: FactsRead,
  accepted: AcceptedRequest,
  program: Program,
): Partial<Whole> {
  return {
    counters: counters.map(({ index, key, value }) => [index, digestOf(key), value]),
    latches: latches.map(({ index, key, value }) => [index, digestOf(key), value]),
    origins: origins.map(({ of, labels }) => [
      digestOfValue(of),
      labels === "unavailable" ? labels : [...labels],
    ]),
    ...(modules.length === 0
      ? {}
      : { modules: modules.map(({ index, reading }) => moduleJson(index, reading)) }),
    task: task && taskJson(task, accepted, program),
  };
}

function moduleJson(index: number, reading: ModuleReading | undefined): WholeModule {
  if (reading === undefined) return [index, "unavailable"];
  const { value } = reading;
  return value === undefined ? [index, "absent"] : [index, "value", encodeValue(value)];
}

export function moduleFrom([, said, value]: WholeModule): ModuleReading | undefined {
  if (said === "absent") return { value: undefined };
  return said === "value" && value !== undefined ? { value: decodeValue(value) } : undefined;
}

function taskJson(
  task: TaskState | "changed",
  { request }: AcceptedRequest,
  program: Program,
): Json {
  if (task === "changed") return task;
  if (task.past !== undefined) return encodeTask(task, sequenceIn(task.past), task.past.program);
  return encodeTask(task, sequenceOf(request, program), program);
}

export function taskFrom(
  json: Json | undefined,
  { request }: AcceptedRequest,
  program: Program,
): TaskState | "changed" | undefined {
  if (json === undefined || json === "changed") return json;
  return decodeTask(json, sequenceOf(request, program), program);
}

function sequenceOf({ roots }: DecisionRequest, { tasks }: Program) {
  return tasks.find(({ name }) => name === roots.intent.task)?.sequence;
}
