/** Recorded calls of agents, decided by the packs in policies/ in the order and at the times they were made. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadPackage } from "../../cli/files.ts";
import type { Decision } from "../../engine/decision.ts";
import { compile } from "../../lang/compile.ts";
import { hasErrors } from "../../lang/diagnostic.ts";
import type { Program } from "../../lang/ir.ts";
import { type Driver, drive } from "./engine.ts";

const POLICIES = fileURLToPath(new URL("../../policies", import.meta.url));

/** What somebody who copies a pack changes in its lists: a text that stands there, and theirs. */
export type Adoption = readonly (readonly [there: string, theirs: string])[];

/** A package that stands beside the packs and uses them, these as adopted. */
export function programBesidePacks(text: string, adoption: Adoption = []): Program {
  const used = new Map<string, string>();
  const compiled = compile(
    { directory: join(POLICIES, "generated"), files: [{ path: "generated.writ", text }] },
    (from, name) => {
      const { root } = loadPackage(join(from, name));
      for (const file of root.files) used.set(`${name}/${file.path}`, file.text);
      return {
        directory: root.directory,
        files: root.files.map((file) => ({
          path: `${name}/${file.path}`,
          text: adoption.reduce((now, [there, theirs]) => now.replace(there, theirs), file.text),
        })),
      };
    },
  );
  for (const [there] of adoption) {
    if (![...used.values()].some((each) => each.includes(there)))
      throw new Error(`no pack says ${there}`);
  }
  if (compiled.program !== undefined && !hasErrors(compiled.diagnostics)) return compiled.program;
  throw new Error(compiled.diagnostics.map((found) => `${found.code} ${found.message}`).join("\n"));
}

type Json = Readonly<Record<string, unknown>>;

export interface RecordedCall {
  readonly request: Json;
  /** Since the Unix epoch. */
  readonly atMs: number;
  readonly failed?: boolean;
}

export interface Decided<Call extends RecordedCall> {
  readonly call: Call;
  readonly decision: Decision;
  /** The rules or the code that refused or held it; empty where it was allowed. */
  readonly by: readonly string[];
}

/** Decides calls at their times and reports what came of those that were allowed. */
export function replay<Call extends RecordedCall>(
  program: Program,
  calls: readonly Call[],
): readonly Decided<Call>[] {
  const driver: Driver = drive(program);
  const inOrder = [...calls].sort((a, b) => a.atMs - b.atMs);
  driver.nowMs = inOrder[0]?.atMs ?? driver.nowMs;
  return inOrder.map((call) => {
    driver.nowMs = call.atMs;
    const decision = driver.send(call.request);
    if (decision.decision === "allow") {
      if (call.failed === true) driver.fail(decision);
      else driver.ok(decision);
    }
    return { call, decision, by: refusersOf(decision) };
  });
}

function refusersOf(decision: Decision): readonly string[] {
  if (decision.decision === "allow") return [];
  const rules = decision.reasons
    .filter(({ effect }) => effect === "forbid" || effect === "hold" || effect === "never")
    .map(({ rule }) => rule);
  return rules.length > 0 ? rules : [decision.code ?? decision.decision];
}

export function readLines<Line>(path: string): readonly Line[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
}

/** Columns of texts as wide as their widest. */
export function printTable(title: string, rows: readonly (readonly (string | number)[])[]): void {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => String(row[at] ?? "").length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, at) =>
        typeof cell === "number"
          ? String(cell).padStart(widths[at] ?? 0)
          : cell.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  process.stdout.write(`\n${title}\n${lines.map((line) => `  ${line}\n`).join("")}`);
}
