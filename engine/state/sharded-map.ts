/**
 * A map from texts to which each addition takes little time, however many there are. A `Map` that has to grow puts all
 * it holds in new places, and with a million keys everybody waits for it; so what is large is cut into many. Pure.
 */

/** Keys of one map before it is cut: until then nothing is found sooner than in one. */
const MAP_MOST = 32_768;
/** Each has 40,000 keys of ten million, and grows in two milliseconds. */
const PARTS = 256;

/**
 * Keys come in no order. What is added or deleted while others look through all is seen or not; all else is seen once.
 */
export class ShardedMap<Value> implements Iterable<readonly [string, Value]> {
  /** One, or all of them. */
  #parts: readonly Map<string, Value>[] = [new Map()];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    return this.#partOf(key).get(key);
  }

  has(key: string): boolean {
    return this.#partOf(key).has(key);
  }

  set(key: string, value: Value): void {
    const map = this.#partOf(key);
    const before = map.size;
    map.set(key, value);
    this.#size += map.size - before;
    if (this.#parts.length === 1 && map.size > MAP_MOST) this.#parts = cut(map);
  }

  delete(key: string): boolean {
    const wasThere = this.#partOf(key).delete(key);
    if (wasThere) this.#size -= 1;
    return wasThere;
  }

  #partOf(key: string): Map<string, Value> {
    const part = this.#parts[this.#parts.length === 1 ? 0 : partFor(key)];
    if (part === undefined) throw new Error("a part of a table is missing");
    return part;
  }

  *[Symbol.iterator](): Generator<readonly [string, Value], void, undefined> {
    for (const part of this.#parts) yield* part;
  }

  *keys(): Generator<string, void, undefined> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<Value, void, undefined> {
    for (const [, value] of this) yield value;
  }
}

/** `map` stays as it is, for whoever is looking through it. */
function cut<Value>(map: ReadonlyMap<string, Value>): readonly Map<string, Value>[] {
  const parts = Array.from({ length: PARTS }, () => new Map<string, Value>());
  for (const [key, value] of map) parts[partFor(key)]?.set(key, value);
  return parts;
}

/** Of a longer text some characters are enough: whoever picks keys of one part gets a `Map` like any other. */
const READ_MOST = 16;

/** FNV-1a of characters from the end on, where most names differ. */
function partFor(key: string): number {
  const step = Math.ceil(key.length / READ_MOST);
  let hash = 0x811c9dc5;
  for (let at = key.length - 1; at >= 0; at -= step) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (PARTS - 1);
}
