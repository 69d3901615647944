/** Decisions a second by number of rules, both logarithmic, as SVG that can be read on light and on dark. */
import { type Result, type Results, sizesOf } from "../results.ts";
import { perSecond } from "./table.ts";

const WIDTH = 920;
const HEIGHT = 500;
const LEFT = 64;
const RIGHT = 330;
const TOP = 44;
const BOTTOM = 48;
/** Between two labels at the right. */
const LABEL_HEIGHT = 17;

/** Of middle lightness, so that each stands out from white and from near black. */
const COLOURS: Readonly<Record<string, string>> = {
  writ: "#d9480f",
  "writ-interpreter": "#e8934a",
  "hand-written": "#868e96",
  "hand-written-boolean": "#adb5bd",
  casl: "#2b8a3e",
  cel: "#1c7ed6",
  "opa-rules": "#7048e8",
  "opa-data": "#9775fa",
  cedar: "#c2255c",
  "cedar-sliced": "#e64980",
  casbin: "#0c8599",
};

export function chart(results: Results): string {
  const sizes = sizesOf(results);
  const rates = results.measured.map(({ speed }) => speed.perSecond);
  const scale = scaleOf(sizes, rates);
  const names = [...new Set(results.measured.map(({ engine }) => engine))];
  const lines = names.map((name) => results.measured.filter(({ engine }) => engine === name));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">
<title id="title">Decisions a second by number of rules</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #495057; }
  .head { font-size: 15px; font-weight: 600; }
  .grid { stroke: #868e96; stroke-opacity: 0.25; }
  @media (prefers-color-scheme: dark) { text { fill: #ced4da; } }
</style>
<text class="head" x="${LEFT}" y="22">Decisions a second by number of rules (higher is better)</text>
${grid(scale, sizes)}
${lines.map((line) => series(line, scale)).join("\n")}
${labels(lines, scale, sizes.at(-1) ?? 0)}
</svg>
`;
}

interface Scale {
  x(size: number): number;
  y(rate: number): number;
  /** Powers of ten, from and to. */
  readonly from: number;
  readonly to: number;
}

function scaleOf(sizes: readonly number[], rates: readonly number[]): Scale {
  const from = Math.floor(Math.log10(Math.min(...rates)));
  const to = Math.ceil(Math.log10(Math.max(...rates)));
  const [least, most] = [Math.log10(Math.min(...sizes)), Math.log10(Math.max(...sizes))];
  const wide = WIDTH - LEFT - RIGHT;
  const high = HEIGHT - TOP - BOTTOM;
  return {
    x: (size) => LEFT + ((Math.log10(size) - least) / (most - least || 1)) * wide,
    y: (rate) => TOP + ((to - Math.log10(rate)) / (to - from || 1)) * high,
    from,
    to,
  };
}

function grid({ x, y, from, to }: Scale, sizes: readonly number[]): string {
  const powers = Array.from({ length: to - from + 1 }, (_, at) => 10 ** (from + at));
  const [left, right] = [LEFT, WIDTH - RIGHT];
  const across = powers.map(
    (rate) =>
      `<line class="grid" x1="${left}" x2="${right}" y1="${round(y(rate))}" y2="${round(y(rate))}"/>` +
      `<text x="${left - 8}" y="${round(y(rate) + 4)}" text-anchor="end">${plain(rate)}</text>`,
  );
  const down = sizes.map(
    (size) =>
      `<line class="grid" x1="${round(x(size))}" x2="${round(x(size))}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` +
      `<text x="${round(x(size))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${size.toLocaleString("en")}</text>`,
  );
  const under = `<text x="${(left + right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">rules</text>`;
  return [...across, ...down, under].join("\n");
}

function plain(rate: number): string {
  if (rate >= 1e6) return `${rate / 1e6} M`;
  return rate >= 1e3 ? `${rate / 1e3} k` : String(rate);
}

function series(line: readonly Result[], { x, y }: Scale): string {
  const points = line.map(({ ruleCount, speed }) => [
    round(x(ruleCount)),
    round(y(speed.perSecond)),
  ]);
  const { colour, width, dash } = lookOf(line[0]?.engine);
  const path = points.map((point) => point.join(",")).join(" ");
  const dots = points.map(
    ([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="${width + 1}" fill="${colour}"/>`,
  );
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${width}"${dash}/>${dots.join("")}`;
}

function lookOf(engine = ""): { colour: string; width: number; dash: string } {
  return {
    colour: COLOURS[engine] ?? "#868e96",
    width: engine === "writ" ? 3.5 : 1.8,
    dash: engine.startsWith("hand-written") ? ' stroke-dasharray="5 4"' : "",
  };
}

/** Beside the last point, pushed apart where they would overlap. */
function labels(lines: readonly (readonly Result[])[], { x, y }: Scale, sizeMost: number): string {
  const wanted = lines.flatMap((line) => {
    const last = line.at(-1);
    if (last === undefined) return [];
    return [{ last, from: x(last.ruleCount), at: y(last.speed.perSecond) }];
  });
  const inOrder = wanted.toSorted((a, b) => a.at - b.at);
  const places = spread(inOrder.map(({ at }) => at));
  const left = WIDTH - RIGHT + 26;
  return inOrder
    .map(({ last, from, at }, index) => {
      const place = round(places[index] ?? at);
      const { colour } = lookOf(last.engine);
      const where = last.ruleCount === sizeMost ? "" : ` at ${last.ruleCount}`;
      const bold = last.engine === "writ" ? ' font-weight="700"' : "";
      return (
        `<polyline points="${round(from) + 6},${round(at)} ${left - 14},${place} ${left - 4},${place}" fill="none" stroke="${colour}" stroke-opacity="0.5"/>` +
        `<text x="${left}" y="${place + 4}"${bold}>${last.title} · ${perSecond(last.speed.perSecond)}${where}</text>`
      );
    })
    .join("\n");
}

function spread(wanted: readonly number[]): readonly number[] {
  const places: number[] = [];
  for (const at of wanted) {
    places.push(Math.max(at, (places.at(-1) ?? Number.NEGATIVE_INFINITY) + LABEL_HEIGHT));
  }
  for (let index = places.length - 1, most = HEIGHT - BOTTOM; index >= 0; index -= 1) {
    const place = Math.min(places[index] ?? most, most);
    places[index] = place;
    most = place - LABEL_HEIGHT;
  }
  return places;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
