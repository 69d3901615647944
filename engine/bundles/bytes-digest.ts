/** The digest of a bundle's bytes, made so that everything else that waits has its turn. */
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** Some five milliseconds. */
const SLICE_BYTES = 4 * 1024 * 1024;

/** As `digestOfBytes`. */
export async function digestInTurns(bytes: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + SLICE_BYTES));
  }
  return `sha256:${hash.digest("hex")}`;
}
