import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Comment, File } from "../../lang/ast.ts";
import { lex } from "../../lang/lex.ts";
import { parseFile } from "../../lang/parse.ts";
import { format, print } from "../../lang/print.ts";
import { randomFile } from "../support/random-file.ts";
import { SAMPLE } from "../support/sample.ts";

/** The tree without what depends on where things stand. */
function shape(file: File): unknown {
  const drop = (key: string, value: unknown) =>
    key === "span" || key === "comments" ? undefined : value;
  return JSON.parse(JSON.stringify(file, drop));
}

function parsed(text: string): File {
  const { file, diagnostics } = parseFile({ path: "random.writ", text });
  if (diagnostics.length > 0) throw new Error(`${JSON.stringify(diagnostics[0])}\n${text}`);
  return file;
}

function formatted(text: string): string {
  const result = format({ path: "random.writ", text });
  if ("diagnostics" in result) throw new Error(`${JSON.stringify(result.diagnostics[0])}\n${text}`);
  return result.text;
}

/** Every `kind` of the tree in `lang/ast.ts`. */
const KINDS =
  "aggregate args attribute attributes because bind binary bool call counter digest duration effect " +
  "effects either file fn givenDelegation givenFact givenParty givenResource group has if import index is kind " +
  "label latch let level limit list name named negate never not number oneOf optional outcome paren party pep " +
  "predicate purpose quantifier record repeat resource rule scope sequence server source step string tag task " +
  "test then tool tools type unless until use wait when with yields";

describe("printing random files", () => {
  test("parsing what was printed gives the same tree", () => {
    fc.assert(
      fc.property(randomFile, (file) => {
        expect(shape(parsed(print(file)))).toEqual(shape(file));
      }),
      { numRuns: 300 },
    );
  });

  test("the random files hold every kind of node", () => {
    const kinds = new Set<string>();
    for (const file of fc.sample(randomFile, { numRuns: 300, seed: 1 })) {
      JSON.stringify(file, (key, value) => {
        if (key === "kind") kinds.add(value);
        return value;
      });
    }
    expect([...kinds].sort()).toEqual(KINDS.split(" ").sort());
  });

  test("formatting keeps the tree and every comment at its item, and changes nothing the second time", () => {
    fc.assert(
      fc.property(randomFile, fc.infiniteStream(fc.nat({ max: 9 })), (file, choices) => {
        const text = withComments(print(file), choices);
        const before = parsed(text);
        const once = formatted(text);
        const after = parsed(once);
        expect(shape(after)).toEqual(shape(file));
        expect(moved(before, after)).toEqual([]);
        expect(formatted(once)).toBe(once);
      }),
      { numRuns: 300 },
    );
  });
});

/** Comments that were lost or doubled, or that stand at another item than they did: in it or right above it. */
function moved(before: File, after: File): readonly string[] {
  const places = new Map(after.comments.map((each) => [each.text, placeOf(each, after)]));
  const stays = (each: Comment) => {
    const [was, is] = [placeOf(each, before), places.get(each.text)];
    return is !== undefined && is.item === was.item && (was.inside || !is.inside);
  };
  const wrong = before.comments.filter((each) => !stays(each)).map((each) => each.text);
  return after.comments.length === before.comments.length ? wrong : ["so many", ...wrong];
}

/** The item that a comment is in, or the one that it stands before. */
function placeOf({ span }: Comment, { items }: File): { item: number; inside: boolean } {
  const item = items.filter((each) => each.span.end <= span.start).length;
  const start = items[item]?.span.start ?? Number.POSITIVE_INFINITY;
  return { item, inside: start < span.start };
}

/** Comments at the end of lines, on lines of their own and after empty lines, between any two tokens. */
function withComments(text: string, choices: fc.Stream<number>): string {
  let result = "";
  let at = 0;
  let count = 0;
  const comment = () => `// ${count++}`;
  for (const token of lex(text, 0, () => {}).tokens) {
    result += text.slice(at, token.startOffset);
    const choice = choices.next().value;
    if (choice === 0) result += ` ${comment()}\n`;
    if (choice === 1) result += `\n${comment()}\n${comment()}\n`;
    if (choice === 2) result += `\n\n  ${comment()}\n\n`;
    result += token.image;
    at = (token.endOffset ?? 0) + 1;
  }
  return `${result}\n${comment()}\n`;
}

describe("formatting", () => {
  test("the sample policy", async () => {
    await expect(formatted(SAMPLE)).toMatchFileSnapshot("../golden/format/sample.writ");
    expect(formatted(formatted(SAMPLE))).toBe(formatted(SAMPLE));
  });

  test.each([
    {
      fact: "clauses stand a line each, and blank lines group",
      from: 'package a\npermit x tool a,b when c\n\n\n\n  because "d"\nlabel e\nlabel f\n\nlabel g',
      to: 'package a\n\npermit x\n  tool a, b\n  when c\n\n  because "d"\n\nlabel e\nlabel f\n\nlabel g\n',
    },
    {
      fact: "a list stays open where the author opened it",
      from: 'package a\ntool b {\n effect read }\nagent { c: Set<String> = [\n"d", "e"] }',
      to: 'package a\n\ntool b {\n  effect read,\n}\nagent {\n  c: Set<String> = [\n    "d",\n    "e",\n  ],\n}\n',
    },
    {
      fact: "a long condition breaks before its operators",
      from: `package a\npermit b when ${Array(9).fill("args.amount > 1000").join(" and ")}`,
      to: `package a\n\npermit b\n  when args.amount > 1000\n${"    and args.amount > 1000\n".repeat(8)}`,
    },
    {
      fact: "a long choice of texts breaks before its bars",
      from: `package a\nresource b { c: ${Array(9).fill('"0123456789"').join("|")}? }`,
      to: `package a\n\nresource b {\n  c: "0123456789"\n${Array(8).fill('    | "0123456789"').join("\n")}?,\n}\n`,
    },
    {
      fact: "comments stay beside what they stood at",
      from: "// top\npackage a // end\n// own\nlabel b, // b\n  c // c\n// last",
      to: "// top\npackage a // end\n\n// own\nlabel b, // b\n  c // c\n// last\n",
    },
    {
      fact: "comments stay where nothing else would be between words",
      from: 'package a\npermit b when\n// own\nhas args.c because // end\n"d" type e = "f" // f\n| "g" // g\n',
      to: 'package a\n\npermit b\n  when\n    // own\n    has args.c\n  because // end\n    "d"\n\ntype e = "f" // f\n  | "g" // g\n',
    },
    {
      fact: "a comment where none can be goes before its item",
      from: 'package a\nlabel x\nimport rego "b" entrypoint // why\n"c" as d: Bool\nlabel y\n',
      to: 'package a\n\nlabel x\n// why\nimport rego "b" entrypoint "c" as d: Bool\nlabel y\n',
    },
    {
      fact: "a byte order mark and carriage returns go",
      from: "\uFEFFpackage a\r\nlabel b\r\n",
      to: "package a\n\nlabel b\n",
    },
  ])("$fact", ({ from, to }) => {
    expect(formatted(from)).toBe(to);
    expect(formatted(to)).toBe(to);
  });

  test("a file with errors has no canonical form", () => {
    expect(format({ path: "a.writ", text: "package" })).toHaveProperty("diagnostics");
  });
});
