/** The same numbers for the same seed: what a search finds once, it finds again. */
export interface Random {
  /** From 0 to `count - 1`. */
  below(count: number): number;
  chance(percent: number): boolean;
  /** `undefined` of nothing. */
  pick<T>(items: readonly T[]): T | undefined;
}

/** SplitMix32: small, and more than random enough for choosing test values. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (count: number): number => (count <= 0 ? 0 : next() % count);
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (items) => items[below(items.length)],
  };
}
