/**
 * State as JSON, and back without loss: what stores outside this process keep. Tools are named and locals
 * counted as they first appear, so that what was written under one policy is read under the next.
 *
 *   absent member  left out          null           null
 *   scalar         itself            List           ["list", …]
 *   record         object            Set            ["set", …]
 *                                    Map            ["map", [key, value], …]
 */
import type { Program, SequenceDecl, Yield } from "../../lang/ir.ts";
import type { Json } from "../../lang/type.ts";
import type { Bindings } from "../evaluate/evaluator.ts";
import type { DecisionRequest, Roots } from "../request.ts";
import {
  isList,
  isMap,
  isRecord,
  isSet,
  NULL,
  newRecord,
  type RecordValue,
  type Value,
} from "../value.ts";
import type { Call, Held, HeldLatch } from "./call.ts";
import type { LatchCell } from "./latch.ts";
import type { Returning } from "./origin/returned.ts";
import type { Packer, Unpacker } from "./pack.ts";
import type { Configuration, TakenStep } from "./sequence.ts";
import type { TaskState } from "./store.ts";
import {
  isArray,
  type JsonObject,
  listOf,
  memberAt,
  numberOf,
  objectOf,
  StateUnreadable,
  scalarOf,
  textAt,
  textOf,
  unreadable,
} from "./stored.ts";

// ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────

export function encodeValue(value: Value): Json {
  if (value === NULL) return null;
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Error("no value of the language is infinite");
  }
  if (typeof value !== "object") return value;
  if (isList(value)) return ["list", ...value.map(encodeValue)];
  if (isSet(value)) return ["set", ...value];
  if (isMap(value)) return ["map", ...[...value].map(([key, item]) => [key, encodeValue(item)])];
  const made: Record<string, Json> = {};
  for (const name of Object.keys(value)) {
    const item = (value as RecordValue)[name];
    if (item === undefined) continue;
    // Only this name would be taken for something else than a member.
    if (name === "__proto__") Object.defineProperty(made, name, member(encodeValue(item)));
    else made[name] = encodeValue(item);
  }
  return made;
}

function member(value: Json): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

export function decodeValue(json: Json): Value {
  if (json === null) return NULL;
  if (typeof json !== "object") return json;
  if (!isArray(json)) return decodeRecord(json);
  const [kind, ...items] = json;
  switch (kind) {
    case "list":
      return Object.freeze(items.map(decodeValue));
    case "set":
      return new Set(items.map(scalarOf));
    case "map":
      return new Map(items.map((item) => [textAt(item, 0), decodeValue(memberAt(item, 1))]));
    default:
      throw new StateUnreadable(`a value of no known kind: ${JSON.stringify(kind)}`);
  }
}

function decodeRecord(json: JsonObject): RecordValue {
  const made = newRecord();
  for (const [name, item] of Object.entries(json)) made[name] = decodeValue(item);
  return Object.freeze(made);
}

// ── Requests ───────────────────────────────────────────────────────────────────────────────────────────────

/** The roots of a request, those first that every request has. */
const ROOTS = [
  "agent",
  "intent",
  "tool",
  "args",
  "environment",
  "principal",
  "delegation",
  "resource",
  "session",
] as const satisfies readonly (keyof Roots)[];

const ALWAYS_THERE = 5;

export function encodeRequest({ tool, roots }: DecisionRequest, program: Program): Json {
  const encoded: Record<string, Json> = {};
  for (const name of ROOTS) {
    const root = roots[name];
    if (root !== undefined) encoded[name] = encodeValue(root);
  }
  return { tool: nameOfTool(tool, program), roots: encoded };
}

/** A tool that the policy no longer has is none: no step matches it. */
export function decodeRequest(json: Json, program: Program): DecisionRequest {
  const { tool, roots } = objectOf(json);
  const name = textOf(tool);
  const given = objectOf(roots);
  const decoded = ROOTS.map((root, index): [string, RecordValue | undefined] => {
    const member = given[root];
    if (member === undefined && index < ALWAYS_THERE) throw new StateUnreadable(`no ${root}`);
    return [root, member === undefined ? undefined : recordOf(member)];
  });
  return {
    tool: program.tools.findIndex((declared) => declared.name === name),
    roots: Object.fromEntries(decoded) as unknown as Roots,
  };
}

export function nameOfTool(index: number, { tools }: Program): string {
  const tool = tools[index];
  if (tool === undefined) throw new Error("a request of no tool of its policy");
  return tool.name;
}

function recordOf(json: Json): RecordValue {
  const value = decodeValue(json);
  return isRecord(value) ? value : unreadable("a record", json);
}

// ── Tasks ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a task stands, told in terms of its sequence: to be read with one of the same `sequenceMeaning`. */
export function encodeTask(
  state: TaskState,
  sequence: SequenceDecl | undefined,
  program: Program,
): Json {
  const locals = localsOf(sequence);
  const { startedAtMs, usedAtMs, callCount, policy } = state;
  const { base, steps, all } = state.progress;
  return {
    startedAtMs,
    usedAtMs,
    callCount,
    policy,
    base: base.map((way) => encodeWay(way, locals)),
    steps: steps.map((step) => encodeStep(step, sequence, program)),
    all: all.map((way) => encodeWay(way, locals)),
  };
}

export function decodeTask(
  json: Json,
  sequence: SequenceDecl | undefined,
  program: Program,
): TaskState {
  const { startedAtMs, usedAtMs, callCount, policy, base, steps, all } = objectOf(json);
  const locals = localsOf(sequence);
  return {
    startedAtMs: numberOf(startedAtMs),
    usedAtMs: numberOf(usedAtMs),
    callCount: numberOf(callCount),
    policy: textOf(policy),
    progress: {
      base: listOf(base).map((way) => decodeWay(way, locals)),
      steps: listOf(steps).map((step) => decodeStep(step, program)),
      all: listOf(all).map((way) => decodeWay(way, locals)),
    },
  };
}

/**
 * `[call, done, request]`, or `[call, done, tool, args]` where matching the step once more reads nothing else: that of
 * a sequence without conditions reads only what it binds.
 */
function encodeStep(
  { call, done, request }: TakenStep,
  sequence: SequenceDecl | undefined,
  program: Program,
): Json {
  if (sequence === undefined || hasConditions(sequence)) {
    return [call, done, encodeRequest(request, program)];
  }
  return [call, done, nameOfTool(request.tool, program), encodeBound(request, sequence)];
}

export function hasConditions({ positions }: SequenceDecl): boolean {
  return positions.some(({ predicates }) => predicates.length > 0);
}

/** The arguments that steps of this sequence bind. */
export function encodeBound({ roots }: DecisionRequest, { positions }: SequenceDecl): Json {
  const args: Record<string, Json> = {};
  for (const { binds } of positions) {
    for (const { argument } of binds) {
      const value = roots.args[argument];
      if (value !== undefined) args[argument] = encodeValue(value);
    }
  }
  return args;
}

function decodeStep(json: Json, program: Program): TakenStep {
  const [call, done] = [textAt(json, 0), memberAt(json, 1) === true];
  const told = memberAt(json, 2);
  if (typeof told !== "string") return { call, done, request: decodeRequest(told, program) };
  const roots = { agent: {}, intent: {}, tool: {}, environment: {}, args: memberAt(json, 3) };
  return { call, done, request: decodeRequest({ tool: told, roots }, program) };
}

/** Local ids in the order in which the sequence binds them. */
function localsOf(sequence: SequenceDecl | undefined): readonly number[] {
  const positions = sequence?.positions ?? [];
  return [...new Set(positions.flatMap(({ binds }) => binds.map(({ id }) => id)))];
}

function encodeWay({ position, bound }: Configuration, locals: readonly number[]): Json {
  const values = [...bound].map(([id, value]) => [locals.indexOf(id), encodeValue(value)]);
  return [position ?? null, values];
}

function decodeWay(json: Json, locals: readonly number[]): Configuration {
  const position = memberAt(json, 0);
  const bound: Bindings = new Map(
    listOf(memberAt(json, 1)).map((pair) => [
      locals[numberOf(memberAt(pair, 0))] ?? unreadable("a local of the sequence", pair),
      decodeValue(memberAt(pair, 1)),
    ]),
  );
  return position === null ? { bound } : { position: numberOf(position), bound };
}

// ── Latches ────────────────────────────────────────────────────────────────────────────────────────────────

export function encodeLatchCell({ state, pending, resetting, sets, resets }: LatchCell): Json {
  return [state, pending, resetting, sets, resets];
}

export function decodeLatchCell(json: Json): LatchCell {
  const state = memberAt(json, 0);
  if (state !== "unset" && state !== "set" && state !== "either") {
    return unreadable("the state of a latch", state);
  }
  const [pending, resetting, sets, resets] = listOf(json).slice(1);
  return {
    state,
    pending: numberOf(pending),
    resetting: numberOf(resetting),
    sets: numberOf(sets),
    resets: numberOf(resets),
  };
}

// ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * `[atMs, tool, sessionId, held, latches, task, returning]`: `null` for what is not there, and of `returning` `false`
 * where nothing is but what the call put in, which is not known.
 */
export function encodeCall(call: Call): Json {
  const { atMs, tool, sessionId = null, held, latches, task = null, returning } = call;
  const shares = held.map(encodeHeld);
  return [
    atMs,
    tool,
    sessionId,
    shares,
    latches.map(encodeLatch),
    task,
    encodeReturning(returning),
  ];
}

/** Packs what `encodeCall` makes, and makes nothing of what every call has. */
export function packCall(call: Call, packer: Packer): void {
  const { atMs, tool, sessionId, held, latches, task, returning } = call;
  packer.list(7);
  packer.number(atMs);
  packer.text(tool);
  packer.json(sessionId ?? null);
  packer.list(held.length);
  for (const share of held) packHeld(share, packer);
  packer.list(latches.length);
  for (const latch of latches) packer.json(encodeLatch(latch));
  packer.json(task ?? null);
  packer.json(encodeReturning(returning));
}

function packHeld({ table, key, bucket, amount }: Held, packer: Packer): void {
  packer.list(4);
  packer.text(table);
  packer.text(key);
  packer.number(bucket);
  packer.json(amount);
}

function encodeHeld({ table, key, bucket, amount }: Held): Json {
  return [table, key, bucket, amount];
}

function encodeLatch({ table, key, kind, certain, others }: HeldLatch): Json {
  return [table, key, kind, certain, others];
}

/** What most calls return tells nothing of where it comes from. */
function isNothing({ yields, labels, sensitivity, source, own }: Returning): boolean {
  const isEmpty = yields.length === 0 && labels.length === 0 && (own ?? []).length === 0;
  return isEmpty && sensitivity === undefined && source === undefined;
}

const NOTHING: Returning = { yields: [], labels: [], own: [] };
const NOTHING_KNOWN: Returning = { yields: [], labels: [] };

export function decodeCall(json: Json): Call {
  const [atMs, tool, sessionId = null, held, latches, task = null, returning = null] = listOf(json);
  return {
    atMs: numberOf(atMs),
    tool: textOf(tool),
    sessionId: sessionId === null ? undefined : textOf(sessionId),
    held: listOf(held).map(decodeHeld),
    latches: listOf(latches).map(decodeLatch),
    task: task === null ? undefined : textOf(task),
    returning: decodeReturning(returning),
  };
}

/** What people are shown of a call under way. */
export type CallSummary = Pick<Call, "atMs" | "tool" | "sessionId">;

/** Of what `packCall` packed, and no further. */
export function unpackSummary(unpacker: Unpacker): CallSummary {
  unpacker.list();
  const [atMs, tool, sessionId] = [unpacker.value(), unpacker.text(), unpacker.value()];
  return {
    atMs: numberOf(atMs),
    tool,
    sessionId: sessionId === null ? undefined : textOf(sessionId),
  };
}

function decodeHeld(json: Json): Held {
  return {
    table: textAt(json, 0),
    key: textAt(json, 1),
    bucket: numberOf(memberAt(json, 2)),
    amount: scalarOf(memberAt(json, 3)),
  };
}

function decodeLatch(json: Json): HeldLatch {
  const kind = memberAt(json, 2);
  if (kind !== "latch" && kind !== "reset") return unreadable("`latch` or `reset`", kind);
  const [certain, others] = [memberAt(json, 3) === true, numberOf(memberAt(json, 4))];
  return { table: textAt(json, 0), key: textAt(json, 1), kind, certain, others };
}

function encodeReturning(returning: Returning): Json {
  if (isNothing(returning)) return returning.own === undefined ? false : null;
  const { yields, labels, sensitivity, source, own } = returning;
  return {
    yields: yields.map(({ label, fields, elsewhere }) => [label, elsewhere, fields ?? null]),
    labels: [...labels],
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(source === undefined ? {} : { source: [source.of, source.name] }),
    ...(own === undefined ? {} : { own: [...own] }),
  };
}

function decodeReturning(json: Json): Returning {
  if (json === null) return NOTHING;
  if (json === false) return NOTHING_KNOWN;
  const { yields, labels, sensitivity, source, own } = objectOf(json);
  return {
    yields: listOf(yields).map(decodeYield),
    labels: listOf(labels).map(textOf),
    ...(sensitivity === undefined ? {} : { sensitivity: textOf(sensitivity) }),
    ...(source === undefined ? {} : { source: decodeSource(source) }),
    ...(own === undefined ? {} : { own: listOf(own).map(textOf) }),
  };
}

function decodeYield(json: Json): Yield {
  const fields = memberAt(json, 2);
  return {
    label: textAt(json, 0),
    elsewhere: memberAt(json, 1) === true,
    ...(fields === null ? {} : { fields: listOf(fields).map(textOf) }),
  };
}

function decodeSource(json: Json): NonNullable<Returning["source"]> {
  const of = memberAt(json, 0);
  if (of !== "output" && of !== "call") return unreadable("`output` or `call`", of);
  return { of, name: textAt(json, 1) };
}
