/** How many decisions a second, of which kind, how fast, and why not. Pure. */
import type { LiveState } from "../../engine/http/index.ts";
import { amount } from "../admin/show.ts";
import type { Paint, Style } from "../terminal.ts";
import { cell, spread } from "./line.ts";
import type { Frame } from "./picture.ts";

/** Seconds over which rates are told: long enough to be steady, short enough to be now. */
const RATE_SECONDS = 5;

const EFFECTS: readonly (readonly ["allow" | "deny" | "hold" | "failed", Style])[] = [
  ["allow", "green"],
  ["deny", "red"],
  ["hold", "yellow"],
  ["failed", "red"],
];

export function decisionsOf(
  { decisions }: LiveState,
  { columns, paint }: Frame,
): readonly string[] {
  const { each_second, p50_ms, p99_ms, under_way, total } = decisions;
  const recent = each_second.slice(0, RATE_SECONDS);
  const seconds = Math.max(recent.length, 1);
  const rates = EFFECTS.map(([effect, style]) => {
    const rate = recent.reduce((sum, tally) => sum + tally[effect], 0) / seconds;
    return { effect, style, rate };
  });
  const all = rates.reduce((sum, { rate }) => sum + rate, 0);
  const latency =
    p50_ms === undefined || p99_ms === undefined
      ? "no latency yet"
      : `p50 ${spellMs(p50_ms)}  p99 ${spellMs(p99_ms)}`;
  const left = `${paint("bold", spellRate(all))} decided   ${latency}   ${under_way} being decided`;
  const spark = sparkline(each_second, Math.max(columns - 74, 0), paint);
  return [
    spread(left, spark, columns),
    ...rates
      .filter(({ effect }) => effect !== "failed" || total.failed > 0)
      .map(({ effect, style, rate }) => {
        const share = all === 0 ? 0 : rate / all;
        const filled = paint(style, "█".repeat(Math.round(share * RATE_COLUMNS)));
        const name = cell(paint(style, effect), 7);
        const since = paint("dim", `${amount(total[effect])} in all`);
        return `  ${name}${cell(spellRate(rate), 10, "right")}  ${cell(filled, RATE_COLUMNS)}  ${since}`;
      }),
    ...codesOf(decisions.codes, paint),
  ];
}

const RATE_COLUMNS = 24;

function codesOf(codes: LiveState["decisions"]["codes"], paint: Paint): readonly string[] {
  const sorted = Object.entries(codes).sort(([, a], [, b]) => b - a);
  if (sorted.length === 0) return [];
  const told = sorted.map(([code, times]) => `${code} ${amount(times)}`).join("  ");
  return [`  ${paint("dim", `denied for  ${told}`)}`];
}

function spellRate(perSecond: number): string {
  return `${perSecond < 100 ? perSecond.toFixed(1) : amount(Math.round(perSecond))}/s`;
}

function spellMs(ms: number): string {
  return ms < 1 ? `${Math.round(ms * 1_000)} µs` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

const LEVELS = "▁▂▃▄▅▆▇█";

/** Decisions of each second, now at the right; red where most were denied. */
function sparkline(
  seconds: LiveState["decisions"]["each_second"],
  columns: number,
  paint: Paint,
): string {
  const shown = seconds.slice(0, columns).reverse();
  const sums = shown.map(({ allow, deny, hold, failed }) => allow + deny + hold + failed);
  const most = Math.max(...sums, 1);
  return shown
    .map(({ deny, failed }, at) => {
      const sum = sums[at] ?? 0;
      const level = sum === 0 ? " " : (LEVELS[Math.ceil((sum / most) * 8) - 1] ?? " ");
      return paint(2 * (deny + failed) > sum ? "red" : "cyan", level);
    })
    .join("");
}
