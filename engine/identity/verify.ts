/** The one place where a signature is verified. */
import { compactVerify, errors } from "jose";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import type { Algorithm, TrustedKey } from "./jwk.ts";
import type { CompactJws } from "./jws.ts";
import type { Selection } from "./key-set.ts";
import type { KeySource } from "./keys.ts";

/** Who signs with keys that are known by configuration. */
export interface KeyHolder {
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly keys: KeySource;
}

/** Whether the token is signed with a key of the holder's, and with which. */
export async function verifyAmong(jws: CompactJws, holder: KeyHolder): Promise<Selection> {
  const chosen = await chooseKey(jws, holder);
  if (!chosen.ok) return chosen;
  const verified = await verifySignature(jws, chosen.key);
  return verified.ok ? chosen : verified;
}

/** A `kid` that is not there may be new, and is looked for once. */
async function chooseKey(
  { algorithm, keyId }: CompactJws,
  { algorithms, keys }: KeyHolder,
): Promise<Selection> {
  if (!(algorithms as ReadonlySet<string>).has(algorithm)) {
    const why = `its algorithm ${JSON.stringify(algorithm)} is not configured for its issuer`;
    return refuseDelegation("algorithm_refused", why);
  }
  const known = keys.current()?.select(keyId, algorithm);
  if (known !== undefined && (known.ok || known.cause !== "key_unknown")) return known;
  await keys.refresh();
  return (
    keys.current()?.select(keyId, algorithm) ??
    refuseDelegation("keys_unavailable", "the keys of its issuer cannot be read")
  );
}

/** Whether the token is signed with this key; whoever asks has chosen the key, and the header has not. */
export async function verifySignature(
  jws: CompactJws,
  { key, algorithms }: TrustedKey,
): Promise<{ readonly ok: true } | DelegationRefusal> {
  const { algorithm, token } = jws;
  if (!(algorithms as readonly string[]).includes(algorithm)) {
    return refuseDelegation("algorithm_refused", "its key is not for its algorithm");
  }
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return { ok: true };
  } catch (fault) {
    // Whatever the library says of it, it is no reason to trust the token; a fault of ours must not hide there.
    if (!(fault instanceof errors.JOSEError)) throw fault;
    return refuseDelegation("signature_invalid", "its signature is not of that key");
  }
}
