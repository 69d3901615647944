/**
 * What is there for a moment, by keys that do not come again. A `Map` that lasts, and whose keys come and go, makes its
 * table anew again and again, among what lasts; and each table that was left there keeps alive what it held, until all
 * of the heap is gone through. So none of these lasts but the one of what stayed. Pure.
 */

/** After so many, those that stayed while as many came are moved on. */
const TOGETHER = 128;

export class BriefMap<Value> {
  #young = new Map<string, Value>();
  #older = new Map<string, Value>();
  readonly #lasting = new Map<string, Value>();
  #addedCount = 0;

  get size(): number {
    return this.#young.size + this.#older.size + this.#lasting.size;
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#older.get(key) ?? this.#lasting.get(key);
  }

  set(key: string, value: Value): void {
    if (this.#older.has(key)) this.#older.set(key, value);
    else if (this.#lasting.has(key)) this.#lasting.set(key, value);
    else this.#add(key, value);
  }

  delete(key: string): void {
    const isGone = this.#young.delete(key) || this.#older.delete(key);
    if (!isGone) this.#lasting.delete(key);
  }

  clear(): void {
    this.#young = new Map();
    this.#older = new Map();
    this.#lasting.clear();
  }

  #add(key: string, value: Value): void {
    this.#young.set(key, value);
    this.#addedCount += 1;
    if (this.#addedCount < TOGETHER) return;
    for (const [one, stayed] of this.#older) this.#lasting.set(one, stayed);
    this.#older = this.#young;
    this.#young = new Map();
    this.#addedCount = 0;
  }
}
