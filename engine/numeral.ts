/** Whether two decimal numerals, in JSON's or JavaScript's spelling, denote the same number. */
export function isSameNumber(left: string, right: string): boolean {
  const a = significand(left);
  const b = significand(right);
  return a.digits === b.digits && (a.digits === "" || a.exponent === b.exponent);
}

/** The number is 0.`digits` × 10^`exponent`, with no zero at either end; the sign is left out. */
function significand(numeral: string): { digits: string; exponent: number } {
  const [mantissa = "", power = "0"] = numeral.replace(/^-/, "").split(/e/i);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = whole + fraction;
  let start = 0;
  while (digits[start] === "0") start += 1;
  let end = digits.length;
  while (end > start && digits[end - 1] === "0") end -= 1;
  return { digits: digits.slice(start, end), exponent: whole.length - start + Number(power) };
}
