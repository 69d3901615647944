/** One token: whose it is by configuration, and what it says once its signature is verified. */
import { hash } from "node:crypto";
import type { JsonObject, JsonValue } from "../json.ts";
import type { Problem } from "../value-reader.ts";
import { readAccessToken } from "./access-token.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import {
  type CommonClaims,
  type GrantClaims,
  type IdentityClaims,
  type LinkClaims,
  readCommon,
} from "./claims.ts";
import type { Issuer, TokenType } from "./issuer.ts";
import type { TrustedKey } from "./jwk.ts";
import { type CompactJws, readClaims, readCompactJws } from "./jws.ts";
import { LINK_TYPE, readLink } from "./link.ts";
import { parseSpiffeId, readSvid } from "./spiffe.ts";
import { readTransactionToken } from "./transaction-token.ts";
import { twinOf } from "./twin.ts";
import { verifyAmong, verifySignature } from "./verify.ts";

export interface Token {
  readonly ok: true;
  readonly type: TokenType;
  /** Characters of its text. */
  readonly length: number;
  readonly digest: string;
  /** The digest of its other spelling, where it has one: the same token to whoever takes it back. */
  readonly twin?: string;
  /** Of the key that verified it: it counts only as long as that key does. */
  readonly thumbprint: string;
  /** Missing where the holder of the token before it signed. */
  readonly issuer?: Issuer;
  readonly common: CommonClaims;
  readonly content: GrantClaims | IdentityClaims | LinkClaims;
}

/** base64url of SHA-256. */
export function digestOfToken(token: string): string {
  return hash("sha256", token, "base64url");
}

/** `before` is the token that a link continues. Waits for keys and signatures, and for nothing else. */
export async function verifyToken(
  text: unknown,
  before: Token | undefined,
  issuers: readonly Issuer[],
): Promise<Token | DelegationRefusal> {
  const jws = readCompactJws(text);
  if (!jws.ok) return jws;
  const claims = readClaims(jws);
  if (claims === undefined) return refuseDelegation("token_malformed", "it holds no JSON object");
  if (jws.type === LINK_TYPE && claims.parent !== undefined) {
    return verifyContinuation(jws, claims, before);
  }
  const issuer = findIssuer(jws, claims, issuers);
  if ("ok" in issuer) return issuer;
  const verified = await verifyAmong(jws, issuer);
  if (!verified.ok) return verified;
  return readToken(jws, claims, verified.key.thumbprint, issuer.type, issuer);
}

/** By the key that the token before it hands on, and by no other. */
export async function verifyContinuation(
  jws: CompactJws,
  claims: JsonObject,
  before: Token | undefined,
): Promise<Token | DelegationRefusal> {
  const refusal = joinRefusal(claims.parent, before);
  if (refusal !== undefined) return refusal;
  const key = before === undefined ? undefined : handedOn(before);
  if (key === undefined || jws.keyId !== key.thumbprint) {
    return refuseDelegation(
      "not_the_delegate",
      "it is not signed by whom the token before it names",
    );
  }
  const verified = await verifySignature(jws, key);
  return verified.ok ? readToken(jws, claims, key.thumbprint, "link", undefined) : verified;
}

/** Whether a link continues this very token. */
export function joinRefusal(
  parent: JsonValue | undefined,
  before: Token | undefined,
): DelegationRefusal | undefined {
  if (before === undefined) {
    return refuseDelegation(
      "parent_mismatch",
      "it continues a chain, and nothing stands before it",
    );
  }
  if (parent === before.digest) return undefined;
  return refuseDelegation("parent_mismatch", "it continues another token than the one before it");
}

/** The key whose holder may hand the token on. */
export function handedOn({ content }: Token): TrustedKey | undefined {
  return content.kind === "identity" ? undefined : content.handsOn;
}

/** What it says, whoever has signed it: that was verified before, or the answer is for people to look at. */
export function readToken(
  jws: CompactJws,
  claims: JsonObject,
  thumbprint: string,
  type: TokenType,
  issuer: Issuer | undefined,
): Token | DelegationRefusal {
  const problems: Problem[] = [];
  const common = readCommon(claims, problems);
  const content = readContent(claims, type, issuer, problems);
  const [problem] = problems;
  if (problem !== undefined) {
    const cause = problem.at.startsWith("/cnf/jwk") ? "key_refused" : "claims_invalid";
    return refuseDelegation(cause, `\`${problem.at.slice(1)}\` ${problem.message}`);
  }
  if (common === undefined || content === undefined) {
    throw new Error("a token was refused without a reason");
  }
  if (issuer?.singleUse && common.id === undefined) {
    return refuseDelegation("claims_invalid", "`jti` is missing, and names a token of single use");
  }
  const digest = digestOfToken(jws.token);
  const other = twinOf(jws);
  return {
    ok: true,
    type,
    length: jws.token.length,
    digest,
    thumbprint,
    common,
    content,
    ...(other === undefined ? {} : { twin: digestOfToken(other) }),
    ...(issuer && { issuer }),
  };
}

function readContent(
  claims: JsonObject,
  type: TokenType,
  issuer: Issuer | undefined,
  problems: Problem[],
): Token["content"] | undefined {
  if (type === "link" || issuer === undefined) return readLink(claims, problems);
  switch (type) {
    case "access-token":
      return readAccessToken(claims, issuer, problems);
    case "transaction-token":
      return readTransactionToken(claims, issuer, problems);
    case "jwt-svid":
      return readSvid(claims, issuer, problems);
  }
}

/** By `typ`, and by who it says issued it: which of the configured issuers, each with keys of its own. */
function findIssuer(
  { type = "" }: CompactJws,
  claims: JsonObject,
  issuers: readonly Issuer[],
): Issuer | DelegationRefusal {
  const ofType = issuers.filter(({ types }) => types.has(type));
  if (ofType.length === 0) {
    return refuseDelegation("token_type", `its \`typ\` ${JSON.stringify(type)} is not accepted`);
  }
  const named = ofType.find((one) => one.type !== "jwt-svid" && one.name === claims.iss);
  const domain = trustDomainOf(claims.sub);
  const found = named ?? ofType.find((one) => one.type === "jwt-svid" && one.name === domain);
  return (
    found ?? refuseDelegation("issuer_unknown", "its issuer is not configured for such tokens")
  );
}

function trustDomainOf(subject: JsonValue | undefined): string | undefined {
  const read = typeof subject === "string" ? parseSpiffeId(subject) : undefined;
  return read?.ok ? read.trustDomain : undefined;
}
