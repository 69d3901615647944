/** A clock that may be set, run fast or slow, or stand still, while real time goes on. */
export class Clock {
  readonly #trueMs: () => number;
  #readMs: number;
  #sinceMs: number;
  #rate = 1;

  constructor(trueMs: () => number, startMs: number) {
    this.#trueMs = trueMs;
    this.#sinceMs = trueMs();
    this.#readMs = startMs;
  }

  readonly read = (): number => this.#readMs + (this.#trueMs() - this.#sinceMs) * this.#rate;

  step(ms: number): void {
    this.#readMs = this.read() + ms;
    this.#sinceMs = this.#trueMs();
  }

  run(rate: number): void {
    this.step(0);
    this.#rate = rate;
  }
}
