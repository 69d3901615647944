/** Something else stands where a service keeps its files: it says so and does not start, or it would wait for ever. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directoryWith, SMALL, writ } from "../../support/cli.ts";
import { serve } from "../../support/served.ts";

const PLACES = [
  "audit.jsonl",
  "audit.jsonl.lock",
  "audit.jsonl.checkpoint",
  "state.db",
  "state.db-wal",
  "state.db-journal",
  "state.db-wal-kept",
  "state.db-turns-0",
  "state.db-turns-1",
  "ledger.db",
  "ledger.db-wal",
  "ledger.db-journal",
];

/** A device that takes everything: what is written to it was acknowledged and is gone. */
test.each(PLACES)("a device in the place of %s", async (place) => {
  const cwd = directoryWith({ "p.writ": SMALL });
  mkdirSync(join(cwd, ".writ"));
  symlinkSync("/dev/null", join(cwd, ".writ", place));
  const stopped = Promise.resolve();
  const { code, out } = await writ(["serve", "--json", "--port", "0", "."], { cwd, stopped });
  expect({ code, ...JSON.parse(out) }).toMatchObject({
    code: 2,
    error: { kind: "misuse", message: expect.stringMatching(`${place} is no file$`) },
  });
});

test("a directory in the place of the next checkpoint keeps everything from being recorded, and is named", async () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  const draft = join(cwd, ".writ", "audit.jsonl.checkpoint.new");
  mkdirSync(draft, { recursive: true });
  const { ask, stop } = await serve(["."], cwd);
  const { status, json } = await ask("/ready");
  expect([status, json.detail]).toEqual([503, `nothing can be recorded: ${draft} is no file`]);
  await stop();
});
