/** Counters, by how near they are to a limit. Pure. */
import type { LiveState } from "../../engine/http/index.ts";
import type { CounterView, ReadingView } from "../../engine/inspect/view.ts";
import { bar, outOf, shareOf } from "../admin/show.ts";
import { type Paint, printable, width } from "../terminal.ts";
import { cell } from "./line.ts";
import type { Frame, Order } from "./picture.ts";

interface Row {
  readonly name: string;
  readonly key: string;
  readonly value: number | null;
  readonly share: number | undefined;
  readonly reading: string;
  /** `in 10s`, since when it counts if that is later, and whose limit it is. */
  readonly rest: string;
}

const TITLES: Readonly<Record<Order, string>> = {
  near: "nearest to a limit first",
  value: "highest first",
  name: "by name",
};

export function countersOf({ counters }: LiveState, frame: Frame): readonly string[] {
  const { paint, columns, order } = frame;
  const title = `${paint("bold", "Counters")} ${paint("dim", TITLES[order])}`;
  const rows = counters.flatMap((counter) =>
    counter.highest.map((reading) => rowOf(counter, reading)),
  );
  if (rows.length === 0) {
    const none = counters.length === 0 ? "the policy counts nothing" : "nothing counted yet";
    return [title, paint("dim", `  ${none}`)];
  }
  const widths = widthsFor(rows, columns);
  return [title, ...rows.sort(ORDERS[order]).map((row) => lineOf(row, widths, paint))];
}

function rowOf(counter: CounterView, reading: ReadingView): Row {
  const { name, within, since, limits } = counter;
  const { key, value, limit } = reading;
  const by = limits.find(({ most }) => most === limit)?.rule;
  return {
    name,
    key: key.map(printable).join(" "),
    value,
    share: shareOf(reading),
    reading: outOf(value, limit),
    rest: [
      ...(within === undefined ? [] : [`in ${within}`]),
      // What was decided before is missing from the number.
      ...(since === undefined ? [] : [`since ${since.slice(0, 16).replace("T", " ")}`]),
      ...(by === undefined ? [] : [by]),
    ].join("  "),
  };
}

const ORDERS: Readonly<Record<Order, (a: Row, b: Row) => number>> = {
  near: (a, b) => (b.share ?? -1) - (a.share ?? -1) || high(b) - high(a),
  value: (a, b) => high(b) - high(a),
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : high(b) - high(a)),
};

/** What cannot be told may be anything. */
function high({ value }: Row): number {
  return value ?? Number.MAX_VALUE;
}

type Widths = Readonly<Record<"name" | "key" | "bar" | "reading" | "rest", number>>;

/** The bar has what the words leave. */
function widthsFor(rows: readonly Row[], columns: number): Widths {
  const longest = (part: "name" | "key" | "reading" | "rest", most: number) =>
    Math.min(Math.max(...rows.map((row) => width(row[part]))), most);
  const name = longest("name", 24);
  const key = longest("key", columns < 100 ? 20 : 40);
  const reading = longest("reading", 28);
  const rest = longest("rest", 28);
  const left = columns - name - key - reading - rest - 14;
  return { name, key, reading, rest, bar: Math.min(Math.max(left, 6), 40) };
}

function lineOf({ name, key, share, reading, rest }: Row, widths: Widths, paint: Paint): string {
  const percent = share === undefined ? "" : `${Math.floor(share * 100)}%`;
  return [
    `  ${cell(name, widths.name)}`,
    cell(paint("cyan", key), widths.key),
    share === undefined ? " ".repeat(widths.bar) : bar(share, widths.bar, paint),
    cell(reading, widths.reading, "right"),
    cell(percent, 5, "right"),
    ` ${paint("dim", rest)}`,
  ].join(" ");
}
