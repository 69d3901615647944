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
  /** Calls that would change it, and whose outcome was not recorded yet. */
  readonly open: readonly PastCall[];
}

export interface PastCall extends Pick<HeldLatch, "kind" | "certain"> {
  readonly call: string;
}

interface PastKey {
  readonly index: number;
  readonly key: string;
  readonly cell: LatchCell;
  readonly open: Map<string, HeldLatch[]>;
}

export class LatchHistory {
  readonly #keys = new Map<string, PastKey>();
  /** Where a call would change something. */
  readonly #calls = new Map<string, PastKey[]>();

  get keyCount(): number {
    return this.#keys.size;
  }

  /** `call` is missing where it was not allowed. */
  decided({ now, completed }: LatchTouches, call: string | undefined): void {
    for (const touch of now) changeLatch(this.#at(touch).cell, touch);
    if (call === undefined) return;
    for (const touch of completed) this.#expect(touch, call);
  }

  #expect({ index, key, kind, certain }: LatchTouch, call: string): void {
    const past = this.#at({ index, key });
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
    return [...this.#keys.values()].map(({ index, key, cell: { state }, open }) => ({
      index,
      key,
      state,
      open: [...open].flatMap(([call, held]) =>
        held.map(({ kind, certain }) => ({ call, kind, certain })),
      ),
    }));
  }

  #at({ index, key }: Pick<LatchTouch, "index" | "key">): PastKey {
    const name = `${index} ${key}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const past: PastKey = { index, key, cell: newLatch(), open: new Map() };
    this.#keys.set(name, past);
    return past;
  }
}

/**
 * Where the latch was never changed yet, it is as they left it; otherwise nobody knows what came last. Whatever is under
 * way by now was so together with them.
 */
export function addPast(cell: LatchCell, { state }: Pick<PastLatch, "state">): void {
  if (cell.sets === 0 && cell.resets === 0) cell.state = state;
  else if (cell.state !== state) cell.state = "either";
  cell.sets += 1;
  cell.resets += 1;
}

/** No call ever finds so many: it was under way together with others. */
export const NEVER_ALONE = -1;
