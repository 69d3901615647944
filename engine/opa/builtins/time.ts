/** `time.*`. Moments are nanoseconds since the Unix epoch, within 64 bits with a sign. Pure. */
import { isRegoArray, type Rego, wholeNumber } from "../rego.ts";
import { type Builtin, bigOf, fail, intOf, textOf } from "./builtin.ts";
import {
  DAYS,
  dateOf,
  format,
  parse,
  RFC3339,
  RFC3339_NANO,
  type Shown,
  weekdayOf,
} from "./layout.ts";

export const TIME: readonly (readonly [string, Builtin])[] = [
  ["time.now_ns", (_, { nowNs }) => wholeNumber(nowNs)],
  ["time.parse_ns", ([layout, text]) => moment(parse(textOf(text), textOf(layout)))],
  ["time.parse_rfc3339_ns", ([text]) => moment(parse(textOf(text), RFC3339))],
  ["time.parse_duration_ns", ([text]) => wholeNumber(parseDuration(textOf(text)))],
  ["time.format", ([when]) => format(shownOf(when), layoutOf(when))],
  ["time.date", ([when]) => dateParts(shownOf(when))],
  ["time.clock", ([when]) => clockParts(shownOf(when))],
  ["time.weekday", ([when]) => DAYS[weekdayOf(shownOf(when))]],
  ["time.add_date", addDate],
  ["time.diff", difference],
];

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;
const SECOND = 1_000_000_000n;

function moment(ns: bigint): Rego {
  return ns < LEAST || ns > MOST ? fail("the time is out of range") : wholeNumber(ns);
}

/** Nanoseconds, or `[nanoseconds, time zone, layout]`. */
function partsOf(when: Rego | undefined): readonly Rego[] {
  return isRegoArray(when) ? when : [when ?? null];
}

function momentOf(when: Rego | undefined): bigint {
  const [number] = partsOf(when);
  // `1e18` is whole, and is read as a double.
  const ns = Number.isInteger(number) ? BigInt(number as number) : bigOf(number);
  return ns < LEAST || ns > MOST ? fail("the time is out of range") : ns;
}

function zoneOf(when: Rego | undefined): string {
  const [, zone] = partsOf(when);
  const name = zone === undefined ? "UTC" : textOf(zone);
  // The zone of this machine is nobody's business, and would make two of them decide differently.
  return name === "" || name === "Local" ? "UTC" : name;
}

function layoutOf(when: Rego | undefined): string {
  const [, , layout] = partsOf(when);
  const text = layout === undefined ? "" : textOf(layout);
  return text === "" ? RFC3339_NANO : text;
}

function shownOf(when: Rego | undefined): Shown {
  return shownIn(momentOf(when), zoneOf(when));
}

function shownIn(ns: bigint, zone: string): Shown {
  const nanosecond = Number(((ns % SECOND) + SECOND) % SECOND);
  const seconds = Number((ns - BigInt(nanosecond)) / SECOND);
  const { offsetSeconds, name } = offsetAt(seconds, zone);
  const local = new Date((seconds + offsetSeconds) * 1000);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond,
    offsetSeconds,
    zone: name,
  };
}

interface Offset {
  readonly offsetSeconds: number;
  readonly name: string;
}

/** From the time zones that ICU has, which comes with Node. */
function offsetAt(seconds: number, zone: string): Offset {
  if (zone === "UTC") return { offsetSeconds: 0, name: "UTC" };
  const parts = clockFor(zone).formatToParts(new Date(seconds * 1000));
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  const year = part("era") === "BC" ? 1 - Number(part("year")) : Number(part("year"));
  const midnight = dateOf(year, Number(part("month")), Number(part("day"))).getTime() / 1000;
  const clock = Number(part("hour")) * 3600 + Number(part("minute")) * 60 + Number(part("second"));
  return { offsetSeconds: midnight + clock - seconds, name: part("timeZoneName") };
}

/** Making one takes a hundred times as long as asking it. The names are few: what ICU does not know throws. */
const CLOCKS = new Map<string, Intl.DateTimeFormat>();

function clockFor(zone: string): Intl.DateTimeFormat {
  const known = CLOCKS.get(zone);
  if (known !== undefined) return known;
  if (!isName(zone)) fail("no such time zone");
  try {
    const made = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      timeZoneName: "short",
    });
    const { timeZone } = made.resolvedOptions();
    // ICU takes `europe/berlin` for `Europe/Berlin`.
    if (timeZone !== zone && timeZone.toLowerCase() === zone.toLowerCase())
      return fail("no such time zone");
    CLOCKS.set(zone, made);
    return made;
  } catch {
    return fail("no such time zone");
  }
}

/** What stands for itself in IANA's database: ICU has `PST` and such beside it. */
const ALONE: ReadonlySet<string> = new Set(
  `CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong Iceland Iran
  Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT Poland Portugal ROC ROK Singapore
  Turkey UCT UTC Universal W-SU WET Zulu`.split(/\s+/),
);

/** `Europe/Berlin`: offsets such as `+02:00` are none of Go's zones. */
function isName(zone: string): boolean {
  return zone.includes("/") ? /^(?!SystemV)[A-Z]/.test(zone) : ALONE.has(zone);
}

function dateParts({ year, month, day }: Shown): Rego {
  return [year, month, day];
}

function clockParts({ hour, minute, second }: Shown): Rego {
  return [hour, minute, second];
}

function addDate([when, years, months, days]: readonly Rego[]): Rego {
  const zone = zoneOf(when);
  const shown = shownIn(momentOf(when), zone);
  const [year, month, day] = [
    shown.year + intOf(years),
    shown.month + intOf(months),
    shown.day + intOf(days),
  ];
  const date = dateOf(year, month, day).getTime();
  if (Number.isNaN(date)) fail("the time is out of range");
  const local = date / 1000 + shown.hour * 3600 + shown.minute * 60 + shown.second;
  // The offset may be another on that day; near a change the one behind it is taken, as Go does.
  const guess = local - offsetAt(local - shown.offsetSeconds, zone).offsetSeconds;
  const seconds = local - offsetAt(guess, zone).offsetSeconds;
  return moment(BigInt(seconds) * SECOND + BigInt(shown.nanosecond));
}

function difference([one, other]: readonly Rego[]): Rego {
  const zone = zoneOf(one);
  // Shown in the zone of the one; that of the other must still be a zone.
  const moments = [shownOf(one) && momentOf(one), shownOf(other) && momentOf(other)].sort((a, b) =>
    a < b ? -1 : a > b ? 1 : 0,
  );
  const [from, to] = moments.map((ns) => shownIn(ns, zone)) as [Shown, Shown];
  let years = to.year - from.year;
  let months = to.month - from.month;
  let days = to.day - from.day;
  let seconds =
    (to.hour - from.hour) * 3600 + (to.minute - from.minute) * 60 + (to.second - from.second);
  if (seconds < 0) {
    seconds += 86_400;
    days -= 1;
  }
  if (days < 0) {
    days += dateOf(from.year, from.month + 1, 0).getUTCDate();
    months -= 1;
  }
  if (months < 0) {
    months += 12;
    years -= 1;
  }
  const [hours, minutes] = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60];
  return [years, months, days, hours, minutes, seconds % 60];
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", 1_000_000n],
  ["s", SECOND],
  ["m", 60n * SECOND],
  ["h", 3_600n * SECOND],
  ["d", 24n * 3_600n * SECOND],
  ["w", 7n * 24n * 3_600n * SECOND],
  ["y", 365n * 24n * 3_600n * SECOND],
]);

/** `1h30m`, `-1.5s`, `0`. */
function parseDuration(text: string): bigint {
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0n;
  const segments = rest.match(/[0-9]*\.?[0-9]*(?:ns|us|µs|μs|ms|[smhdwy])/g) ?? [];
  if (segments.length === 0 || segments.join("") !== rest) fail("no duration");
  const total = segments.reduce((sum, segment) => sum + segmentNs(segment), 0n);
  const signed = sign === "-" ? -total : total;
  return signed < LEAST || signed > MOST ? fail("the duration is out of range") : signed;
}

function segmentNs(segment: string): bigint {
  const [, whole = "", fraction = "", unit = ""] =
    /^([0-9]*)\.?([0-9]*)([^0-9.]+)$/.exec(segment) ?? [];
  const size = UNITS.get(unit);
  if (size === undefined || whole + fraction === "" || segment.length > 64)
    return fail("no duration");
  return BigInt(whole || "0") * size + fractionNs(fraction, size);
}

/** As Go has it: what 63 bits hold of the digits, by doubles. */
function fractionNs(fraction: string, size: bigint): bigint {
  let digits = 0n;
  let scale = 1;
  for (const digit of fraction) {
    const next = digits * 10n + BigInt(digit);
    if (next > MOST) break;
    digits = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(digits) * (Number(size) / scale)));
}
