/** The value that so large a share of them, from 0 to 1, does not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const inOrder = values.toSorted((a, b) => a - b);
  return inOrder[Math.floor((inOrder.length - 1) * share)] ?? 0;
}
