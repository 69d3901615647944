import { type Parsed, parsed, refused } from "./parsed.ts";

const DURATION = /^(0|[1-9]\d{0,15})(ms|s|m|h|d)$/;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds (SPEC §4.3) of a whole number and a unit: `250ms`, `10s`, `15m`, `24h`, `7d`. */
export function parseDuration(text: string): Parsed<number> {
  const [, digits, unit] = DURATION.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return refused("is not a duration such as `15m`");
  const ms = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
  return Number.isSafeInteger(ms) ? parsed(ms) : refused("is too long");
}

/** In seconds where they are whole, so that a reader needs one unit: `60s`; else `1500ms`. */
export function spellDuration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
