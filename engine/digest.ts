import { hash } from "node:crypto";

/** `sha256:…`, of a text's UTF-8. */
export function digestOfBytes(bytes: string | Uint8Array): string {
  return `sha256:${hash("sha256", bytes, "hex")}`;
}
