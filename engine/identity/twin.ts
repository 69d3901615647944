/**
 * The other spelling of a token that is signed by ECDSA: with (r, s) also (r, n − s) verifies (SEC 1 §4.1.4), so whoever
 * holds a token can make it another text, of another digest, without any key. Pure.
 */
import type { CompactJws } from "./jws.ts";

/** Orders of the curves' groups (SP 800-186 §3.2.1). */
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384:
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

/** Of a token that was verified; `undefined` where its signature has one spelling alone. */
export function twinOf({ token, algorithm }: Pick<CompactJws, "token" | "algorithm">) {
  const order = Object.hasOwn(ORDERS, algorithm) ? ORDERS[algorithm] : undefined;
  if (order === undefined) return undefined;
  const end = token.lastIndexOf(".") + 1;
  const signature = Buffer.from(token.slice(end), "base64url");
  const half = signature.length / 2;
  const s = BigInt(`0x${signature.toString("hex", half)}`);
  const other = (order - s).toString(16).padStart(2 * half, "0");
  const bytes = Buffer.concat([signature.subarray(0, half), Buffer.from(other, "hex")]);
  return token.slice(0, end) + bytes.toString("base64url");
}
