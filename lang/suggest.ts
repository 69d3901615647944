/** Among more names of much the same length, a near one says little, and there may be thousands of errors. */
const COMPARED_MAX = 300;

/**
 * The candidate nearest to `word` by edits (insert, delete, replace, swap), when it is near enough to be meant: by
 * fewer edits than it has letters, or any letter would be meant for any other.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const edits = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let fewest = Math.min(edits + 1, word.length);
  let compared = 0;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > edits) continue;
    if (++compared > COMPARED_MAX) break;
    const count = distance(word, candidate);
    if (count < fewest || (count === fewest && best !== undefined && candidate < best)) {
      best = candidate;
      fewest = count;
    }
  }
  return best;
}

/** `did you mean \`x\`?`, as the help of a diagnostic. */
export function didYouMean(
  word: string,
  candidates: Iterable<string>,
): { help: string } | Record<string, never> {
  const near = suggest(word, candidates);
  return near === undefined ? {} : { help: `did you mean \`${near}\`?` };
}

/** Optimal string alignment distance. Words are bounded by `limits.ts`, so the table is small. */
function distance(a: string, b: string): number {
  let before = new Uint8Array(b.length + 1);
  let last = Uint8Array.from({ length: b.length + 1 }, (_, at) => at);
  let row = new Uint8Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row[j] = cost;
    }
    [before, last, row] = [last, row, before];
  }
  return last[b.length] ?? 0;
}
