/** Unknown JSON → a request that can be decided, or everything that is wrong with it (SPEC §12.2). */
import type { Program, ToolDecl } from "../lang/ir.ts";
import { purposeWithin } from "../lang/scalar/purpose.ts";
import type { Field, Type } from "../lang/type.ts";
import type { ClockDoubt } from "./clock.ts";
import {
  type DelegationWork,
  holdDelegation,
  readDelegation,
  uncovered,
} from "./delegation-reader.ts";
import { type DelegationRefusal, refuseDelegation } from "./identity/cause.ts";
import type { VouchedDelegation, VouchedTask } from "./identity/vouched.ts";
import type { DecisionRequest, Roots } from "./request.ts";
import { resourceFields, STRINGS_OF_LABELS } from "./resource-fields.ts";
import { newRecord, type RecordValue, type Scalar, type Value } from "./value.ts";
import {
  checkNames,
  isObject,
  type Member,
  memberOf,
  membersReader,
  onlyMembers,
  optionally,
  type Problem,
  type Reader,
  readerOf,
  readId,
  readMember,
  readText,
  report,
  textIn,
  type Words,
  wordsOf,
  wrong,
} from "./value-reader.ts";

/** What the host knows and no request may say. */
export interface RequestContext {
  readonly nowMs: number;
  /** Set where the host's clocks disagree: `now` is absent then, and what expires does by the later one. */
  readonly doubt?: Pick<ClockDoubt, "laterMs"> | undefined;
  /** What is kept of a session; `undefined` for one not seen before. */
  session(id: string): SessionFacts | undefined;
  /** The host vouches for the hops that the request asserts. */
  readonly verified?: boolean;
  /** What the request's tokens came to. */
  readonly delegation?: VouchedDelegation | undefined;
  /** Whatever the delegation says. */
  readonly refused?: DelegationRefusal | undefined;
  /** Asked ahead of the call: its arguments are not told yet, and there must be none. */
  readonly ahead?: boolean;
}

export interface SessionFacts {
  readonly startedAtMs: number;
  readonly interrupted: boolean;
  readonly labels: ReadonlySet<Scalar>;
  /** Position in the level `Sensitivity`; 0 where there is none. */
  readonly sensitivity: number;
}

export interface AcceptedRequest {
  /** The one reading of the clock that it was read with. */
  readonly nowMs: number;
  readonly request: DecisionRequest;
  readonly sessionId?: string | undefined;
  /** What the person wrote; kept for `origin` and for nothing else. */
  readonly instruction?: string | undefined;
  /** Why the delegation does not cover the request: a deny before any rule. */
  readonly delegationProblem?: DelegationRefusal | undefined;
  /** The delegation bounds the tool's arguments. */
  readonly bounded?: boolean;
  /** Why the request does not belong to the task it names. */
  readonly taskProblem?: string | undefined;
}

/** `malformed` is no request at all (HTTP 400); `invalid` is one that this policy knows no answer to but no. */
export type Reading =
  | ({ readonly ok: true } & AcceptedRequest)
  | {
      readonly ok: false;
      readonly kind: "malformed" | "invalid";
      readonly problems: readonly Problem[];
    };

export type RequestReader = (input: unknown, context: RequestContext) => Reading;

const ENVELOPE = [
  "agent",
  "principal",
  "delegation",
  "intent",
  "tool",
  "resource",
  "session",
  "context",
] as const;

type Envelope = { readonly [Name in (typeof ENVELOPE)[number]]?: unknown };

/** Made once for a policy. */
export function createRequestReader(program: Program): RequestReader {
  const shape = shapeOf(program);
  return (input, context) => readRequest(input, shape, context);
}

/** How each part of a request is read under one policy. */
interface Shape {
  readonly words: Words;
  readonly tools: readonly ToolDecl[];
  readonly toolsByWire: ReadonlyMap<string, readonly number[]>;
  readonly args: readonly Reader[];
  readonly agent: Part;
  readonly principal: Part;
  readonly session: Part;
  readonly environment: Part;
  readonly resources: ReadonlyMap<string, Part>;
  readonly taskPurposes: ReadonlyMap<string, string | undefined>;
  readonly labels: Reader;
}

/** Built-in members, whose faults make a request malformed, and declared ones, whose faults make it invalid. */
interface Part {
  readonly at: string;
  readonly builtIn: readonly Member[];
  readonly declared: readonly Member[];
  readonly names: ReadonlySet<string>;
  readonly open: boolean;
}

function shapeOf(program: Program): Shape {
  const words = wordsOf(program);
  const partOf = (
    at: string,
    builtIn: readonly Member[],
    fields: readonly Field[],
    open = false,
  ): Part => {
    const declared = fields.map((field) => memberOf(field, words));
    const own = builtIn.filter((member) => !declared.some((other) => other.name === member.name));
    const names = new Set([...own, ...declared].map((member) => member.wire));
    return {
      at,
      builtIn: own.map(standingAt(at)),
      declared: declared.map(standingAt(at)),
      names,
      open,
    };
  };
  return {
    words,
    tools: program.tools,
    toolsByWire: byWire(program.tools),
    args: program.tools.map((tool) =>
      membersReader(
        tool.args.map((field) => memberOf(field, words)),
        tool.open,
      ),
    ),
    agent: partOf("/agent", [...ACTOR, ATTESTED, TRUST], program.agent),
    principal: partOf("/principal", ACTOR, program.principal),
    session: partOf("/session", [ID], program.session),
    environment: partOf("/context", [IP, DEPLOYMENT], program.environment),
    resources: new Map(
      program.resources.map((resource) => [
        resource.name,
        partOf(
          "/resource",
          [TYPE, ID],
          resourceFields(program, resource.attributes),
          resource.open,
        ),
      ]),
    ),
    taskPurposes: new Map(program.tasks.map((task) => [task.name, task.purpose])),
    labels: readerOf(STRINGS_OF_LABELS, words),
  };
}

/** Its whole pointer, made once and not in each request. */
function standingAt(at: string): (member: Member) => Member {
  return (member) => ({ ...member, step: at + member.step });
}

const STRINGS: Type = { kind: "Set", of: { kind: "String" } };
const NO_WORDS: Words = { levels: [], purposes: new Set(), labels: new Set() };

/** Whatever is not told takes its most careful value (SPEC §4.5). */
const ID: Member = { name: "id", wire: "id", step: "/id", read: readId, optional: false };
const TYPE: Member = { ...ID, name: "type", wire: "type", step: "/type" };
const ACTOR: readonly Member[] = [
  ID,
  memberOf({ name: "kind", type: { kind: "Kind" }, default: "autonomous" }, NO_WORDS),
  memberOf({ name: "groups", type: STRINGS, default: [] }, NO_WORDS),
];
const ATTESTED = memberOf({ name: "attested", type: { kind: "Bool" }, default: false }, NO_WORDS);
const TRUST: Member = {
  name: "trust",
  wire: "trust",
  step: "/trust",
  read: readTrust,
  missing: 0,
  optional: false,
};
const IP = memberOf({ name: "ip", type: { kind: "Optional", of: { kind: "Ip" } } }, NO_WORDS);
const DEPLOYMENT = memberOf(
  { name: "deployment", type: { kind: "Optional", of: { kind: "String" } } },
  NO_WORDS,
);

/** A measurement, not an amount: what is finer than four digits is cut off, never rounded up. */
function readTrust(json: unknown, at: string, problems: Problem[]): Value | undefined {
  if (typeof json !== "number" || !(json >= 0 && json <= 1)) {
    return wrong(problems, at, "a number from 0 to 1", json);
  }
  // Digits are cut off the text: what is below 0.0001 has an exponent in it, or nothing but zeros.
  const [whole = "0", fraction = ""] = String(json).split(".");
  if (whole.includes("e") || fraction.includes("e")) return 0;
  return Number(whole) * 10_000 + Number(fraction.slice(0, 4).padEnd(4, "0"));
}

function byWire(tools: readonly ToolDecl[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [index, tool] of tools.entries()) {
    const same = found.get(tool.wire);
    if (same === undefined) found.set(tool.wire, [index]);
    else same.push(index);
  }
  return found;
}

/** What is being read: the shape, and the two lists that faults go to. */
interface Work extends DelegationWork {
  readonly shape: Shape;
  readonly context: RequestContext;
}

function readRequest(input: unknown, shape: Shape, context: RequestContext): Reading {
  const work: Work = { words: shape.words, shape, context, malformed: [], invalid: [] };
  const envelope = readEnvelope(input, work);
  const accepted = envelope && readParts(envelope, work);
  if (work.malformed.length > 0) return { ok: false, kind: "malformed", problems: work.malformed };
  if (work.invalid.length > 0) return { ok: false, kind: "invalid", problems: work.invalid };
  if (accepted === undefined) throw new Error("a request was refused without a reason");
  return accepted;
}

function readEnvelope(input: unknown, { malformed }: Work): Envelope | undefined {
  if (!isObject(input)) return wrong(malformed, "", "an object", input);
  return onlyMembers(input, ENVELOPE, "", malformed);
}

function readParts(envelope: Envelope, work: Work): Reading | undefined {
  const { shape, words, context, malformed, invalid } = work;
  const agent = readPart(envelope.agent, shape.agent, work);
  const principal =
    envelope.principal === undefined
      ? undefined
      : readPart(envelope.principal, shape.principal, work);
  const tool = readTool(envelope.tool, work);
  const resource = readResource(envelope.resource, work);
  const session = readSession(envelope.session, work);
  const environment = readEnvironment(envelope.context, work);
  const intent = readIntent(envelope.intent, work);
  const claimed = readDelegation(envelope.delegation, context.delegation, work);
  if (malformed.length > 0 || invalid.length > 0) return undefined;
  if (agent === undefined || tool === undefined || intent === undefined) return undefined;
  const held = holdDelegation(
    context.refused === undefined ? claimed : { kind: "refused", refusal: context.refused },
    { value: agent, sent: envelope.agent },
    principal && { value: principal, sent: envelope.principal },
    { nowMs: context.doubt?.laterMs ?? context.nowMs, verified: context.verified === true },
  );
  const purpose = intent.purpose ?? intent.taskPurpose ?? textIn(held.value, "purpose");
  if (purpose !== undefined) intent.value.purpose = purpose;
  const declared = shape.tools[tool.index];
  const args = context.ahead ? undefined : tool.args;
  const delegationProblem =
    held.refusal ??
    outsideGrant(intent.value, textIn(session, "id"), grantIn(context)) ??
    uncovered(held, purpose, declared, args, words);
  const bounds = held.tools?.get(declared?.wire ?? "");
  const taskProblem = outsideTask(purpose, intent.taskPurpose);
  const roots: Roots = {
    agent,
    principal,
    delegation: held.value,
    intent: intent.value,
    tool: tool.value,
    args: tool.args,
    resource,
    session,
    environment,
  };
  return {
    ok: true,
    request: { tool: tool.index, roots },
    sessionId: textIn(session, "id"),
    instruction: intent.instruction,
    delegationProblem,
    bounded: bounds !== undefined && bounds.size > 0,
    taskProblem,
    nowMs: context.nowMs,
  };
}

function readPart(
  json: unknown,
  part: Part,
  work: Work,
): Record<string, Value | undefined> | undefined {
  if (!isObject(json)) return wrong(work.malformed, part.at, "an object", json);
  checkNames(json, part.names, part.open, part.at, work.invalid);
  const made = newRecord();
  fill(made, part.builtIn, json, work.malformed);
  fill(made, part.declared, json, work.invalid);
  return made;
}

function fill(
  made: Record<string, Value | undefined>,
  members: readonly Member[],
  json: Readonly<Record<string, unknown>>,
  problems: Problem[],
): void {
  for (const member of members) {
    const value = readMember(member, json, "", problems);
    if (value !== undefined) made[member.name] = value;
  }
}

interface ToolCall {
  readonly index: number;
  readonly value: RecordValue;
  readonly args: RecordValue;
}

const TOOL_MEMBERS = ["name", "server", "args", "digest"] as const;

function readTool(json: unknown, work: Work): ToolCall | undefined {
  const { malformed, invalid, shape, context } = work;
  if (!isObject(json)) return wrong(malformed, "/tool", "an object", json);
  const given = onlyMembers(json, TOOL_MEMBERS, "/tool", malformed);
  if (context.ahead && given.args !== undefined) {
    return report(malformed, "/tool/args", "is told with the call, not ahead of it");
  }
  const name = readId(given.name, "/tool/name", malformed);
  const server = optionally(readId, given.server, "/tool/server", malformed);
  const digest = optionally(readId, given.digest, "/tool/digest", malformed);
  if (given.args !== undefined && !isObject(given.args)) {
    return wrong(malformed, "/tool/args", "an object", given.args);
  }
  if (name === undefined) return undefined;
  const index = findTool(name, server, shape);
  const tool = index === undefined ? undefined : shape.tools[index];
  if (index === undefined || tool === undefined) {
    return report(invalid, "/tool/name", `is no tool that the policy knows: \`${name}\``);
  }
  if (tool.digest !== undefined && digest !== tool.digest) {
    const why =
      digest === undefined
        ? "is missing, and the policy pins it"
        : "is not the declared one: the tool has changed";
    report(invalid, "/tool/digest", why);
  }
  const args = context.ahead
    ? newRecord()
    : shape.args[index]?.(given.args ?? NO_MEMBERS, "/tool/args", invalid);
  const value = newRecord();
  value.name = name;
  if (server !== undefined) value.server = server;
  value.effect = tool.effect;
  if (digest !== undefined) value.digest = digest;
  return { index, value, args: args as RecordValue };
}

/** The one declared for this server, else the one declared for any. */
function findTool(name: string, server: string | undefined, shape: Shape): number | undefined {
  let forAny: number | undefined;
  for (const index of shape.toolsByWire.get(name) ?? NO_TOOLS) {
    const declared = shape.tools[index]?.server;
    if (declared === server) return index;
    if (declared === undefined) forAny ??= index;
  }
  return forAny;
}

const NO_TOOLS: readonly number[] = [];

function readResource(json: unknown, work: Work): RecordValue | undefined {
  if (json === undefined) return undefined;
  if (!isObject(json)) return wrong(work.malformed, "/resource", "an object", json);
  const type = readId(json.type, "/resource/type", work.malformed);
  if (type === undefined) return undefined;
  const part = work.shape.resources.get(type);
  if (part === undefined) {
    return report(
      work.invalid,
      "/resource/type",
      `is no resource that the policy knows: \`${type}\``,
    );
  }
  return readPart(json, part, work);
}

/** What is kept of a session is the engine's to say; the request only names it. */
function readSession(json: unknown, work: Work): RecordValue | undefined {
  if (json === undefined) return undefined;
  const session = readPart(json, work.shape.session, work);
  const id = textIn(session, "id");
  if (session === undefined || id === undefined) return session;
  const facts = work.context.session(id);
  session.started_at = facts?.startedAtMs ?? work.context.nowMs;
  session.status = facts?.interrupted ? "interrupted" : "active";
  session.labels = facts?.labels ?? NO_LABELS;
  session.sensitivity = facts?.sensitivity ?? 0;
  return session;
}

const NO_LABELS: ReadonlySet<Scalar> = new Set();

function readEnvironment(json: unknown, work: Work): RecordValue {
  const environment =
    readPart(json === undefined ? NO_MEMBERS : json, work.shape.environment, work) ?? newRecord();
  if (work.context.doubt === undefined) environment.now = work.context.nowMs;
  return environment;
}

const NO_MEMBERS: Readonly<Record<string, unknown>> = Object.freeze({});

interface Intent {
  readonly value: Record<string, Value | undefined>;
  readonly purpose: string | undefined;
  readonly taskPurpose: string | undefined;
  readonly instruction: string | undefined;
}

const INTENT_MEMBERS = [
  "purpose",
  "task",
  "task_id",
  "source",
  "reason",
  "instruction",
  "plan",
] as const;
const SOURCE = readerOf({ kind: "Source" }, NO_WORDS);
const PLAN = readerOf({ kind: "Map", of: { kind: "Int" } }, NO_WORDS);

function readIntent(json: unknown, work: Work): Intent | undefined {
  const { malformed, invalid, shape } = work;
  if (json !== undefined && !isObject(json)) return wrong(malformed, "/intent", "an object", json);
  const given = onlyMembers(json ?? NO_MEMBERS, INTENT_MEMBERS, "/intent", malformed);
  const value = newRecord();
  value.source = optionally(SOURCE, given.source, "/intent/source", malformed) ?? "unknown";
  const purpose = optionally(readId, given.purpose, "/intent/purpose", malformed);
  if (purpose !== undefined && !shape.words.purposes.has(purpose)) {
    report(invalid, "/intent/purpose", `is no purpose that the policy knows: \`${purpose}\``);
  }
  const granted = grantIn(work.context);
  const task = optionally(readId, given.task, "/intent/task", malformed) ?? granted?.name;
  const taskId = optionally(readId, given.task_id, "/intent/task_id", malformed) ?? granted?.id;
  if (task !== undefined && !shape.taskPurposes.has(task)) {
    report(invalid, "/intent/task", `is no task that the policy knows: \`${task}\``);
  }
  if (task !== undefined) value.task = task;
  if (taskId !== undefined) value.task_id = taskId;
  optionally(readText, given.reason, "/intent/reason", malformed);
  const instruction = optionally(readText, given.instruction, "/intent/instruction", malformed);
  const plan = optionally(PLAN, given.plan, "/intent/plan", malformed);
  if (plan !== undefined) value.plan = plan;
  const taskPurpose = task === undefined ? undefined : shape.taskPurposes.get(task);
  return { value, purpose, taskPurpose, instruction };
}

/** Of the task that the request's tokens are the grant of. */
function grantIn({ delegation }: RequestContext): VouchedTask | undefined {
  return delegation?.ok === true ? delegation.task : undefined;
}

/** A grant is good for one task, one run of it, and the session that it was started in; nothing else names a run. */
function outsideGrant(
  { task, task_id: id }: RecordValue,
  session: string | undefined,
  granted: VouchedTask | undefined,
): DelegationRefusal | undefined {
  if (granted === undefined) {
    return id === undefined ? undefined : mismatch("no grant of the task that it names was shown");
  }
  if (task !== granted.name) return mismatch("the grant is of another task");
  if (id !== granted.id) return mismatch("the grant is of another run of the task");
  if (session !== undefined && session === granted.session) return undefined;
  return mismatch("the task was started in another session");
}

function mismatch(why: string): DelegationRefusal {
  return refuseDelegation("task_mismatch", why);
}

function outsideTask(purpose: string | undefined, wanted: string | undefined): string | undefined {
  if (wanted === undefined || purpose === undefined || purposeWithin(purpose, wanted))
    return undefined;
  return `purpose \`${purpose}\` is not within the task's, \`${wanted}\``;
}
