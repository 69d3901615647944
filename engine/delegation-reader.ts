/**
 * Who a request acts for, and through whom (SPEC §12.2, §12.5): asserted hops or what verified tokens came to →
 * the one `delegation` value, or why it does not hold.
 */
import type { ToolDecl } from "../lang/ir.ts";
import { purposeWithin } from "../lang/scalar/purpose.ts";
import type { Type } from "../lang/type.ts";
import { outsideBounds, readToolBounds, type ToolBounds } from "./identity/bounds.ts";
import { type DelegationRefusal, refuseDelegation } from "./identity/cause.ts";
import { type Hop, type Party, readChain } from "./identity/chain.ts";
import type { AcceptedDelegation, VouchedDelegation, VouchedFacts } from "./identity/vouched.ts";
import { newRecord, type RecordValue, type Scalar, type Value } from "./value.ts";
import {
  isObject,
  onlyMembers,
  type Problem,
  partyReader,
  readerOf,
  readId,
  report,
  textIn,
  type Words,
  wrong,
} from "./value-reader.ts";
import type { Writable } from "./writable.ts";

/** What the request or the host says, before it is held against anything. */
export type Claimed =
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly refusal: DelegationRefusal }
  | { readonly kind: "hops"; readonly hops: readonly Hop[]; readonly vouched?: AcceptedDelegation }
  | { readonly kind: "self"; readonly vouched: AcceptedDelegation };

/** Faults of form make a request malformed, unknown purposes one that the policy cannot answer. */
export interface DelegationWork {
  readonly words: Words;
  readonly malformed: Problem[];
  readonly invalid: Problem[];
}

export function readDelegation(
  json: unknown,
  vouched: VouchedDelegation | undefined,
  work: DelegationWork,
): Claimed {
  const given = json === undefined ? NO_MEMBERS : delegationMembers(json, work);
  if (given.tokens !== undefined && !isTokens(given.tokens)) {
    report(work.malformed, "/delegation/tokens", "is not a list of texts");
  }
  if (vouched !== undefined) {
    if (given.chain !== undefined) bothSaid(work);
    return claimOf(vouched, work);
  }
  if (given.tokens !== undefined) {
    if (given.chain !== undefined) bothSaid(work);
    return { kind: "refused", refusal: NOT_ACCEPTED };
  }
  if (json === undefined) return { kind: "none" };
  return { kind: "hops", hops: readHops(given.chain, "/delegation/chain", work) };
}

export function isTokens(json: unknown): json is readonly string[] {
  return Array.isArray(json) && json.every((token) => typeof token === "string");
}

const NOT_ACCEPTED = refuseDelegation(
  "tokens_not_accepted",
  "delegation tokens are not accepted here: this engine was given no identity configuration",
);

function delegationMembers(json: unknown, { malformed }: DelegationWork) {
  if (isObject(json)) return onlyMembers(json, ["chain", "tokens"], "/delegation", malformed);
  return wrong(malformed, "/delegation", "an object", json) ?? NO_MEMBERS;
}

const NO_MEMBERS: { readonly chain?: unknown; readonly tokens?: unknown } = Object.freeze({});

/** Two answers to one question: whichever were believed, the other would be read by somebody else. */
function bothSaid({ malformed }: DelegationWork): void {
  report(malformed, "/delegation/chain", "stands beside `tokens`: say one or the other");
}

function claimOf(vouched: VouchedDelegation, work: DelegationWork): Claimed {
  if (!vouched.ok) return { kind: "refused", refusal: vouched };
  if (vouched.self !== undefined) return { kind: "self", vouched };
  return { kind: "hops", hops: vouchedHops(vouched.chain, work), vouched };
}

/** Chains that are vouched for never change, and reading one anew costs more than deciding. */
const readBefore = new WeakMap<
  AcceptedDelegation["chain"],
  { words: Words; hops: readonly Hop[] }
>();

function vouchedHops(chain: AcceptedDelegation["chain"], work: DelegationWork): readonly Hop[] {
  const { words, malformed, invalid } = work;
  const known = readBefore.get(chain);
  if (known?.words === words) return known.hops;
  const faults = malformed.length + invalid.length;
  const hops = readHops(chain, "/delegation/tokens", work);
  if (malformed.length + invalid.length === faults) readBefore.set(chain, { words, hops });
  return hops;
}

const STRINGS: Type = { kind: "Set", of: { kind: "String" } };
const NO_WORDS: Words = { levels: [], purposes: new Set(), labels: new Set() };
const SCOPE = readerOf(STRINGS, NO_WORDS);
const TIME = readerOf({ kind: "Time" }, NO_WORDS);
const BOOL = readerOf({ kind: "Bool" }, NO_WORDS);

const HOP_MEMBERS = [
  "from",
  "to",
  "scope",
  "purpose",
  "issued_at",
  "expires_at",
  "approved",
  "audience",
  "depth",
  "tools",
] as const;

function readHops(json: unknown, at: string, work: DelegationWork): readonly Hop[] {
  if (!Array.isArray(json)) return wrong(work.malformed, at, "a list", json) ?? NO_HOPS;
  const hops: (Hop | undefined)[] = json.slice();
  for (let index = 0; index < hops.length; index++) {
    hops[index] = readHop(json[index], `${at}/${index}`, work);
  }
  // What is no hop was reported, and then nothing is asked of the others.
  return hops.every(isThere) ? hops : NO_HOPS;
}

const NO_HOPS: readonly Hop[] = [];

function isThere(hop: Hop | undefined): hop is Hop {
  return hop !== undefined;
}

/** Hops that stand in the form of §12.2, whatever purposes a policy knows. */
export function hopsFrom(chain: AcceptedDelegation["chain"]): readonly Hop[] {
  const malformed: Problem[] = [];
  const hops = readHops(chain, "/chain", { words: NO_WORDS, malformed, invalid: [] });
  const [problem] = malformed;
  if (problem !== undefined)
    throw new Error(`a hop is malformed: ${problem.at} ${problem.message}`);
  return hops;
}

function readHop(json: unknown, at: string, work: DelegationWork): Hop | undefined {
  const { malformed } = work;
  if (!isObject(json)) return wrong(malformed, at, "an object", json);
  const given = onlyMembers(json, HOP_MEMBERS, at, malformed);
  const hop: Writable<Hop> = {
    from: partyIn(partyReader(given.from, `${at}/from`, malformed)),
    to: partyIn(partyReader(given.to, `${at}/to`, malformed)),
    scope: SCOPE(given.scope, `${at}/scope`, malformed) as ReadonlySet<string>,
    approved: memberIn(given, "approved", BOOL, at, malformed) === true,
  };
  const purpose = memberIn(given, "purpose", readId, at, malformed);
  if (purpose !== undefined) {
    hop.purpose = purpose;
    if (!work.words.purposes.has(purpose)) {
      report(work.invalid, `${at}/purpose`, `is no purpose that the policy knows: \`${purpose}\``);
    }
  }
  const issuedAtMs = memberIn(given, "issued_at", TIME, at, malformed);
  if (issuedAtMs !== undefined) hop.issuedAtMs = Number(issuedAtMs);
  const expiresAtMs = memberIn(given, "expires_at", TIME, at, malformed);
  if (expiresAtMs !== undefined) hop.expiresAtMs = Number(expiresAtMs);
  const audience = memberIn(given, "audience", SCOPE, at, malformed);
  if (audience !== undefined) hop.audience = audience as ReadonlySet<string>;
  const depth = memberIn(given, "depth", readDepth, at, malformed);
  if (depth !== undefined) hop.depth = depth;
  const tools = memberIn(given, "tools", readToolBounds, at, malformed);
  if (tools !== undefined) hop.tools = tools;
  return hop;
}

/** Where it stands is spelled for what is there alone: most hops say little. */
function memberIn<T>(
  given: HopMembers,
  name: keyof HopMembers,
  read: MemberReader<T>,
  at: string,
  problems: Problem[],
): T | undefined {
  const json = given[name];
  return json === undefined ? undefined : read(json, `${at}/${name}`, problems);
}

type HopMembers = { readonly [name in (typeof HOP_MEMBERS)[number]]?: unknown };
type MemberReader<T> = (json: unknown, at: string, problems: Problem[]) => T | undefined;

function readDepth(json: unknown, at: string, problems: Problem[]): number | undefined {
  if (typeof json === "number" && Number.isSafeInteger(json) && json >= 0) return json;
  return wrong(problems, at, "a whole number from 0", json);
}

/** A part of the request, and what was sent for it: what was filled in tells nothing. */
export interface Actor {
  readonly value: Record<string, Value | undefined>;
  readonly sent: unknown;
}

export interface Holding {
  readonly value: RecordValue;
  readonly tools?: ToolBounds | undefined;
  /** Whether a scope was granted at all: without one, nothing is checked against it. */
  readonly granted: boolean;
  readonly refusal?: DelegationRefusal;
}

/**
 * Holds what is claimed against the agent and principal of the request, and completes these from verified
 * tokens.
 */
export function holdDelegation(
  claimed: Claimed,
  agent: Actor,
  principal: Actor | undefined,
  context: { readonly nowMs: number; readonly verified: boolean },
): Holding {
  if (claimed.kind === "none") return { value: undelegated(agent, principal), granted: false };
  if (claimed.kind === "refused") return refused(claimed.refusal, agent, principal);
  const { vouched } = claimed;
  const conflict =
    vouched && (conflictOf(agent, vouched.agent) ?? conflictOf(principal, vouched.principal));
  if (conflict !== undefined) return refused(conflict, agent, principal);
  const held =
    claimed.kind === "self"
      ? holdSelf(claimed.vouched, agent, principal, context.nowMs)
      : holdHops(claimed.hops, agent, principal, {
          nowMs: context.nowMs,
          verified: vouched === undefined ? context.verified : vouched.asserted !== true,
        });
  if (vouched !== undefined && held.refusal === undefined)
    complete(held, vouched, agent, principal);
  return held;
}

function refused(refusal: DelegationRefusal, agent: Actor, principal: Actor | undefined): Holding {
  return { value: undelegated(agent, principal), granted: false, refusal };
}

function holdHops(
  hops: readonly Hop[],
  agent: Actor,
  principal: Actor | undefined,
  context: { readonly nowMs: number; readonly verified: boolean },
): Holding {
  const chain = readChain(hops, {
    nowMs: context.nowMs,
    verified: context.verified,
    agent: told(agent),
    principal: principal && told(principal),
  });
  if (chain.ok) return { value: chain.delegation, tools: chain.tools, granted: true };
  const why = `hop ${chain.hop}: ${chain.why}`;
  return refused(refuseDelegation(chain.cause, why), agent, principal);
}

/** Somebody who shows who they are and acts for nobody else. */
function holdSelf(
  { self }: AcceptedDelegation,
  agent: Actor,
  principal: Actor | undefined,
  nowMs: number,
): Holding {
  if (self === undefined) throw new Error("there is neither a chain nor an agent of its own");
  const refuse = (...fault: Parameters<typeof refuseDelegation>) =>
    refused(refuseDelegation(...fault), agent, principal);
  const { id, kind } = self.party;
  if (agent.value.id !== id)
    return refuse("agent_mismatch", `the tokens are ${id}'s, not the agent's`);
  if (principal !== undefined && principal.value.id !== id) {
    return refuse(
      "root_mismatch",
      `the tokens delegate nothing from ${principal.value.id} to ${id}`,
    );
  }
  // Both are the same somebody: neither may be called what the tokens do not.
  for (const said of [told(agent).kind, principal && told(principal).kind]) {
    if (said !== undefined && said !== kind) {
      return refuse("kind_conflict", `${id} is called ${said}, and ${kind} in its tokens`);
    }
  }
  const expiresAtMs = Number(TIME(self.expires_at, "", []));
  if (!(expiresAtMs > nowMs)) return refuse("hop_expired", "it has expired");
  const value = undelegated(agent, principal);
  value.verified = true;
  value.expires_at = expiresAtMs;
  value.root = partyRecord(id, kind);
  if (self.scope !== undefined) value.scope = new Set(self.scope);
  return { value, granted: self.scope !== undefined };
}

/** What the request asserts of somebody must be what the tokens say, where they say it. */
function conflictOf(actor: Actor | undefined, facts: VouchedFacts): DelegationRefusal | undefined {
  if (actor === undefined || !isObject(actor.sent)) return undefined;
  const { id, groups, attested } = actor.value;
  if (facts.groups !== undefined && actor.sent.groups !== undefined) {
    const known = new Set<Scalar>(facts.groups);
    const extra = [...(groups as ReadonlySet<Scalar>)].find((group) => !known.has(group));
    if (extra !== undefined) {
      return refuseDelegation(
        "identity_conflict",
        `the tokens do not put ${id} in group \`${extra}\``,
      );
    }
  }
  if (facts.attested === false && attested === true && actor.sent.attested !== undefined) {
    return refuseDelegation("identity_conflict", `the tokens do not attest ${id}`);
  }
  return undefined;
}

/** What the tokens say and the request leaves out. */
function complete(
  { value }: Holding,
  vouched: AcceptedDelegation,
  agent: Actor,
  principal: Actor | undefined,
): void {
  const chain = value.chain as readonly RecordValue[];
  const root = value.root as RecordValue;
  const last = chain.at(-1)?.to as RecordValue | undefined;
  fill(agent, vouched.agent, (last ?? root).kind);
  if (principal !== undefined) fill(principal, vouched.principal, root.kind);
}

function fill({ value, sent }: Actor, facts: VouchedFacts, kind: Value | undefined): void {
  const given: { readonly [name: string]: unknown } = isObject(sent) ? sent : {};
  if (given.kind === undefined && kind !== undefined) value.kind = kind;
  if (given.groups === undefined && facts.groups !== undefined)
    value.groups = new Set(facts.groups);
  if (given.attested === undefined && facts.attested !== undefined && "attested" in value) {
    value.attested = facts.attested;
  }
}

/** Who acts on nobody's grant is their own root, at depth 0, with a scope of nothing. */
function undelegated(agent: Actor, principal: Actor | undefined) {
  const { id, kind } = (principal ?? agent).value;
  const made = newRecord();
  made.chain = [];
  made.depth = 0;
  made.root = partyRecord(id, kind);
  made.verified = false;
  made.scope = NOTHING;
  return made;
}

const NOTHING: ReadonlySet<Scalar> = new Set();

function partyRecord(id: Value | undefined, kind: Value | undefined): RecordValue {
  const made = newRecord();
  made.id = id;
  made.kind = kind;
  return made;
}

/** Authority is what was delegated, whatever rules say (SPEC §6.2). Arguments may not be told yet. */
export function uncovered(
  { value, tools, granted }: Holding,
  purpose: string | undefined,
  tool: ToolDecl | undefined,
  args: RecordValue | undefined,
  words: Words,
): DelegationRefusal | undefined {
  if (!granted || tool === undefined) return undefined;
  const scope = value.scope as ReadonlySet<Scalar>;
  const lacking = tool.scope.find((item) => !scope.has(item));
  if (lacking !== undefined)
    return refuseDelegation("scope_lacking", `its scope lacks \`${lacking}\``);
  const granting = textIn(value, "purpose");
  if (granting !== undefined && purpose !== undefined && !purposeWithin(purpose, granting)) {
    const why = `purpose \`${purpose}\` is not within \`${granting}\``;
    return refuseDelegation("purpose_outside", why);
  }
  const bounds = tools?.get(tool.wire);
  if (tools === undefined) return undefined;
  if (bounds === undefined) {
    return refuseDelegation(
      "tool_outside",
      `the tool \`${tool.wire}\` is not among those it names`,
    );
  }
  if (args === undefined) return undefined;
  const outside = outsideBounds(tool, args, bounds, words);
  return outside === undefined ? undefined : refuseDelegation("argument_outside", outside);
}

/** As the request names it: a kind that was filled in says nothing against one that a hop tells. */
function told({ value, sent }: Actor): Party {
  if (isObject(sent) && sent.kind !== undefined) return partyIn(value);
  return { id: String(value.id) };
}

/** A record that has been read as a party is one; where it was not, the request is refused. */
function partyIn(record: RecordValue): Party {
  return record as unknown as Party;
}
