/**
 * What a decision or an outcome leaves behind (SPEC §14.1): who asked, for whom, through whom, for what, and
 * what decided. Names, never values: those of arguments only where the operator allows it. Pure.
 */
import type { ModuleBinary, Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import { digestOfBytes } from "../digest.ts";
import type { DecisionEvidence, FactsRead, ModuleRead, OutcomeEvidence } from "../evidence.ts";
import { digestOfToken } from "../identity/token.ts";
import { sensitivityLevels } from "../state/sensitivity.ts";
import { isList, isSet, type RecordValue, toWire, type Value } from "../value.ts";
import { claimedHops } from "./claimed.ts";
import { valueAt } from "./pointer.ts";
import { sealed, sealedJson, sealedName } from "./sealed.ts";
import { wholeOf } from "./whole.ts";

/** JSON; members that are `undefined` are not written. */
export type AuditRecord = { readonly kind: string } & Readonly<Record<string, unknown>>;

export interface RecordOptions {
  /** Places in requests, as steps of a pointer, whose values are recorded. */
  readonly fields: readonly (readonly string[])[];
  /** Whole requests and facts, so that decisions can be made again; but for these places. */
  readonly whole?: { readonly but: readonly (readonly string[])[] } | undefined;
}

/** Members stand in the order of RFC 8785 here and below. */
export function decisionRecord(
  evidence: DecisionEvidence,
  nowMs: number,
  { fields, whole }: RecordOptions,
): AuditRecord {
  const { decision, vouched } = evidence;
  const { policy } = decision;
  const who = whoAndWhat(evidence);
  const facts = factsOf(evidence.facts, evidence.program);
  return {
    agent: who.agent,
    approval: sealedJson(decision.approval),
    approvals: vouched.approvals?.map(({ also = [], by, groups, digest }) => ({
      also: also.length === 0 ? undefined : also.map(sealedName),
      by: sealedName(by),
      digest,
      groups: groups.map(sealedName),
    })),
    at: spellTime(evidence.nowMs ?? nowMs),
    because: becauseOf(evidence),
    call: decision.call,
    cause: decision.cause,
    chain: who.chain,
    code: decision.code,
    counters: facts.counters,
    counts_since: decision.counts_since,
    decision: decision.decision,
    errors: decision.errors,
    fields: fieldsOf(evidence.input, fields),
    id: decision.id,
    interrupt: decision.interrupt,
    kind: "decision",
    latches: facts.latches,
    micros: evidence.micros,
    modules: facts.modules,
    next: decision.next,
    obligations: decision.obligations.map(inOrder),
    origins: facts.origins,
    policy: { digest: policy.digest, package: policy.package, revision: policy.revision },
    principal: who.principal,
    purpose: who.purpose,
    request: evidence.digest(),
    resource: who.resource,
    rules: decision.reasons.map(({ rule, effect, at, indeterminate }) => ({
      at,
      effect,
      indeterminate,
      rule,
    })),
    session: who.session,
    source: who.source,
    task: who.task,
    task_id: who.task_id,
    task_policy: who.task_policy,
    tokens: who.tokens,
    tool: who.tool,
    verified: who.verified,
    whole: whole && wholeOf(evidence, whole.but),
    wrong: who.wrong,
  };
}

/** Of a decision, and nothing in it was put in order by others: then it is spelled without being looked through. */
export function isInOrder(record: AuditRecord): boolean {
  if (record.kind !== "decision") return false;
  const { obligations } = record;
  if (!Array.isArray(obligations) || obligations.length > 0) return false;
  return MADE_BY_OTHERS.every((part) => record[part] === undefined);
}

const MADE_BY_OTHERS = ["approval", "counts_since", "errors", "fields", "tokens", "whole"];

export function outcomeRecord(evidence: OutcomeEvidence): AuditRecord {
  const { nowMs, report, settlement, program } = evidence;
  const { call, status, labels, parts, sensitivity } = report;
  const all = new Set([...labels, ...parts.flatMap((part) => part.labels)]);
  return {
    at: spellTime(nowMs),
    call: sealedName(call),
    kind: "outcome",
    labels: [...all].sort(),
    sensitivity: sensitivity === undefined ? undefined : sensitivityLevels(program)[sensitivity],
    settlement,
    status,
  };
}

/** What somebody did to the service: who, what, and to what. */
export interface OperatorAction {
  /** `session.reinstate`, `bundle.activate`, … */
  readonly action: string;
  readonly by: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function operatorRecord(
  { action, by, details }: OperatorAction,
  nowMs: number,
): AuditRecord {
  return {
    action,
    at: spellTime(nowMs),
    by: sealedName(by),
    details: sealedJson(details),
    kind: "operator",
  };
}

/** The engine's words about a request that the policy does not know quote it; there `wrong` says where. */
function becauseOf({ decision }: DecisionEvidence): string | undefined {
  if (decision.code === "invalid_request") return undefined;
  return decision.because && sealed(decision.because);
}

type Told<Name extends string> = { readonly [Each in Name]?: unknown };
type WhoAndWhat = Told<
  | "agent"
  | "chain"
  | "principal"
  | "purpose"
  | "resource"
  | "session"
  | "source"
  | "task"
  | "task_id"
  | "task_policy"
  | "tokens"
  | "tool"
  | "verified"
  | "wrong"
>;

function whoAndWhat(evidence: DecisionEvidence): WhoAndWhat {
  const { accepted, input, program } = evidence;
  if (accepted === undefined) return asNamed(evidence);
  const { agent, principal, delegation, intent, tool, resource, session } = accepted.request.roots;
  const holds = accepted.delegationProblem === undefined;
  return {
    agent: { attested: agent.attested, id: nameIn(agent, "id"), kind: agent.kind },
    chain: holds ? hopsOf(delegation) : claimedHops(input),
    principal: principal && partyOf(principal),
    purpose: intent.purpose,
    resource: resource && {
      id: nameIn(resource, "id"),
      labels: labelsOf(resource),
      sensitivity: sensitivityOf(resource, program),
      tenant: nameIn(resource, "tenant"),
      type: resource.type,
    },
    session: session && {
      id: nameIn(session, "id"),
      labels: labelsOf(session),
      sensitivity: sensitivityOf(session, program),
      status: session.status,
    },
    source: intent.source,
    task: intent.task,
    task_id: nameIn(intent, "task_id"),
    task_policy: evidence.decision.task?.policy,
    tokens: tokensOf(evidence),
    tool: {
      digest: nameIn(tool, "digest"),
      effect: tool.effect,
      name: tool.name,
      server: nameIn(tool, "server"),
    },
    verified: holds && delegation?.verified,
  };
}

function inOrder(members: object): Readonly<Record<string, unknown>> {
  const sorted = Object.entries(members).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted);
}

function labelsOf({ labels }: RecordValue): unknown {
  return isSet(labels) ? [...labels].sort() : undefined;
}

function sensitivityOf({ sensitivity }: RecordValue, program: Program | undefined): unknown {
  return program && sensitivityLevels(program)[Number(sensitivity ?? -1)];
}

function partyOf(party: RecordValue): Told<"id" | "kind"> {
  return { id: nameIn(party, "id"), kind: party.kind };
}

function hopsOf(delegation: RecordValue | undefined): unknown {
  const chain = delegation?.chain;
  if (!isList(chain) || chain.length === 0) return undefined;
  return (chain as readonly RecordValue[]).map((hop) => ({
    approved: hop.approved,
    expires_at: timeOf(hop.expires_at),
    from: partyOf(hop.from as RecordValue),
    issued_at: timeOf(hop.issued_at),
    purpose: hop.purpose,
    scope: isSet(hop.scope) ? [...hop.scope].map((item) => sealedName(String(item))) : undefined,
    to: partyOf(hop.to as RecordValue),
  }));
}

function timeOf(value: Value | undefined): string | undefined {
  return typeof value === "number" ? spellTime(value) : undefined;
}

function nameIn(of: RecordValue, name: string): string | undefined {
  const value = of[name];
  return typeof value === "string" ? sealedName(value) : undefined;
}

/** Whose they are where that was verified, and else nothing but their digests. */
function tokensOf({ input, vouched }: DecisionEvidence): unknown {
  const { delegation } = vouched;
  if (delegation?.ok === true) return sealedJson(delegation.tokens);
  const tokens = valueAt(input, ["delegation", "tokens"]);
  if (!Array.isArray(tokens)) return undefined;
  return tokens.map((token) => ({
    digest: digestOfToken(typeof token === "string" ? token : JSON.stringify(token)),
  }));
}

/** A request that the policy does not know: who it says it is of, and which parts are wrong. */
function asNamed(evidence: DecisionEvidence): WhoAndWhat {
  const { input, problems } = evidence;
  const named = (part: string, member: string) => {
    const name = valueAt(input, [part, member]);
    return typeof name === "string" ? { [member]: sealedName(name) } : undefined;
  };
  const wrong = problems?.map(({ at }) => placeOf(at));
  return {
    agent: named("agent", "id"),
    principal: named("principal", "id"),
    session: named("session", "id"),
    tool: named("tool", "name"),
    tokens: tokensOf(evidence),
    wrong: wrong && [...new Set(wrong)],
  };
}

/** Of parts whose members have names of their own, the part alone: whoever asked chose the names. */
function placeOf(pointer: string): string {
  const [, part = "", member] = pointer.split("/");
  const isFixed = part === "tool" || part === "intent" || part === "delegation";
  return isFixed && member !== undefined ? `/${part}/${member}` : `/${part}`;
}

/** Each by the name of its declaration, without the key: that may be made of arguments. */
function factsOf(
  facts: FactsRead | undefined,
  program: Program | undefined,
): Told<"counters" | "latches" | "modules" | "origins"> {
  if (facts === undefined || program === undefined) return {};
  const { counters, latches, origins, modules } = facts;
  return {
    counters: counters.map(({ index, value }) => {
      const { name, type = "Int" } = program.counters[index] ?? {};
      return { name, value: value === "unavailable" ? value : toWire(value, { kind: type }, []) };
    }),
    latches: latches.map(({ index, value }) => ({ name: program.latches[index]?.name, value })),
    origins: origins.map(({ labels }) => (labels === "unavailable" ? labels : [...labels].sort())),
    modules: modules.length === 0 ? undefined : modules.map((read) => moduleOf(read, program)),
  };
}

/** Which module said what. Values but `true` and `false` may be the request's, and are not told. */
function moduleOf({ index, reading }: ModuleRead, program: Program): unknown {
  const { name, entrypoint, binary = -1 } = program.modules[index] ?? {};
  const run = program.binaries?.[binary];
  const value = reading?.value;
  const answer = value === undefined ? "absent" : typeof value === "boolean" ? value : "given";
  return {
    answer: reading === undefined ? "unavailable" : answer,
    digest: run && digestOfBinary(run),
    entrypoint,
    name,
  };
}

/** Of the WebAssembly's bytes, as `sha256sum` has it; worked out once for each. */
function digestOfBinary(binary: ModuleBinary): string {
  const known = BINARY_DIGESTS.get(binary);
  if (known !== undefined) return known;
  const bytes = Buffer.from(binary.wasm, "base64");
  const digest = digestOfBytes(bytes);
  BINARY_DIGESTS.set(binary, digest);
  return digest;
}

const BINARY_DIGESTS = new WeakMap<ModuleBinary, string>();

function fieldsOf(
  input: unknown,
  fields: RecordOptions["fields"],
): Readonly<Record<string, unknown>> | undefined {
  const present = fields.flatMap((steps) => {
    const value = valueAt(input, steps);
    return value === undefined ? [] : [[`/${steps.join("/")}`, sealedJson(value)] as const];
  });
  return present.length === 0 ? undefined : Object.fromEntries(present);
}
