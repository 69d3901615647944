import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { randomFrom } from "../differential/random.ts";
import { temporary } from "../engine/state/stores.ts";
import {
  acknowledge,
  checkAcknowledged,
  nothingAcknowledged,
  PROGRAM,
} from "../support/acknowledged.ts";
import { seedFrom } from "../support/seed.ts";

const CHILD = fileURLToPath(new URL("../support/journal-child.ts", import.meta.url));
const SEED = seedFrom("WRIT_KILL_SEED");
const RUNS = 100;
/** Files, of which each is used by one process after the other. */
const FILES = 4;

/** One process: killed some time after it first acknowledged something, in the middle of its work. */
async function killedRun(arguments_: readonly string[], waitMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, ...arguments_], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    if (text === "") setTimeout(() => child.kill("SIGKILL"), waitMs);
    text += part;
  });
  const [, signal] = await once(child, "close");
  expect(signal).toBe("SIGKILL");
  // The last line may have been cut off; what was not wholly said was not acknowledged.
  return text.split("\n").slice(0, -1);
}

test(`whatever was acknowledged before kill -9 is there afterwards, ${RUNS} times (seed ${SEED})`, {
  timeout: 300_000,
}, async () => {
  const directory = temporary();
  const compiled = join(directory, "policy.json");
  writeFileSync(compiled, JSON.stringify(PROGRAM));
  let acknowledged = 0;
  const chain = async (file: number): Promise<void> => {
    const random = randomFrom(SEED + file);
    const path = join(directory, `${file}.db`);
    const known = nothingAcknowledged();
    for (let run = 0; run < RUNS / FILES; run++) {
      const lines = await killedRun([path, compiled, `${run * 10}`], random.below(60));
      acknowledged += lines.length;
      for (const line of lines) acknowledge(line, known);
      checkAcknowledged(path, known);
    }
  };
  await Promise.all(Array.from({ length: FILES }, (_, file) => chain(file)));
  // Otherwise the processes died before they had anything to lose.
  expect(acknowledged).toBeGreaterThan(RUNS * 10);
  rmSync(directory, { recursive: true });
});
