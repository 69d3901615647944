/** The keys of one issuer (RFC 7517 §5, SPIFFE bundles), and which of them a token names. */
import { isObject } from "../value-reader.ts";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import { readKey, type TrustedKey } from "./jwk.ts";

export interface KeySet {
  readonly keys: readonly TrustedKey[];
  /** Keys that were left out, and why: for whoever configures it. */
  readonly ignored: readonly string[];
  has(thumbprint: string): boolean;
  /** Among these keys alone; without `keyId`, the only one there is for the algorithm. */
  select(keyId: string | undefined, algorithm: string): Selection;
}

export type Selection = { readonly ok: true; readonly key: TrustedKey } | DelegationRefusal;

export type KeySetReading =
  | { readonly ok: true; readonly set: KeySet }
  | { readonly ok: false; readonly why: string };

const KEYS_MOST = 100;

/**
 * A set that holds a private key or two keys of one `kid` is refused whole: it is not what somebody meant. Keys
 * that are weak or for another use are left out, as RFC 7517 asks for keys that one cannot use.
 */
export function readKeySet(json: unknown, use = "sig"): KeySetReading {
  if (!isObject(json) || !Array.isArray(json.keys)) return refused("it has no list `keys`");
  if (json.keys.length > KEYS_MOST) return refused(`it has more than ${KEYS_MOST} keys`);
  const keys: TrustedKey[] = [];
  const ignored: string[] = [];
  for (const [index, jwk] of json.keys.entries()) {
    if (isPrivate(jwk)) return refused(`key ${index + 1} is private: it must stay with its owner`);
    const read = readKey(jwk, use);
    if (read.ok) keys.push(read.key);
    else ignored.push(`key ${index + 1}: ${read.why}`);
  }
  const ids = json.keys.flatMap((jwk) => (isObject(jwk) && isOf(jwk, use) ? [jwk.kid] : []));
  const named = ids.filter((id) => id !== undefined);
  if (new Set(named).size < named.length) return refused("two of its keys have one `kid`");
  return { ok: true, set: keySetOf(keys, ignored) };
}

function refused(why: string): KeySetReading {
  return { ok: false, why };
}

function isPrivate(jwk: unknown): boolean {
  return isObject(jwk) && (jwk.d !== undefined || jwk.k !== undefined);
}

function isOf(jwk: Readonly<Record<string, unknown>>, use: string): boolean {
  return jwk.use === undefined || jwk.use === use;
}

function keySetOf(keys: readonly TrustedKey[], ignored: readonly string[]): KeySet {
  const thumbprints = new Set(keys.map((key) => key.thumbprint));
  return {
    keys,
    ignored,
    has: (thumbprint) => thumbprints.has(thumbprint),
    select: (keyId, algorithm) => select(keys, keyId, algorithm),
  };
}

function select(
  keys: readonly TrustedKey[],
  keyId: string | undefined,
  algorithm: string,
): Selection {
  const fits = (key: TrustedKey) => (key.algorithms as readonly string[]).includes(algorithm);
  if (keyId !== undefined) {
    const key = keys.find(({ id }) => id === keyId);
    if (key === undefined) {
      return refuseDelegation("key_unknown", "its `kid` is none of its issuer's keys");
    }
    return fits(key) ? { ok: true, key } : refuseDelegation("algorithm_refused", WRONG_KEY);
  }
  const [only, ...others] = keys.filter(fits);
  if (only !== undefined && others.length === 0) return { ok: true, key: only };
  return refuseDelegation(
    "key_unknown",
    "it has no `kid`, and its issuer not exactly one such key",
  );
}

const WRONG_KEY = "its key is not for its algorithm";
