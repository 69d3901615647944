/**
 * Killed at any moment, a log holds what anybody was told that it holds, and goes on (goal G16).
 * `WRIT_KILLS=1000` kills more often, `WRIT_KILLS_SEED=…` at the same delays again.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { DISK } from "../../../engine/audit/disk.ts";
import { verifyLog } from "../../../engine/audit/verify.ts";
import { randomFrom } from "../../differential/random.ts";
import { directoryWith } from "../../support/cli.ts";
import { seedFrom } from "../../support/seed.ts";

const WRITER = fileURLToPath(new URL("../../support/audit-writer.ts", import.meta.url));
const KILLS = Number(process.env.WRIT_KILLS ?? (process.env.CI === undefined ? 20 : 100));
const SEED = seedFrom("WRIT_KILLS_SEED");

/** What it was told is written, before it was killed so long after the first. */
async function writeUntilKilled(path: string, run: number, delayMs: number): Promise<string[]> {
  const writer = spawn(process.execPath, [WRITER, path, `r${run}`, run % 4 === 0 ? "sync" : ""]);
  let said = "";
  let err = "";
  let isDoomed = false;
  writer.stderr.on("data", (text) => {
    err += text;
  });
  writer.stdout.on("data", (text) => {
    said += text;
    if (isDoomed) return;
    isDoomed = true;
    setTimeout(() => writer.kill("SIGKILL"), delayMs);
  });
  const signal = await new Promise((resolve) => writer.on("close", (_code, by) => resolve(by)));
  expect(signal, err).toBe("SIGKILL");
  // The last one may have been cut off on its way here.
  return said.split("\n").slice(0, -1);
}

test(`${KILLS} times, seed ${SEED}`, { timeout: KILLS * 20_000 }, async () => {
  const path = join(directoryWith({}), "audit.jsonl");
  const random = randomFrom(SEED);
  const told: string[] = [];
  for (let run = 0; run < KILLS; run++) {
    told.push(...(await writeUntilKilled(path, run, random.below(60))));
    const { findings } = await verifyLog({
      disk: DISK,
      path,
      verifiers: [],
      anchors: [],
      live: true,
    });
    expect(findings, `after kill ${run}`).toEqual([]);
  }
  const files = readdirSync(dirname(path)).filter((name) => name.endsWith(".jsonl"));
  const text = files.map((name) => readFileSync(join(dirname(path), name), "utf8")).join("");
  const held = new Set([...text.matchAll(/"id":"(r\d+-\d+\.)"/g)].map(([, id]) => id));
  expect(told.filter((id) => !held.has(id))).toEqual([]);
  expect(told.length).toBeGreaterThan(KILLS * 10);
  expect(files.length).toBeGreaterThan(1);
});
