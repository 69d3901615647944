import { type Parsed, parsed, refused } from "./parsed.ts";

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):(\d{2}))?)?$/;

export const WEEKDAYS = [
  "sunday",
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
] as const;

/**
 * Milliseconds since the Unix epoch (SPEC §4.3) of an RFC 3339 time, of one without seconds or without
 * offset (then UTC), or of a date (midnight UTC). What is finer than a millisecond is cut off.
 */
export function parseTime(text: string): Parsed<number> {
  const parts = TIME.exec(text);
  if (parts === null) return refused("is not a time such as `2026-01-02T15:04:05Z`");
  const [year, month, day, hour, minute, second] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const offsetHours = Number(parts[10] ?? 0);
  const offsetMinutes = Number(parts[11] ?? 0);
  if (year === undefined || month === undefined || day === undefined) return refused("has no date");
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month))
    return refused("has no such date");
  if (year === 0 || (hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) {
    return refused("has no such time of day");
  }
  if (offsetHours > 23 || offsetMinutes > 59) return refused("has no such offset");
  const fraction = Number((parts[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const offset = (parts[9] === "-" ? -1 : 1) * (offsetHours * 60 + offsetMinutes) * 60_000;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0, fraction);
  return parsed(date.getTime() - offset);
}

/** RFC 3339 in UTC; milliseconds only where there are some. */
export function spellTime(ms: number): string {
  if (ms !== lastSpelled.ms) lastSpelled = { ms, text: spelled(ms) };
  return lastSpelled.text;
}

/** What is decided together is of the same millisecond. */
let lastSpelled = { ms: 0, text: spelled(0) };

function spelled(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().replace(".000Z", "Z");
}

/** 0 to 23, UTC. */
export function timeHour(ms: number): number {
  return Math.floor(modulo(ms, 86_400_000) / 3_600_000);
}

/** UTC. The epoch was a Thursday. */
export function timeWeekday(ms: number): string {
  return WEEKDAYS[modulo(Math.floor(ms / 86_400_000) + 4, 7)] ?? "sunday";
}

/** `2026-01-02`, UTC; `+010000-01-01` of years that take more digits. */
export function timeDate(ms: number): string {
  return spellTime(ms).split("T", 1)[0] ?? "";
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function modulo(number: number, by: number): number {
  return ((number % by) + by) % by;
}
