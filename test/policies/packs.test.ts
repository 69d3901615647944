import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Where a pack's rules stand, and where its tests do. */
const PACKS = [
  { rules: "policies/coding-agent", tests: "policies/coding-agent" },
  { rules: "policies/customer-support", tests: "policies/customer-support" },
  { rules: "policies/guardrails", tests: "policies/guardrails/example" },
  { rules: "policies/retail", tests: "policies/retail" },
];

function writ(...args: readonly string[]) {
  return spawnSync(process.execPath, ["bin/writ.js", ...args], { cwd: root, encoding: "utf8" });
}

function text(path: string): string {
  return readFileSync(`${root}/${path}`, "utf8");
}

describe.each(PACKS)("$rules", { timeout: 120_000 }, ({ rules, tests }) => {
  test("is decided as its tests say", () => {
    const run = writ("test", tests);
    expect(run.stdout + run.stderr).toMatch(/\nok: \d+ passed/);
    expect(run.status).toBe(0);
  });

  test("is laid out in the one way", () => {
    expect(writ("fmt", "--check", rules).status).toBe(0);
  });

  test("has every rule in a test and in its README", () => {
    const named = [...text(`${rules}/rules.writ`).matchAll(/^(?:forbid|hold|never|task) (\w+)/gm)];
    expect(named.length).toBeGreaterThan(10);
    for (const [, name = ""] of named) {
      expect(text(`${rules}/README.md`)).toContain(`\`${name}\``);
    }
    const refusals = [...text(`${rules}/rules.writ`).matchAll(/^(?:forbid|hold) (\w+)/gm)];
    for (const [, name = ""] of refusals) {
      expect(text(`${tests}/tests.writ`)).toMatch(new RegExp(`\\bby [^}]*?\\b${name}\\b`));
    }
  });
});
