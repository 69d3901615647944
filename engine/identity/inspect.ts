/**
 * What tokens say, for people who look at them. Links vouch for the links behind them, so these are checked;
 * who issued the first token is for a configuration to say, and is not asked here.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import type { Issuer, TokenType } from "./issuer.ts";
import { joinTokens, sortTokens } from "./join.ts";
import { type CompactJws, readClaims, readCompactJws } from "./jws.ts";
import { readKeySet } from "./key-set.ts";
import { fixedKeys } from "./keys.ts";
import { LINK_TYPE } from "./link.ts";
import { parseSpiffeId } from "./spiffe.ts";
import { readToken, type Token, verifyContinuation } from "./token.ts";
import type { VouchedDelegation } from "./vouched.ts";

export interface Inspected {
  /** Up to the first that is refused. */
  readonly tokens: readonly Token[];
  readonly delegation: VouchedDelegation;
}

/** Kinds are nobody's word here: everybody is autonomous. */
export async function inspectTokens(tokens: readonly string[]): Promise<Inspected> {
  const read: Token[] = [];
  let before: Token | undefined;
  for (const [index, text] of tokens.entries()) {
    const token = await inspectToken(text, before);
    if (!token.ok) {
      return { tokens: read, delegation: { ...token, why: `token ${index + 1}: ${token.why}` } };
    }
    read.push(token);
    if (token.content.kind !== "identity") before = token;
  }
  const sorted = sortTokens(read);
  return { tokens: read, delegation: sorted.ok ? joinTokens(sorted) : sorted };
}

async function inspectToken(
  text: string,
  before: Token | undefined,
): Promise<Token | DelegationRefusal> {
  const jws = readCompactJws(text);
  if (!jws.ok) return jws;
  const claims = readClaims(jws);
  if (claims === undefined) return refuseDelegation("token_malformed", "it holds no JSON object");
  if (jws.type === LINK_TYPE && claims.parent !== undefined) {
    return verifyContinuation(jws, claims, before);
  }
  const type = typeOf(jws, claims);
  if (type !== undefined) return readToken(jws, claims, "", type, unknownIssuer(type, claims));
  return refuseDelegation(
    "token_type",
    `its \`typ\` ${JSON.stringify(jws.type ?? "")} is not known`,
  );
}

function typeOf({ type = "" }: CompactJws, claims: JsonObject): TokenType | undefined {
  if (type === LINK_TYPE) return "link";
  if (type === "txntoken+jwt") return "transaction-token";
  if (type === "at+jwt") return "access-token";
  if (type !== "jwt" && type !== "jose" && type !== "") return undefined;
  const isSvid = typeof claims.sub === "string" && parseSpiffeId(claims.sub).ok;
  return isSvid ? "jwt-svid" : "access-token";
}

/** Whoever it says it is, who may speak for anybody and whose keys nobody has. */
function unknownIssuer(type: TokenType, claims: JsonObject): Issuer {
  const none = readKeySet({ keys: [] });
  if (!none.ok) throw new Error(none.why);
  const id = parseSpiffeId(textOf(claims.sub));
  return {
    type,
    name: type === "jwt-svid" && id.ok ? id.trustDomain : textOf(claims.iss),
    audiences: new Set(),
    algorithms: new Set(),
    types: new Set(),
    keys: fixedKeys(none.set),
    prefix: "",
    workloads: [],
    roots: ["*"],
    humans: [],
    claims: { client: "client_id", scope: "scope", groups: "groups" },
  };
}

/** What else stands there is told by whoever reads the token. */
function textOf(claim: JsonValue | undefined): string {
  return typeof claim === "string" ? claim : "";
}
