/**
 * `diagnostics/CODE-what.txt` is a policy, a line `---`, and what is said under that code. After a change of words,
 * `vitest -u` writes what is said now, for review. `⟨text × 3⟩` in a policy stands for `texttexttext`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CODES } from "../../lang/codes.ts";
import { compile } from "../../lang/compile.ts";
import { checkPep } from "../../lang/pep.ts";
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
  expect(missing).toEqual([]);
});

function diagnose(text: string, code: string): string {
  const { diagnostics, sources, program, peps } = compile(
    { directory: "example", files: [{ path: "example.writ", text }] },
    undefined,
    (_, path) =>
      path === "authz.wasm"
        ? { ok: true, binary: { wasm: "" }, entrypoints: ["authz/allow", "authz/reasons"] }
        : { ok: false, why: "cannot be read: there is no such file" },
  );
  const lacking = program === undefined ? [] : peps.flatMap((pep) => checkPep(program, pep));
  return renderAll(
    [...diagnostics, ...lacking].filter((diagnostic) => diagnostic.code === code),
    sources,
  );
}

function expand(policy: string): string {
  return policy.replace(/⟨(.+?) × (\d+)⟩/gs, (_, text: string, count: string) =>
    text.repeat(Number(count)),
  );
}
