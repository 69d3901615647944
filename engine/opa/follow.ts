/**
 * Follows a bundle of OPA's as OPA does (its bundle service API): asked again and again by its ETag, and where
 * the server holds requests back until there is a newer one, asked again at once. What cannot be had or is not
 * as it must be is told, and what decides goes on deciding.
 */
import { digestInTurns } from "../bundles/bytes-digest.ts";
import { type CheckEvent, type CheckState, caught, checked } from "../bundles/check.ts";
import { type Refusal, refuse } from "../bundles/refusal.ts";
import type { ReloadStatus } from "../bundles/reload.ts";
import type { BundleSource } from "../bundles/source.ts";
import type { OpenedRego } from "./opened.ts";

export interface FollowParts {
  readonly source: BundleSource;
  /** How long the server may hold a request back; 0 = it is not asked to. */
  readonly waitMs: number;
  readonly open: (bytes: Uint8Array) => Promise<OpenedRego | Refusal>;
  /** Decides by it from now on, and `shown` says where it came from; where this rejects, it is not decided by. */
  readonly activate: (rego: OpenedRego, shown: string) => Promise<void>;
  readonly saved: SavedBundle;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly onEvent: (event: CheckEvent) => void;
}

/** What is decided by, for a start while the source is out of reach. */
export interface SavedBundle {
  /** Nothing was saved where it has failed. */
  readonly source: BundleSource;
  /** Whole and on the disk once it resolves. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface Follower {
  /** Whether the source holds what is decided by now; while it holds requests back, it is asked again and again. */
  check(): Promise<boolean>;
  /** One request, answered at once. */
  first(): Promise<boolean>;
  /** Decides by what was decided by last, if that still is as it must be; says nothing of the source. */
  startFromSaved(): Promise<void>;
  status(): ReloadStatus;
  /** Gives up what is under way. */
  stop(): void;
}

/** What a server that holds requests back says its bundles are. */
const LONG_POLLED = "application/vnd.openpolicyagent.bundles";
/** An answer that comes sooner, and has nothing new, was not held back: it is asked again at the usual time. */
const HELD_MS = 1_000;

interface State extends CheckState {
  etag?: string | undefined;
  bytesDigest?: string;
  isLongPolled: boolean;
  activatedAtMs?: number;
}

export function followBundle(parts: FollowParts): Follower {
  const state: State = { isLongPolled: false, activationCount: 0, refusalCounts: new Map() };
  const stopping = new AbortController();
  const { signal } = stopping;
  const once = async (waitMs: number) => {
    const refusal = await caught(() => fetchAndActivate(waitMs, signal, state, parts));
    return !signal.aborted && checked(refusal, state, parts);
  };
  return {
    first: () => once(0),
    startFromSaved: () => activateSaved(state, parts),
    async check() {
      for (;;) {
        const { activationCount } = state;
        const isHeld = parts.waitMs > 0 && state.isLongPolled && state.etag !== undefined;
        const beganMs = performance.now();
        if (!(await once(isHeld ? parts.waitMs : 0))) return false;
        const wasHeld =
          state.activationCount > activationCount || performance.now() - beganMs >= HELD_MS;
        if (!isHeld || !wasHeld) return true;
      }
    },
    status: () => {
      const { activatedAtMs, activationCount, refusalCounts, checkedAtMs, failing } = state;
      return {
        source: parts.source.shown,
        activationCount,
        refusalCounts,
        ...(activatedAtMs === undefined ? {} : { activatedAtMs }),
        ...(checkedAtMs === undefined ? {} : { checkedAtMs }),
        ...(failing === undefined ? {} : { failing }),
      };
    },
    stop: () => stopping.abort(),
  };
}

async function activateSaved(state: State, parts: FollowParts): Promise<void> {
  const { source } = parts.saved;
  const fetched = await source.fetch(undefined);
  if (fetched.kind !== "body") return;
  const { bytes } = fetched;
  const read = { bytes, digest: await digestInTurns(bytes) };
  const refusal = await caught(() => activate(read, source, state, parts));
  if (refusal !== undefined) parts.onEvent({ kind: "refused", refusal, source: source.shown });
}

async function fetchAndActivate(
  waitMs: number,
  signal: AbortSignal,
  state: State,
  parts: FollowParts,
): Promise<Refusal | undefined> {
  const { source } = parts;
  // Deltas are changes to what we would have to keep: a snapshot says all.
  const wait = waitMs === 0 ? "" : `;wait=${Math.round(waitMs / 1_000)}`;
  const asking = { prefer: `modes=snapshot${wait}`, waitMs, signal };
  const fetched = await source.fetch(state.etag, asking);
  if (fetched.kind === "same") return undefined;
  if (fetched.kind === "failed") return refuse(fetched.code, fetched.because);
  const { bytes, etag, contentType } = fetched;
  state.isLongPolled = contentType === LONG_POLLED;
  const bytesDigest = await digestInTurns(bytes);
  if (bytesDigest === state.bytesDigest) {
    state.etag = etag;
    return undefined;
  }
  const refusal = await activate({ bytes, digest: bytesDigest }, source, state, parts);
  // Of what decides, so that what was refused is asked for again.
  if (refusal === undefined) state.etag = etag;
  return refusal;
}

interface Read {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

async function activate(
  { bytes, digest }: Read,
  { shown }: BundleSource,
  state: State,
  { open, saved, activate: decideBy, now }: FollowParts,
): Promise<Refusal | undefined> {
  const rego = await open(bytes);
  if (!rego.ok) return rego;
  try {
    await saved.write(bytes);
    await decideBy(rego, shown);
  } catch {
    rego.pool.close();
    return refuse("not_recorded", "it could not be written down before it decides");
  }
  Object.assign(state, { bytesDigest: digest, activatedAtMs: now() });
  state.activationCount += 1;
  return undefined;
}
