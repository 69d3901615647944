/**
 * Where a value comes from (SPEC §7.5): the labels of everything a session has seen that holds it verbatim.
 * Kept per session are the person's instructions and the values that calls returned, leaf by leaf.
 */
import { NAMED_LABEL, UNTRUSTED_LABEL, USER_LABEL } from "../../lang/type.ts";
import { keyOfOne, type Scalar, type Value } from "../value.ts";
import { holds, type Inquiry, leafHolds, SHORT, type Sought, soughtFor } from "./origin/finding.ts";
import {
  type Leaf,
  labeller,
  leavesOf,
  type ReturnedPart,
  type Returning,
} from "./origin/returned.ts";
import { spaced, textsIn, withBlanks } from "./origin/texts.ts";
import { WordIndex } from "./word-index.ts";

/** Characters and texts kept for one session. Beyond them nothing can be said of where values come from. */
const LONGEST = 1_048_576;
const MOST_LEAVES = 20_000;

/** What a session has seen, bit by bit. With `full` it has seen more than is kept. */
export type SeenEntry = Leaf | Instruction | Full;

interface Instruction {
  readonly kind: "instruction";
  /** Blanks single, with its capitals. */
  readonly text: string;
}

interface Full {
  readonly kind: "full";
}

/** What one session has seen. Grows only. */
export class Seen {
  readonly #instructions: string[] = [];
  /** The same with its capitals. */
  readonly #written: string[] = [];
  readonly #leaves: Leaf[] = [];
  /** Of `#instructions`, and of the texts of `#leaves`. */
  readonly #instructed = new WordIndex();
  readonly #returned = new WordIndex();
  readonly #known = new Set<string>();
  readonly #entries: SeenEntry[] = [];
  /** All that is looked into: this one, and what it was added to. */
  readonly #layers: readonly Seen[];
  #length = 0;
  #full = false;

  constructor(before: readonly Seen[] = []) {
    this.#layers = [...before, this];
  }

  /** What the person wrote. Whether it adds anything. */
  instruct(text: string): boolean {
    return this.add({ kind: "instruction", text: spaced(text) });
  }

  /** What was returned is not kept. Whether that was not known yet. */
  miss(): boolean {
    return this.add({ kind: "full" });
  }

  /** What a successful or failed call returned. Whether it adds anything. */
  observe(returning: Returning, parts: readonly ReturnedPart[]): boolean {
    if (parts.length === 0) return false;
    if (returning.own === undefined) return this.miss();
    const before = this.#entries.length;
    const own = new Set(returning.own);
    for (const part of parts) {
      const labelled = labeller(returning, part.labels);
      for (const leaf of leavesOf(part.value, labelled))
        if (!own.has(keyOfOne(leaf.text))) this.add(leaf);
    }
    return this.#entries.length > before;
  }

  /** Everything there is to know, from entry `start` on, in order: what `add` makes the same of again. */
  entriesFrom(start: number): readonly SeenEntry[] {
    return this.#entries.slice(start);
  }

  /** Whether `add` would change nothing. */
  has(entry: SeenEntry): boolean {
    return this.isFull() || this.#isKnown(identify(entry));
  }

  #isKnown(key: string): boolean {
    return this.#layers.some((seen) => seen.#known.has(key));
  }

  /** It has seen more than is kept: nothing can be said. */
  isFull(): boolean {
    return this.#layers.some((seen) => seen.#full);
  }

  /** Whether `instruct` would change nothing. */
  hasInstruction(text: string): boolean {
    const written = spaced(text);
    return written === "" || this.has({ kind: "instruction", text: written });
  }

  /** With an instruction that is not kept yet: nothing is copied, and this stays as it is. */
  withInstruction(text: string): Seen {
    const made = new Seen(this.#layers);
    made.instruct(text);
    return made;
  }

  /** Whether it was not known yet. */
  add(entry: SeenEntry): boolean {
    if (this.isFull() || (entry.kind !== "full" && entry.text === "")) return false;
    const key = identify(entry);
    if (this.#isKnown(key)) return false;
    this.#known.add(key);
    this.#entries.push(this.#fits(entry) ? this.#keep(entry) : this.#fill());
    return true;
  }

  #keep(entry: Exclude<SeenEntry, Full>): SeenEntry {
    this.#length += entry.text.length;
    if (entry.kind === "leaf") {
      this.#leaves.push(entry);
      this.#returned.add(entry.text);
      return entry;
    }
    this.#keepInstruction(entry.text.toLowerCase());
    this.#written.push(entry.text);
    const parted = withBlanks(entry.text);
    if (parted !== entry.text) this.#keepInstruction(parted.toLowerCase());
    return entry;
  }

  #keepInstruction(text: string): void {
    this.#instructions.push(text);
    this.#instructed.add(text);
  }

  #fill(): SeenEntry {
    this.#full = true;
    return { kind: "full" };
  }

  /**
   * Labels of all that holds the value, `user` where an instruction does, and `named` where all of it that
   * is `untrusted` names a source that an instruction names. Of a Set, List, Map or record: those
   * of any element, so rules about all of them ask element by element.
   */
  origin(value: Value, inquiry: Inquiry): ReadonlySet<Scalar> | "unavailable" {
    if (this.isFull()) return "unavailable";
    const labels = new Set<Scalar>();
    for (const text of textsIn(value)) {
      if (inquiry.stepsLeft < 0) break;
      for (const label of this.#originOf(text, inquiry)) labels.add(label);
    }
    return inquiry.stepsLeft < 0 ? "unavailable" : labels;
  }

  #originOf(value: string, inquiry: Inquiry): ReadonlySet<Scalar> {
    const known = inquiry.found.get(value);
    if (known !== undefined) return known;
    const labels = this.#labelsOf(value, inquiry);
    inquiry.found.set(value, labels);
    return labels;
  }

  #labelsOf(value: string, inquiry: Inquiry): ReadonlySet<Scalar> {
    const labels = new Set<Scalar>();
    if (value === "") return labels;
    const text = soughtFor(value);
    if (this.#isInstructed(text, inquiry)) labels.add(USER_LABEL);
    let outside = 0;
    let named = 0;
    for (const leaf of this.#leavesWith(text)) {
      if (inquiry.stepsLeft < 0) break;
      if (!leafHolds(leaf.text, text, inquiry)) continue;
      for (const label of leaf.labels) labels.add(label);
      if (!leaf.labels.has(UNTRUSTED_LABEL)) continue;
      outside += 1;
      if (leaf.source !== undefined && this.#isNamedOnce(leaf.source, inquiry)) named += 1;
    }
    if (outside > 0 && named === outside) labels.add(NAMED_LABEL);
    return labels;
  }

  /** Those that hold the text, and some that do not. */
  #leavesWith(text: Sought): readonly Leaf[] {
    const found = this.#layers.map((seen) =>
      picked(seen.#leaves, seen.#returned.candidates(text.part)),
    );
    return found.length === 1 ? (found[0] ?? []) : found.flat();
  }

  #isInstructed(text: Sought, inquiry: Inquiry): boolean {
    return this.#layers.some((seen) => {
      const among = picked(seen.#instructions, seen.#instructed.candidates(text.part));
      return among.some((instruction) => holds(instruction, text, inquiry));
    });
  }

  /** All of a record's leaves have one source. */
  #isNamedOnce(source: string, inquiry: Inquiry): boolean {
    const known = inquiry.named.get(source);
    if (known !== undefined) return known;
    const isNamed = this.#isNamed(source, inquiry);
    inquiry.named.set(source, isNamed);
    return isNamed;
  }

  /** A short one is a name where it has a capital, and the person gave it the same: `Bob`, but not `the`. */
  #isNamed(source: string, inquiry: Inquiry): boolean {
    if (source.length >= SHORT) return this.#isInstructed(soughtFor(source.toLowerCase()), inquiry);
    if (!/\p{Lu}/u.test(source)) return false;
    return this.#isWritten({ part: source, isUrl: false }, inquiry);
  }

  #isWritten(text: Sought, inquiry: Inquiry): boolean {
    return this.#layers.some((seen) =>
      seen.#written.some((instruction) => holds(instruction, text, inquiry)),
    );
  }

  #fits(entry: SeenEntry): entry is Exclude<SeenEntry, Full> {
    if (entry.kind === "full") return false;
    let [length, count] = [entry.text.length, 0];
    for (const seen of this.#layers) {
      length += seen.#length;
      count += seen.#known.size;
    }
    return length <= LONGEST && count <= MOST_LEAVES;
  }
}

/**
 * What a session has seen of which nothing was kept, since no rule asked where anything came from: a policy with one
 * may come. One for all of them, since nothing is ever added to it.
 */
export const UNKEPT = new Seen();
UNKEPT.miss();

/** No part of it holds a line break: whoever chooses a source or a text must not make one entry look like another. */
function identify(entry: SeenEntry): string {
  if (entry.kind === "full") return "full";
  if (entry.kind === "instruction") return `instruction\n${entry.text}`;
  return `leaf\n${[...entry.labels].join(" ")}\n${entry.source ?? ""}\n${entry.text}`;
}

function picked<Item>(
  items: readonly Item[],
  places: readonly number[] | undefined,
): readonly Item[] {
  return places === undefined ? items : places.flatMap((place) => items[place] ?? []);
}
