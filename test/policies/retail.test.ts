import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { writ } from "../support/cli.ts";
import { dataFolder } from "../support/data.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DATA = dataFolder("tau-retail");

test.skipIf(DATA === undefined)(
  "the shop's policy decides every recorded case, and names the sentence that was broken",
  { timeout: 60_000 },
  async () => {
    const words = ["replay", "policies/retail", `${DATA}/retail.decisions.jsonl`, "--json"];
    const run = await writ(words, { cwd: ROOT });
    const report = JSON.parse(run.out);
    expect(report).toMatchObject({ requests: 1939, expected: 1939, wrong: [] });
    const allowed = report.decisions.filter(
      (one: { decision: string }) => one.decision === "allow",
    );
    expect(allowed).toHaveLength(883);
    expect(run.code).toBe(0);
  },
);
