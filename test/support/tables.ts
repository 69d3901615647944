import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");

/** Rows, each by column, of the table whose header names exactly these columns first. */
export function tableOf(
  ...columns: readonly string[]
): readonly Readonly<Record<string, string>>[] {
  const lines = text.split("\n");
  const header = lines.findIndex(
    (line) => cellsOf(line).slice(0, columns.length).join() === columns.join(),
  );
  if (header < 0) throw new Error(`no table begins with ${columns.join(", ")}`);
  const names = cellsOf(lines[header] ?? "");
  const rows: Record<string, string>[] = [];
  for (const line of lines.slice(header + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(Object.fromEntries(cellsOf(line).map((cell, index) => [names[index] ?? "", cell])));
  }
  return rows;
}

function cellsOf(line: string): readonly string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
