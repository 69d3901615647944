/**
 * Fetches, examines and activates bundles. Whatever goes wrong leaves the policy that is decided by where it is,
 * and is told: to whoever listens, and in the status that `/ready` and metrics read.
 */
import type { Active, ActivePolicy } from "../active.ts";
import { messageOf } from "../fault.ts";
import type { VerifyingKey } from "../signing-key.ts";
import { decidesUntil } from "./admit.ts";
import { digestInTurns } from "./bytes-digest.ts";
import { type CheckEvent, type CheckState, caught, checked } from "./check.ts";
import type { Passed } from "./examine.ts";
import type { FloorStore } from "./floor.ts";
import { type Refusal, type RefusalCode, refuse } from "./refusal.ts";
import { type BundleSource, fileSource } from "./source.ts";
import type { Examiner } from "./thread.ts";

export interface ReloadParts {
  readonly source: BundleSource;
  readonly keys: readonly VerifyingKey[];
  readonly examiner: Examiner;
  readonly floor: FloorStore;
  readonly active: Active;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** How long after it has expired a bundle is still decided by. */
  readonly graceMs: number;
  readonly runsTests: boolean;
  /** A policy that can be decided by, made of what has passed. */
  readonly prepare: (passed: Passed) => Omit<ActivePolicy, "program" | "untilMs">;
  /** For the audit log, before it is decided by; where this rejects, it is not. */
  readonly record?: ((passed: Passed) => Promise<void>) | undefined;
  readonly onEvent: (event: ReloadEvent) => void;
}

export type ReloadEvent =
  | { readonly kind: "activated"; readonly policy: ActivePolicy; readonly passed: Passed }
  | CheckEvent;

/** Times are milliseconds since the Unix epoch. */
export interface ReloadStatus extends Readonly<Omit<CheckState, "refusalCounts">> {
  readonly source: string;
  readonly serial?: number;
  readonly activatedAtMs?: number;
  /** Of what is decided by; missing where it does not expire. */
  readonly expiresMs?: number | undefined;
  readonly refusalCounts: ReadonlyMap<RefusalCode, number>;
}

export interface Reloader {
  /** Whether the source was reached and holds what is decided by now. Never rejects; one at a time. */
  check(): Promise<boolean>;
  /** Decides by the bundle that was decided by last, where it was saved; says nothing of the source. */
  startFromSaved(): Promise<boolean>;
  status(): ReloadStatus;
}

export function createReloader(parts: ReloadParts): Reloader {
  const state: State = { activationCount: 0, refusalCounts: new Map() };
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (check: () => Promise<boolean>): Promise<boolean> => {
    const next = last.then(check);
    last = next;
    return next;
  };
  return {
    check: () => inTurn(() => checkSource(state, parts)),
    startFromSaved: () => inTurn(() => activateSaved(state, parts)),
    status: () => ({ source: parts.source.shown, ...state }),
  };
}

interface State extends CheckState {
  serial?: number;
  activatedAtMs?: number;
  expiresMs?: number | undefined;
  /** Of what is decided by. */
  etag?: string | undefined;
  bytesDigest?: string;
  /** What was refused last for good: it is not examined again. */
  refused?: { readonly bytesDigest: string; readonly refusal: Refusal };
}

async function checkSource(state: State, parts: ReloadParts): Promise<boolean> {
  return checked(await caught(() => fetchAndActivate(state, parts)), state, parts);
}

async function activateSaved(state: State, parts: ReloadParts): Promise<boolean> {
  const source = fileSource(parts.floor.saved);
  const refusal = await caught(async () => {
    const fetched = await source.fetch(undefined);
    if (fetched.kind !== "body") return refuse("unreachable", "no bundle was saved");
    return activate(fetched.bytes, parts, state);
  });
  if (refusal !== undefined) parts.onEvent({ kind: "refused", refusal, source: source.shown });
  return refusal === undefined;
}

async function fetchAndActivate(state: State, parts: ReloadParts): Promise<Refusal | undefined> {
  const fetched = await parts.source.fetch(state.etag);
  if (fetched.kind === "same") return undefined;
  if (fetched.kind === "failed") return refuse(fetched.code, fetched.because);
  const { bytes, etag } = fetched;
  const bytesDigest = await digestInTurns(bytes);
  if (bytesDigest === state.bytesDigest) {
    state.etag = etag;
    return undefined;
  }
  if (bytesDigest === state.refused?.bytesDigest) return state.refused.refusal;
  const refusal = await activate(bytes, parts, state);
  if (refusal === undefined) Object.assign(state, { etag, bytesDigest });
  else if (!PASSING.has(refusal.code)) state.refused = { bytesDigest, refusal };
  return refusal;
}

/** What may be otherwise next time, though the bundle is the same. */
const PASSING: ReadonlySet<RefusalCode> = new Set(["crashed", "not_recorded"]);

async function activate(
  bytes: Uint8Array,
  parts: ReloadParts,
  state: State,
): Promise<Refusal | undefined> {
  const { keys, examiner, floor, active, graceMs, runsTests } = parts;
  const admission = { nowMs: parts.now(), graceMs, floor: floor.present() };
  const passed = await examiner.examine(bytes, { ...admission, keys, runsTests });
  if (!passed.ok) return passed;
  const { manifest, manifestDigest, program } = passed;
  const policy = { ...parts.prepare(passed), program, untilMs: decidesUntil(manifest, graceMs) };
  const { package: name, serial } = manifest;
  const refusal = await caught(async () => {
    await policy.service.warmUp?.();
    return whyNotRecorded(async () => {
      await floor.record({ package: name, serial, manifest: manifestDigest }, bytes);
      await parts.record?.(passed);
    });
  });
  if (refusal !== undefined) {
    policy.service.close?.();
    return refusal;
  }
  active.swap(policy);
  state.serial = serial;
  state.activatedAtMs = parts.now();
  state.expiresMs = manifest.expires === undefined ? undefined : decidesUntil(manifest, 0);
  state.activationCount += 1;
  parts.onEvent({ kind: "activated", policy, passed });
  return undefined;
}

async function whyNotRecorded(record: () => Promise<void>): Promise<Refusal | undefined> {
  try {
    await record();
    return undefined;
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
    return refuse("not_recorded", `it could not be written down before it decides: ${why}`);
  }
}
