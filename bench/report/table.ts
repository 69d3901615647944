/** Results as text: a table for the terminal, and `docs/benchmarks.md`. */

import type { PartTimes } from "../parts.ts";
import { type Result, type Results, resultOf, sizesOf } from "../results.ts";
import { aims } from "./aims.ts";
import { aimLines, aimTable, origin, significant, table, whole } from "./text.ts";

export function summary(results: Results): string {
  const lines = sizesOf(results).flatMap((size) => [
    `${whole(size)} rules`,
    ...of(results, size).map(
      ({ title, speed, load, fromBuilt }) =>
        `  ${title.padEnd(38)} ${perSecond(speed.perSecond).padStart(8)}/s  ` +
        `p50 ${significant(speed.p50Us).padStart(8)}  p99 ${significant(speed.p99Us).padStart(8)}  ` +
        `p99.9 ${significant(speed.p999Us).padStart(8)} µs  ` +
        `load ${significant(load.loadMs)} ms${fromBuilt ? ` (built ${significant(fromBuilt.loadMs)} ms)` : ""}  ` +
        `heap ${load.heapMb.toFixed(1)} MB`,
    ),
  ]);
  const state = results.state.map(
    ({ title, p50Us, p99Us }) =>
      `  p50 ${significant(p50Us)}  p99 ${significant(p99Us)} µs  ${title}`,
  );
  return [...lines, "state", ...state, "aims", ...aimLines(aims(results))].join("\n");
}

export function document(results: Results): string {
  const sizes = sizesOf(results);
  return `# Benchmarks

${origin("npm run bench", results.machine, results.seconds)}

One policy for AI agents: group, tool, resource type, delegation depth, sensitivity against clearance, an amount, a
counter. 200 seeded requests, half of them allowed. Twenty rules are one team's; more rules are more teams, so that
with 10,000 of them a handful still applies to each request. Before anything is timed, every engine has answered
every request as the policy means it (those that need more than 4 s for all of them: as many as that time allows),
and where it names rules, it has named the same ones.

**What is timed:** a validated request in the engine's own form goes in, its decision comes out, in one thread. Reading
JSON, checking it, tokens and audit are not part of it for anybody. Each engine has a process of its own, and they take
turns within one run on a machine that is not idle: compare figures within this page, not with others.

![Decisions a second by number of rules, for each engine](benchmarks.svg)

## Decisions a second

The median of \`benchmark\`'s samples of half a millisecond or more, from rounds in which the engines took turns.

${table(
  ["engine", ...sizes.map((size) => `${whole(size)} rules`), "names"],
  byEngine(results).map((rows) => [
    label(rows),
    ...sizes.map((size) => perSecond(at(rows, size)?.speed.perSecond)),
    rows[0]?.reasons ?? "",
  ]),
)}

"Names" says which of the rules that determined the answer a decision of the engine names.

${byEngine(results)
  .map((rows) => `- **${rows[0]?.title}**: ${rows[0]?.how}.`)
  .join("\n")}

## Latency

Microseconds, p50 / p99 / p99.9. A decision that takes less than 20 µs is timed in batches of 64, of which these are
the means: a clock reading would cost as much as the decision. The tails hold what else the machine did.

${table(
  ["engine", ...sizes.map((size) => `${whole(size)} rules`)],
  byEngine(results).map((rows) => [label(rows), ...sizes.map((size) => latency(at(rows, size)))]),
)}

## Load and memory

Milliseconds from the source to ready, then megabytes of heap and buffers, and of
resident memory, more than before, after deciding the requests once. Writ also loads what \`writ build\` wrote. CASL
has nothing to load here: it makes an ability when a kind of subject is first seen.

${table(
  ["engine", ...sizes.map((size) => `${whole(size)} rules`)],
  byEngine(results).flatMap((rows) => [
    [label(rows), ...sizes.map((size) => cost(at(rows, size)?.load))],
    ...(rows.some(({ fromBuilt }) => fromBuilt !== undefined)
      ? [[`${label(rows)}, built before`, ...sizes.map((size) => cost(at(rows, size)?.fromBuilt))]]
      : []),
  ]),
)}

## With state

In process, means of batches of 64, on a store that has to forget settled calls to keep new ones.

${table(
  ["", "p50 µs", "p99 µs"],
  results.state.map(({ title, p50Us, p99Us }) => [title, significant(p50Us), significant(p99Us)]),
)}

## Where the time goes

Nanoseconds of one decision of Writ, step by step: medians, each step timed alone, in a process of its own for each size.

${table(
  ["", ...results.parts.map(({ ruleCount }) => `${whole(ruleCount)} rules`)],
  PARTS.map(([part, title]) => [title, ...results.parts.map((times) => whole(times[part]))]),
)}

- **Rules** are where more rules cost more, though no more of them are visited: their code and their constants are spread
  over more memory, and the same 200 requests reach more of them. The function written by hand slows down likewise.
- **Touches** are the keys that counters keep the call under, needed whatever the answer. Neither CEL nor the function
  written by hand does the like; nor does either have a view on state to open, which may be anybody's.
- **Combining** makes an object that names policy, rules, places and obligations, and the verdict around it.
- **Reading** checks each member against the vocabulary and normalises paths, addresses and amounts. In the comparison
  above nobody pays for that; in a service everybody does.

## What was aimed at

${aimTable(aims(results))}

## Run it

\`\`\`sh
npm ci
npm run bench                  # all of this, some minutes
npm run bench -- --quick       # less than a minute, writes nothing
node bench/compare.ts main     # this tree and another revision, in turns
\`\`\`
`;
}

const PARTS = [
  ["rules", "rules that apply, counters read"],
  ["touches", "touches: keys of what counts the call"],
  ["view", "view on state opened"],
  ["combine", "effects combined, reasons named, decision made"],
  ["whole", "**the decision**"],
  ["reading", "before it: request read and checked, from a parsed JSON value"],
] as const satisfies readonly (readonly [keyof PartTimes, string])[];

function label(rows: readonly Result[]): string {
  const title = rows[0]?.title ?? "";
  return title.startsWith("Writ") ? `**${title}**` : title;
}

function of(results: Results, size: number): readonly Result[] {
  return results.measured.filter(({ ruleCount }) => ruleCount === size);
}

function byEngine(results: Results): readonly (readonly Result[])[] {
  const names = [...new Set(results.measured.map(({ engine }) => engine))];
  return names.map((name) =>
    sizesOf(results).flatMap((size) => {
      const result = resultOf(results, name, size);
      return result === undefined ? [] : [result];
    }),
  );
}

function at(rows: readonly Result[], size: number): Result | undefined {
  return rows.find(({ ruleCount }) => ruleCount === size);
}

function latency(result: Result | undefined): string {
  if (result === undefined) return "–";
  const { p50Us, p99Us, p999Us } = result.speed;
  return [p50Us, p99Us, p999Us].map(significant).join(" / ");
}

function cost(load: Result["load"] | undefined): string {
  if (load === undefined) return "–";
  return `${significant(load.loadMs)} ms · ${load.heapMb.toFixed(1)} · ${load.rssMb.toFixed(0)} MB`;
}

export function perSecond(rate: number | undefined): string {
  if (rate === undefined) return "–";
  if (rate >= 1e6) return `${significant(rate / 1e6)} M`;
  if (rate >= 1e3) return `${significant(rate / 1e3)} k`;
  return significant(rate);
}
