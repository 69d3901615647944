/**
 * Every example in the documents runs: `writ` blocks compile, `console` blocks are run and compared (`…` stands for
 * anything, on a line or for lines), links lead somewhere.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadPackage } from "../cli/files.ts";
import { compile } from "../lang/compile.ts";
import { directoryWith, writ } from "./support/cli.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DOCUMENTS = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...["policies", "docs", "deploy", "editors"].flatMap((folder) =>
    existsSync(join(ROOT, folder))
      ? readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".md"))
          .map((name) => join(folder, name))
      : [],
  ),
];

function blocks(path: string, language: string): string[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    (found) => found[1] ?? "",
  );
}

test("there are documents", () => {
  expect(DOCUMENTS).toEqual(
    expect.arrayContaining(["README.md", "SPEC.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]),
  );
});

describe.each(DOCUMENTS)("%s", (path) => {
  test("its links lead somewhere", () => {
    const text = readFileSync(join(ROOT, path), "utf8").replace(/```.*?```|`[^`\n]*`/gs, "");
    const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(
      (found) => found[1] ?? "",
    );
    for (const target of targets.filter((one) => !/^[a-z]+:/.test(one))) {
      expect(existsSync(join(ROOT, dirname(path), target)), target).toBe(true);
    }
  });
});

describe("commands print what the documents say", () => {
  const shown = DOCUMENTS.filter((path) => blocks(path, "console").length > 0);

  test.each(shown)("%s", { timeout: 60_000 }, async (path) => {
    for (const [command = "", expected = ""] of blocks(path, "console").flatMap(sessionsOf)) {
      const { out, err } = await writ(command.split(/\s+/), { cwd: ROOT });
      if (expected.trim() !== "") expect(`${out}${err}`).toMatch(patternOf(expected));
    }
  });
});

/** Each `$ writ …` of a block with what it prints; others are not ours to run, and `serve` does not end. */
function sessionsOf(example: string): [string, string][] {
  return example
    .split(/^\$ /m)
    .slice(1)
    .map((part): [string, string] => {
      const [command = "", ...lines] = part.split("\n");
      return [command, lines.join("\n")];
    })
    .filter(([command]) => command.startsWith("writ ") && !command.startsWith("writ serve"))
    .map(([command, expected]) => [command.slice("writ ".length), expected]);
}

function patternOf(expected: string): RegExp {
  const parts = expected
    .trimEnd()
    .split("…")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}\\s*$`);
}

test("README's rule and test stand in the payments package", () => {
  const [example = ""] = blocks("README.md", "writ");
  const { root, resolve } = loadPackage(join(ROOT, "policies/payments"));
  const kept = root.files.filter(({ path }) => !/(?:rules|tests)\.writ$/.test(path));
  const file = { path: "README.md", text: `package acme.payments\n${example}` };
  expect(compile({ ...root, files: [...kept, file] }, resolve).diagnostics).toEqual([]);
});

test("the guide for authors is one package, laid out, without a warning, and tested", async () => {
  const cwd = directoryWith({ "desk/desk.writ": blocks("docs/authoring.md", "writ").join("\n") });
  const run = async (...words: string[]) => await writ([...words, "desk"], { cwd });
  expect(await run("fmt", "--check")).toMatchObject({ code: 0 });
  expect((await run("check")).out).toMatch(/^ok: 9 rules, /);
  expect(await run("test", "--coverage", "--min-coverage", "90")).toMatchObject({ code: 0 });
});

test("what SECURITY.md points to is there", async () => {
  const text = readFileSync(join(ROOT, "SECURITY.md"), "utf8");
  const named = [...text.matchAll(/`((?:test|engine)\/[\w/.-]+)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(15);
  for (const path of named)
    expect(() => readFileSync(join(ROOT, path)), path).not.toThrow(/ENOENT/);
  const { out } = await writ(["serve", "--help"]);
  for (const [, option = ""] of text.matchAll(/`--([a-z-]+)/g))
    expect(out).toContain(`--${option}`);
});
