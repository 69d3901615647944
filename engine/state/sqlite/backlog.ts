/** What stands in the log of turns and not in the tables yet, and in which steps it gets there. */
import { type Name, Names } from "./changes.ts";

/** How far tables may be behind the log, and how they follow. */
export interface Pace {
  /** Bytes of the log after which tables are brought up to it: a start reads twice as many at most. */
  readonly length: number;
  /** Rows of tables that are written in a step, at least. */
  readonly rowCount: number;
}

/** The longer, the more often a row is changed before it is written; the larger a step, the longer others wait. */
export const PACE: Pace = { length: 16 << 20, rowCount: 64 };

/** What is brought up to what is so now. */
export interface Step {
  readonly names: readonly Name[];
  /** With it the tables tell all of every turn up to this one. */
  readonly upTo?: number;
}

/** An earlier stretch of the log. */
interface Settling {
  /** What of it is not in the tables yet; `undefined` for each that was looked at and is. */
  readonly names: Iterator<Name | undefined>;
  readonly newest: number;
}

export class Backlog {
  readonly #pace: Pace;
  readonly #newCalls: () => Iterable<Name | undefined>;
  #names = new Names();
  #length = 0;
  /** Rows that were told since the last step. */
  #told = 0;
  #settling: Settling | undefined;
  #next: Step | undefined;

  /** `newCalls`: those that are open and not in their table, whenever it is asked, and `undefined` for each that is. */
  constructor(pace: Pace, newCalls: () => Iterable<Name | undefined>) {
    this.#pace = pace;
    this.#newCalls = newCalls;
  }

  /** Faster than it fills. The same again until it was written. */
  next(): Step | undefined {
    if (this.#settling === undefined) return undefined;
    this.#next ??= this.#step(this.#settling, Math.max(this.#pace.rowCount, 2 * this.#told));
    return this.#next;
  }

  #step({ names, newest }: Settling, most: number): Step {
    const { taken, isAll } = take(names, most);
    return isAll ? { names: taken, upTo: newest } : { names: taken };
  }

  /** All there is, of the stretch that is being settled and of the one after it. */
  all(): readonly Name[] {
    const early = this.#next?.names ?? [];
    const late = this.#settling === undefined ? [] : take(this.#settling.names, Infinity).taken;
    return [...early, ...late, ...take(inTurn(this.#names, this.#newCalls), Infinity).taken];
  }

  /** Told in this turn. */
  add(name: Name): void {
    this.#names.add(name);
  }

  /** Turn `newest` told `count` rows in `length` bytes. Whether a stretch ends with it, which is to be settled. */
  note(count: number, length: number, newest: number): boolean {
    this.#length += length;
    this.#told += count;
    if (this.#settling !== undefined || this.#length < this.#pace.length) return false;
    this.#settling = { names: inTurn(this.#names, this.#newCalls), newest };
    this.#names = new Names();
    this.#length = 0;
    return true;
  }

  written({ upTo }: Step): void {
    this.#next = undefined;
    this.#told = 0;
    if (upTo !== undefined) this.#settling = undefined;
  }
}

function* inTurn(
  names: Names,
  more: () => Iterable<Name | undefined>,
): Generator<Name | undefined, void, undefined> {
  yield* names;
  yield* more();
}

/** Looking at one takes a part of what writing it takes: of a million open calls, most are in their table. */
const LOOKED_FOR_ONE = 16;

function take(
  names: Iterator<Name | undefined>,
  most: number,
): { readonly taken: readonly Name[]; readonly isAll: boolean } {
  const taken: Name[] = [];
  for (let looked = 0; taken.length < most && looked < LOOKED_FOR_ONE * most; looked += 1) {
    const { done, value } = names.next();
    if (done === true) return { taken, isAll: true };
    if (value !== undefined) taken.push(value);
  }
  return { taken, isAll: false };
}
