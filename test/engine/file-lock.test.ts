import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { claim } from "../../engine/file-lock.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import { directoryWith } from "../support/cli.ts";

const LOCK = fileURLToPath(new URL("../../engine/file-lock.ts", import.meta.url));

const STATE = fileURLToPath(new URL("../../engine/state/sqlite/database.ts", import.meta.url));

/** Says whether it got what it asked for, and keeps it until it is killed. */
async function other(code: string): Promise<{ readonly said: string; end(): Promise<void> }> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--expose-gc", "--input-type=module", "-e", code],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  const [said] = await once(child.stdout as NodeJS.ReadableStream, "data");
  return {
    said: String(said).trim(),
    end: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

function claiming(path: string): string {
  return `import { claim } from ${JSON.stringify(LOCK)};
    const isHeld = claim(${JSON.stringify(path)}) !== undefined;
    // Whoever never releases it need not keep anything.
    setTimeout(() => { gc(); console.log(isHeld ? "held" : "refused"); }, 10);
    setInterval(() => {}, 1_000);`;
}

function openingState(path: string): string {
  return `import { openDatabase } from ${JSON.stringify(STATE)};
    try { openDatabase(${JSON.stringify(path)}); console.log("held"); }
    catch (fault) { console.log(fault.message.includes("in use") ? "refused" : fault.message); }
    setInterval(() => {}, 1_000);`;
}

const WAIT = { timeout: 60_000 };

test("one process holds a lock, until it ends in whatever way", WAIT, async () => {
  const path = join(directoryWith({}), "new", "log.lock");
  const first = await other(claiming(path));
  expect(first.said).toBe("held");
  expect(claim(path)).toBe(undefined);
  expect((await other(claiming(path))).said).toBe("refused");
  await first.end();
  const release = claim(path);
  expect(release).not.toBe(undefined);
  expect((await other(claiming(path))).said).toBe("refused");
  release?.();
  expect((await other(claiming(path))).said).toBe("held");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("whoever asks again in the same process lets nobody else in", WAIT, async () => {
  const path = join(directoryWith({}), "log.lock");
  expect(claim(path)).not.toBe(undefined);
  expect(claim(path)).toBe(undefined);
  expect((await other(claiming(path))).said).toBe("refused");
});

test("nor does whoever opens a file of state again", WAIT, async () => {
  const path = join(directoryWith({}), "state.db");
  const journal = openSqliteJournal({ path });
  onTestFinished(() => journal.close());
  expect(() => openSqliteJournal({ path })).toThrow(/in use/);
  expect((await other(openingState(path))).said).toBe("refused");
});

test("a file of another kind is left as it is", () => {
  const path = join(directoryWith({ "log.lock": "1234\n" }), "log.lock");
  expect(() => claim(path)).toThrow(/log\.lock cannot be locked: file is not a database/);
  expect(readFileSync(path, "utf8")).toBe("1234\n");
  writeFileSync(path, "");
  expect(claim(path)).not.toBe(undefined);
});
