/** Spans on their way to a collector. Nobody waits for them: where they cannot be sent, they are dropped and counted. */
import { messageOf } from "../fault.ts";
import { rejectedCount, spellSpans } from "./otlp.ts";
import type { Span } from "./span.ts";

export interface Exporter {
  /** Never throws, never waits. */
  take(span: Span): void;
  counts(): ExportCounts;
  /** Sends once more what waits, and takes nothing after that. */
  close(): Promise<void>;
}

export interface ExportCounts {
  /** The collector has them. */
  readonly exported: number;
  /** There was no room, or it closed before they could be sent. */
  readonly dropped: number;
  /** They were sent, and not taken. */
  readonly failed: number;
}

export interface ExporterParts {
  /** Resolves to the collector's answer; rejects where it gave none, or another than success. */
  readonly send: (body: Uint8Array) => Promise<Uint8Array>;
  /** Calls back after so long; what it returns takes the call back. */
  readonly after: (ms: number, then: () => void) => () => void;
  /** Told why, at the first failure after a success. */
  readonly onFailure?: ((because: string) => void) | undefined;
}

/** Some 2 MB. */
export const WAITING_MOST = 2_048;
export const BATCH_MOST = 512;
export const GATHER_MS = 1_000;
/** How long after each failure a batch is tried again; after the last one it is given up. */
export const RETRY_MS = [1_000, 4_000] as const;

export function createExporter({ send, after, onFailure }: ExporterParts): Exporter {
  const counts = { exported: 0, dropped: 0, failed: 0 };
  let waiting: Span[] = [];
  let sending: Promise<void> | undefined;
  let isClosed = false;
  let isFailing = false;
  let stopWaiting = () => {};

  /** Resolves early when it closes. */
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const takeBack = after(ms, resolve);
      stopWaiting = () => {
        takeBack();
        resolve();
      };
      if (isClosed) stopWaiting();
    });

  const sendOnce = async (batch: readonly Span[]): Promise<boolean> => {
    try {
      const rejected = Math.min(rejectedCount(await send(spellSpans(batch))), batch.length);
      counts.failed += rejected;
      counts.exported += batch.length - rejected;
      isFailing = false;
      return true;
    } catch (error) {
      if (!isFailing) onFailure?.(messageOf(error));
      isFailing = true;
      return false;
    }
  };

  const sendBatch = async (batch: readonly Span[]): Promise<void> => {
    for (const retryMs of [...RETRY_MS, undefined]) {
      if (await sendOnce(batch)) return;
      if (isClosed || retryMs === undefined) break;
      await pause(retryMs);
    }
    counts.failed += batch.length;
  };

  /** One batch at a time: a collector that is slow is not asked faster. */
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0 && !isClosed) {
      if (waiting.length < BATCH_MOST) await pause(GATHER_MS);
      await sendBatch(waiting.splice(0, BATCH_MOST));
    }
    sending = undefined;
  };

  return {
    take(span) {
      if (isClosed || waiting.length >= WAITING_MOST) {
        counts.dropped += 1;
        return;
      }
      waiting.push(span);
      sending ??= sendAll();
    },
    counts: () => ({ ...counts }),
    async close() {
      isClosed = true;
      stopWaiting();
      await sending;
      const rest = waiting.splice(0, BATCH_MOST);
      if (rest.length > 0) await sendBatch(rest);
      counts.dropped += waiting.length;
      waiting = [];
    },
  };
}
