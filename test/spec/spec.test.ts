import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DENY_CODES } from "../../engine/decision.ts";
import { DELEGATION_CAUSES } from "../../engine/identity/cause.ts";
import { EXPR_MEMBERS } from "../../engine/ir-shape.ts";
import { BUILTINS, type Cost } from "../../lang/builtins.ts";
import { CODES } from "../../lang/codes.ts";
import { compile } from "../../lang/compile.ts";
import { CAUSES } from "../../lang/ir.ts";
import { EFFECTS, KINDS, SCALARS, SOURCES } from "../../lang/type.ts";

const SPEC = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");
const EXAMPLES = [...SPEC.matchAll(/```writ\n(.*?)```/gs)].map(([, text = ""]) => text);
const VOCABULARY = EXAMPLES.at(-1) ?? "";

/** The part of SPEC under a heading, up to the next one. */
function section(heading: string): string {
  const start = SPEC.indexOf(`\n${heading}`);
  expect(start, `SPEC has "${heading}"`).toBeGreaterThan(0);
  const end = SPEC.slice(start + 1).search(/\n#{2,3} /);
  return end < 0 ? SPEC.slice(start) : SPEC.slice(start, start + 1 + end);
}

/** Cells of the table rows of a text, without header and ruler. */
function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .slice(2, -2)
        .replaceAll("\\|", "¦")
        .split(" | ")
        .map((cell) => cell.trim().replaceAll("¦", "|")),
    )
    .filter(([first = ""]) => !/^-+$/.test(first))
    .slice(1);
}

function words(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

/** What an example says of the package it stands in: itself, or the vocabulary of Appendix B. */
function findings(example: string): string[] {
  const alone = [{ path: "example.writ", text: example }];
  const beside = [
    { path: "vocabulary.writ", text: VOCABULARY },
    { path: "example.writ", text: `package example\n${example}` },
  ];
  const resolve = () => ({
    directory: "base",
    files: [{ path: "base.writ", text: "package acme.base" }],
  });
  const own = /^tool send_money\b|^level Sensitivity = public < internal < confidential\n/m.test(
    example,
  );
  const files = example.startsWith("package") ? alone : own ? beside.slice(1) : beside;
  return compile({ directory: "example", files }, resolve).diagnostics.map(
    ({ code, message }) => `${code} ${message}`,
  );
}

describe("every example compiles, and nothing is said about it", () => {
  test.each(EXAMPLES)("%s", (example) => {
    expect(findings(example)).toEqual([]);
  });
});

test("Appendix A lists every diagnostic with its severity, summary and section", () => {
  const listed = rows(section("## Appendix A.")).map(([code, severity, what, spec]) => [
    words(code)[0],
    severity,
    what,
    spec,
  ]);
  const known = Object.entries(CODES).map(([code, info]) => [
    code,
    info.severity,
    info.summary,
    info.spec,
  ]);
  expect(listed).toEqual(known.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)));
});

test("every section that a diagnostic cites exists", () => {
  for (const { spec } of Object.values(CODES)) {
    const number = spec.slice(1);
    expect(SPEC, spec).toMatch(new RegExp(`^#{2,3} ${number.replace(".", "\\.")}[. ]`, "m"));
  }
});

test("§4.2 lists every type that has a name", () => {
  const listed = rows(section("### 4.2")).flatMap(([type]) => words(type));
  expect(listed).toEqual(expect.arrayContaining([...SCALARS]));
  for (const row of rows(section("### 4.2"))) {
    if (row[0] === "`Effect`") expect(words(row[1])).toEqual([...EFFECTS]);
    if (row[0] === "`Kind`") expect(words(row[1])).toEqual([...KINDS]);
    if (row[0] === "`Source`") expect(words(row[1])).toEqual([...SOURCES]);
  }
});

test("§5.3 lists every cause", () => {
  expect(
    rows(section("### 5.3"))
      .flatMap(([cause]) => words(cause))
      .filter((word) => !/[ ]/.test(word)),
  ).toEqual(expect.arrayContaining([...CAUSES]));
});

test("§5.8 lists every builtin with its signature, meaning and steps", () => {
  const listed = rows(section("### 5.8")).map(([name, signature, doc, steps]) => [
    words(name)[0],
    signature,
    doc,
    steps,
  ]);
  const known = [...BUILTINS.values()].map((builtin) => [
    builtin.attributeOf === undefined
      ? builtin.name
      : `${builtin.attributeOf}.${builtin.name.split(".")[1]}`,
    `\`${builtin.signature}\``,
    builtin.doc,
    spellCost(builtin.cost),
  ]);
  expect(listed).toEqual(known);
});

function spellCost({ base, each }: Cost): string {
  const parts = [base === 0 ? "" : String(base), each === 0 ? "" : each === 1 ? "n" : `n/${each}`];
  return parts.filter((part) => part !== "").join(" + ") || "0";
}

test("§11.4 lists every kind of expression with its members", () => {
  const listed = rows(section("### 11.4")).map(([kind, members]) => [
    words(kind)[0],
    words(members)
      .map((name) => name.replace("?", ""))
      .sort(),
  ]);
  const known = [...EXPR_MEMBERS].map(([kind, members]) => [
    kind,
    members.map((name) => name.replace("?", "")).toSorted(),
  ]);
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(known));
});

test("§12.6 lists every cause of a refused delegation, in order", () => {
  const listed = rows(section("### 12.6")).flatMap(([cause]) => words(cause));
  expect(listed).toEqual([...DELEGATION_CAUSES]);
});

test("§12.3 lists every code of a denial", () => {
  const listed = rows(section("### 12.3")).flatMap(([code]) => words(code));
  expect(listed).toEqual(expect.arrayContaining([...DENY_CODES]));
});
