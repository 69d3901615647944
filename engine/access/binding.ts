/**
 * What a held evaluation hands out for asking an approval, and takes back with it: a JWT that this service signs and
 * verifies (ARAP, Binding Token Integrity, hashed form). It shows which call was held, and to whom that was said.
 */
import { publicJwk, signClaims } from "../identity/issue.ts";
import { readKey } from "../identity/jwk.ts";
import { readClaims, readCompactJws } from "../identity/jws.ts";
import { verifySignature } from "../identity/verify.ts";
import type { JsonObject } from "../json.ts";
import type { SigningKey } from "../signing-key.ts";

export const BINDING_TYPE = "writ-denial+jwt";

export interface Binding {
  /** Names the decision. */
  readonly evaluation: string;
  /** The enforcement point that it was given to. */
  readonly caller: string;
  readonly approval: string;
  /** Of the exact request under the exact policy. */
  readonly digest: string;
  /** RFC 3339: when the hold ends. */
  readonly expiresAt: string;
  /** Members of the context that say what was asked. */
  readonly contextMembers: readonly string[];
  /** Of what was asked, and of the actor in its subject where it names one. */
  readonly hash: string;
  readonly actorHash?: string;
}

export interface Binder {
  issue(binding: Binding, nowMs: number): string;
  verify(token: unknown): Promise<BindingReading>;
  /** What verifies it: a JWK Set (RFC 7517). */
  readonly jwks: { readonly keys: readonly object[] };
}

export type BindingReading =
  | { readonly ok: true; readonly binding: Binding }
  | { readonly ok: false; readonly why: string };

export interface BinderParts {
  readonly key: SigningKey;
  /** The base URL of the service, and where it takes access requests. */
  readonly issuer: string;
  readonly audience: string;
}

export function createBinder({ key, issuer, audience }: BinderParts): Binder {
  const jwk = publicJwk(key.verifying);
  const read = readKey(jwk);
  if (!read.ok) throw new Error(`the signing key is none: ${read.why}`);
  const trusted = read.key;
  return {
    issue: (binding, nowMs) =>
      signClaims(BINDING_TYPE, { iss: issuer, aud: audience, ...claimsOf(binding, nowMs) }, key),
    async verify(token) {
      const jws = readCompactJws(token);
      if (!jws.ok) return jws;
      if (jws.type !== BINDING_TYPE) return refused(`its \`typ\` is not \`${BINDING_TYPE}\``);
      if (jws.keyId !== trusted.thumbprint) return refused("its `kid` is not this service's key");
      const verified = await verifySignature(jws, trusted);
      if (!verified.ok) return verified;
      const claims = readClaims(jws);
      if (claims?.iss !== issuer || claims.aud !== audience) {
        return refused("it was issued by, or for, another service");
      }
      const binding = bindingOf(claims);
      return binding === undefined ? refused("its claims are none of ours") : { ok: true, binding };
    },
    jwks: { keys: [{ ...jwk, kid: trusted.thumbprint, use: "sig", alg: "Ed25519" }] },
  };
}

function refused(why: string): BindingReading {
  return { ok: false, why };
}

function claimsOf(binding: Binding, nowMs: number): object {
  const { evaluation, caller, approval, digest, expiresAt, contextMembers } = binding;
  return {
    jti: evaluation,
    iat: Math.floor(nowMs / 1_000),
    // Not before the end that is protected beside it, which is to the millisecond.
    exp: Math.ceil(Date.parse(expiresAt) / 1_000),
    evaluation_id: evaluation,
    client_id: caller,
    denial_expires_at: expiresAt,
    approval,
    request: digest,
    binding_context_members: contextMembers,
    binding_hash: binding.hash,
    ...(binding.actorHash === undefined ? {} : { actor_hash: binding.actorHash }),
  };
}

/** Ours, since we signed it; `undefined` where another version of this service said it otherwise. */
function bindingOf(claims: JsonObject): Binding | undefined {
  const { evaluation_id: evaluation, client_id: caller, approval, request: digest } = claims;
  const { denial_expires_at: expiresAt, binding_hash: hash, actor_hash: actorHash } = claims;
  const members = claims.binding_context_members;
  if (!isText(evaluation) || !isText(caller) || !isText(approval) || !isText(digest)) return;
  if (!isText(expiresAt) || !isText(hash) || !Array.isArray(members)) return;
  const contextMembers = members.filter(isText);
  const binding = { evaluation, caller, approval, digest, expiresAt, hash, contextMembers };
  if (actorHash === undefined) return binding;
  return isText(actorHash) ? { ...binding, actorHash } : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
