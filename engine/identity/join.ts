/** Verified tokens → the one delegation that they make together, root first (SPEC §15.1). Pure. */
import { spellTime } from "../../lang/scalar/time.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import { wider } from "./chain.ts";
import type { GrantClaims, IdentityClaims, LinkClaims } from "./claims.ts";
import { agentKind, type Issuer, mayBeRoot, rootKind } from "./issuer.ts";
import type { Token } from "./token.ts";
import type {
  TokenRecord,
  VouchedDelegation,
  VouchedHop,
  VouchedParty,
  VouchedTask,
} from "./vouched.ts";

type Of<Content> = Token & { readonly content: Content };

/** One that shows who the agent is, perhaps; and the others, which hand on to each other. */
export interface Sorted {
  readonly ok: true;
  readonly identity: Of<IdentityClaims> | undefined;
  readonly chain: readonly Of<GrantClaims | LinkClaims>[];
}

export function sortTokens(tokens: readonly Token[]): Sorted | DelegationRefusal {
  const [identity, ...more] = tokens.filter(isIdentity);
  if (more.length > 0) return conflict("two of them say who the agent is");
  const chain = tokens.filter((token): token is Of<GrantClaims | LinkClaims> => !isIdentity(token));
  for (const [index, { content, issuer }] of chain.entries()) {
    if (index > 0 && issuer !== undefined) {
      return conflict(`the ${content.kind} in place ${index + 1} does not continue the one before`);
    }
  }
  return { ok: true, identity, chain };
}

function isIdentity(token: Token): token is Of<IdentityClaims> {
  return token.content.kind === "identity";
}

function conflict(why: string): DelegationRefusal {
  return refuseDelegation("tokens_conflict", why);
}

export function joinTokens({ identity, chain }: Sorted): VouchedDelegation {
  const [first] = chain;
  const tokens = [...chain, ...(identity === undefined ? [] : [identity])].map(recordOf);
  if (first === undefined) return identityAlone(identity, tokens);
  const issuer = first.issuer;
  if (issuer === undefined) throw new Error("a chain begins with a token that nobody issued");
  const hops = hopsOf(chain, issuer);
  if ("ok" in hops) return hops;
  const shown = showsLast(identity, hops, first);
  if (shown !== undefined) return shown;
  const facts = first.content.kind === "grant" ? first.content.facts : {};
  const task = first.content.kind === "link" ? taskOf(first.content, first) : undefined;
  const own = hops.length === 0 && first.content.kind === "grant" ? first.content : undefined;
  return {
    ok: true,
    chain: hops,
    ...(own === undefined ? {} : { self: selfOf(own, first) }),
    agent: { ...(own === undefined ? {} : facts), ...identity?.content.facts },
    principal: facts,
    ...(task === undefined ? {} : { task }),
    tokens,
  };
}

function taskOf({ task }: LinkClaims, { common: { id } }: Token): VouchedTask | undefined {
  return task && id !== undefined ? { id, name: task.name } : undefined;
}

function identityAlone(
  identity: Of<IdentityClaims> | undefined,
  tokens: readonly TokenRecord[],
): VouchedDelegation {
  if (identity?.issuer === undefined) {
    return refuseDelegation("chain_empty", "there are no tokens");
  }
  const { content, common, issuer } = identity;
  const party = { id: content.id, kind: agentKind(content.id, issuer) };
  const self = { party, expires_at: spellTime(common.expiresAtMs) };
  return { ok: true, chain: [], self, agent: content.facts, principal: {}, tokens };
}

function selfOf({ root, scope }: GrantClaims, { common }: Token) {
  return { party: root, scope, expires_at: spellTime(common.expiresAtMs) };
}

function hopsOf(chain: Sorted["chain"], issuer: Issuer): readonly VouchedHop[] | DelegationRefusal {
  const hops: VouchedHop[] = [];
  for (const { content, common } of chain) {
    if (content.kind === "grant") hops.push(...grantHops(content, common));
    else {
      const from =
        hops.length > 0 ? agentParty(content.from, issuer) : rootOf(content, common, chain, issuer);
      if ("ok" in from) return from;
      hops.push(linkHop(content, common, from, agentParty(content.to, issuer)));
    }
  }
  return hops;
}

function agentParty(id: string, issuer: Issuer): VouchedParty {
  return { id, kind: agentKind(id, issuer) };
}

/**
 * Of a first link whom its issuer may speak for; of a link behind a token that passed through nobody, its
 * subject. Such a token makes no hop, so what it grants is held against the link here.
 */
function rootOf(
  link: LinkClaims,
  common: Token["common"],
  [first]: Sorted["chain"],
  issuer: Issuer,
): VouchedParty | DelegationRefusal {
  const { from } = link;
  if (first?.content.kind === "grant") {
    const { root, scope } = first.content;
    if (root.id !== from) {
      const why = `the link is given by ${from}, but the token was held by ${root.id}`;
      return refuseDelegation("chain_broken", why);
    }
    const own = grantingOf(scope, first.common);
    const [cause, why] = wider(grantingOf(link.scope, common), own, own) ?? [];
    return cause === undefined
      ? root
      : refuseDelegation(cause, `the link behind the token: ${why}`);
  }
  if (mayBeRoot(from, issuer)) return { id: from, kind: rootKind(from, issuer) };
  return refuseDelegation("root_not_vouched", `${issuer.name} may not speak for ${from}`);
}

function grantingOf(
  scope: readonly string[],
  { audience, issuedAtMs, expiresAtMs }: Token["common"],
) {
  return {
    scope: new Set(scope),
    audience: new Set(audience),
    expiresAtMs,
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
  };
}

function times({ issuedAtMs, expiresAtMs, audience }: Token["common"]) {
  return {
    ...(issuedAtMs === undefined ? {} : { issued_at: spellTime(issuedAtMs) }),
    expires_at: spellTime(expiresAtMs),
    audience,
  };
}

/** What a token says of all its actors alike is said of each hop. */
function grantHops({ root, actors, scope }: GrantClaims, common: Token["common"]): VouchedHop[] {
  return actors.map((to, index) => ({
    from: actors[index - 1] ?? root,
    to,
    scope,
    ...times(common),
  }));
}

function linkHop(
  { scope, purpose, depth, tools }: LinkClaims,
  common: Token["common"],
  from: VouchedParty,
  to: VouchedParty,
): VouchedHop {
  return {
    from,
    to,
    scope,
    ...(purpose === undefined ? {} : { purpose }),
    ...times(common),
    depth,
    ...(tools === undefined ? {} : { tools }),
  };
}

/** A token of identity is the last holder's, by the same kind. */
function showsLast(
  identity: Of<IdentityClaims> | undefined,
  hops: readonly VouchedHop[],
  first: Token,
): DelegationRefusal | undefined {
  if (identity?.issuer === undefined) return undefined;
  const root = first.content.kind === "grant" ? first.content.root : undefined;
  const last = hops.at(-1)?.to ?? root;
  const { id } = identity.content;
  if (last?.id !== id) {
    return refuseDelegation(
      "agent_mismatch",
      `the agent shows to be ${id}, and ${last?.id} holds the chain`,
    );
  }
  const kind = agentKind(id, identity.issuer);
  if (kind === last.kind) return undefined;
  return refuseDelegation("kind_conflict", `${id} is called ${kind}, and ${last.kind} elsewhere`);
}

/** Nothing that could be used again. */
function recordOf({ type, digest, twin, issuer, common, content }: Token): TokenRecord {
  return {
    type,
    issuer: issuer?.name ?? subjectOf(content, "from"),
    subject: subjectOf(content, "to"),
    digest,
    ...(twin === undefined ? {} : { twin }),
    ...(common.id === undefined ? {} : { id: common.id }),
    ...(issuer?.singleUse ? { once_until: spellTime(common.expiresAtMs) } : {}),
  };
}

function subjectOf(content: Token["content"], end: "from" | "to"): string {
  if (content.kind === "link") return content[end];
  return content.kind === "grant" ? content.root.id : content.id;
}
