/** The text format of Prometheus, version 0.0.4. Pure. */
import { BUCKET_EDGES_MS } from "../histogram.ts";

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** All samples of one name; without samples it is left out. */
export interface Family {
  /** With its unit last: `writ_decision_seconds`; of a counter without `_total`, which is added. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly suffix?: "_bucket" | "_sum" | "_count";
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export function expose(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(spellFamily)
    .join("");
}

/** Without a label, or with one whose values are the keys. */
export function counter(
  name: string,
  help: string,
  counts: number | Readonly<Record<string, number>>,
  label = "",
): Family {
  return { name, help, type: "counter", samples: samplesOf(counts, label) };
}

export function gauge(
  name: string,
  help: string,
  values: number | Readonly<Record<string, number>>,
  label = "",
): Family {
  return { name, help, type: "gauge", samples: samplesOf(values, label) };
}

function samplesOf(
  values: number | Readonly<Record<string, number>>,
  label: string,
): readonly Sample[] {
  if (typeof values === "number") return [{ value: values }];
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** How many stand below one another: some 25 of our 76 buckets, each twice as wide as the one before. */
const EVERY = 3;

/** `counts` by `BUCKET_EDGES_MS`. */
export function histogram(
  name: string,
  help: string,
  { counts, sumMs }: { readonly counts: Iterable<number>; readonly sumMs: number },
): Family {
  const samples: Sample[] = [];
  let below = 0;
  for (const [bucket, count] of [...counts].entries()) {
    below += count;
    const edge = BUCKET_EDGES_MS[bucket] ?? Number.POSITIVE_INFINITY;
    if (bucket % EVERY !== 0 && edge !== Number.POSITIVE_INFINITY) continue;
    samples.push({ suffix: "_bucket", labels: { le: spellEdge(edge / 1_000) }, value: below });
  }
  samples.push({ suffix: "_sum", value: sumMs / 1_000 }, { suffix: "_count", value: below });
  return { name, help, type: "histogram", samples };
}

function spellEdge(seconds: number): string {
  return seconds === Number.POSITIVE_INFINITY ? "+Inf" : String(Number(seconds.toPrecision(6)));
}

function spellFamily({ name, help, type, samples }: Family): string {
  const full = type === "counter" ? `${name}_total` : name;
  const lines = samples.map(({ suffix = "", labels = {}, value }) => {
    return `${full}${suffix}${spellLabels(labels)} ${value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

function spellLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** What could end a value or a line, so that no name of a policy becomes a sample. */
function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
