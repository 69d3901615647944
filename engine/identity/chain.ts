/**
 * Delegation (SPEC §8): hops from the root to the acting agent, of which each may only narrow the one before.
 * Whether anyone vouches for the hops is not asked here; that is `verified`.
 */
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import type { Kind } from "../../lang/type.ts";
import { newRecord, type RecordValue, type Scalar, type Value } from "../value.ts";

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
}

export interface ChainContext {
  readonly nowMs: number;
  /** Who acts, and for whom: what the chain must lead to and start from. */
  readonly agent: Party;
  readonly principal?: Party;
  /** The engine itself has checked the tokens that the hops come from. */
  readonly verified: boolean;
}

export type Chain =
  | { readonly ok: true; readonly delegation: RecordValue }
  /** `hop` counts from 1. */
  | { readonly ok: false; readonly hop: number; readonly why: string };

export const HOPS_MOST = 8;

/** How far a host's clock may be behind an issuer's. */
const LEEWAY_MS = 30_000;

/** What the chain grants: its last hop, read with all before it. */
export function readChain(hops: readonly Hop[], context: ChainContext): Chain {
  if (hops.length === 0) return refuse(1, "the chain is empty");
  if (hops.length > HOPS_MOST)
    return refuse(HOPS_MOST + 1, `the chain has more than ${HOPS_MOST} hops`);
  const kinds = kindsOf(hops, context);
  if (!kinds.ok) return refuse(kinds.hop, kinds.why);
  const ends = checkEnds(hops, context);
  if (ends !== undefined) return ends;
  let grant: Grant = {};
  for (const [index, hop] of hops.entries()) {
    const why = wider(hop, grant, hops[index - 1]) ?? outOfTime(hop, context.nowMs);
    if (why !== undefined) return refuse(index + 1, why);
    grant = narrow(grant, hop);
  }
  return { ok: true, delegation: delegationOf(hops, grant, kinds.kinds, context.verified) };
}

interface Grant {
  readonly scope?: ReadonlySet<string>;
  readonly purpose?: string;
  readonly expiresAtMs?: number;
}

function refuse(hop: number, why: string): Chain {
  return { ok: false, hop, why };
}

/** Starts at the principal, ends at the agent, passes from hand to hand, and nobody holds it twice. */
function checkEnds(hops: readonly Hop[], { agent, principal }: ChainContext): Chain | undefined {
  const [first, last] = [hops[0], hops.at(-1)];
  if (principal !== undefined && first !== undefined && first.from.id !== principal.id) {
    return refuse(1, `the chain starts at ${first.from.id}, not at the principal`);
  }
  const holders = new Set(first === undefined ? [] : [first.from.id]);
  for (const [index, hop] of hops.entries()) {
    const before = hops[index - 1];
    if (before !== undefined && before.to.id !== hop.from.id) {
      return refuse(index + 1, `it is given by ${hop.from.id}, but was held by ${before.to.id}`);
    }
    if (holders.has(hop.to.id)) return refuse(index + 1, `it returns to ${hop.to.id}`);
    holders.add(hop.to.id);
  }
  if (last !== undefined && last.to.id !== agent.id) {
    return refuse(hops.length, `the chain ends at ${last.to.id}, not at the agent`);
  }
  return undefined;
}

function wider(hop: Hop, grant: Grant, before: Hop | undefined): string | undefined {
  const added = grant.scope && [...hop.scope].find((item) => !grant.scope?.has(item));
  if (added !== undefined) return `its scope adds \`${added}\``;
  if (hop.purpose !== undefined && grant.purpose !== undefined) {
    if (!purposeWithin(hop.purpose, grant.purpose)) {
      return `its purpose \`${hop.purpose}\` is not within \`${grant.purpose}\``;
    }
  }
  if (hop.expiresAtMs !== undefined && grant.expiresAtMs !== undefined) {
    if (hop.expiresAtMs > grant.expiresAtMs) return "it lasts longer than the hop before";
  }
  if (hop.issuedAtMs !== undefined && before?.expiresAtMs !== undefined) {
    if (hop.issuedAtMs >= before.expiresAtMs) return "it was issued after the hop before had ended";
  }
  return undefined;
}

function outOfTime(hop: Hop, nowMs: number): string | undefined {
  if (hop.expiresAtMs !== undefined && hop.expiresAtMs <= nowMs) return "it has expired";
  if (hop.issuedAtMs !== undefined && hop.issuedAtMs > nowMs + LEEWAY_MS)
    return "it is issued in the future";
  return undefined;
}

function narrow(grant: Grant, hop: Hop): Grant {
  const purpose = hop.purpose ?? grant.purpose;
  const expiresAtMs = hop.expiresAtMs ?? grant.expiresAtMs;
  return {
    scope: hop.scope,
    ...(purpose === undefined ? {} : { purpose }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
}

type Kinds =
  | { readonly ok: true; readonly kinds: ReadonlyMap<string, Kind> }
  | { readonly ok: false; readonly hop: number; readonly why: string };

/** Told anywhere, told for all; told differently, refused. */
function kindsOf(hops: readonly Hop[], { agent, principal }: ChainContext): Kinds {
  const kinds = new Map<string, Kind>();
  for (const party of [agent, principal]) {
    if (party?.kind !== undefined) kinds.set(party.id, party.kind);
  }
  for (const [index, hop] of hops.entries()) {
    for (const { id, kind } of [hop.from, hop.to]) {
      const known = kinds.get(id);
      if (kind === undefined) continue;
      if (known !== undefined && known !== kind) {
        return {
          ok: false,
          hop: index + 1,
          why: `${id} is called ${kind}, and ${known} elsewhere`,
        };
      }
      kinds.set(id, kind);
    }
  }
  return { ok: true, kinds };
}

function delegationOf(
  hops: readonly Hop[],
  grant: Grant,
  kinds: ReadonlyMap<string, Kind>,
  verified: boolean,
): RecordValue {
  const chain = hops.map((hop) => hopRecord(hop, kinds));
  const made = newRecord();
  made.chain = chain;
  made.depth = hops.length;
  made.root = chain[0]?.from;
  made.verified = verified;
  made.scope = grant.scope as ReadonlySet<Scalar>;
  if (grant.purpose !== undefined) made.purpose = grant.purpose;
  if (grant.expiresAtMs !== undefined) made.expires_at = grant.expiresAtMs;
  return made;
}

function hopRecord(hop: Hop, kinds: ReadonlyMap<string, Kind>): Record<string, Value | undefined> {
  const made = newRecord();
  made.from = partyRecord(hop.from, kinds);
  made.to = partyRecord(hop.to, kinds);
  made.scope = hop.scope as ReadonlySet<Scalar>;
  if (hop.purpose !== undefined) made.purpose = hop.purpose;
  if (hop.issuedAtMs !== undefined) made.issued_at = hop.issuedAtMs;
  if (hop.expiresAtMs !== undefined) made.expires_at = hop.expiresAtMs;
  made.approved = hop.approved;
  return made;
}

/** A kind nobody told is the least trusted one. */
function partyRecord(party: Party, kinds: ReadonlyMap<string, Kind>): RecordValue {
  const made = newRecord();
  made.id = party.id;
  made.kind = kinds.get(party.id) ?? "autonomous";
  return made;
}
