/**
 * Times by example, as Go writes layouts: `2006-01-02T15:04:05Z07:00` stands for the form in which that very
 * moment would be written (package `time`). Pure.
 */
import { fail } from "./builtin.ts";

/** Names of layouts that `time.format` and `time.parse_ns` know. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ["ANSIC", "Mon Jan _2 15:04:05 2006"],
  ["UnixDate", "Mon Jan _2 15:04:05 MST 2006"],
  ["RubyDate", "Mon Jan 02 15:04:05 -0700 2006"],
  ["RFC822", "02 Jan 06 15:04 MST"],
  ["RFC822Z", "02 Jan 06 15:04 -0700"],
  ["RFC850", "Monday, 02-Jan-06 15:04:05 MST"],
  ["RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"],
  ["RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"],
  ["RFC3339", "2006-01-02T15:04:05Z07:00"],
  ["RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"],
]);

export const RFC3339 = "2006-01-02T15:04:05Z07:00";
export const RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00";

export const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
] as const;
export const DAYS = [
  ...["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
] as const;

/** Longest first where one begins like another. `Z` forms write `Z` for UTC. */
const PARTS = [
  ...["January", "Jan", "Monday", "Mon", "MST", "2006", "-07:00:00", "-070000", "-07:00", "-0700"],
  ...[
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "002",
    "__2",
    "_2",
    "01",
    "02",
    "03",
  ],
  ...["04", "05", "06", "15", "PM", "pm", "1", "2", "3", "4", "5"],
] as const;
type Part = (typeof PARTS)[number];

/** Text that stands for itself, a part, or a fraction of seconds behind `.` or `,`. */
type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "part"; readonly part: Part }
  | {
      readonly kind: "fraction";
      readonly digits: number;
      readonly trimmed: boolean;
      readonly point: string;
    };

function piecesOf(layout: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let text = "";
  for (let at = 0; at < layout.length; ) {
    const piece = pieceAt(layout, at);
    if (piece === undefined) {
      text += layout[at];
      at += 1;
      continue;
    }
    if (text !== "") pieces.push({ kind: "text", text });
    text = "";
    pieces.push(piece);
    at += piece.kind === "part" ? piece.part.length : lengthOf(piece);
  }
  if (text !== "") pieces.push({ kind: "text", text });
  return pieces;
}

function lengthOf(piece: Piece): number {
  return piece.kind === "fraction" ? piece.digits + 1 : 0;
}

function pieceAt(layout: string, at: number): Piece | undefined {
  const fraction = /^([.,])(0+|9+)(?![0-9])/.exec(layout.slice(at, at + 32));
  const [, point = "", digits = ""] = fraction ?? [];
  if (digits !== "") {
    return { kind: "fraction", digits: digits.length, trimmed: digits[0] === "9", point };
  }
  // A dash below, and a year.
  if (layout.startsWith("_2006", at)) return undefined;
  const part = PARTS.find((candidate) => layout.startsWith(candidate, at));
  if (part === undefined) return undefined;
  // A month's short name that goes on in small letters is a word.
  if (part === "Jan" && /^[a-z]/.test(layout.slice(at + 3, at + 4))) return undefined;
  return { kind: "part", part };
}

/** A moment as clocks of some place show it. */
export interface Shown {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** East of UTC. */
  readonly offsetSeconds: number;
  readonly zone: string;
}

export function format(shown: Shown, layout: string): string {
  return piecesOf(NAMED.get(layout) ?? layout)
    .map((piece) => {
      if (piece.kind === "text") return piece.text;
      if (piece.kind === "part") return formatPart(piece.part, shown);
      const kept = String(shown.nanosecond).padStart(9, "0").slice(0, piece.digits);
      const written = piece.trimmed ? kept.replace(/0+$/, "") : kept;
      return written === "" ? "" : `${piece.point}${written}`;
    })
    .join("");
}

const two = (value: number) => String(value).padStart(2, "0");

function formatPart(part: Part, shown: Shown): string {
  const { year, month, day, hour, minute, second } = shown;
  switch (part) {
    case "2006":
      return String(year).padStart(4, "0");
    case "06":
      return two(year % 100);
    case "January":
      return MONTHS[month - 1] ?? "";
    case "Jan":
      return (MONTHS[month - 1] ?? "").slice(0, 3);
    case "01":
      return two(month);
    case "1":
      return String(month);
    case "Monday":
      return DAYS[weekdayOf(shown)] ?? "";
    case "Mon":
      return (DAYS[weekdayOf(shown)] ?? "").slice(0, 3);
    case "02":
      return two(day);
    case "_2":
      return String(day).padStart(2);
    case "2":
      return String(day);
    case "002":
      return String(yearDayOf(shown)).padStart(3, "0");
    case "__2":
      return String(yearDayOf(shown)).padStart(3);
    case "15":
      return two(hour);
    case "03":
      return two(hour % 12 || 12);
    case "3":
      return String(hour % 12 || 12);
    case "04":
      return two(minute);
    case "4":
      return String(minute);
    case "05":
      return two(second);
    case "5":
      return String(second);
    case "PM":
      return hour >= 12 ? "PM" : "AM";
    case "pm":
      return hour >= 12 ? "pm" : "am";
    case "MST":
      return shown.zone;
    default:
      return formatOffset(part, shown.offsetSeconds);
  }
}

function formatOffset(part: string, seconds: number): string {
  if (part.startsWith("Z") && seconds === 0) return "Z";
  const size = Math.abs(seconds);
  const parts = [size / 3600, (size / 60) % 60, size % 60].map((value) => two(Math.trunc(value)));
  const count = part.replace(/[^0-9]/g, "").length / 2;
  return `${seconds < 0 ? "-" : "+"}${parts.slice(0, count).join(part.includes(":") ? ":" : "")}`;
}

export function weekdayOf({ year, month, day }: Shown): number {
  return dateOf(year, month, day).getUTCDay();
}

function yearDayOf({ year, month, day }: Shown): number {
  return (dateOf(year, month, day).getTime() - dateOf(year, 1, 1).getTime()) / DAY_MS + 1;
}

const DAY_MS = 86_400_000;

/** Years below 100 are those years. */
export function dateOf(year: number, month: number, day: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

/** What has been read of a text so far. */
interface Read {
  year: number;
  month: number | undefined;
  day: number | undefined;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  afternoon: boolean | undefined;
  offsetSeconds: number;
}

/** Nanoseconds since the Unix epoch; `BuiltinError` where the text is not of the layout, or no such date exists. */
export function parse(text: string, layout: string): bigint {
  const read: Read = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    afternoon: undefined,
    offsetSeconds: 0,
  };
  let rest = text;
  const pieces = piecesOf(NAMED.get(layout) ?? layout);
  for (const [index, piece] of pieces.entries()) {
    rest = parsePiece(piece, rest, read);
    const next = pieces[index + 1];
    // Seconds may have a fraction that the layout does not show.
    const isSecond = piece.kind === "part" && (piece.part === "05" || piece.part === "5");
    if (isSecond && next?.kind !== "fraction") rest = parseFraction(rest, undefined, read);
  }
  return rest === "" ? nanosecondsOf(read) : fail("something follows the time");
}

function parsePiece(piece: Piece, text: string, read: Read): string {
  if (piece.kind === "fraction") {
    return parseFraction(text, piece.trimmed ? undefined : piece.digits, read);
  }
  if (piece.kind === "part") return parsePart(piece.part, text, read);
  if (!text.startsWith(piece.text)) fail(`\`${piece.text}\` is expected`);
  return text.slice(piece.text.length);
}

function parseFraction(text: string, digits: number | undefined, read: Read): string {
  const [found = "", fraction = ""] = /^[.,]([0-9]+)/.exec(text) ?? [];
  if (digits !== undefined && fraction.length !== digits) fail("a fraction of seconds is expected");
  if (found !== "") read.nanosecond = Number(fraction.slice(0, 9).padEnd(9, "0"));
  return text.slice(found.length);
}

/** Takes what `pattern` fits at the front. */
function take(text: string, pattern: RegExp, what: string): readonly [string, string] {
  const [found] = pattern.exec(text) ?? [];
  if (found === undefined) fail(`${what} is expected`);
  return [found ?? "", text.slice((found ?? "").length)];
}

function takeNumber(text: string, pattern: RegExp, what: string): readonly [number, string] {
  const [found, rest] = take(text, pattern, what);
  return [Number(found.trim()), rest];
}

function parsePart(part: Part, text: string, read: Read): string {
  let rest = text;
  switch (part) {
    case "2006":
      [read.year, rest] = takeNumber(text, /^[0-9]{4}/, "a year");
      return rest;
    case "06":
      [read.year, rest] = takeNumber(text, /^[0-9]{2}/, "a year");
      read.year += read.year >= 69 ? 1900 : 2000;
      return rest;
    case "January":
    case "Jan":
      return takeName(text, MONTHS, part === "Jan", (index) => {
        read.month = index + 1;
      });
    case "01":
    case "1":
      [read.month, rest] = takeNumber(text, part === "01" ? /^[0-9]{2}/ : /^[0-9]{1,2}/, "a month");
      return rest;
    case "Monday":
    case "Mon":
      return takeName(text, DAYS, part === "Mon", () => {});
    case "02":
    case "_2":
    case "2":
      [read.day, rest] = takeNumber(
        text,
        part === "02" ? /^[0-9]{2}/ : part === "_2" ? /^ ?[0-9]{1,2}/ : /^[0-9]{1,2}/,
        "a day",
      );
      return rest;
    case "002":
    case "__2":
      [read.yearDay, rest] = takeNumber(
        text,
        part === "002" ? /^[0-9]{3}/ : /^ {0,2}[0-9]{1,3}/,
        "a day of the year",
      );
      return rest;
    case "15":
    case "03":
    case "3":
      [read.hour, rest] = takeNumber(text, part === "03" ? /^[0-9]{2}/ : /^[0-9]{1,2}/, "an hour");
      if (read.hour > (part === "15" ? 23 : 12)) fail("the hour is out of range");
      return rest;
    case "04":
    case "4":
      [read.minute, rest] = takeNumber(
        text,
        part === "04" ? /^[0-9]{2}/ : /^[0-9]{1,2}/,
        "minutes",
      );
      return rest;
    case "05":
    case "5":
      [read.second, rest] = takeNumber(
        text,
        part === "05" ? /^[0-9]{2}/ : /^[0-9]{1,2}/,
        "seconds",
      );
      return rest;
    case "PM":
    case "pm": {
      const [found, behind] = take(text, part === "PM" ? /^[AP]M/ : /^[ap]m/, "AM or PM");
      read.afternoon = found.toLowerCase() === "pm";
      return behind;
    }
    case "MST":
      return parseZone(text);
    default:
      return parseOffset(part, text, read);
  }
}

function takeName(
  text: string,
  names: readonly string[],
  short: boolean,
  found: (index: number) => void,
): string {
  const lower = text.toLowerCase();
  const index = names.findIndex((name) =>
    lower.startsWith((short ? name.slice(0, 3) : name).toLowerCase()),
  );
  const name = names[index];
  if (name === undefined) fail("a name of a day or month is expected");
  found(index);
  return text.slice(short ? 3 : (name ?? "").length);
}

const HOURS = "[+-]0*(?:1?[0-9]|2[0-3])(?![0-9])";
const ABBREVIATION = new RegExp(
  `^(?:UTC|ChST|MeST|GMT(?:${HOURS})?|${HOURS}|(?:[A-Z]{3,4}T|WITA|[A-Z]{3})(?![A-Z]))`,
);

/** An abbreviation says nothing of the offset, as in Go: it is taken for UTC. */
function parseZone(text: string): string {
  return take(text, ABBREVIATION, "a time zone")[1];
}

function parseOffset(part: string, text: string, read: Read): string {
  if (part.startsWith("Z") && text.startsWith("Z")) return text.slice(1);
  const colon = part.includes(":") ? ":" : "";
  const count = part.replace(/[^0-9]/g, "").length / 2;
  const pattern = new RegExp(`^[+-]${Array(count).fill("[0-9]{2}").join(colon)}`);
  const [found, rest] = take(text, pattern, "an offset");
  const [hours = 0, minutes = 0, seconds = 0] = (found.slice(1).match(/[0-9]{2}/g) ?? []).map(
    Number,
  );
  if (hours > 24 || minutes > 60 || seconds > 60) fail("the offset is out of range");
  read.offsetSeconds = (hours * 3600 + minutes * 60 + seconds) * (found[0] === "-" ? -1 : 1);
  return rest;
}

function nanosecondsOf(read: Read): bigint {
  const { year, minute, second, nanosecond, afternoon, offsetSeconds } = read;
  let { hour, month = 1, day = 1 } = read;
  if (afternoon === true && hour < 12) hour += 12;
  if (afternoon === false && hour === 12) hour = 0;
  if (minute > 59 || second > 59) fail("minutes or seconds are out of range");
  if (read.yearDay !== undefined && read.month === undefined) {
    const date = dateOf(year, 1, read.yearDay);
    if (date.getUTCFullYear() !== year) fail("the day of the year is out of range");
    [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
  }
  const date = dateOf(year, month, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) fail("there is no such day");
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offsetSeconds;
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanosecond);
}
