/** Issuers whose keys a test holds, and tokens signed with them. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { CompactSign } from "jose";
import { type IssuerConfig, readIdentityConfig } from "../../engine/identity/config.ts";
import {
  createIdentity,
  type Identity,
  type IdentityParts,
} from "../../engine/identity/identity.ts";
import { readKey } from "../../engine/identity/jwk.ts";
import { openIssuers } from "../../engine/identity/open.ts";
import { digestOfToken } from "../../engine/identity/token.ts";
import type { VouchedDelegation } from "../../engine/identity/vouched.ts";
import { START } from "./engine.ts";

export type Json = Readonly<Record<string, unknown>>;

export interface Signer {
  readonly algorithm: string;
  readonly kid: string;
  readonly secret: KeyObject;
  /** With `kid`. */
  readonly jwk: Json;
}

/** A key made anew. */
export function signer(algorithm: "ES256" | "RS256" | "PS256" | "Ed25519" = "Ed25519"): Signer {
  return signerOf(algorithm, keyPair(algorithm));
}

function keyPair(algorithm: string): KeyObject {
  if (algorithm === "ES256") return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  if (algorithm === "Ed25519") return generateKeyPairSync("ed25519").privateKey;
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

export function signerOf(algorithm: string, secret: KeyObject): Signer {
  // Versions of Node have `kty` first or last: texts that are signed must not depend on them.
  const { kty, ...members } = createPublicKey(secret).export({ format: "jwk" }) as Json;
  const jwk: Json = { ...members, kty };
  const read = readKey(jwk);
  if (!read.ok) throw new Error(read.why);
  const kid = read.key.thumbprint;
  return { algorithm, kid, secret, jwk: { ...jwk, kid } };
}

const ED25519_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** The same key for the same number. */
export function fixedSigner(number: number): Signer {
  const der = Buffer.concat([ED25519_PREFIX, Buffer.alloc(32, number)]);
  return signerOf("Ed25519", createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

/** A member that is `undefined` is left out. */
export async function sign(claims: unknown, by: Signer, header: Json = {}): Promise<string> {
  const payload = typeof claims === "string" ? claims : JSON.stringify(claims);
  const whole = { alg: by.algorithm, kid: by.kid, ...header };
  const kept = Object.entries(whole).filter(([, value]) => value !== undefined);
  return new CompactSign(new TextEncoder().encode(payload))
    .setProtectedHeader(Object.fromEntries(kept) as { alg: string })
    .sign(by.secret);
}

export const NOW_S = START / 1_000;
export const HERE = "https://writ.acme.example";

/** An issuer of the configuration, by the key of `by`. */
export function issuerOf(by: Signer, members: Json): Json {
  return { keys: { jwks: { keys: [by.jwk] } }, algorithms: [by.algorithm], ...members };
}

export function configOf(issuers: readonly Json[]): readonly IssuerConfig[] {
  const read = readIdentityConfig({ audience: HERE, workloads: "svc-*", issuers });
  if (read.ok) return read.issuers;
  throw new Error(read.problems.map(({ at, message }) => `${at} ${message}`).join("\n"));
}

export interface Verifier extends Identity {
  nowMs: number;
}

export async function verifierOf(
  issuers: readonly Json[],
  more: Partial<IdentityParts> = {},
): Promise<Verifier> {
  const opened = await openIssuers(configOf(issuers), {
    directory: "/",
    elapsedMs: () => 0,
    onFault: (fault) => {
      throw fault;
    },
  });
  const verifier: Verifier = {
    nowMs: START,
    verify: (tokens) => identity.verify(tokens),
  };
  const identity = createIdentity({ issuers: opened, clock: () => verifier.nowMs, ...more });
  return verifier;
}

/** `ok`, or the cause; a revocation's code. */
export function causeOf(vouched: VouchedDelegation): string {
  return vouched.ok ? "ok" : (vouched.cause ?? vouched.code);
}

export interface Chained {
  readonly tokens: readonly string[];
  /** Of everybody it was handed to, in order. */
  readonly holders: readonly Signer[];
}

/** A chain of links `a -> b -> c`, each by the key that the one before hands on; `more` changes claims of each. */
export async function chainOf(
  parties: readonly string[],
  issuer: Signer,
  more: (index: number) => Json = () => ({}),
): Promise<Chained> {
  const tokens: string[] = [];
  const holders: Signer[] = [];
  for (const [index, to] of parties.slice(1).entries()) {
    const holder = signer();
    const by = holders.at(-1) ?? issuer;
    const claims = {
      ...linkClaims(parties[index] ?? "", to, holder, tokens.at(-1), index),
      ...more(index),
    };
    tokens.push(await sign(claims, by, { typ: "writ-link+jwt" }));
    holders.push(holder);
  }
  return { tokens, holders };
}

export function linkClaims(
  from: string,
  to: string,
  holder: Signer,
  parent: string | undefined,
  index = 0,
): Json {
  const { kid: _, ...jwk } = holder.jwk;
  return {
    ...(parent === undefined ? { iss: LINKS } : { parent: digestOfToken(parent) }),
    from,
    to,
    scope: ["payments:write"],
    aud: [HERE],
    iat: NOW_S,
    exp: NOW_S + 600,
    depth: 7 - index,
    cnf: { jwk },
    jti: `link-${index}`,
  };
}

export const LINKS = "https://delegation.acme.example";
