/** Numbers: `numbers.range_step`, `rand.intn`, `units.*`. Pure. */
import { type Rego, wholeNumber } from "../rego.ts";
import { type Builtin, type BuiltinContext, bigOf, bounded, fail, textOf } from "./builtin.ts";

export const NUMBERS: readonly (readonly [string, Builtin])[] = [
  ["numbers.range_step", ([from, to, step]) => range(bigOf(from), bigOf(to), bigOf(step))],
  ["rand.intn", ([key, below], context) => randomBelow(textOf(key), bigOf(below), context)],
  ["units.parse", ([text]) => parseUnits(textOf(text))],
  ["units.parse_bytes", ([text]) => parseBytes(textOf(text))],
];

function range(from: bigint, to: bigint, step: bigint): Rego {
  if (step <= 0n) fail("the step must be positive");
  const count = (from < to ? to - from : from - to) / step + 1n;
  bounded(Number(count));
  const by = from <= to ? step : -step;
  return Array.from({ length: Number(count) }, (_, index) =>
    wholeNumber(from + BigInt(index) * by),
  );
}

/** The same for the same words within one decision. */
function randomBelow(key: string, below: bigint, { random, kept }: BuiltinContext): Rego {
  const size = below < 0n ? -below : below;
  if (size === 0n) return 0;
  const name = `rand.intn ${size} ${key}`;
  const known = kept.get(name);
  if (known !== undefined) return known;
  // 64 bits more than are needed: what the remainder favours cannot be noticed.
  const bytes = random(size.toString(16).length / 2 + 9);
  const made = wholeNumber(BigInt(`0x${Buffer.from(bytes).toString("hex")}`) % size);
  kept.set(name, made);
  return made;
}

/** A fraction of two whole numbers, so that nothing is lost on the way. */
interface Ratio {
  readonly over: bigint;
  readonly under: bigint;
}

const DECIMAL = 1_000n;
const BINARY = 1_024n;
const power = (base: bigint, exponent: number): Ratio => ({
  over: base ** BigInt(exponent),
  under: 1n,
});

const LETTERS = ["k", "m", "g", "t", "p", "e"];

/** By unit in small letters; `units.parse` reads a lone `m` as thousandths. */
const BYTES: ReadonlyMap<string, Ratio> = new Map([
  ["", power(1n, 0)],
  ...LETTERS.flatMap((letter, index) => {
    const [decimal, binary] = [power(DECIMAL, index + 1), power(BINARY, index + 1)];
    return [
      [letter, decimal],
      [`${letter}b`, decimal],
      [`${letter}i`, binary],
      [`${letter}ib`, binary],
    ] as const;
  }),
]);

/** Digits of an exponent, and of the number before it: more would only take time. */
const EXPONENT_DIGITS = 3;
const NUMBER_CHARACTERS = 1_000;

function amountAndUnit(text: string): readonly [Ratio, string] {
  const plain = text.replaceAll('"', "");
  if (plain.includes(" ")) fail("an amount has no blanks");
  const [, digits = "", unit = ""] = /^([-+0-9.]*(?:[eE][-+]?[0-9]+)?)(.*)$/s.exec(plain) ?? [];
  if (digits === "" || digits.length > NUMBER_CHARACTERS) fail("an amount is expected");
  return [ratioOf(digits), unit];
}

function ratioOf(text: string): Ratio {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^([-+]?)([0-9]*)\.?([0-9]*)(?:[eE]([-+]?[0-9]+))?$/.exec(text) ?? [];
  if (whole + fraction === "") fail("an amount is expected");
  if (exponent.replace(/^[-+]/, "").length > EXPONENT_DIGITS) fail("the exponent is too large");
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  const places = Number(exponent) - fraction.length;
  const scale = 10n ** BigInt(Math.abs(places));
  return places < 0 ? { over: digits, under: scale } : { over: digits * scale, under: 1n };
}

function times(a: Ratio, b: Ratio): Ratio {
  return { over: a.over * b.over, under: a.under * b.under };
}

function parseUnits(text: string): Rego {
  const [amount, unit] = amountAndUnit(text);
  const spelled = unit.slice(0, 1) + unit.slice(1).toLowerCase();
  const isMilli = spelled === "m";
  // No `b` here, and `m` and `M` differ.
  const size = isMilli ? { over: 1n, under: 1_000n } : BYTES.get(spelled.toLowerCase());
  if (size === undefined || spelled.toLowerCase().endsWith("b")) return fail("no such unit");
  const { over, under } = times(amount, size);
  if (over % under === 0n) return wholeNumber(over / under);
  return Number(tenPlaces(over, under));
}

/** With ten digits behind the point, the last one rounded. */
function tenPlaces(over: bigint, under: bigint): string {
  const scaled = (over < 0n ? -over : over) * 10n ** 10n;
  const rounded = (scaled * 2n + under) / (under * 2n);
  const digits = String(rounded).padStart(11, "0");
  return `${over < 0n ? "-" : ""}${digits.slice(0, -10)}.${digits.slice(-10)}`;
}

function parseBytes(text: string): Rego {
  const [amount, unit] = amountAndUnit(text.toLowerCase());
  const size = BYTES.get(unit);
  if (size === undefined) return fail("no such unit");
  const { over, under } = times(amount, size);
  return wholeNumber(over / under);
}
