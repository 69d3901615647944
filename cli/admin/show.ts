/** Amounts, times and how near something is to its end, as people read them at a glance. */
import type { Paint, Style } from "../terminal.ts";

/** `12`, `1,200`, `478.20`. */
export function amount(value: number, fraction = !Number.isInteger(value)): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: fraction ? 2 : 0,
    maximumFractionDigits: fraction ? 4 : 0,
  });
}

/** `478.20 / 500.00`, both with as many digits. */
export function outOf(value: number | null, limit: number | undefined): string {
  const fraction = [value, limit].some((one) => one != null && !Number.isInteger(one));
  const shown = value === null ? "?" : amount(value, fraction);
  return limit === undefined ? shown : `${shown} / ${amount(limit, fraction)}`;
}

/** `4s`, `13m`, `2h 5m`, `3d 4h`: two units at most. */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3_600) % 24];
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return hours > 0 ? `${days}d ${hours}h` : `${days}d`;
  if (hours > 0) return minutes > 0 ? `${hours}h ${minutes}m` : `${hours}h`;
  return minutes > 0 ? `${minutes}m` : `${seconds}s`;
}

/** How long before `now`, both RFC 3339. */
export function ago(time: string, now: string): string {
  return `${lasting(Date.parse(now) - Date.parse(time))} ago`;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of so many columns, filled by eighths; more than all of it is all of it. */
export function bar(share: number, columns: number, paint: Paint): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * columns * 8);
  const full = "█".repeat(Math.floor(eighths / 8));
  const part = EIGHTHS[eighths % 8] ?? "";
  const rest = "·".repeat(columns - full.length - part.length);
  return paint(warning(share), full + part) + paint("dim", rest);
}

/** Green while there is room, yellow from 70 %, red from 90 %. */
export function warning(share: number): Style {
  return share >= 0.9 ? "red" : share >= 0.7 ? "yellow" : "green";
}

/** How much of its limit a reading has used; what cannot be told counts as all. */
export function shareOf({
  value,
  limit,
}: {
  readonly value: number | null;
  readonly limit?: number;
}): number | undefined {
  if (limit === undefined) return undefined;
  if (value === null) return 1;
  // Of nothing, one more is too much.
  return limit === 0 ? Math.min(value, 1) : value / limit;
}
