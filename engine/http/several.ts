/** What is one of several in a body has the limits of a request that comes alone: no longer way in is a wider one. */
import { readJson } from "../json.ts";
import { JSON_LIMITS } from "../limits.ts";
import { type Problem, problem } from "./problem.ts";

/** Shorter texts are under every limit: a character has three bytes at most, and a value two characters at least. */
const NEVER_TOO_LARGE = Math.min(JSON_LIMITS.byteCount / 3, 2 * JSON_LIMITS.valueCount);

/** The same in words. */
export function whyNotAlone(request: unknown): string | undefined {
  const tooMuch = problemAlone(request);
  return tooMuch && (tooMuch.detail ?? tooMuch.title);
}

/** Why it would not be taken alone, spelled without blanks; `undefined` where it would. */
export function problemAlone(request: unknown): Problem | undefined {
  const text = JSON.stringify(request);
  if (text.length <= NEVER_TOO_LARGE) return undefined;
  const reading = readJson(Buffer.from(text));
  if (reading.ok) return undefined;
  const { code, message, at } = reading.fault;
  const { pointer } = at;
  if (code !== "too_large") return problem("malformed_json", { detail: message, code, pointer });
  return problem("too_large", {
    detail: `it has more than ${JSON_LIMITS.byteCount} bytes`,
    pointer,
  });
}
