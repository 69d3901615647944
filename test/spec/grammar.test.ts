import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Grammar } from "../../lang/grammar.ts";
import * as limits from "../../lang/limits.ts";
import { format } from "../../lang/print.ts";
import { CONTEXTUAL, RESERVED, SIGNS, STARTERS } from "../../lang/tokens.ts";
import { ebnf, readEbnf } from "../support/ebnf.ts";

const SPEC = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");

test("the grammar of SPEC §3 is the one that parses", () => {
  const rules = ebnf(new Grammar(true).getSerializedGastProductions());
  const written = readEbnf(SPEC);
  expect(Object.fromEntries(written)).toEqual(Object.fromEntries(rules));
});

const EXAMPLES = [...SPEC.matchAll(/```writ\n(.*?)```/gs)].map(([, text = ""]) => text);

test.each(EXAMPLES)("an example of SPEC is in canonical form: %s", (text) => {
  const whole = text.startsWith("package ") ? text : `package example\n\n${text}`;
  expect(format({ path: "SPEC.md", text: whole })).toEqual({ text: whole });
});

test.each([
  ["Reserved", RESERVED],
  ["Starters", STARTERS],
  ["Contextual", CONTEXTUAL],
  ["Signs", SIGNS],
])("SPEC §2 lists the words of each kind: %s", (kind, lines) => {
  const [, row = ""] = new RegExp(`^\\| ${kind} \\|(.*)\\|$`, "m").exec(SPEC) ?? [];
  const words = [...row.replaceAll("\\|", "|").matchAll(/`([^`]+)`/g)].map(([, word]) => word);
  expect(words).toEqual(lines.flatMap((line) => line.split(" ")));
});

test("SPEC §13 gives every bound of limits.ts", () => {
  const rows = [...SPEC.matchAll(/^\| `([A-Z_]+)` \| ([\d,]+) \|/gm)];
  const written = Object.fromEntries(
    rows.map(([, name, value]) => [name, Number(value?.replaceAll(",", ""))]),
  );
  expect(written).toEqual({ ...limits });
});
