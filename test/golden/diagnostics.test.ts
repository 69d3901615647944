/**
 * `diagnostics/CODE-what.txt` is a policy, a line `---`, and what is said under that code. After a change of words,
 * `vitest -u` writes what is said now, for review. `⟨text × 3⟩` in a policy stands for `texttexttext`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CODES } from "../../lang/codes.ts";
import { compile } from "../../lang/compile.ts";
import { renderAll } from "../../lang/render.ts";

const FOLDER = new URL("diagnostics/", import.meta.url);
const BORDER = "\n---\n";
const cases = readdirSync(FOLDER).filter((file) => file.endsWith(".txt"));

test.each(cases)("%s", async (file) => {
  const [policy = ""] = readFileSync(new URL(file, FOLDER), "utf8").split(BORDER);
  const code = /^[EW]\d+/.exec(file)?.[0] ?? "";
  const said = diagnose(expand(policy), code);
  expect(said).toContain(code);
  await expect(`${policy}${BORDER}${said}`).toMatchFileSnapshot(`diagnostics/${file}`);
});

test("every code has a case", () => {
  const covered = new Set(cases.map((file) => /^[EW]\d+/.exec(file)?.[0]));
  const missing = Object.keys(CODES).filter((code) => !covered.has(code));
  expect(missing).toEqual(WITHOUT_CASE);
});

/** Codes still to be shown; one that has a case now must leave this list. */
const WITHOUT_CASE: readonly string[] = [
  "E201",
  "E202",
  "E203",
  "E204",
  "E205",
  "E206",
  "E207",
  "E208",
  "E209",
  "E210",
  "E211",
  "E212",
  "E213",
  "E214",
  "E215",
  "E216",
  "E217",
  "E218",
  "E219",
  "E220",
  "E221",
  "E222",
  "E223",
  "E224",
  "E225",
  "E226",
  "E227",
  "E228",
  "E229",
  "W301",
  "W302",
  "W303",
  "W304",
];

function diagnose(text: string, code: string): string {
  const { diagnostics, sources } = compile({
    directory: "example",
    files: [{ path: "example.writ", text }],
  });
  return renderAll(
    diagnostics.filter((diagnostic) => diagnostic.code === code),
    sources,
  );
}

function expand(policy: string): string {
  return policy.replace(/⟨(.+?) × (\d+)⟩/gs, (_, text: string, count: string) =>
    text.repeat(Number(count)),
  );
}
