/** The one place where a signature is verified. */
import { compactVerify, errors } from "jose";
import { type DelegationRefusal, refuseDelegation } from "./cause.ts";
import type { TrustedKey } from "./jwk.ts";
import type { CompactJws } from "./jws.ts";

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
