/** Percent escapes (RFC 3986 §2.1), and bytes as text. Pure. */
import { fail } from "./builtin.ts";

export function hasOnlyEscapes(text: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(text);
}

/** UTF-8 but for escapes, which must be whole. */
export function bytesOf(text: string): Uint8Array {
  const bytes: number[] = [];
  const raw = Buffer.from(text);
  for (let at = 0; at < raw.length; at += 1) {
    const isEscape = raw[at] === 0x25;
    bytes.push(
      isEscape ? Number.parseInt(raw.toString("latin1", at + 1, at + 3), 16) : (raw[at] ?? 0),
    );
    if (isEscape) at += 2;
  }
  return Uint8Array.from(bytes);
}

/** Bytes as text; what is no UTF-8 cannot be a string of JSON, and is undefined in OPA's own host of modules too. */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail("the result is not UTF-8");
  }
}
