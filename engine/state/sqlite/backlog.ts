/** What stands in the log of turns and not in the tables yet, and in which steps it gets there. */
import { type Name, Names } from "./changes.ts";

/** How far tables may be behind the log, and how they follow. */
export interface Pace {
  /** Bytes of the log after which tables are brought up to it: a start reads twice as many at most. */
  readonly length: number;
  /** Rows of tables that are written in a step, at least. */
  readonly rowCount: number;
}

/** Tables have caught up when so much of the next stretch is told: before it ends, whatever was not foreseen. */
const CAUGHT_UP = 0.8;

/**
 * The longer, the more often a row is changed before it is written, and the longer a start after a crash takes: 25 ms for
 * each MiB of twice as many. The larger a step, the longer others wait.
 */
export const PACE: Pace = { length: 32 << 20, rowCount: 128 };

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
  /** Of them, at most. */
  readonly count: number;
  readonly newest: number;
  /** So many were taken. */
  taken: number;
}

/** Those that are open. */
export interface OpenCalls {
  count(): number;
  /** Names of those that are not in their table, whenever it is asked, and `undefined` for each that is. */
  names(): Iterable<Name | undefined>;
}

export class Backlog {
  readonly #pace: Pace;
  readonly #calls: OpenCalls;
  #names = new Names();
  /** Bytes told in this stretch. */
  #length = 0;
  #settling: Settling | undefined;
  #next: Step | undefined;

  constructor(pace: Pace, calls: OpenCalls) {
    this.#pace = pace;
    this.#calls = calls;
  }

  /** As far as the next stretch is told, and not all at once. The same again until it was written. */
  next(): Step | undefined {
    if (this.#settling === undefined) return undefined;
    this.#next ??= this.#step(this.#settling);
    return this.#next;
  }

  #step(settling: Settling): Step | undefined {
    const { names, count, newest } = settling;
    const { length, rowCount } = this.#pace;
    const told = this.#length / (CAUGHT_UP * length);
    const due = Math.ceil(count * told) - settling.taken;
    if (due < rowCount && told < 1) return undefined;
    const most = Math.max(due, rowCount);
    settling.taken += most;
    const { taken, isAll } = take(names, most);
    return isAll ? { names: taken, upTo: newest } : { names: taken };
  }

  /** All there is, of the stretch that is being settled and of the one after it. */
  all(): readonly Name[] {
    const early = this.#next?.names ?? [];
    const late = this.#settling === undefined ? [] : take(this.#settling.names, Infinity).taken;
    return [...early, ...late, ...take(inTurn(this.#names, this.#calls), Infinity).taken];
  }

  /** Told in this turn. */
  add(name: Name): void {
    this.#names.add(name);
  }

  /** Turn `newest` told so many bytes. Whether a stretch ends with it, which is to be settled. */
  note(length: number, newest: number): boolean {
    this.#length += length;
    if (this.#settling !== undefined || this.#length < this.#pace.length) return false;
    const names = inTurn(this.#names, this.#calls);
    // One more, so that it is not over before it was looked for more.
    const count = this.#names.count + this.#calls.count() + 1;
    this.#settling = { names, count, newest, taken: 0 };
    this.#names = new Names();
    this.#length = 0;
    return true;
  }

  written({ upTo }: Step): void {
    this.#next = undefined;
    if (upTo !== undefined) this.#settling = undefined;
  }
}

function* inTurn(names: Names, calls: OpenCalls): Generator<Name | undefined, void, undefined> {
  yield* inOrder(names);
  yield* inOrder(calls.names());
}

/** To put all of them in order would keep everybody waiting. */
const ORDERED_TOGETHER = 2_048;

/** Rows that are beside each other in their table are written together, so that fewer pages of the file change. */
function* inOrder(names: Iterable<Name | undefined>): Generator<Name | undefined, void, undefined> {
  let some: Name[] = [];
  for (const name of names) {
    if (name === undefined) yield name;
    else some.push(name);
    if (some.length < ORDERED_TOGETHER) continue;
    yield* some.sort(byPlace);
    some = [];
  }
  yield* some.sort(byPlace);
}

function byPlace(one: Name, other: Name): number {
  const first = placeOf(one);
  const second = placeOf(other);
  return first < second ? -1 : Number(first > second);
}

function placeOf(name: Name): string {
  switch (name.kind) {
    case "tasks":
      return name.session;
    case "declarations":
      return name.table.meaning;
    default:
      return name.key;
  }
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
