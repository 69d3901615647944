/** `sprintf`, as Go's `fmt` lays values out: the verbs that policies use, and Go's marks for what does not fit. Pure. */
import { type Rego, RegoObject, RegoSet } from "../rego.ts";
import { arrayOf, type Builtin, bounded, fail, textOf } from "./builtin.ts";

export const SPRINTF: Builtin = ([pattern, values]) => spell(textOf(pattern), arrayOf(values));

const VERB = /%(?<flags>[-+# 0]*)(?<width>[0-9]+)?(?:\.(?<precision>[0-9]*))?(?<verb>.)?/gsu;

interface Asked {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly verb: string;
}

function spell(pattern: string, values: readonly Rego[]): string {
  let used = 0;
  const text = pattern.replace(VERB, (...found) => {
    const groups = found.at(-1) as Partial<Record<keyof Asked, string>>;
    const { verb } = groups;
    if (verb === undefined) return "%!(NOVERB)";
    if (verb === "%") return "%";
    if (verb === "*" || verb === "[") fail("widths and places from arguments are not supplied");
    const asked: Asked = {
      flags: groups.flags ?? "",
      width: Number(groups.width ?? 0),
      precision: groups.precision === undefined ? undefined : Number(groups.precision),
      verb,
    };
    bounded(asked.width);
    bounded(asked.precision ?? 0);
    const value = values[used];
    used += 1;
    return value === undefined ? `%!${verb}(MISSING)` : spellOne(value, asked);
  });
  const extra = values.slice(used);
  if (extra.length === 0) return text;
  const named = extra.map((value) => `${kindOf(value)}=${plain(value)}`);
  return `${text}%!(EXTRA ${named.join(", ")})`;
}

/** What Go calls the value's type, once OPA has handed it over. */
function kindOf(value: Rego): string {
  if (typeof value === "bigint") return value > 0x7fffffffffffffffn ? "*big.Int" : "int64";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return "string";
}

function spellOne(value: Rego, asked: Asked): string {
  const { verb } = asked;
  if (verb === "v")
    return typeof value === "number" ? numberOr(value, asked) : padded(plain(value), asked);
  if (kindOf(value) === "*big.Int" && verb === "s") return padded(String(value), asked);
  if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) {
    return integer(BigInt(value), asked);
  }
  if (typeof value === "number") return float(value, asked);
  return text(plain(value), asked);
}

function numberOr(value: number, asked: Asked): string {
  if (Number.isInteger(value)) return integer(BigInt(value), { ...asked, verb: "d" });
  return float(value, { ...asked, verb: "g" });
}

/** A string as it is, anything else as Rego writes it. */
function plain(value: Rego): string {
  return typeof value === "string" ? value : spellTerm(value);
}

/** With blanks, in Rego's order, as OPA shows terms. */
export function spellTerm(value: Rego): string {
  if (Array.isArray(value)) return `[${value.map(spellTerm).join(", ")}]`;
  if (value instanceof RegoSet) {
    const elements = value.sorted().map(spellTerm);
    return elements.length === 0 ? "set()" : `{${elements.join(", ")}}`;
  }
  if (value instanceof RegoObject) {
    return `{${value
      .sorted()
      .map(([key, one]) => `${spellTerm(key)}: ${spellTerm(one)}`)
      .join(", ")}}`;
  }
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function text(value: string, asked: Asked): string {
  const { verb, precision, flags } = asked;
  const cut = precision === undefined ? value : [...value].slice(0, precision).join("");
  switch (verb) {
    case "s":
      return padded(cut, asked);
    case "q":
      return padded(JSON.stringify(cut), asked);
    case "x":
    case "X": {
      const hex = Buffer.from(cut).toString("hex");
      return padded(
        `${flags.includes("#") ? "0x" : ""}${verb === "X" ? hex.toUpperCase() : hex}`,
        asked,
      );
    }
    default:
      return `%!${verb}(string=${value})`;
  }
}

const BASES: ReadonlyMap<string, number> = new Map([
  ["d", 10],
  ["b", 2],
  ["o", 8],
  ["x", 16],
  ["X", 16],
]);

function integer(value: bigint, asked: Asked): string {
  const { verb, precision = 0, flags } = asked;
  if (verb === "c") return padded(String.fromCodePoint(Number(value)), asked);
  const base = BASES.get(verb);
  if (base === undefined) return `%!${verb}(int=${value})`;
  const digits = (value < 0n ? -value : value).toString(base).padStart(precision, "0");
  const prefix = flags.includes("#") && base === 16 ? "0x" : "";
  const written = `${prefix}${digits}`;
  return signed(verb === "X" ? written.toUpperCase() : written, value < 0n, asked);
}

function float(value: number, asked: Asked): string {
  const size = Math.abs(value);
  switch (asked.verb) {
    case "f":
    case "F":
      return signed(fixed(size, asked.precision ?? 6), value < 0, asked);
    case "e":
    case "E": {
      const written = exponent(size.toExponential(Math.min(asked.precision ?? 6, 100)));
      return signed(asked.verb === "E" ? written.toUpperCase() : written, value < 0, asked);
    }
    case "g":
    case "G":
      return signed(shortest(size, asked.precision), value < 0, asked);
    default:
      return `%!${asked.verb}(float64=${shortest(size, undefined)})`;
  }
}

function fixed(size: number, precision: number): string {
  return size.toFixed(Math.min(precision, 100));
}

/** At least two digits of exponent. */
function exponent(text: string): string {
  return text.replace(/e([+-])([0-9])$/, "e$10$2");
}

/** `%g`: without an exponent from 1e-4 up to 1e21, as Go's shortest form. */
function shortest(size: number, precision: number | undefined): string {
  if (precision !== undefined) {
    const written = size.toPrecision(Math.max(1, Math.min(precision, 100)));
    return exponent(written.includes("e") ? written : written.replace(/\.?0+$/, ""));
  }
  if (size !== 0 && (size < 1e-4 || size >= 1e21)) return exponent(size.toExponential());
  return String(size);
}

function signed(digits: string, negative: boolean, asked: Asked): string {
  const { flags } = asked;
  const sign = negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  if (flags.includes("0") && !flags.includes("-")) {
    return `${sign}${digits.padStart(asked.width - sign.length, "0")}`;
  }
  return padded(`${sign}${digits}`, asked);
}

function padded(text: string, { flags, width }: Asked): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  const blanks = " ".repeat(missing);
  return flags.includes("-") ? `${text}${blanks}` : `${blanks}${text}`;
}
