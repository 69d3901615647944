/** Requests from a file or standard input: one JSON document, or one on each line. */
import { resolve } from "node:path";
import { JSON_LIMITS } from "../engine/limits.ts";
import { parseTime } from "../lang/scalar/time.ts";
import { type Io, Misuse } from "./command.ts";
import { decodeText, parseJson, readText } from "./files.ts";

/** A file of recorded requests. */
const REQUESTS_BYTES_MAX = 256 * 1024 * 1024;

export interface NamedRequest {
  /** `request.json`, or `requests.ndjson:3` */
  readonly name: string;
  readonly json: unknown;
}

/** `-` is standard input. */
export async function readRequests(path: string, io: Io): Promise<readonly NamedRequest[]> {
  const name = path === "-" ? "standard input" : path;
  const text =
    path === "-"
      ? decodeText(await io.stdin(), name)
      : readText(resolve(io.cwd, path), REQUESTS_BYTES_MAX);
  const whole = tryJson(text);
  if (whole.ok) return [{ name, json: whole.json }];
  const lines = text.split("\n").map((line, at) => ({ line: line.trim(), number: at + 1 }));
  const full = lines.filter(({ line }) => line !== "");
  if (full.length === 0) throw new Misuse(`there is no request in ${name}`);
  // What does not even begin with a whole document was meant as one.
  const isLines = full.length > 1 && tryJson(full[0]?.line ?? "").ok;
  if (!isLines) return [{ name, json: parseJson(text, name) }];
  return full.map(({ line, number }) => {
    if (line.length > JSON_LIMITS.byteCount) {
      throw new Misuse(`${name}:${number} is longer than a request may be`);
    }
    return { name: `${name}:${number}`, json: parseJson(line, `${name}:${number}`) };
  });
}

function tryJson(
  text: string,
): { readonly ok: true; readonly json: unknown } | { readonly ok: false } {
  try {
    return { ok: true, json: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

/** `--now`; the clock of this machine where it is missing. */
export function clockAt(now: string | undefined): () => number {
  if (now === undefined) return Date.now;
  const read = parseTime(now);
  if (!read.ok) throw new Misuse(`\`--now ${now}\` ${read.why}`, "such as 2026-01-02T15:04:05Z");
  return () => read.value;
}
