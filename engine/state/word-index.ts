/**
 * Finds the texts that may hold another between word boundaries without looking into all of them. A text that
 * holds `pay ann@b.example` so has each of its words as a word of its own, and the longest is the rarest.
 */
const WORDS = /[\p{L}\p{N}_]+/gu;

const NONE: readonly number[] = [];

export class WordIndex {
  readonly #places = new Map<string, number[]>();
  #count = 0;

  /** Texts are numbered in the order they are added, from 0. */
  add(text: string): void {
    const place = this.#count++;
    for (const [word] of text.matchAll(WORDS)) {
      const places = this.#places.get(word);
      if (places === undefined) this.#places.set(word, [place]);
      else if (places.at(-1) !== place) places.push(place);
    }
  }

  /** Numbers, ascending, of all texts that hold `part`, and of some that do not; `undefined` for any of them. */
  candidates(part: string): readonly number[] | undefined {
    let longest = "";
    for (const [word] of part.matchAll(WORDS)) if (word.length > longest.length) longest = word;
    return longest === "" ? undefined : (this.#places.get(longest) ?? NONE);
  }
}
