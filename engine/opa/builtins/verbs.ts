/** How Go's `fmt` spells a value by a verb, and its marks for what does not fit. Pure. */
import { type Rego, RegoObject, RegoSet } from "../rego.ts";
import { fail } from "./builtin.ts";
import { quoted, quotedRune } from "./go-quote.ts";

export interface Layout {
  /** Of `#0+- `. */
  readonly flags: string;
  /** In characters. */
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** What Go calls the type of the value, once OPA has handed it over. */
export function typeOf(value: Rego): "int64" | "*big.Int" | "float64" | "string" {
  if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? "int64" : "*big.Int";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int64" : "float64";
  return "string";
}

export function spellValue(value: Rego, verb: string, layout: Layout): string {
  const type = typeOf(value);
  if (verb === "T") return padded(cut(type, layout), layout);
  const isWhole = type === "int64" || type === "*big.Int";
  // With its flags, which `v` by itself would not heed.
  const shown = type === "float64" ? "g" : type === "int64" ? "d" : "s";
  const bad = () => `%!${verb}(${type}=${spellValue(value, shown, layout)})`;
  if (type === "*big.Int") return spellBig(value as bigint, verb, layout);
  // Those of `v` are of structures, which there are none of.
  const asked = verb === "v" ? { ...layout, flags: layout.flags.replace(/[#+]/g, "") } : layout;
  if (isWhole) return spellWhole(BigInt(value as number | bigint), verb, asked) ?? bad();
  if (type === "float64") return spellFloat(value as number, verb, asked) ?? bad();
  const text = typeof value === "string" ? value : spellTerm(value);
  return spellText(text, verb, layout) ?? bad();
}

/** With blanks, in Rego's order, as OPA shows terms. */
function spellTerm(value: Rego): string {
  if (Array.isArray(value)) return `[${value.map(spellTerm).join(", ")}]`;
  if (value instanceof RegoSet) {
    const elements = value.sorted().map(spellTerm);
    return elements.length === 0 ? "set()" : `{${elements.join(", ")}}`;
  }
  if (value instanceof RegoObject) {
    const members = value.sorted().map(([key, one]) => `${spellTerm(key)}: ${spellTerm(one)}`);
    return `{${members.join(", ")}}`;
  }
  return typeof value === "string" ? quoted(value, false) : String(value);
}

function spellText(text: string, verb: string, layout: Layout): string | undefined {
  const { flags } = layout;
  switch (verb) {
    case "v":
      if (flags.includes("#")) {
        return padded(quoted(cut(text, layout), false), layout);
      }
      return padded(cut(text, layout), layout);
    case "s":
      return padded(cut(text, layout), layout);
    case "q": {
      const kept = cut(text, layout);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      const isRaw = flags.includes("#") && !/[\0-\x08\x0a-\x1f`\x7f\ufeff]/.test(kept);
      return padded(isRaw ? `\`${kept}\`` : quoted(kept, flags.includes("+")), layout);
    }
    case "x":
    case "X":
      return padded(hexOf(text, verb, layout), layout);
    default:
      return undefined;
  }
}

function cut(text: string, { precision }: Layout): string {
  return precision === undefined ? text : [...text].slice(0, precision).join("");
}

/** Byte by byte; a precision counts bytes. */
function hexOf(text: string, verb: "x" | "X", { flags, precision }: Layout): string {
  const bytes = [...Buffer.from(text).subarray(0, precision)];
  const prefix = flags.includes("#") ? "0x" : "";
  const pairs = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  const hex = flags.includes(" ")
    ? pairs.map((pair) => prefix + pair).join(" ")
    : (pairs.length === 0 ? "" : prefix) + pairs.join("");
  return verb === "X" ? hex.toUpperCase() : hex;
}

const BASES: ReadonlyMap<string, number> = new Map([
  ...(["d", "v"] as const).map((verb) => [verb, 10] as const),
  ["b", 2],
  ["o", 8],
  ["O", 8],
  ["x", 16],
  ["X", 16],
]);

function spellWhole(value: bigint, verb: string, layout: Layout): string | undefined {
  const { flags, precision, width } = layout;
  const code = value >= 0n && value <= 0x10ffffn ? Number(value) : 0xfffd;
  const rune = code >= 0xd800 && code < 0xe000 ? "\ufffd" : String.fromCodePoint(code);
  if (verb === "c") return padded(rune, layout);
  if (verb === "q") return padded(quotedRune(rune, flags.includes("+")), layout);
  if (verb === "U") return unicode(value, rune, layout);
  const base = BASES.get(verb);
  if (base === undefined) return undefined;
  if (precision === 0 && value === 0n) return " ".repeat(width ?? 0);
  const sign = signOf(value < 0n, layout);
  const fills = precision === undefined && isFilled(layout);
  const least = precision ?? (fills ? (width ?? 0) - sign.length : 0);
  const digits = (value < 0n ? -value : value).toString(base).padStart(least, "0");
  const written = sign + prefixed(digits, verb, flags);
  return padded(verb === "X" ? written.toUpperCase() : written, unfilled(layout));
}

/** What `#` and `O` put before digits. */
function prefixed(digits: string, verb: string, flags: string): string {
  const isSharp = flags.includes("#");
  if (verb === "O") return `0o${isSharp && !digits.startsWith("0") ? "0" : ""}${digits}`;
  if (!isSharp) return digits;
  if (verb === "o") return digits.startsWith("0") ? digits : `0${digits}`;
  return `${verb === "b" ? "0b" : verb === "x" || verb === "X" ? "0x" : ""}${digits}`;
}

function unicode(value: bigint, rune: string, layout: Layout): string {
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase();
  const isShown = layout.flags.includes("#") && quotedRune(rune, false) === `'${rune}'`;
  const known = value >= 0n && value <= 0x10ffffn && isShown ? ` '${rune}'` : "";
  const least = Math.max(4, layout.precision ?? 4);
  return padded(`U+${digits.padStart(least, "0")}${known}`, unfilled(layout));
}

/** Beyond 64 bits, by the rules of Go's `big.Int`. */
function spellBig(value: bigint, verb: string, layout: Layout): string {
  const base = verb === "s" ? 10 : BASES.get(verb);
  if (base === undefined) return `%!${verb}(big.Int=${value})`;
  const { flags, precision, width = 0 } = layout;
  const sign = signOf(value < 0n, layout);
  const text = (value < 0n ? -value : value).toString(base);
  const sharp = flags.includes("#") ? ({ b: "0b", o: "0", x: "0x", X: "0X" }[verb] ?? "") : "";
  const prefix = verb === "O" ? "0o" : sharp;
  const fills = precision === undefined && isFilled(layout);
  const least = precision ?? (fills ? width - sign.length - prefix.length : 0);
  const digits = (verb === "X" ? text.toUpperCase() : text).padStart(least, "0");
  return padded(sign + prefix + digits, unfilled(layout));
}

function spellFloat(value: number, verb: string, layout: Layout): string | undefined {
  if (!/^[eEfFgGv]$/.test(verb)) {
    return /^[bxX]$/.test(verb) ? fail("a fraction is spelled by tens only") : undefined;
  }
  const { flags, precision } = layout;
  if (flags.includes("#")) fail("`#` of a fraction is not supplied");
  if ((precision ?? 0) > 100) fail("no more than 100 digits are told");
  const written = digitsOf(Math.abs(value), verb, precision);
  const sign = signOf(value < 0, layout);
  const least = isFilled(layout) ? (layout.width ?? 0) - sign.length : 0;
  return padded(sign + written.padStart(least, "0"), unfilled(layout));
}

function digitsOf(size: number, verb: string, precision: number | undefined): string {
  const upper = verb === "E" || verb === "G";
  if (verb === "f" || verb === "F") return fixed(size, precision ?? 6);
  const written = /[eE]/.test(verb)
    ? exponent(exponential(size, precision ?? 6))
    : shortest(size, precision);
  return upper ? written.toUpperCase() : written;
}

function fixed(size: number, precision: number): string {
  if (size < 1e21) return toEven(size.toFixed(precision), size.toFixed(100), precision);
  return `${BigInt(size)}${precision > 0 ? `.${"0".repeat(precision)}` : ""}`;
}

function exponential(size: number, precision: number): string {
  return toEven(size.toExponential(precision), size.toExponential(100), precision);
}

/** Halfway between two numbers JavaScript takes the larger, and Go the even one. `exact` has all digits there are. */
function toEven(rounded: string, exact: string, precision: number): string {
  const [, digits = "", power = ""] = /^([0-9.]+)(.*)$/.exec(exact) ?? [];
  const end = digits.indexOf(".") + 1 + precision;
  const kept = digits.slice(0, end).replace(/\.$/, "");
  return /^50*$/.test(digits.slice(end)) && /[02468]$/.test(kept) ? kept + power : rounded;
}

/** At least two digits of exponent. */
function exponent(text: string): string {
  return text.replace(/e([+-])([0-9])$/, "e$10$2");
}

/** `%g`: with an exponent below 1e-4, and from where there are more digits than are told; from 1e6 where all are. */
function shortest(size: number, precision: number | undefined): string {
  const count = precision === undefined ? undefined : Math.max(precision, 1);
  const written = count === undefined ? size.toExponential() : exponential(size, count - 1);
  const [mantissa = "", power = "0"] = written.split("e");
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  const exp = size === 0 ? -1 : Number(power);
  const isWhole = count !== undefined && count > digits.length && digits.length >= exp + 1;
  const most = count === undefined ? 6 : isWhole ? digits.length : count;
  if (exp < -4 || exp >= most) {
    const rest = digits.slice(1);
    return exponent(`${digits[0]}${rest === "" ? "" : `.${rest}`}e${exp < 0 ? "" : "+"}${exp}`);
  }
  if (exp < 0) return digits === "" ? "0" : `0.${"0".repeat(-exp - 1)}${digits}`;
  const fraction = digits.slice(exp + 1);
  return `${digits.slice(0, exp + 1).padEnd(exp + 1, "0")}${fraction === "" ? "" : `.${fraction}`}`;
}

function signOf(isNegative: boolean, { flags }: Layout): string {
  return isNegative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
}

/** Zeros stand before a value only. */
function isFilled({ flags }: Layout): boolean {
  return flags.includes("0") && !flags.includes("-");
}

function unfilled(layout: Layout): Layout {
  return { ...layout, flags: layout.flags.replaceAll("0", "") };
}

/** Texts are filled with zeros as well. */
function padded(text: string, layout: Layout): string {
  const missing = Math.max((layout.width ?? 0) - [...text].length, 0);
  if (layout.flags.includes("-")) return text + " ".repeat(missing);
  return (isFilled(layout) ? "0" : " ").repeat(missing) + text;
}
