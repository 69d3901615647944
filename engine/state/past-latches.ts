/**
 * What calls that were decided before a latch was declared would have made of it (SPEC §7.9), by what was recorded of
 * them, in that order. Pure.
 */
import type { HeldLatch } from "./call.ts";
import { changeLatch, expectLatch, type LatchCell, newLatch, settleLatch } from "./latch.ts";
import type { LatchTouch, LatchTouches } from "./touched.ts";

/** What they left under one key. */
export interface PastLatch {
  /** Of the latch in its program. */
  readonly index: number;
  readonly key: string;
  readonly state: LatchCell["state"];
  /** Of the first and of the last of them: milliseconds since the Unix epoch. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Calls that would change it, and whose outcome was not recorded yet. */
  readonly open: readonly PastCall[];
}

export interface PastCall extends Pick<HeldLatch, "kind" | "certain"> {
  readonly call: string;
}

export interface PastDecision {
  /** Missing where it was not allowed. */
  readonly call: string | undefined;
  readonly atMs: number;
}

interface PastKey {
  readonly index: number;
  readonly key: string;
  readonly cell: LatchCell;
  fromMs: number;
  untilMs: number;
  readonly open: Map<string, HeldLatch[]>;
}

export class LatchHistory {
  readonly #keys = new Map<string, PastKey>();
  /** Where a call would change something. */
  readonly #calls = new Map<string, PastKey[]>();

  get keyCount(): number {
    return this.#keys.size;
  }

  decided({ now, completed }: LatchTouches, { call, atMs }: PastDecision): void {
    for (const touch of now) changeLatch(this.#at(touch, atMs).cell, touch);
    if (call === undefined) return;
    for (const touch of completed) this.#expect(touch, { call, atMs });
  }

  #expect(
    { index, key, kind, certain }: LatchTouch,
    { call, atMs }: { readonly call: string; readonly atMs: number },
  ): void {
    const past = this.#at({ index, key }, atMs);
    const others = expectLatch(past.cell, kind);
    const held = { table: "", key, kind, certain, others };
    past.open.set(call, [...(past.open.get(call) ?? []), held]);
    this.#calls.set(call, [...(this.#calls.get(call) ?? []), past]);
  }

  settled(call: string, succeeded: boolean): void {
    for (const { cell, open } of this.#calls.get(call) ?? []) {
      for (const held of open.get(call) ?? []) settleLatch(cell, held, succeeded);
      open.delete(call);
    }
    this.#calls.delete(call);
  }

  /** A call that nothing is known of may have changed any of them. */
  missed(): void {
    for (const { cell } of this.#keys.values()) {
      changeLatch(cell, { kind: "latch", certain: false });
      changeLatch(cell, { kind: "reset", certain: false });
    }
  }

  all(): readonly PastLatch[] {
    return [...this.#keys.values()].map(({ index, key, cell: { state }, open, ...times }) => ({
      index,
      key,
      state,
      ...times,
      open: [...open].flatMap(([call, held]) =>
        held.map(({ kind, certain }) => ({ call, kind, certain })),
      ),
    }));
  }

  #at({ index, key }: Pick<LatchTouch, "index" | "key">, atMs: number): PastKey {
    const name = `${index} ${key}`;
    const times = { fromMs: atMs, untilMs: atMs };
    const past = this.#keys.get(name) ?? {
      index,
      key,
      cell: newLatch(),
      open: new Map(),
      ...times,
    };
    past.fromMs = Math.min(past.fromMs, atMs);
    past.untilMs = Math.max(past.untilMs, atMs);
    this.#keys.set(name, past);
    return past;
  }
}

/**
 * Where the latch was never changed yet, it is as they left it; otherwise nobody knows what came last, nor where some of
 * them were of another session than it is. Whatever is under way by now was so together with them.
 */
export function addPast(
  cell: LatchCell,
  { state, fromMs }: Pick<PastLatch, "state" | "fromMs">,
  sessionBeganMs: number | undefined,
): void {
  if (sessionBeganMs !== undefined && fromMs < sessionBeganMs) cell.state = "either";
  else if (cell.sets === 0 && cell.resets === 0) cell.state = state;
  else if (cell.state !== state) cell.state = "either";
  cell.sets += 1;
  cell.resets += 1;
}

/** No call ever finds so many: it was under way together with others. */
export const NEVER_ALONE = -1;
