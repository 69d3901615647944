/** Makes links (SPEC §15.2). Whether one narrows what it continues is for whoever verifies it. */
import { createPublicKey } from "node:crypto";
import type { SigningKey, VerifyingKey } from "../signing-key.ts";
import { thumbprintOf } from "./jwk.ts";
import { LINK_TYPE } from "./link.ts";

export interface LinkIssue {
  /** A first link names its issuer, every other one the digest of the token it continues. */
  readonly origin: { readonly iss: string } | { readonly parent: string };
  readonly from: string;
  readonly to: string;
  readonly scope: readonly string[];
  readonly purpose?: string | undefined;
  readonly tools?: unknown;
  readonly audience: readonly string[];
  /** Milliseconds since the Unix epoch; a link has whole seconds. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly depth: number;
  /** Whose holder may continue it. */
  readonly holder: Pick<VerifyingKey, "pem">;
  readonly id: string;
  /** Of the grant of a task. */
  readonly task?: { readonly id: string; readonly name: string };
}

export function issueLink(link: LinkIssue, key: SigningKey): string {
  return signClaims(LINK_TYPE, claimsOf(link), key);
}

function claimsOf(link: LinkIssue) {
  const { origin, from, to, scope, purpose, tools, audience, depth, holder, id, task } = link;
  return {
    ...origin,
    from,
    to,
    scope,
    ...(purpose === undefined ? {} : { purpose }),
    ...(tools === undefined ? {} : { tools }),
    aud: audience,
    iat: Math.floor(link.issuedAtMs / 1_000),
    exp: Math.floor(link.expiresAtMs / 1_000),
    depth,
    cnf: { jwk: publicJwk(holder) },
    jti: id,
    ...(task === undefined ? {} : { task }),
  };
}

/** A compact JWS (RFC 7515 §7.1) whose `kid` is the thumbprint of the key. */
export function signClaims(type: string, claims: object, key: SigningKey): string {
  const header = { alg: "Ed25519", typ: type, kid: thumbprintOf(publicJwk(key.verifying)) };
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${Buffer.from(key.sign(Buffer.from(input))).toString("base64url")}`;
}

function encode(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}

/** As `cnf` holds it, and as its thumbprint is made of it: the members of RFC 7638 §3.2 and no others. */
export function publicJwk({ pem }: Pick<VerifyingKey, "pem">): Readonly<Record<string, string>> {
  const jwk = createPublicKey(pem).export({ format: "jwk" });
  return Object.fromEntries(
    Object.entries(jwk)
      .map(([name, value]): [string, string] => [name, String(value)])
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
}
