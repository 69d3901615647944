/**
 * Where an issuer's keys come from, and how long they are believed: read again from time to time, and never
 * followed elsewhere.
 */
import { readFile } from "node:fs/promises";
import { fetchBytes } from "../egress/fetch.ts";
import { readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import { isObject } from "../value-reader.ts";
import { jwkOfPem } from "./jwk.ts";
import { type KeySet, type KeySetReading, readKeySet } from "./key-set.ts";

export interface KeySource {
  /** Keys that may verify now; `undefined` while there are none, or once they are too old to be believed. */
  current(): KeySet | undefined;
  /** Reads them again, unless that was just done. A failure is reported, and leaves the keys as they were. */
  refresh(): Promise<void>;
}

export interface KeySourceParts {
  /** The document as it is now; throws where it cannot be read. */
  readonly load: () => Promise<Uint8Array>;
  /** What keys are for: `sig`, or `jwt-svid` in a SPIFFE bundle. */
  readonly use: string;
  /** Milliseconds on a clock that nobody sets. */
  readonly elapsedMs: () => number;
  readonly onFault: (fault: Error) => void;
  readonly times?: KeyTimes;
}

/** Milliseconds. */
export interface KeyTimes {
  /** Older keys are read anew, behind the decisions that still use them. */
  readonly refresh: number;
  /** Older keys are not believed: their issuer may have withdrawn them. */
  readonly stale: number;
  /** Between two attempts, so that tokens with invented `kid`s ask an issuer nothing. */
  readonly cooldown: number;
}

export const KEY_TIMES: KeyTimes = { refresh: 300_000, stale: 3_600_000, cooldown: 30_000 };

const FETCH_TIMEOUT_MS = 5_000;

const DOCUMENT_LIMITS: JsonLimits = {
  byteCount: 1024 * 1024,
  depth: 16,
  memberCount: 1_000,
  valueCount: 20_000,
};

/** Keys that stand in the configuration itself. */
export function fixedKeys(set: KeySet): KeySource {
  return { current: () => set, refresh: async () => {} };
}

export function createKeySource(parts: KeySourceParts): KeySource {
  const { elapsedMs, times = KEY_TIMES } = parts;
  let loaded: Loaded | undefined;
  let triedMs = Number.NEGATIVE_INFINITY;
  let pending: Promise<void> | undefined;
  const attempt = async (): Promise<void> => {
    try {
      loaded = await loadAfter(loaded, parts);
    } catch (fault) {
      tell(parts, fault);
    } finally {
      pending = undefined;
    }
  };
  const refresh = (): Promise<void> => {
    if (pending !== undefined) return pending;
    if (elapsedMs() - triedMs < times.cooldown) return Promise.resolve();
    triedMs = elapsedMs();
    pending = attempt();
    return pending;
  };
  return {
    refresh,
    current() {
      if (loaded === undefined) return undefined;
      const age = elapsedMs() - loaded.atMs;
      // Not awaited: a decision by keys that are still believed need not wait. `attempt` never rejects.
      if (age >= times.refresh) void refresh();
      return age < times.stale ? loaded.set : undefined;
    },
  };
}

/** Who cannot be told changes nothing: the keys stay as they were, and grow old. */
function tell({ onFault }: KeySourceParts, fault: unknown): void {
  try {
    onFault(fault instanceof Error ? fault : new Error(String(fault)));
  } catch {
    // Nobody awaits a refresh behind a decision, so nothing may be thrown from it.
  }
}

interface Loaded {
  readonly set: KeySet;
  readonly sequence: number | undefined;
  readonly atMs: number;
}

async function loadAfter(before: Loaded | undefined, parts: KeySourceParts): Promise<Loaded> {
  const atMs = parts.elapsedMs();
  const bytes = await parts.load();
  const { reading, sequence } = readKeyDocument(bytes, parts.use);
  if (!reading.ok) throw new Error(reading.why);
  if (before?.sequence !== undefined && (sequence ?? -1) < before.sequence) {
    throw new Error(`its sequence went back from ${before.sequence}`);
  }
  return { set: reading.set, sequence, atMs };
}

/** A key set; one public key as PEM; or a SPIFFE bundle, which also counts its versions (`spiffe_sequence`). */
export function readKeyDocument(
  bytes: Uint8Array,
  use: string,
): { readonly reading: KeySetReading; readonly sequence: number | undefined } {
  const jwk = jwkOfPem(bytes);
  if (jwk !== undefined) return { reading: readKeySet({ keys: [jwk] }, use), sequence: undefined };
  const read = readJson(bytes, DOCUMENT_LIMITS);
  if (!read.ok) {
    const isPem = Buffer.from(bytes.subarray(0, 11)).toString() === "-----BEGIN ";
    const why = isPem
      ? "it is PEM, and not of one public key"
      : `it is no JSON: ${read.fault.message}`;
    return { reading: { ok: false, why }, sequence: undefined };
  }
  return { reading: readKeySet(read.value, use), sequence: sequenceOf(read.value) };
}

function sequenceOf(json: unknown): number | undefined {
  const sequence = isObject(json) ? json.spiffe_sequence : undefined;
  return typeof sequence === "number" ? sequence : undefined;
}

export function loadFile(path: string): () => Promise<Uint8Array> {
  return () => readFile(path);
}

/** Five seconds, a mebibyte, no redirect, and no address that the configuration did not mean. */
export function loadUrl(url: string, privateNetworks: boolean): () => Promise<Uint8Array> {
  return async () => {
    const fetched = await fetchBytes({
      url: new URL(url),
      privateNetworks,
      byteCountMax: DOCUMENT_LIMITS.byteCount,
      timeoutMs: FETCH_TIMEOUT_MS,
    });
    if (fetched.kind === "body") return fetched.bytes;
    throw new Error(fetched.kind === "failed" ? fetched.because : "it was answered with 304");
  };
}
