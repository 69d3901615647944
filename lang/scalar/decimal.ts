import { type Parsed, parsed, refused } from "./parsed.ts";

const DECIMAL = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/;
export const DECIMAL_DIGITS = 4;
export const DECIMAL_ONE = 10 ** DECIMAL_DIGITS;

/** Beyond it two neighbours of four fraction digits may be the same double, so only text can tell them apart. */
const LARGEST_NUMBER = 2 ** 39;

/** Ten-thousandths (SPEC §4.3) of a text in plain notation with at most four fraction digits. */
export function decimalFromText(text: string): Parsed<number> {
  const [, sign, whole, fraction = ""] = DECIMAL.exec(text) ?? [];
  if (whole === undefined) return refused("is not a decimal number such as `12.50`");
  if (fraction.length > DECIMAL_DIGITS) return refused("has more than four fraction digits");
  const scaled = Number(whole + fraction.padEnd(DECIMAL_DIGITS, "0"));
  if (!Number.isSafeInteger(scaled)) return refused("is too large for a Decimal");
  return parsed(sign === "-" && scaled !== 0 ? -scaled : scaled);
}

/**
 * Ten-thousandths of a JSON number, read as its shortest decimal form: `98.7` is 987000. Beyond ±2^39 the
 * form is no longer exact, and the number is refused: such an amount is sent as text.
 */
export function decimalFromNumber(number: number): Parsed<number> {
  if (!(Math.abs(number) <= LARGEST_NUMBER))
    return refused("is too large for a Decimal sent as a number");
  const text = String(number);
  if (text.includes("e")) return refused("has more than four fraction digits");
  return decimalFromText(text);
}

/** The shortest plain notation: `12.5`, `100`. */
export function spellDecimal(scaled: number): string {
  const digits = String(Math.abs(scaled)).padStart(DECIMAL_DIGITS + 1, "0");
  const whole = digits.slice(0, -DECIMAL_DIGITS);
  const fraction = digits.slice(-DECIMAL_DIGITS).replace(/0+$/, "");
  return `${scaled < 0 ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Both in ten-thousandths; half to even; `undefined` beyond ±(2^53−1). */
export function multiplyDecimals(left: number, right: number): number | undefined {
  const product = BigInt(left) * BigInt(right);
  const one = BigInt(DECIMAL_ONE);
  const magnitude = product < 0n ? -product : product;
  const rest = (magnitude % one) * 2n;
  const down = magnitude / one;
  const up = rest > one || (rest === one && down % 2n === 1n);
  const rounded = Number(up ? down + 1n : down);
  if (!Number.isSafeInteger(rounded)) return undefined;
  return product < 0n && rounded !== 0 ? -rounded : rounded;
}
