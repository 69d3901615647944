/**
 * Who is said to have handed on to whom, where the delegation does not hold: what an auditor asks first, and nobody's
 * word.
 */
import { HOPS_MOST } from "../identity/chain.ts";
import { readClaims, readCompactJws } from "../identity/jws.ts";
import { LINK_TYPE } from "../identity/link.ts";
import { valueAt } from "./pointer.ts";
import { sealedName } from "./sealed.ts";

/** By the chain of the request, else by what its tokens say; `undefined` where these say nothing. */
export function claimedHops(input: unknown): readonly object[] | undefined {
  const chain = valueAt(input, ["delegation", "chain"]);
  if (Array.isArray(chain)) return chain.map(claimedHop);
  const tokens = valueAt(input, ["delegation", "tokens"]);
  const hops = Array.isArray(tokens) ? tokens.slice(0, HOPS_MOST).flatMap(hopsOfToken) : [];
  return hops.length === 0 ? undefined : hops;
}

function claimedHop(hop: unknown): object {
  const party = (end: string) => {
    const id = valueAt(hop, [end, "id"]) ?? valueAt(hop, [end]);
    return typeof id === "string" ? { id: sealedName(id) } : undefined;
  };
  const scope = valueAt(hop, ["scope"]);
  return {
    claimed: true,
    from: party("from"),
    scope: Array.isArray(scope)
      ? scope.flatMap((item) => (typeof item === "string" ? [sealedName(item)] : []))
      : undefined,
    to: party("to"),
  };
}

/** A link is one; of other tokens, from the subject over the actors to who acts last (RFC 8693 §4.1). */
function hopsOfToken(token: unknown): readonly object[] {
  const jws = readCompactJws(token);
  const claims = jws.ok ? readClaims(jws) : undefined;
  if (!jws.ok || claims === undefined) return [];
  if (jws.type === LINK_TYPE) return [claimedHop(claims)];
  const actors = actorsIn(claims.act);
  const parties = [claims.sub, ...(actors.length > 0 ? actors : [claims.client_id])];
  const named = parties.filter((id) => typeof id === "string");
  const scope = typeof claims.scope === "string" ? claims.scope.split(" ") : undefined;
  return named.slice(1).map((to, at) => claimedHop({ from: named[at], scope, to }));
}

/** The earliest first. */
function actorsIn(act: unknown): readonly unknown[] {
  const actors: unknown[] = [];
  for (let next = act; next !== undefined && actors.length < HOPS_MOST; ) {
    actors.unshift(valueAt(next, ["sub"]));
    next = valueAt(next, ["act"]);
  }
  return actors;
}
