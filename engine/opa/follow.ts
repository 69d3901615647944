/**
 * Follows a bundle of OPA's as OPA does (its bundle service API): asked again and again by its ETag, and where
 * the server holds requests back until there is a newer one, asked again at once. What cannot be had or is not
 * as it must be is told, and what decides goes on deciding.
 */
import { type Refusal, refuse } from "../bundles/refusal.ts";
import type { ReloadStatus } from "../bundles/reload.ts";
import { digestOfBytes } from "../bundles/signed.ts";
import type { BundleSource } from "../bundles/source.ts";
import type { OpenedRego } from "./opened.ts";

export interface FollowParts {
  readonly source: BundleSource;
  /** How long the server may hold a request back; 0 = it is not asked to. */
  readonly waitMs: number;
  readonly open: (bytes: Uint8Array) => Promise<OpenedRego | Refusal>;
  /** Decides by it from now on; where this rejects, it is not decided by. */
  readonly activate: (rego: OpenedRego) => Promise<void>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly onEvent: (event: FollowEvent) => void;
}

export type FollowEvent =
  /** Of one cause in a row, the first alone is told. */
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly source: string }
  | { readonly kind: "recovered"; readonly source: string };

export interface Follower {
  /** Whether the source holds what is decided by now; while it holds requests back, it is asked again and again. */
  check(): Promise<boolean>;
  /** One request, answered at once. */
  first(): Promise<boolean>;
  status(): ReloadStatus;
  /** Gives up what is under way. */
  stop(): void;
}

/** What a server that holds requests back says its bundles are. */
const LONG_POLLED = "application/vnd.openpolicyagent.bundles";
/** An answer that comes sooner, and has nothing new, was not held back: it is asked again at the usual time. */
const HELD_MS = 1_000;

interface State {
  etag?: string | undefined;
  bytesDigest?: string;
  isLongPolled: boolean;
  activatedAtMs?: number;
  activationCount: number;
  readonly refusalCounts: Map<Refusal["code"], number>;
  checkedAtMs?: number;
  failing?: NonNullable<ReloadStatus["failing"]>;
}

export function followBundle(parts: FollowParts): Follower {
  const state: State = { isLongPolled: false, activationCount: 0, refusalCounts: new Map() };
  const stopping = new AbortController();
  const { signal } = stopping;
  const once = async (waitMs: number) => {
    const refusal = await caught(() => fetchAndActivate(waitMs, signal, state, parts));
    if (signal.aborted) return false;
    state.checkedAtMs = parts.now();
    tell(refusal, state, parts);
    return refusal === undefined;
  };
  return {
    first: () => once(0),
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

async function caught(load: () => Promise<Refusal | undefined>): Promise<Refusal | undefined> {
  try {
    return await load();
  } catch (fault) {
    const what = fault instanceof Error ? fault.message : String(fault);
    return refuse("crashed", `loading it failed: ${what}`);
  }
}

async function fetchAndActivate(
  waitMs: number,
  signal: AbortSignal,
  state: State,
  { source, open, activate, now }: FollowParts,
): Promise<Refusal | undefined> {
  // Deltas are changes to what we would have to keep: a snapshot says all.
  const wait = waitMs === 0 ? "" : `;wait=${Math.round(waitMs / 1_000)}`;
  const asking = { prefer: `modes=snapshot${wait}`, waitMs, signal };
  const fetched = await source.fetch(state.etag, asking);
  if (fetched.kind === "same") return undefined;
  if (fetched.kind === "failed") return refuse(fetched.code, fetched.because);
  const { bytes, etag, contentType } = fetched;
  state.isLongPolled = contentType === LONG_POLLED;
  const bytesDigest = digestOfBytes(bytes);
  if (bytesDigest === state.bytesDigest) {
    state.etag = etag;
    return undefined;
  }
  const rego = await open(bytes);
  if (!rego.ok) return rego;
  try {
    await activate(rego);
  } catch {
    rego.pool.close();
    return refuse("not_recorded", "it could not be written down before it decides");
  }
  // Of what decides, so that what was refused is asked for again.
  Object.assign(state, { etag, bytesDigest, activatedAtMs: now() });
  state.activationCount += 1;
  return undefined;
}

function tell(refusal: Refusal | undefined, state: State, parts: FollowParts): void {
  const source = parts.source.shown;
  const known = state.failing;
  if (refusal === undefined) {
    delete state.failing;
    if (known !== undefined) parts.onEvent({ kind: "recovered", source });
    return;
  }
  const { code, because } = refusal;
  state.refusalCounts.set(code, (state.refusalCounts.get(code) ?? 0) + 1);
  if (known?.code === code && known.because === because) return;
  state.failing = { code, because, sinceMs: parts.now() };
  parts.onEvent({ kind: "refused", refusal, source });
}
