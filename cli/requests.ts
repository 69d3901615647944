/** Requests from a file or standard input: one JSON document, or one on each line. */
import { resolve } from "node:path";
import type { Answer } from "../engine/answer.ts";
import type { Decision } from "../engine/decision.ts";
import { readJson } from "../engine/json.ts";
import { parseTime } from "../lang/scalar/time.ts";
import { type Io, Misuse } from "./command.ts";
import { notJson } from "./documents.ts";
import { readBytes } from "./files.ts";

/** A file of recorded requests. */
const REQUESTS_BYTES_MAX = 256 * 1024 * 1024;

export interface NamedRequest {
  /** `request.json`, or `requests.ndjson:3` */
  readonly name: string;
  readonly json: unknown;
}

/** `-` is standard input. Read as the service reads bodies, so that what it would refuse is refused here. */
export async function readRequests(path: string, io: Io): Promise<readonly NamedRequest[]> {
  const name = path === "-" ? "standard input" : JSON.stringify(path);
  const bytes =
    path === "-" ? await io.stdin() : readBytes(resolve(io.cwd, path), REQUESTS_BYTES_MAX);
  const whole = readJson(bytes);
  if (whole.ok) return [{ name, json: whole.value }];
  const lines = linesOf(bytes);
  if (lines.length === 0) throw new Misuse(`there is no request in ${name}`);
  const [first] = lines;
  // What does not begin with a whole document was meant as one.
  const isLines = lines.length > 1 && first !== undefined && readJson(first.bytes).ok;
  if (!isLines) throw notJson(name, whole.fault);
  return lines.map((line) => {
    const read = readJson(line.bytes);
    if (!read.ok) throw notJson(`${name}:${line.number}`, read.fault);
    return { name: `${name}:${line.number}`, json: read.value };
  });
}

interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Those with anything but blanks on them. */
function linesOf(bytes: Uint8Array): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (let number = 1; start < bytes.length; number++) {
    const found = bytes.indexOf(LINE_FEED, start);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    if (line.some((byte) => byte > SPACE)) lines.push({ number, bytes: line });
    start = end + 1;
  }
  return lines;
}

const LINE_FEED = 10;
const SPACE = 32;

/** Throws `Misuse` where `name` holds no request. */
export function decidedOf(answer: Answer<Decision>, name: string): Decision {
  if (answer.kind === "answer") return answer.value;
  const faults = answer.kind === "malformed" ? answer.faults : [];
  const said = faults.map(({ at, message }) => `${at || "it"} ${message}`);
  throw new Misuse(`${name} holds no request: ${said.join("; ")}`);
}

/** `--now`; the clock of this machine where it is missing. */
export function clockAt(now: string | undefined): () => number {
  if (now === undefined) return Date.now;
  const read = parseTime(now);
  if (!read.ok) throw new Misuse(`\`--now ${now}\` ${read.why}`, "such as 2026-01-02T15:04:05Z");
  return () => read.value;
}
