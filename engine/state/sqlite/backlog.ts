/** What stands in the journal and not in the tables yet, and in which steps it gets there. */
import { type Changes, type Name, Names } from "./changes.ts";

/** How far tables may be behind the journal, and how they follow. */
export interface Pace {
  /** Characters of the journal after which tables are brought up to it: a start reads twice as many at most. */
  readonly length: number;
  /** Rows of tables that are written in a step, at least. */
  readonly rowCount: number;
  /** Steps in which that part of the journal is given up. */
  readonly givenUpSteps: number;
}

/** The longer, the more often a row is changed before it is written; the larger a step, the longer a turn. */
export const PACE: Pace = { length: 8 << 20, rowCount: 64, givenUpSteps: 64 };

/** What is written beside the changes of a turn. */
export interface Step {
  /** Their rows are brought up to what is so now. */
  readonly names: readonly Name[];
  /** Rows of the journal up to this one go, where it is set: the tables tell all of it. */
  readonly upTo?: number;
}

/** An earlier stretch of the journal. */
interface Settling {
  /** What of it is not in the tables yet. */
  readonly names: Iterator<Name>;
  readonly newest: number;
  /** How many of its rows are given up in a step. */
  readonly givenUpCount: number;
}

export class Backlog {
  readonly #pace: Pace;
  #names = new Names();
  #length = 0;
  #settling: Settling | undefined;
  #next: Step | undefined;
  #givenUp = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** Faster than it fills, where `count` rows are told in this turn. The same again until one was noted. */
  next(count: number): Step | undefined {
    if (this.#settling === undefined) return undefined;
    this.#next ??= this.#step(this.#settling, Math.max(this.#pace.rowCount, 2 * count));
    return this.#next;
  }

  #step({ names, newest, givenUpCount }: Settling, most: number): Step {
    const taken = take(names, most);
    if (taken.length > 0) return { names: taken };
    return { names: taken, upTo: Math.min(this.#givenUp + givenUpCount, newest) };
  }

  /** All there is, where the journal's newest row is `newest`. */
  all(newest: number): Step {
    const early = this.#next?.names ?? [];
    const late = this.#settling === undefined ? [] : take(this.#settling.names, Infinity);
    return { names: [...early, ...late, ...this.#names], upTo: newest };
  }

  /** Row `newest` of the journal tells of `changes` in `length` characters; `step` was written beside it. */
  note(changes: Changes, length: number, newest: number, step: Step | undefined): void {
    this.#names.add(changes.rows);
    this.#length += length;
    if (step !== undefined) this.#written(step);
    if (this.#settling !== undefined || this.#length < this.#pace.length) return;
    const givenUpCount = Math.ceil((newest - this.#givenUp) / this.#pace.givenUpSteps);
    this.#settling = { names: this.#names[Symbol.iterator](), newest, givenUpCount };
    this.#names = new Names();
    this.#length = 0;
  }

  #written({ upTo }: Step): void {
    this.#next = undefined;
    if (upTo === undefined) return;
    this.#givenUp = upTo;
    if (upTo === this.#settling?.newest) this.#settling = undefined;
  }
}

function take(names: Iterator<Name>, most: number): readonly Name[] {
  const taken: Name[] = [];
  while (taken.length < most) {
    const { done, value } = names.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}
