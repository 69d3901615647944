import { describe, expect, test } from "vitest";
import { Misuse } from "../../../cli/command.ts";
import { coerceArguments } from "../../../cli/replay/coerce.ts";
import { readOutput, withoutArguments } from "../../../cli/replay/outputs.ts";
import { parsePython } from "../../../cli/replay/python.ts";
import { fill, select } from "../../../cli/replay/template.ts";
import type { Json } from "../../../lang/type.ts";
import { programOf } from "../../support/engine.ts";

describe("Python values", () => {
  test.each<[string, Json | undefined]>([
    ["{'a': 1, 'b': [True, None, -2.5e3]}", { a: 1, b: [true, null, -2500] }],
    [`{'it\\'s': "a \\"b\\"", 'c': '\\x41\\u00e9\\n'}`, { "it's": 'a "b"', c: "Aé\n" }],
    ["{}", {}],
    ["('a',)", ["a"]],
    ["{'a', 'b'}", ["a", "b"]],
    ["{1: 'x'}", { "1": "x" }],
    ["{'a': 1", undefined],
    ["{'a': 1} and more", undefined],
    ["{'a': datetime(2026, 1, 2)}", undefined],
    ["'\\UFFFFFFFF'", undefined],
    ["[".repeat(500), undefined],
  ])("%s", (text, value) => {
    expect(parsePython(text)).toEqual(value);
  });
});

describe("recorded outputs become values", () => {
  const read = (text: string, more: { cut?: boolean; returns?: string } = {}) =>
    readOutput({ text, cut: false, ...more });

  test("nothing is nothing", () => {
    expect(read("")).toBeUndefined();
    expect(read("None", { returns: "None" })).toBeUndefined();
  });

  test("lists and records", () => {
    expect(read("- id: 1\n  subject: 'a\n\n    b'\n- id: 2\n  subject: c")).toEqual([
      { id: 1, subject: "a\nb" },
      { id: 2, subject: "c" },
    ]);
    expect(read("{'message': 'done'}")).toEqual({ message: "done" });
    expect(read("id_: '34'\nread: true\ntimestamp: 2025-02-24 21:03:29")).toEqual({
      id_: "34",
      read: true,
      timestamp: "2025-02-24 21:03:29",
    });
  });

  test.each([
    "Dear Anna: pay me",
    "Invoice: 12\nTotal: 13",
    "- not: [yaml",
    "{curly} prose",
    "[Note] prose",
  ])("text stays text: %s", (text) => {
    expect(read(text)).toBe(text);
  });

  test("what returns a str is text, whatever it looks like", () => {
    expect(read("- subject: a", { returns: "str" })).toBe("- subject: a");
  });

  test("marks around an output are not of it", () => {
    expect(read("<<{'message': 'done'}>>")).toEqual({ message: "done" });
    expect(read("<<>>")).toBeUndefined();
    expect(read("<<- id: 1\n- id: 2", { cut: true })).toEqual([{ id: 1 }, "id", "2", "- id: 2"]);
    expect(read("<< not marked", { returns: "str" })).toBe("<< not marked");
  });

  test("names that are data become values", () => {
    expect(read("{'Hotel Luna': 'good', 'Motel': {'rating': 3}}")).toEqual([
      { key: "Hotel Luna", value: "good" },
      { key: "Motel", value: { rating: 3 } },
    ]);
    expect(read("- id_: '1'\n  shared_with:\n    a@b.c: rw")).toEqual([
      { id_: "1", shared_with: [{ key: "a@b.c", value: "rw" }] },
    ]);
  });

  test("a list that was cut keeps its whole items; the torn rest is text", () => {
    const values = read("- id: 1\n  body: a\n- id: 2\n  body: 'pay\n    DE12 now", { cut: true });
    expect(values).toEqual([
      { id: 1, body: "a" },
      "id",
      "2",
      "body",
      "pay DE12 now",
      "- id: 2 body: 'pay DE12 now",
    ]);
    expect(read('- body: "one two\\\n    \\ three', { cut: true })).toContain("one two three");
  });

  test("errors say nothing of where a call's own arguments come from", () => {
    expect(withoutArguments("No file 'x@y.z' in inbox", { query: "x@y.z", n: 1 })).toBe(
      "No file ' ' in inbox",
    );
  });
});

describe("templates", () => {
  const documents = {
    environment: {
      bank: {
        iban: "DE1",
        past: [
          { from: "me", to: "DE2" },
          { from: "DE3", to: "me" },
          { from: "me", to: "DE2" },
        ],
      },
      shared: { "a@b.c": "r" },
      "x/y": 1,
    },
    case: {
      user: null,
      tool: "cancel",
      args: { order: "o1" },
      order: { id: "o1", extra: true, status: "open" },
    },
  };

  test.each<[string, Json[]]>([
    ["/bank/iban", ["DE1"]],
    ["/bank/past/*/to", ["DE2", "me", "DE2"]],
    ["/bank/past/*[from=me]/to", ["DE2", "DE2"]],
    ["/bank/past/1/from", ["DE3"]],
    ["/shared/{key}", ["a@b.c"]],
    ["/x~1y", [1]],
    ["/bank/none/*", []],
    ["/bank/constructor", []],
  ])("%s", (path, found) => {
    expect(select(documents.environment as Json, path)).toEqual(found);
  });

  test.each<[string, Json, Json | undefined]>([
    ["itself", { a: [1, "x"] }, { a: [1, "x"] }],
    [
      "all values, once",
      { $from: "environment", paths: ["/bank/past/*/to", "/bank/iban"] },
      ["DE2", "me", "DE1"],
    ],
    ["the first that is there", { $from: "case", path: ["/user", "/args/order"] }, "o1"],
    ["nothing where it is null", { a: { $from: "case", path: "/user" } }, {}],
    ["something else there", { $from: "case", path: "/user", else: "nobody" }, "nobody"],
    ["a record only when", { p: { $when: { $from: "case", path: "/user" }, id: "x" } }, {}],
    ["mapped", { $from: "case", path: "/tool", map: { cancel: "order" }, else: "user" }, "order"],
    ["not mapped", { $from: "case", path: "/tool", map: { other: "order" }, else: "user" }, "user"],
    [
      "no text, so that no map names it",
      { $from: "case", path: "", map: { a: "b" }, else: "user" },
      "user",
    ],
    ["mapped to nothing", { r: { $from: "case", path: "/tool", map: { cancel: null } } }, {}],
    [
      "merged, with members dropped",
      { $merge: [{ $from: "case", path: "/order", drop: ["extra"] }, { status: "new" }] },
      { id: "o1", status: "new" },
    ],
  ])("%s", (_, template, made) => {
    expect(fill(template, documents as Record<string, Json>)).toEqual(made);
  });

  test.each<Json>([
    { $from: "nowhere", path: "/" },
    { $from: "case", pth: "/user" },
    { $form: "case" },
    { $from: "case", path: "user" },
    { $merge: [{ a: 1 }], b: 2 },
  ])("%j is misuse", (template) => {
    expect(() => fill(template, documents as Record<string, Json>)).toThrow(Misuse);
  });

  test.each<[string, Json]>([
    ["`$form` means nothing in a template", { $form: "case" }],
    ["`pth` means nothing beside `$from`", { $from: "case", pth: "/user" }],
    ["`b` means nothing beside `$merge`", { $merge: [], b: 2 }],
  ])("%s, and every word that does is listed", (message, template) => {
    let thrown: unknown;
    try {
      fill(template, documents as Record<string, Json>);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ message });
    const { help } = thrown as Misuse;
    for (const word of ["$from", "path", "paths", "else", "map", "drop", "$merge", "$when"]) {
      expect(help).toContain(`\`${word}\``);
    }
  });
});

test("arguments are made what the tool takes, and what does not fit is left", () => {
  const [tool] = programOf(
    `tool t { effect read, args { n: Int?, amount: Decimal?, on: Bool?, id: String?, to: List<String>?, tags: Set<Int>?, who: { age: Int }? } }`,
  ).tools;
  if (tool === undefined) throw new Error("no tool");
  expect(
    coerceArguments(
      {
        n: "12",
        amount: " 98.70",
        on: "True",
        id: 13,
        to: "a@b.c",
        tags: "['1', 2]",
        who: { age: "7" },
        more: "1",
      },
      tool,
    ),
  ).toEqual({
    n: 12,
    amount: 98.7,
    on: true,
    id: "13",
    to: ["a@b.c"],
    tags: [1, 2],
    who: { age: 7 },
    more: "1",
  });
  expect(coerceArguments({ n: "twelve", on: "maybe", id: null, to: "" }, tool)).toEqual({
    n: "twelve",
    on: "maybe",
    id: null,
    to: [],
  });
});
