/** The bearer credential of operators (RFC 6750): kept as its digest, compared in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Parsed, parsed, refused } from "../../../lang/scalar/parsed.ts";

export interface Credential {
  /** Of an `Authorization` header. */
  isIn(authorization: string | undefined): boolean;
}

const BITS_LEAST = 256;
/** A text of fewer was not drawn at random, or is a word repeated. */
const DIFFERENT_LEAST = 10;
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
const HEX = /^[0-9a-f]+$/i;
const BEARER = /^Bearer +(\S+) *$/i;

/** `writ` cannot know how a text was made; it refuses those too short to hold 256 bits, and the obvious ones. */
export function createCredential(text: string): Parsed<Credential> {
  if (!TOKEN.test(text)) return refused("holds characters that a bearer credential may not have");
  const bits = text.length * (HEX.test(text) ? 4 : 6);
  if (bits < BITS_LEAST || new Set(text).size < DIFFERENT_LEAST) {
    return refused(`is too easy to guess: ${BITS_LEAST} random bits are wanted`);
  }
  const known = digest(text);
  return parsed({
    isIn(authorization) {
      const [, presented] = BEARER.exec(authorization ?? "") ?? [];
      return presented !== undefined && timingSafeEqual(digest(presented), known);
    },
  });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
