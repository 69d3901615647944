/** What happened in a run, as it goes on. */

export interface Told {
  /** What must not have been, the first of it; missing where all went well. */
  readonly violation?: string;
  /** Line by line, what happened. */
  readonly trace: readonly string[];
  /** How often what came up. */
  readonly hits: ReadonlyMap<string, number>;
}

export class Story implements Told {
  violation?: string;
  readonly trace: string[] = [];
  readonly hits = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  tell(line: string): void {
    this.trace.push(`${(this.#nowMs() / 1_000).toFixed(4)} ${line}`);
  }

  hit(what: string): void {
    this.hits.set(what, (this.hits.get(what) ?? 0) + 1);
  }

  violated(what: string): void {
    this.tell(`VIOLATION ${what}`);
    this.violation ??= what;
  }
}
