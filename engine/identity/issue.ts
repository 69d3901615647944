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
  readonly holder: VerifyingKey;
  readonly id: string;
}

export function issueLink(link: LinkIssue, key: SigningKey): string {
  return signClaims(LINK_TYPE, claimsOf(link), key);
}

function claimsOf(link: LinkIssue) {
  const { origin, from, to, scope, purpose, tools, audience, depth, holder, id } = link;
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

/** As `cnf` holds it, and as its thumbprint is made of it (RFC 7638). */
export function publicJwk({ pem }: VerifyingKey): { crv: string; kty: string; x: string } {
  const { crv = "", kty = "", x = "" } = createPublicKey(pem).export({ format: "jwk" });
  return { crv, kty, x };
}
