/** Numbers that look random and come again from the same seed (mulberry32). */
export function randomFrom(seed: number) {
  let state = seed;
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[below(items.length)];
    if (item === undefined && items.length === 0) throw new Error("there is nothing to pick");
    return item as Item;
  };
  return { below, pick };
}

export type Random = ReturnType<typeof randomFrom>;
