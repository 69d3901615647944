/** What all results spell alike. */
import type { Machine } from "../machine.ts";

export interface Aim {
  readonly aim: string;
  readonly reached: string;
  readonly met: boolean;
}

/** Which command wrote a document, when, on what; `versions` are of others than Node. */
export function origin(
  command: string,
  machine: Machine,
  seconds: number,
  versions: readonly string[] = [],
): string {
  const { date, cpu, cores, load, memoryGb, node, platform } = machine;
  const software = [`Node ${node.slice(1)}`, ...versions, platform].join(", ");
  const busy = load > cores ? ` The machine was busy: ${load} processes wanted to run.` : "";
  return `Written by \`${command}\` on ${date}; do not edit. ${cpu}, ${cores} cores, ${memoryGb} GB,
${software}; the run took ${seconds} s.${busy}`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n");
}

export function aimTable(aims: readonly Aim[]): string {
  const rows = aims.map(({ aim, reached, met }) => [aim, reached, met ? "met" : "missed"]);
  return table(["aim", "reached", ""], rows);
}

/** For the terminal. */
export function aimLines(aims: readonly Aim[]): readonly string[] {
  return aims.map(({ aim, reached, met }) => `  ${met ? "met   " : "missed"} ${aim}: ${reached}`);
}

/** A whole number, in groups of three digits. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Three digits are more than is known. */
export function significant(value: number): string {
  if (value >= 100) return whole(value);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
