import { renameSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Kept, Ledger, LedgerEntry } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { openSqliteLedger } from "../../../engine/ledger/sqlite.ts";
import { StateFileRefused } from "../../../engine/state/sqlite/database.ts";
import { directoryWith } from "../../support/cli.ts";
import { START } from "../../support/engine.ts";

const entry = (text: string, untilMs = START + 1_000): LedgerEntry => ({ text, untilMs });

async function put(
  ledger: Ledger,
  id: string,
  was: LedgerEntry | undefined,
  next: LedgerEntry,
  nowMs = START,
): Promise<Kept> {
  return await ledger.put({ kind: "approval", id, was, next, nowMs });
}

const MADE: readonly [string, () => Ledger][] = [
  ["memory", () => new MemoryLedger()],
  ["a file", () => openSqliteLedger(join(directoryWith({}), "ledger.db"))],
];

describe.each(MADE)("a ledger in %s", (_, make) => {
  test("keeps a change only of what is still as it was read", async () => {
    const ledger = make();
    const [first, second] = [entry("1"), entry("2")];
    expect(await put(ledger, "a", undefined, first)).toBe("kept");
    expect(await put(ledger, "a", undefined, second)).toBe("changed");
    expect(await put(ledger, "a", entry("1", START + 2), second)).toBe("changed");
    expect(ledger.get("approval", "a")).toEqual(first);
    expect(await put(ledger, "a", first, second)).toBe("kept");
    expect(await put(ledger, "a", first, first)).toBe("changed");
    expect([...ledger.entries("approval")]).toEqual([["a", second]]);
    expect(ledger.get("revocation", "a")).toBeUndefined();
    ledger.close();
  });
});

test("a full ledger forgets what has ended, and takes nothing more where nothing has", async () => {
  const ledger = new MemoryLedger(undefined, {
    approval: 2,
    revocation: 1,
    use: 1,
    request: 1,
    event: 1,
    task: 1,
  });
  expect(await put(ledger, "a", undefined, entry("a", START + 10))).toBe("kept");
  expect(await put(ledger, "b", undefined, entry("b", START + 20))).toBe("kept");
  expect(await put(ledger, "c", undefined, entry("c"))).toBe("full");
  expect(await put(ledger, "b", entry("b", START + 20), entry("b2"))).toBe("kept");
  expect(await put(ledger, "c", undefined, entry("c"), START + 10)).toBe("kept");
  expect(ledger.get("approval", "a")).toBeUndefined();
});

test("what a file keeps is there again, even of a process that did not close it", async () => {
  const path = join(directoryWith({}), "ledger.db");
  const first = openSqliteLedger(path);
  await put(first, "a", undefined, entry("1"));
  await put(first, "a", entry("1"), entry("2"));
  expect(() => openSqliteLedger(path)).toThrow(StateFileRefused);
  first.close();
  const second = openSqliteLedger(path);
  expect(second.get("approval", "a")).toEqual(entry("2"));
  second.close();
});

test("what is written to a file that was deleted meanwhile is not kept, and does not count", async () => {
  const path = join(directoryWith({}), "ledger.db");
  openSqliteLedger(path).close();
  const ledger = openSqliteLedger(path);
  expect(await put(ledger, "a", undefined, entry("1"))).toBe("kept");
  rmSync(path);
  await expect(put(ledger, "b", undefined, entry("2"))).rejects.toThrow("deleted or replaced");
  expect(ledger.get("approval", "b")).toBeUndefined();
  ledger.close();
});

test("while changes cannot be kept in a file it says so, until one is again", async () => {
  const path = join(directoryWith({}), "ledger.db");
  const ledger = openSqliteLedger(path);
  expect(ledger.readiness()).toEqual({ ready: true });
  renameSync(path, `${path}.away`);
  await expect(put(ledger, "a", undefined, entry("1"))).rejects.toThrow("deleted or replaced");
  const warnings = [
    expect.stringMatching(/^revocations, approvals.*cannot be kept in .*replaced$/),
  ];
  expect(ledger.readiness()).toEqual({ ready: true, warnings });
  renameSync(`${path}.away`, path);
  await put(ledger, "a", undefined, entry("1"));
  expect(ledger.readiness()).toEqual({ ready: true });
  ledger.close();
});

test.each([
  ["was cut to nothing", (path: string) => truncateSync(path)],
  ["was removed", (path: string) => rmSync(path)],
])("a file that %s is refused: what it revoked would be gone", async (_, spoil) => {
  const path = join(directoryWith({}), "ledger.db");
  const ledger = openSqliteLedger(path);
  await put(ledger, "a", undefined, entry("1"));
  ledger.close();
  spoil(path);
  const message = `${path} is empty or was removed, though it was written before`;
  const help = expect.stringContaining("nothing is revoked");
  expect(() => openSqliteLedger(path)).toThrow(expect.objectContaining({ message, help }));
});

test("a file of something else is refused", () => {
  const directory = directoryWith({ "ledger.db": "no ledger at all, and long enough to be read" });
  expect(() => openSqliteLedger(join(directory, "ledger.db"))).toThrow(StateFileRefused);
});

test("of a damaged file it is said that it was a ledger, and what is lost without it", () => {
  const path = join(directoryWith({ "ledger.db": "x".repeat(5_000) }), "ledger.db");
  const help = expect.stringContaining("nothing is revoked");
  expect(() => openSqliteLedger(path)).toThrow(expect.objectContaining({ help }));
  expect(() => openSqliteLedger(path)).toThrow("no ledger of this version of Writ");
});
