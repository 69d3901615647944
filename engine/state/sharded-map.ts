/**
 * A map from texts to which each addition takes little time, however many there are. A `Map` that has to grow puts all
 * it holds in new places, and with a million keys everybody waits for it; here it is cut into many small ones. Pure.
 */

/** Keys of one map. With twice as many, growing takes twice the time, and nothing is found sooner. */
const MAP_MOST = 4_096;
/** One that is full is cut into so many, by so many bits of its keys' hashes. */
const BITS = 4;
const FAN_OUT = 1 << BITS;
/** What has the same hash, all bits of it, stays in one map. */
const DEPTH_MOST = 32 / BITS;

type Part<Value> = Map<string, Value> | Part<Value>[];

/**
 * Keys come in no order. What is added or deleted while others look through all is seen or not; all else is seen once.
 */
export class ShardedMap<Value> implements Iterable<readonly [string, Value]> {
  #root: Part<Value> = new Map();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): Value | undefined {
    return mapFor(key, this.#root).get(key);
  }

  has(key: string): boolean {
    return mapFor(key, this.#root).has(key);
  }

  set(key: string, value: Value): void {
    const map = mapFor(key, this.#root);
    const before = map.size;
    map.set(key, value);
    this.#size += map.size - before;
    if (map.size > MAP_MOST && map.size > before) this.#root = withRoom(this.#root, key);
  }

  delete(key: string): boolean {
    const wasThere = mapFor(key, this.#root).delete(key);
    if (wasThere) this.#size -= 1;
    return wasThere;
  }

  [Symbol.iterator](): Generator<readonly [string, Value], void, undefined> {
    return entriesOf(this.#root);
  }

  *keys(): Generator<string, void, undefined> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<Value, void, undefined> {
    for (const [, value] of this) yield value;
  }
}

function mapFor<Value>(key: string, root: Part<Value>): Map<string, Value> {
  if (root instanceof Map) return root;
  let part: Part<Value> = root;
  for (let hash = hashOf(key); !(part instanceof Map); hash >>>= BITS) part = partAt(part, hash);
  return part;
}

function partAt<Value>(parts: readonly Part<Value>[], hash: number): Part<Value> {
  const part = parts[hash & (FAN_OUT - 1)];
  if (part === undefined) throw new Error("a part of a table is missing");
  return part;
}

/** The same, with the map cut into several that this key is in. */
function withRoom<Value>(root: Part<Value>, key: string): Part<Value> {
  if (root instanceof Map) return cut(root, 0);
  let [parts, part, depth, hash] = [root, partAt(root, hashOf(key)), 1, hashOf(key)];
  for (; !(part instanceof Map); depth += 1) {
    hash >>>= BITS;
    parts = part;
    part = partAt(parts, hash);
  }
  if (depth < DEPTH_MOST) parts[hash & (FAN_OUT - 1)] = cut(part, depth);
  return root;
}

/** `map` stays as it is, for whoever is looking through it. */
function cut<Value>(map: ReadonlyMap<string, Value>, depth: number): Part<Value>[] {
  const maps = Array.from({ length: FAN_OUT }, () => new Map<string, Value>());
  for (const [key, value] of map) {
    maps[(hashOf(key) >>> (depth * BITS)) & (FAN_OUT - 1)]?.set(key, value);
  }
  return maps;
}

function* entriesOf<Value>(
  part: Part<Value>,
): Generator<readonly [string, Value], void, undefined> {
  if (part instanceof Map) yield* part;
  else for (const each of part) yield* entriesOf(each);
}

/** Of a longer text some characters are enough. */
const HASHED_LENGTH = 32;

/**
 * FNV-1a, with its bits mixed, since the lowest are used first. Whoever picks keys of one hash gets one map, which is slow
 * to grow and otherwise as good.
 */
function hashOf(key: string): number {
  const step = Math.ceil(key.length / HASHED_LENGTH);
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += step) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
