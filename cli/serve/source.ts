/** Where a bundle is fetched from, again and again: a file or a URL. */
import { resolve } from "node:path";
import { poll } from "../../engine/bundles/poll.ts";
import { type BundleSource, fileSource, urlSource } from "../../engine/bundles/source.ts";
import { readUrl } from "../../engine/egress/fetch.ts";
import { type Input, type Io, Misuse } from "../command.ts";
import { durationOf } from "../duration.ts";
import { bearerIn } from "./bearer.ts";

export interface FoundSource {
  readonly source: BundleSource;
  readonly isUrl: boolean;
  /** Between two looks at it. */
  readonly intervalMs: number;
}

const FILE_INTERVAL_MS = 2_000;
const URL_INTERVAL_MS = 60_000;
const INTERVAL_MIN_MS = 100;

/** Fit to be used; nothing is fetched yet. */
export function findSource(given: string, input: Input, io: Io): FoundSource {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(given);
  if (!isUrl && input.values.has("bundle-token-file")) {
    throw new Misuse("`--bundle-token-file` is for a server, and `--bundle` names a file");
  }
  return {
    source: isUrl ? sourceAt(given, input, io) : fileSource(resolve(io.cwd, given), given),
    isUrl,
    intervalMs: intervalOf(input, isUrl ? URL_INTERVAL_MS : FILE_INTERVAL_MS),
  };
}

function sourceAt(given: string, input: Input, io: Io): BundleSource {
  const reading = readUrl(given);
  if (!reading.ok) {
    throw new Misuse(
      `\`--bundle ${given}\` ${reading.why}`,
      "https, or http to this machine; or the path of a file",
    );
  }
  const token = tokenFor(input, io);
  return urlSource(reading.url, { privateNetworks: input.flags.has("bundle-private"), token });
}

function tokenFor({ values }: Input, { cwd }: Io): (() => string) | undefined {
  const file = values.get("bundle-token-file");
  return file === undefined ? undefined : bearerIn(resolve(cwd, file), file);
}

function intervalOf({ values }: Input, usualMs: number): number {
  const given = values.get("bundle-interval");
  const intervalMs = given === undefined ? usualMs : durationOf(given, "bundle-interval");
  if (intervalMs >= INTERVAL_MIN_MS) return intervalMs;
  throw new Misuse(`\`--bundle-interval\` is at least ${INTERVAL_MIN_MS}ms`);
}

/** Stops when what it gives is called. */
export function pollEvery(intervalMs: number, check: () => Promise<boolean>): () => void {
  return poll({ intervalMs, random: Math.random, check, after });
}

/** A timer that is told to wait longer than it can count does not wait at all. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function after(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, Math.min(ms, TIMER_MS_MAX));
  return () => clearTimeout(timer);
}
