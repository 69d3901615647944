/**
 * Delegation (SPEC §12.5): hops from the root to the acting agent, of which each may only narrow the one
 * before. Whether anyone vouches for the hops is not asked here; that is `verified`.
 */
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import type { Kind } from "../../lang/type.ts";
import { newRecord, type RecordValue, type Scalar } from "../value.ts";
import type { Writable } from "../writable.ts";
import { narrowTools, type ToolBounds, widerTools } from "./bounds.ts";
import type { DelegationCause } from "./cause.ts";

export interface Party {
  readonly id: string;
  /** Missing where nobody told. */
  readonly kind?: Kind;
}

export interface Hop {
  readonly from: Party;
  readonly to: Party;
  readonly scope: ReadonlySet<string>;
  /** Missing = as wide as the hop before. */
  readonly purpose?: string;
  readonly issuedAtMs?: number;
  /** Missing = as long as the hop before. */
  readonly expiresAtMs?: number;
  readonly approved: boolean;
  /** Who may rely on it. Missing = whoever may rely on the hop before. */
  readonly audience?: ReadonlySet<string>;
  /** How many hops may follow. Missing = as many as the hop before leaves. */
  readonly depth?: number;
  /** Missing = the tools of the hop before, within the same bounds. */
  readonly tools?: ToolBounds;
}

export interface ChainContext {
  readonly nowMs: number;
  /** Who acts, and for whom: what the chain must lead to and start from. */
  readonly agent: Party;
  readonly principal?: Party | undefined;
  /** The engine itself has checked the tokens that the hops come from. */
  readonly verified: boolean;
}

export type Chain =
  | {
      readonly ok: true;
      readonly delegation: RecordValue;
      /** Of the whole chain; `undefined` where no hop names any. */
      readonly tools: ToolBounds | undefined;
    }
  /** `hop` counts from 1. */
  | {
      readonly ok: false;
      readonly hop: number;
      readonly cause: DelegationCause;
      readonly why: string;
    };

export const HOPS_MOST = 8;

/** How far a host's clock may be behind an issuer's. */
export const LEEWAY_MS = 30_000;

/** What the chain grants: its last hop, read with all before it. */
export function readChain(hops: readonly Hop[], context: ChainContext): Chain {
  if (hops.length === 0) return refuse(1, "chain_empty", "the chain is empty");
  if (hops.length > HOPS_MOST) {
    return refuse(HOPS_MOST + 1, "chain_too_long", `the chain has more than ${HOPS_MOST} hops`);
  }
  const refused = checkEnds(hops, context) ?? checkKinds(hops, context);
  if (refused !== undefined) return refused;
  let grant = NOTHING_SAID;
  let before: Hop | undefined;
  let number = 0;
  for (const hop of hops) {
    number += 1;
    const fault = wider(hop, grant, before) ?? outOfTime(hop, context.nowMs);
    if (fault !== undefined) return refuse(number, ...fault);
    grant = narrow(grant, hop);
    before = hop;
  }
  return { ok: true, delegation: delegationOf(hops, grant, context), tools: grant.tools };
}

/** What hops come to, one read with all before it; what is missing, none of them says. */
export interface Authority {
  readonly scope?: ReadonlySet<string>;
  readonly purpose?: string;
  readonly expiresAtMs?: number;
  readonly audience?: ReadonlySet<string>;
  readonly depth?: number;
  readonly tools?: ToolBounds;
}

const NOTHING_SAID: Authority = {};

/** Of hops that hold. */
export function authorityOf(hops: readonly Hop[]): Authority {
  return hops.reduce(narrow, NOTHING_SAID);
}

type Fault = readonly [DelegationCause, string];
type Refused = Extract<Chain, { ok: false }>;

function refuse(hop: number, cause: DelegationCause, why: string): Refused {
  return { ok: false, hop, cause, why };
}

/** Starts at the principal, ends at the agent, passes from hand to hand, and nobody holds it twice. */
function checkEnds(hops: readonly Hop[], { agent, principal }: ChainContext): Refused | undefined {
  const root = hops[0]?.from.id;
  if (principal !== undefined && root !== principal.id) {
    return refuse(1, "root_mismatch", `the chain starts at ${root}, not at the principal`);
  }
  let holder = root;
  let number = 0;
  for (const { from, to } of hops) {
    number += 1;
    if (from.id !== holder) {
      const why = `it is given by ${from.id}, but was held by ${holder}`;
      return refuse(number, "chain_broken", why);
    }
    if (to.id === root || isHeldBefore(to.id, hops, number)) {
      return refuse(number, "cycle", `it returns to ${to.id}`);
    }
    holder = to.id;
  }
  if (holder === agent.id) return undefined;
  const why = `the chain ends at ${holder}, not at the agent`;
  return refuse(hops.length, "agent_mismatch", why);
}

function isHeldBefore(id: string, hops: readonly Hop[], number: number): boolean {
  for (let at = 0; at < number - 1; at += 1) {
    if (hops[at]?.to.id === id) return true;
  }
  return false;
}

/** A hop, whoever hands on to whom. */
type Granting = Omit<Hop, "from" | "to" | "approved">;

/** What a hop has that the hops before it did not give. */
export function wider(
  hop: Granting,
  grant: Authority,
  before: Pick<Hop, "expiresAtMs"> | undefined,
): Fault | undefined {
  const scope = added(hop.scope, grant.scope);
  if (scope !== undefined) return ["scope_widened", `its scope adds \`${scope}\``];
  const audience = hop.audience && added(hop.audience, grant.audience);
  if (audience !== undefined) return ["audience_widened", `its audience adds \`${audience}\``];
  if (hop.purpose !== undefined && grant.purpose !== undefined) {
    if (!purposeWithin(hop.purpose, grant.purpose)) {
      const why = `its purpose \`${hop.purpose}\` is not within \`${grant.purpose}\``;
      return ["purpose_widened", why];
    }
  }
  const tools = hop.tools && grant.tools && widerTools(hop.tools, grant.tools);
  if (tools !== undefined) return ["tools_widened", tools];
  return deeper(hop, grant) ?? longer(hop, grant, before);
}

/** Nothing said before is everything: the first hop may say what it likes. */
function added(
  now: ReadonlySet<string>,
  before: ReadonlySet<string> | undefined,
): string | undefined {
  if (before === undefined || now === before) return undefined;
  for (const item of now) if (!before.has(item)) return item;
  return undefined;
}

function deeper(hop: Granting, grant: Authority): Fault | undefined {
  if (grant.depth === undefined) return undefined;
  if (grant.depth === 0) return ["depth_exceeded", "the hop before was not to be passed on"];
  if (hop.depth === undefined || hop.depth < grant.depth) return undefined;
  return ["depth_widened", `it leaves ${hop.depth} further hops, of at most ${grant.depth - 1}`];
}

function longer(
  hop: Granting,
  grant: Authority,
  before: Pick<Hop, "expiresAtMs"> | undefined,
): Fault | undefined {
  if (hop.expiresAtMs !== undefined && grant.expiresAtMs !== undefined) {
    if (hop.expiresAtMs > grant.expiresAtMs) {
      return ["expiry_widened", "it lasts longer than the hop before"];
    }
  }
  if (hop.issuedAtMs !== undefined && before?.expiresAtMs !== undefined) {
    if (hop.issuedAtMs >= before.expiresAtMs) {
      return ["expiry_widened", "it was issued after the hop before had ended"];
    }
  }
  return undefined;
}

function outOfTime(hop: Hop, nowMs: number): Fault | undefined {
  if (hop.expiresAtMs !== undefined && hop.expiresAtMs <= nowMs) {
    return ["hop_expired", "it has expired"];
  }
  if (hop.issuedAtMs !== undefined && hop.issuedAtMs > nowMs + LEEWAY_MS) {
    return ["hop_not_yet_valid", "it is issued in the future"];
  }
  return undefined;
}

function narrow(grant: Authority, hop: Hop): Authority {
  const purpose = hop.purpose ?? grant.purpose;
  const expiresAtMs = hop.expiresAtMs ?? grant.expiresAtMs;
  const audience = hop.audience ?? grant.audience;
  const depth = hop.depth ?? (grant.depth === undefined ? undefined : grant.depth - 1);
  const tools = hop.tools === undefined ? grant.tools : narrowTools(grant.tools, hop.tools);
  const made: Writable<Authority> = { scope: hop.scope };
  if (purpose !== undefined) made.purpose = purpose;
  if (expiresAtMs !== undefined) made.expiresAtMs = expiresAtMs;
  if (audience !== undefined) made.audience = audience;
  if (depth !== undefined) made.depth = depth;
  if (tools !== undefined) made.tools = tools;
  return made;
}

/** Told anywhere, told for all; told differently, refused. */
function checkKinds(hops: readonly Hop[], context: ChainContext): Refused | undefined {
  let number = 0;
  for (const { from, to } of hops) {
    number += 1;
    const refused = checkKind(from, number, hops, context) ?? checkKind(to, number, hops, context);
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function checkKind(
  { id, kind }: Party,
  number: number,
  hops: readonly Hop[],
  context: ChainContext,
): Refused | undefined {
  const known = kind && kindOf(id, hops, context);
  if (known === kind) return undefined;
  return refuse(number, "kind_conflict", `${id} is called ${kind}, and ${known} elsewhere`);
}

/** As it is told first. */
function kindOf(
  id: string,
  hops: readonly Hop[],
  { agent, principal }: ChainContext,
): Kind | undefined {
  if (principal?.id === id && principal.kind !== undefined) return principal.kind;
  if (agent.id === id && agent.kind !== undefined) return agent.kind;
  for (const { from, to } of hops) {
    if (from.id === id && from.kind !== undefined) return from.kind;
    if (to.id === id && to.kind !== undefined) return to.kind;
  }
  return undefined;
}

function delegationOf(hops: readonly Hop[], grant: Authority, context: ChainContext): RecordValue {
  const chain = hops.map((hop) => hopRecord(hop, hops, context));
  const made = newRecord();
  made.chain = chain;
  made.depth = hops.length;
  made.root = chain[0]?.from;
  made.verified = context.verified;
  made.scope = grant.scope as ReadonlySet<Scalar>;
  if (grant.purpose !== undefined) made.purpose = grant.purpose;
  if (grant.expiresAtMs !== undefined) made.expires_at = grant.expiresAtMs;
  if (grant.tools !== undefined) made.tools = new Set(grant.tools.keys());
  return made;
}

function hopRecord(hop: Hop, hops: readonly Hop[], context: ChainContext): RecordValue {
  const made = newRecord();
  made.from = partyRecord(hop.from.id, hops, context);
  made.to = partyRecord(hop.to.id, hops, context);
  made.scope = hop.scope as ReadonlySet<Scalar>;
  if (hop.purpose !== undefined) made.purpose = hop.purpose;
  if (hop.issuedAtMs !== undefined) made.issued_at = hop.issuedAtMs;
  if (hop.expiresAtMs !== undefined) made.expires_at = hop.expiresAtMs;
  made.approved = hop.approved;
  return made;
}

/** A kind nobody told is the least trusted one. */
function partyRecord(id: string, hops: readonly Hop[], context: ChainContext): RecordValue {
  const made = newRecord();
  made.id = id;
  made.kind = kindOf(id, hops, context) ?? "autonomous";
  return made;
}
