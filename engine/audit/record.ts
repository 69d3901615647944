/**
 * What a decision or an outcome leaves behind (SPEC §14.1): who asked, for whom, through whom, for what, and
 * what decided. Names, never values: those of arguments only where the operator allows it. Pure.
 */
import { createHash } from "node:crypto";
import type { ModuleBinary, Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import type { DecisionEvidence, FactsRead, ModuleRead, OutcomeEvidence } from "../evidence.ts";
import { isList, isSet, type RecordValue, toWire, type Value } from "../value.ts";
import { valueAt } from "./pointer.ts";
import { digestOfText, sealed, sealedJson, sealedName } from "./sealed.ts";
import { wholeOf } from "./whole.ts";

/** JSON; members that are `undefined` are not written. */
export type AuditRecord = { readonly kind: string } & Readonly<Record<string, unknown>>;

export interface RecordOptions {
  /** Places in requests, as steps of a pointer, whose values are recorded. */
  readonly fields: readonly (readonly string[])[];
  /** Whole requests and facts, so that decisions can be made again; but for these places. */
  readonly whole?: { readonly but: readonly (readonly string[])[] } | undefined;
}

export function decisionRecord(
  evidence: DecisionEvidence,
  nowMs: number,
  { fields, whole }: RecordOptions,
): AuditRecord {
  const { decision, vouched } = evidence;
  return {
    kind: "decision",
    at: spellTime(evidence.nowMs ?? nowMs),
    id: decision.id,
    call: decision.call,
    decision: decision.decision,
    code: decision.code,
    cause: decision.cause,
    because: becauseOf(evidence),
    request: evidence.digest(),
    ...whoAndWhat(evidence),
    approvals: vouched.approvals?.map(({ by, groups, digest }) => ({
      by: sealedName(by),
      groups: groups.map(sealedName),
      digest,
    })),
    ...factsOf(evidence.facts, evidence.program),
    rules: decision.reasons.map(({ rule, effect, at, indeterminate }) => ({
      rule,
      effect,
      at,
      indeterminate,
    })),
    obligations: decision.obligations,
    errors: decision.errors,
    next: decision.next,
    counts_since: decision.counts_since,
    interrupt: decision.interrupt,
    approval: sealedJson(decision.approval),
    policy: decision.policy,
    micros: evidence.micros,
    fields: fieldsOf(evidence.input, fields),
    whole: whole && wholeOf(evidence, whole.but),
  };
}

export function outcomeRecord(evidence: OutcomeEvidence): AuditRecord {
  const { nowMs, report, settlement, program } = evidence;
  const { call, status, labels, parts, sensitivity } = report;
  const all = new Set([...labels, ...parts.flatMap((part) => part.labels)]);
  return {
    kind: "outcome",
    at: spellTime(nowMs),
    call: sealedName(call),
    status,
    settlement,
    labels: [...all].sort(),
    sensitivity: sensitivity === undefined ? undefined : levelsOf(program)?.[sensitivity],
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
    kind: "operator",
    at: spellTime(nowMs),
    action,
    by: sealedName(by),
    details: sealedJson(details),
  };
}

/** The engine's words about a request that the policy does not know quote it; there `wrong` says where. */
function becauseOf({ decision }: DecisionEvidence): string | undefined {
  if (decision.code === "invalid_request") return undefined;
  return decision.because && sealed(decision.because);
}

function whoAndWhat(evidence: DecisionEvidence): Readonly<Record<string, unknown>> {
  const { accepted, input, program } = evidence;
  if (accepted === undefined) return asNamed(evidence);
  const { agent, principal, delegation, intent, tool, resource, session } = accepted.request.roots;
  return {
    agent: partyOf(agent, { attested: agent.attested }),
    principal: principal && partyOf(principal),
    ...(accepted.delegationProblem === undefined
      ? { chain: hopsOf(delegation), verified: delegation?.verified }
      : asSent(input)),
    tokens: tokensOf(evidence),
    purpose: intent.purpose,
    task: intent.task,
    task_policy: evidence.decision.task?.policy,
    source: intent.source,
    tool: {
      name: tool.name,
      server: nameIn(tool, "server"),
      effect: tool.effect,
      digest: nameIn(tool, "digest"),
    },
    resource: resource && {
      type: resource.type,
      id: nameIn(resource, "id"),
      tenant: nameIn(resource, "tenant"),
      ...markings(resource, program),
    },
    session: session && {
      id: nameIn(session, "id"),
      status: session.status,
      ...markings(session, program),
    },
  };
}

/** Labels and sensitivity. */
function markings(
  of: RecordValue,
  program: Program | undefined,
): Readonly<Record<string, unknown>> {
  const { labels, sensitivity } = of;
  return {
    labels: isSet(labels) ? [...labels].sort() : undefined,
    sensitivity: levelsOf(program)?.[Number(sensitivity ?? -1)],
  };
}

function levelsOf(program: Program | undefined): readonly string[] | undefined {
  return program?.levels.find(({ name }) => name === "Sensitivity")?.values;
}

function partyOf(party: RecordValue, more: object = {}): Readonly<Record<string, unknown>> {
  return { id: nameIn(party, "id"), kind: party.kind, ...more };
}

function hopsOf(delegation: RecordValue | undefined): unknown {
  const chain = delegation?.chain;
  if (!isList(chain) || chain.length === 0) return undefined;
  return (chain as readonly RecordValue[]).map((hop) => ({
    from: partyOf(hop.from as RecordValue),
    to: partyOf(hop.to as RecordValue),
    scope: isSet(hop.scope) ? [...hop.scope].map((item) => sealedName(String(item))) : undefined,
    purpose: hop.purpose,
    issued_at: timeOf(hop.issued_at),
    expires_at: timeOf(hop.expires_at),
    approved: hop.approved,
  }));
}

function timeOf(value: Value | undefined): string | undefined {
  return typeof value === "number" ? spellTime(value) : undefined;
}

function nameIn(of: RecordValue, name: string): string | undefined {
  const value = of[name];
  return typeof value === "string" ? sealedName(value) : undefined;
}

/** Hops that do not hold, as somebody claimed them. */
function asSent(input: unknown): Readonly<Record<string, unknown>> {
  const chain = valueAt(input, ["delegation", "chain"]);
  return { chain: Array.isArray(chain) ? chain.map(claimedHop) : undefined, verified: false };
}

/** Whose they are where that was verified, and else nothing but their digests. */
function tokensOf({ input, vouched }: DecisionEvidence): unknown {
  const { delegation } = vouched;
  if (delegation?.ok === true) return sealedJson(delegation.tokens);
  const tokens = valueAt(input, ["delegation", "tokens"]);
  if (!Array.isArray(tokens)) return undefined;
  return tokens.map((token) => ({
    digest: digestOfText(typeof token === "string" ? token : JSON.stringify(token)),
  }));
}

function claimedHop(hop: unknown): unknown {
  const party = (end: string) => {
    const id = valueAt(hop, [end, "id"]) ?? valueAt(hop, [end]);
    return typeof id === "string" ? { id: sealedName(id) } : undefined;
  };
  const scope = valueAt(hop, ["scope"]);
  return {
    from: party("from"),
    to: party("to"),
    scope: Array.isArray(scope)
      ? scope.flatMap((item) => (typeof item === "string" ? [sealedName(item)] : []))
      : undefined,
  };
}

/** A request that the policy does not know: who it says it is of, and which parts are wrong. */
function asNamed(evidence: DecisionEvidence): Readonly<Record<string, unknown>> {
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
): Readonly<Record<string, unknown>> {
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
    name,
    entrypoint,
    digest: run && digestOfBinary(run),
    answer: reading === undefined ? "unavailable" : answer,
  };
}

/** Of the WebAssembly's bytes, as `sha256sum` has it; worked out once for each. */
function digestOfBinary(binary: ModuleBinary): string {
  const known = BINARY_DIGESTS.get(binary);
  if (known !== undefined) return known;
  const bytes = Buffer.from(binary.wasm, "base64");
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
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
