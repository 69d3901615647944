/** What editors are told of the language is what the language is. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONTEXTUAL, RESERVED, STARTERS } from "../lang/tokens.ts";
import { directoryWith, writ } from "./support/cli.ts";

const read = (path: string) => readFileSync(new URL(`../editors/${path}`, import.meta.url), "utf8");
const json = (path: string) => JSON.parse(read(path));
const WORDS = [...RESERVED, ...STARTERS, ...CONTEXTUAL].flatMap((line) => line.split(" ")).sort();

test("the TextMate grammar has every word", () => {
  const { patterns } = json("vscode/writ.tmLanguage.json") as { patterns: { match?: string }[] };
  const lists = patterns.flatMap(
    ({ match }) => /^\\b\(([a-z|]+)\)\\b$/.exec(match ?? "")?.[1] ?? [],
  );
  expect(lists.flatMap((list) => list.split("|")).sort()).toEqual(WORDS);
});

test("Vim's has, too", () => {
  const lists = [...read("vim/syntax/writ.vim").matchAll(/^syntax keyword \w+ (.*)$/gm)];
  expect(lists.flatMap(([, list = ""]) => list.split(" ")).sort()).toEqual(WORDS);
});

test("the problem matcher reads what `writ check` prints", async () => {
  const [{ pattern }] = json("vscode/package.json").contributes.problemMatchers;
  const cwd = directoryWith({ "p.writ": "package p\ntool t { effect read }\nallow it tool t\n" });
  const { out } = await writ(["check"], { cwd });
  const [said = []] = out.split("\n").flatMap((line) => {
    const found = new RegExp(pattern.regexp).exec(line);
    return found === null ? [] : [found];
  });
  expect(
    [pattern.file, pattern.line, pattern.column, pattern.severity].map((at) => said[at]),
  ).toEqual(["p.writ", "3", "1", "error"]);
});
