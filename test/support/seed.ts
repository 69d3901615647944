/**
 * Where a random test begins: what the variable says, else the same in CI, so that a landing never depends on
 * luck, and another each time elsewhere. Every such test prints its seed.
 */
export function seedFrom(variable: string): number {
  const given = process.env[variable];
  if (given !== undefined) return Number(given);
  return process.env.CI === undefined ? Date.now() % 1_000_000_007 : 20_261_122;
}
