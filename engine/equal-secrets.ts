import { hash, timingSafeEqual } from "node:crypto";

/** In a time that does not tell how much of them is the same, or how long they are. */
export function equalSecrets(one: string | Uint8Array, other: string | Uint8Array): boolean {
  return timingSafeEqual(hash("sha256", one, "buffer"), hash("sha256", other, "buffer"));
}
