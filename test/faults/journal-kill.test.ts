import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import { randomFrom } from "../differential/random.ts";
import { temporary } from "../engine/state/stores.ts";
import { programOf, START } from "../support/engine.ts";
import { JOURNALLED } from "../support/journalled.ts";
import { seedFrom } from "../support/seed.ts";

const CHILD = fileURLToPath(new URL("../support/journal-child.ts", import.meta.url));
const SEED = seedFrom("WRIT_KILL_SEED");
const RUNS = 100;
/** Files, of which each is used by one process after the other. */
const FILES = 4;
const PROGRAM = programOf(JOURNALLED);

/** What was acknowledged to the outside, and so must be there whatever happens. */
interface Acknowledged {
  readonly paid: Map<string, number>;
  readonly latched: Set<string>;
  readonly ended: Set<string>;
}

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

function take(lines: readonly string[], { paid, latched, ended }: Acknowledged): void {
  for (const line of lines) {
    const [what = "", session = ""] = line.split(" ");
    if (what === "allowed") paid.set(session, (paid.get(session) ?? 0) + 1);
    if (what === "failing") paid.set(session, (paid.get(session) ?? 0) - 1);
    if (what === "latched") latched.add(session);
    if (what === "ended") ended.add(session);
  }
}

function check(path: string, { paid, latched, ended }: Acknowledged): void {
  const journal = openSqliteJournal({ path });
  const state = journal.store.open(PROGRAM);
  const view = state.begin({ nowMs: START });
  for (const [session, count] of paid) {
    expect(view.counter(0, session), session).toBeGreaterThanOrEqual(count);
  }
  for (const session of latched) expect(view.latch(0, session), session).toBe(true);
  for (const session of ended) expect(state.session(session)?.interrupted, session).toBe(true);
  journal.close();
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
    const known: Acknowledged = { paid: new Map(), latched: new Set(), ended: new Set() };
    for (let run = 0; run < RUNS / FILES; run++) {
      const lines = await killedRun([path, compiled, `${run * 10}`], random.below(60));
      acknowledged += lines.length;
      take(lines, known);
      check(path, known);
    }
  };
  await Promise.all(Array.from({ length: FILES }, (_, file) => chain(file)));
  // Otherwise the processes died before they had anything to lose.
  expect(acknowledged).toBeGreaterThan(RUNS * 10);
  rmSync(directory, { recursive: true });
});
