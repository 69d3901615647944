/**
 * The time by which shared windows run, as this process expects it (SPEC §7.6): what the store last said, carried
 * on by a clock that nobody sets. Milliseconds.
 */
export class SteadyTime {
  readonly #monotonic: () => number;
  /** Store's time − monotonic time is at most this: the least that any answer has left room for. */
  #offset: number | undefined;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** To be handed to `learn` with the answer. */
  mark(): number {
    return this.#monotonic();
  }

  /** `sent`: the mark of before asking. The store's time was somewhere between then and now. */
  learn(storeMs: number, sent: number): void {
    const most = storeMs - sent;
    const least = storeMs - this.#monotonic();
    if (this.#offset === undefined || least > this.#offset + STALE_MS) this.#offset = most;
    else this.#offset = Math.min(this.#offset, most);
  }

  /** Missing before the first answer. */
  get expectedMs(): number | undefined {
    if (this.#offset === undefined) return undefined;
    return Math.max(0, Math.floor(this.#offset + this.#monotonic()));
  }
}

/** So far ahead, the store has the word of others: this process was suspended. The script says the same. */
const STALE_MS = 5_000;
