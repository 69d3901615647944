/** Time that passes only when it is told to: whoever waits is called in order, and nobody really waits. */
import type { Timers } from "../../engine/state/redis/timers.ts";

interface Waiting {
  readonly atMs: number;
  readonly act: () => void;
}

export class VirtualTime implements Timers {
  nowMs = 0;
  /** Sorted; of those that are due together, who came first is first. */
  readonly #waiting: Waiting[] = [];

  after(ms: number, act: () => void): () => void {
    const waiting = { atMs: this.nowMs + ms, act };
    const at = this.#waiting.findLastIndex((other) => other.atMs <= waiting.atMs);
    this.#waiting.splice(at + 1, 0, waiting);
    return () => {
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
    };
  }

  /** Everything that is due until then, each followed by all that it leads to at once. */
  async passUntil(endMs: number): Promise<void> {
    await settled();
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#waiting.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.act();
      await settled();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }
}

/** Resolves once no promise is about to go on. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
