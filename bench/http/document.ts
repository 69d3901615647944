/** Results as text: for the terminal, and `docs/benchmarks-http.md`. */
import { type Aim, aimLines, aimTable, origin, table, whole } from "../report/text.ts";
import type { HttpResult, HttpResults } from "./results.ts";

export function summary(results: HttpResults): string {
  const rows = results.measured.map(
    ({ title, ruleCount, full, half, cpuMicros }) =>
      `${title.padEnd(24)} ${whole(ruleCount).padStart(6)} rules ${whole(full.perSecond).padStart(7)}/s  ` +
      `p50 ${ms(full.p50Ms)}  p99 ${ms(full.p99Ms)}  half load: p50 ${ms(half.p50Ms)}  p99 ${ms(half.p99Ms)} ms  ` +
      `${Math.round(cpuMicros)} µs of CPU each`,
  );
  return [...rows, "aims", ...aimLines(aims(results, "writ"))].join("\n");
}

export function document(results: HttpResults): string {
  const { machine, measured, seconds } = results;
  const pinned = machine.isPinned
    ? "Each server had one core, and what asks another"
    : "Servers and what asks shared cores, so that figures say little";
  const titles = [...new Map(measured.map((one) => [one.server, one])).values()];
  return `# Benchmarks of the service

${origin("npm run bench:http", machine, seconds)} ${pinned}.

The policy and the 200 requests of [benchmarks.md](benchmarks.md), each request in 100 sessions of its own. Every answer of
a server that decides was compared with what the policy means; one that differs ends the run. Writ counts each call
under its session; the others have no state, and are told a count of none.

${table(
  ["server", "rules", "requests/s", "p50 ms", "p99 ms", "at half load: p50 ms", "p99 ms", "CPU µs"],
  measured.map(({ title, ruleCount, full, half, cpuMicros, server }) => [
    server.startsWith("writ") ? `**${title}**` : title,
    isConstant(server) ? "–" : whole(ruleCount),
    whole(full.perSecond),
    ms(full.p50Ms),
    ms(full.p99Ms),
    ms(half.p50Ms),
    ms(half.p99Ms),
    String(Math.round(cpuMicros)),
  ]),
)}

Full load is 64 connections, each asking again as soon as it was answered. At half load, half as many requests are sent
when they are due, and times count from then, so that none hides behind a slow one. CPU is what the server used for one request
at full load, on all its threads.

${titles.map(({ title, how }) => `- **${title}**: ${how}.`).join("\n")}

${whereItGoes(measured)}## What was aimed at

${aimTable(aims(results, "writ"))}
${recordsAlone(results)}`;
}

/** The others keep no state: with records alone Writ keeps as much as they do with their logs. */
function recordsAlone(results: HttpResults): string {
  const reached = aims(results, "writ-recorded");
  if (reached.length === 0) return "";
  return `
The same for Writ with records alone, which is what the others keep with their logs:

${aimTable(reached)}
`;
}

/** By what each thing that is left out saves; nothing where one of them was not measured. */
function whereItGoes(measured: readonly HttpResult[]): string {
  const cpu = (name: string) => measured.find(({ server }) => server === name)?.cpuMicros;
  const [http, bare, recorded, all] = ["node", "writ-bare", "writ-recorded", "writ"].map(cpu);
  if (http === undefined || bare === undefined || recorded === undefined || all === undefined) {
    return "";
  }
  const rows: readonly (readonly [string, number])[] = [
    ["`node:http`: a request read, an answer sent", http],
    ["strict JSON, checks, the decision with its counter, the answer spelled", bare - http],
    ["its record: spelled, digested, chained, written", recorded - bare],
    ["its counter and open call in the file of state", all - recorded],
  ];
  return `## Where the time goes

Processor time of one request to Writ, ${whole(measured[0]?.ruleCount ?? 0)} rules, by what is left out of it:

${table(
  ["what", "µs"],
  rows.map(([what, us]) => [what, us.toFixed(1)]),
)}

`;
}

/** What `name` reached, of what was measured: a server that was not there is no aim met. */
function aims({ measured }: HttpResults, name: string): readonly Aim[] {
  const sizes = measured.filter(({ server }) => server === name);
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (first === undefined || last === undefined) return [];
  const speed = (name: string, ruleCount = first.ruleCount) =>
    measured.find((one) => one.server === name && one.ruleCount === ruleCount)?.full.perSecond;
  const times = (aim: string, name: string, least: number): Aim[] => {
    const other = speed(name);
    if (other === undefined) return [];
    const ratio = first.full.perSecond / other;
    return [{ aim, reached: ratio.toFixed(2), met: ratio >= least }];
  };
  const p99 = Math.max(...sizes.map(({ half }) => half.p99Ms));
  return [
    ...times("at least 0.7 × the framework answering a constant", "fastify", 0.7),
    ...times("at least 8 × Cerbos, which records nothing", "cerbos", 8),
    ...times("at least 8 × Cerbos with its audit log", "cerbos-logged", 8),
    ...times("at least 3 × an OPA server, which records nothing", "opa", 3),
    ...times("at least 3 × an OPA server with its decision log", "opa-logged", 3),
    { aim: "p99 at half load below 5 ms", reached: `${ms(p99)} ms`, met: p99 < 5 },
    ...(sizes.length === 1 ? [] : [flatness(first, last)]),
  ];
}

function flatness(first: HttpResult, last: HttpResult): Aim {
  const ratio = last.full.perSecond / first.full.perSecond;
  return {
    aim: `at ${whole(last.ruleCount)} rules at least 0.8 × as fast as at ${whole(first.ruleCount)}`,
    reached: ratio.toFixed(2),
    met: ratio >= 0.8,
  };
}

function isConstant(server: HttpResult["server"]): boolean {
  return server === "node" || server === "fastify";
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
