import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DIAGNOSTICS_MAX, ITEMS_MAX, NESTING_MAX, SOURCE_CHARS_MAX } from "../../lang/limits.ts";
import { type Parsed, parse } from "../../lang/parse.ts";
import { CONTEXTUAL, RESERVED, SIGNS, STARTERS } from "../../lang/tokens.ts";
import { SAMPLE } from "../support/sample.ts";

const parseText = (text: string): Parsed => parse([{ path: "a.writ", text }]);
const codes = (text: string) => parseText(`package a\n${text}`).diagnostics.map(({ code }) => code);
const kinds = (text: string) =>
  parseText(`package a\n${text}`).files[0]?.items.map(({ kind }) => kind);

describe("items and clauses", () => {
  test("the sample policy has no errors", () => {
    expect(parseText(SAMPLE).diagnostics).toEqual([]);
  });

  test.each([
    { text: "permit x\n  tool a, b\ntool a, b { effect read }", gives: ["rule", "tool"] },
    { text: 'permit x\n  tool a\ntool b named "B", c { }', gives: ["rule", "tool"] },
    { text: "permit x\n  resource a, b\nresource c { }", gives: ["rule", "resource"] },
    { text: "permit x\n  agent is human\nagent { }", gives: ["rule", "attributes"] },
    { text: "permit x\n  task a, b\ntask c { }", gives: ["rule", "task"] },
    { text: "permit x\n  purpose within a\npurpose b", gives: ["rule", "purpose"] },
    { text: "oblige x\n  with log\ntool a { }", gives: ["rule", "tool"] },
    { text: "oblige x\n  with log full\nlabel a", gives: ["rule", "label"] },
    {
      text: "latch x = completed a per session reset by completed\nlabel b",
      gives: ["latch", "label"],
    },
    { text: "permit x\n  when if a then b else c\n  then interrupt session", gives: ["rule"] },
    { text: "counter x = count attempts per session within 1m", gives: ["counter"] },
    { text: "permit x when count(a in b where c: d) > count(a) and list == set", gives: ["rule"] },
    { text: "permit x when tool.source == label.to and has args.when", gives: ["rule"] },
  ])("$text", ({ text, gives }) => {
    expect(codes(text)).toEqual([]);
    expect(kinds(text)).toEqual(gives);
  });

  test("a purpose clause that forgot `within` does not become a declaration", () => {
    expect(codes("permit x\n  purpose payments\n")).toEqual(["E101"]);
  });

  test("items without errors are kept, and every one with an error is reported once", () => {
    const text =
      "label a\npermit x when and\nlabel b\ntest {\n  when\n  given\n}\nlabel c\nforbid y until\n";
    expect(codes(text)).toEqual(["E101", "E101", "E101"]);
    expect(kinds(text)).toEqual(["label", "label", "label"]);
  });

  test("spans cover what was written", () => {
    const text = "package a . b\nlabel c, d // e";
    const file = parseText(text).files[0];
    const at = (span = { start: 0, end: 0 }) => text.slice(span.start, span.end);
    expect([
      at(file?.span),
      at(file?.package.span),
      at(file?.items[0]?.span),
      at(file?.comments[0]?.span),
    ]).toEqual(["package a . b\nlabel c, d", "a . b", "label c, d", "// e"]);
  });

  test("expressions bind as SPEC §3 says", () => {
    const tree = (text: string) => {
      const [item] = parseText(`package a\npermit x when ${text}`).files[0]?.items ?? [];
      const [clause] = item?.kind === "rule" ? item.clauses : [];
      return JSON.stringify(clause, (key, value) => (key === "span" ? undefined : value));
    };
    const stripped = (text: string) => tree(text).replaceAll(/\{"kind":"paren","inner":|\}/g, "");
    expect(stripped("a or b and not c == d + e * -f ?? g")).toBe(
      stripped("(a or (b and (not (c == ((d + (e * (-f))) ?? g)))))"),
    );
    expect(stripped("a - b - c and any x in y: p or q")).toBe(
      stripped("((a - b) - c) and (any x in y: (p or q))"),
    );
  });
});

const WORDS = [...RESERVED, ...STARTERS, ...CONTEXTUAL, ...SIGNS].flatMap((line) =>
  line.split(" "),
);
const soup = fc
  .array(fc.constantFrom(...WORDS, "a", "b", "1", "1.5", "10s", '"c"', "\n", "\n  ", "// d\n"))
  .map((parts) => parts.join(" "));
const mutated = fc
  .tuple(fc.nat({ max: SAMPLE.length }), fc.nat({ max: 30 }), fc.oneof(soup, fc.string()))
  .map(([at, cut, put]) => SAMPLE.slice(0, at) + put + SAMPLE.slice(at + cut));

describe("any text is parsed or has diagnostics", () => {
  test.each([
    ["random text", fc.string({ unit: "binary", maxLength: 200 })],
    [
      "random bytes",
      fc.uint8Array({ maxLength: 200 }).map((bytes) => String.fromCharCode(...bytes)),
    ],
    ["words in any order", soup],
    ["the sample with a hole and a patch", mutated],
  ])("%s", (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const { files, diagnostics } = parseText(text);
        expect(files).toHaveLength(1);
        expect(diagnostics.length).toBeLessThanOrEqual(DIAGNOSTICS_MAX + 1);
        for (const { span, message } of diagnostics) {
          expect(span.start).toBeLessThanOrEqual(span.end);
          expect(span.end).toBeLessThanOrEqual(text.length);
          expect(message).not.toMatch(/[\n\r]|\.$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  const OPENERS = [
    "(",
    "[",
    "{ a: ",
    "f(",
    "a[",
    "sum(x in ",
    "not ",
    "- ",
    "has ",
    "any x in y: ",
  ];
  const PREFIXES = [
    "any x in ",
    "if ",
    "if a then ",
    "if a then b else ",
    "a[ f( not (",
    "all x in [ - ",
  ];
  test.each([...OPENERS, ...PREFIXES])("`%s` nested", (opener) => {
    for (const depth of [1, NESTING_MAX, NESTING_MAX + 1, 1_000, 100_000]) {
      const found = codes(`permit x when ${opener.repeat(depth).slice(0, 1_000_000)}`);
      expect(found[0]).toBe(depth > NESTING_MAX ? "E121" : found[0]);
      expect(found.length).toBeGreaterThan(0);
      expect(found.length).toBeLessThan(4);
    }
  });

  test.each([
    ["type a = ", "Set<"],
    ["type a = ", "{ a: "],
    ["task a { sequence ", "("],
  ])("`%s` and then `%s` nested", (before, opener) => {
    expect(codes(before + opener.repeat(NESTING_MAX + 1))).toEqual(["E121"]);
    expect(codes(before + opener.repeat(50_000))).toContain("E121");
  });

  test("the deepest nesting allowed is parsed", () => {
    const deep = `${"(".repeat(NESTING_MAX)}a${")".repeat(NESTING_MAX)}`;
    expect(codes(`permit x when ${deep}`)).toEqual([]);
  });

  test.each([
    ["operators", `permit x when a${" + a".repeat(100_000)}`],
    ["attributes", `permit x when a${".a".repeat(100_000)}`],
    ["list items", `permit x when [${"a,".repeat(100_000)}]`],
    ["items", "label a\n".repeat(ITEMS_MAX + 1)],
    ["one word", `label ${"a".repeat(200)}`],
    ["one string", `permit x because "${"a".repeat(10_000)}"`],
    ["tokens", "a ".repeat(300_000)],
  ])("too many or too long: %s", (_, text) => {
    expect(codes(text)).toContain("E122");
  });

  const MEGABYTE = 1_000_000;
  const RULES = Array.from({ length: 9_000 }, (_, at) => {
    return `permit rule_${at}\n  tool send_money, get_balance\n  when args.amount <= ${at} and (user in origin(args.to))\n`;
  });
  test.each([
    ["brackets", "(".repeat(MEGABYTE)],
    ["one word", "a".repeat(MEGABYTE)],
    ["one string", `"${"\\".repeat(MEGABYTE)}`],
    ["one number", "9".repeat(MEGABYTE)],
    ["quotes", '"'.repeat(MEGABYTE)],
    ["garbage", "\u0001é$ ".repeat(MEGABYTE / 4)],
    ["halves of pairs", "\ud800".repeat(MEGABYTE)],
    ["empty lines", "\n".repeat(MEGABYTE)],
    ["items with errors", "permit a when (\n".repeat(MEGABYTE / 16)],
    ["tools without an end", "tool,\n".repeat(MEGABYTE / 6)],
    ["misspelt items", "permt a\n".repeat(MEGABYTE / 8)],
    ["rules", RULES.join("").slice(0, MEGABYTE)],
    ["more than may be", " ".repeat(SOURCE_CHARS_MAX + 1)],
  ])("a megabyte of %s ends soon, with few diagnostics", (_, text) => {
    const start = performance.now();
    const { diagnostics } = parseText(`package a\n${text}`.slice(0, text.length));
    expect(performance.now() - start).toBeLessThan(5_000);
    expect(diagnostics.length).toBeLessThanOrEqual(DIAGNOSTICS_MAX + 1);
  });
});
