/** `sprintf`, as Go's `fmt` reads a format: flags, widths, precisions and places of arguments. Pure. */
import type { Rego } from "../rego.ts";
import { arrayOf, type Builtin, bounded, textOf } from "./builtin.ts";
import { type Layout, spellValue, typeOf } from "./verbs.ts";

export const SPRINTF: Builtin = ([format, values]) =>
  new Speller(textOf(format), arrayOf(values)).all();

const PLAIN: Layout = { flags: "", width: undefined, precision: undefined };

/** Go counts a width or place no further. */
const COUNT_MOST = 1_000_000;

class Speller {
  private readonly format: string;
  private readonly values: readonly Rego[];
  private at = 0;
  /** Of the next argument. */
  private index = 0;
  /** A directive named its argument: then nobody asks whether all of them were used. */
  private isReordered = false;
  private isIndexGood = true;
  private written = "";

  constructor(format: string, values: readonly Rego[]) {
    this.format = format;
    this.values = values;
  }

  all(): string {
    while (this.at < this.format.length) {
      const sign = this.format.indexOf("%", this.at);
      const end = sign < 0 ? this.format.length : sign;
      this.written += this.format.slice(this.at, end);
      this.at = end + 1;
      // First: what is wrong with a width is written on the way.
      const spelled = sign < 0 ? "" : this.directive();
      this.written += spelled;
      bounded(this.written.length);
    }
    return this.written + this.extra();
  }

  private extra(): string {
    const extra = this.values.slice(this.index);
    if (this.isReordered || extra.length === 0) return "";
    const named = extra.map((value) => `${typeOf(value)}=${spellValue(value, "v", PLAIN)}`);
    return `%!(EXTRA ${named.join(", ")})`;
  }

  private directive(): string {
    this.isIndexGood = true;
    let flags = this.take(/[#0+\- ]*/y);
    let isPlaced = this.takesPlace();
    const [width, isLeft] = this.width(isPlaced);
    if (isLeft) flags = `${flags.replaceAll("0", "")}-`;
    isPlaced &&= !this.wasStar;
    let precision: number | undefined;
    if (this.format[this.at] === "." && this.at + 1 < this.format.length) {
      this.at += 1;
      if (isPlaced) this.isIndexGood = false;
      isPlaced = this.takesPlace();
      precision = this.precision();
      isPlaced &&= !this.wasStar;
    }
    if (!isPlaced) this.takesPlace();
    const code = this.format.codePointAt(this.at);
    if (code === undefined) return "%!(NOVERB)";
    const verb = String.fromCodePoint(code);
    this.at += verb.length;
    return this.spelled(verb, { flags, width, precision });
  }

  private spelled(verb: string, layout: Layout): string {
    if (verb === "%") return "%";
    if (!this.isIndexGood) return `%!${verb}(BADINDEX)`;
    const value = this.values[this.index];
    if (value === undefined) return `%!${verb}(MISSING)`;
    this.index += 1;
    bounded((layout.width ?? 0) + (layout.precision ?? 0));
    return spellValue(value, verb, layout);
  }

  private wasStar = false;

  /** What `*` stands for is an argument; a negative one has the value stand on the left. */
  private width(isPlaced: boolean): readonly [width: number | undefined, isLeft: boolean] {
    this.wasStar = this.format[this.at] === "*";
    if (this.wasStar) {
      const width = this.starred();
      if (width === undefined) this.written += "%!(BADWIDTH)";
      return [width === undefined ? undefined : Math.abs(width), (width ?? 0) < 0];
    }
    const width = this.number();
    if (isPlaced && width !== undefined) this.isIndexGood = false;
    return [width, false];
  }

  private precision(): number | undefined {
    this.wasStar = this.format[this.at] === "*";
    if (!this.wasStar) return this.number() ?? 0;
    const precision = this.starred();
    if (precision !== undefined && precision >= 0) return precision;
    this.written += "%!(BADPREC)";
    return undefined;
  }

  private starred(): number | undefined {
    this.at += 1;
    const value = this.values[this.index];
    if (value !== undefined) this.index += 1;
    const isCount = typeof value === "number" && Number.isInteger(value);
    return isCount && Math.abs(value) <= COUNT_MOST ? value : undefined;
  }

  /** One that is too large takes the rest of the format with it, as in Go. */
  private number(): number | undefined {
    const digits = this.take(/[0-9]*/y);
    if (digits === "") return undefined;
    if (Number(digits.slice(0, -1)) <= COUNT_MOST) return Number(digits);
    this.at = this.format.length;
    return undefined;
  }

  /** `[2]`: the place of the argument that is taken next. */
  private takesPlace(): boolean {
    if (this.format[this.at] !== "[") return false;
    this.isReordered = true;
    const end = this.format.indexOf("]", this.at + 1);
    const digits = this.format.slice(this.at + 1, Math.max(end, 0));
    this.at = end < 0 ? this.at + 1 : end + 1;
    const isNumber = /^[0-9]+$/.test(digits) && Number(digits.slice(0, -1)) <= COUNT_MOST;
    const place = Number(digits);
    if (isNumber && place >= 1 && place <= this.values.length) this.index = place - 1;
    else this.isIndexGood = false;
    return isNumber;
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.format)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}
