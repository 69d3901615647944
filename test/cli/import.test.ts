import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { importTools } from "../../cli/mcp/vocabulary.ts";
import { compile } from "../../lang/compile.ts";
import { format } from "../../lang/print.ts";
import type { Json } from "../../lang/type.ts";
import { directoryWith, writ } from "../support/cli.ts";
import { dataFolder } from "../support/data.ts";

/** The declarations of one tool, without the package and the label. */
function declared(tool: Json, parts: { server?: string; pin?: boolean } = {}): string {
  const { text } = importTools([tool] as Json, { package: "t", pin: false, ...parts });
  return text.replace(/^package t\n\n(?:label untrusted\n\n)?/, "");
}

function argsOf(properties: Record<string, Json>, more: Record<string, Json> = {}): string {
  const required = Object.keys(properties);
  const text = declared({
    name: "look",
    annotations: { readOnlyHint: true, openWorldHint: false },
    inputSchema: { type: "object", properties, required, ...more },
  });
  return (
    /args (\{.*\}) \}$/.exec(text.trim().replace(/\s+/g, " ").replace(/, \}/g, " }"))?.[1] ?? text
  );
}

describe("schemas become types", () => {
  test.each<[Json, string]>([
    [{ type: "string" }, "String"],
    [{ type: "integer" }, "Int"],
    [{ type: "number" }, "Float"],
    [{ type: "number", multipleOf: 0.01 }, "Decimal"],
    [{ type: "boolean" }, "Bool"],
    [{ type: "string", format: "uri" }, "Url"],
    [{ type: "string", format: "email" }, "Email"],
    [{ type: "string", format: "date-time" }, "Time"],
    [{ type: "string", enum: ["a", 'b"c'] }, '"a" | "b\\"c"'],
    [{ const: "only" }, '"only"'],
    [{ anyOf: [{ const: "a" }, { const: "b" }] }, '"a" | "b"'],
    [{ type: "array", items: { type: "string" } }, "List<String>"],
    [{ type: "array", items: { type: "string" }, uniqueItems: true }, "Set<String>"],
    [{ type: "array", items: { type: "object" }, uniqueItems: true }, "List<Map<Any>>"],
    [{ type: "array" }, "List<Any>"],
    [{ type: "object", additionalProperties: { type: "integer" } }, "Map<Int>"],
    [{ type: "object", properties: { p: { type: "string" } } }, "{ p: String? }"],
    [
      {
        type: "object",
        properties: { p: { type: "string" } },
        required: ["p"],
        additionalProperties: true,
      },
      "{ p: String, * }",
    ],
    [{ type: ["string", "null"] }, "String?"],
    [{ anyOf: [{ type: "number" }, { type: "null" }] }, "Float?"],
    [{ $ref: "#/$defs/id" }, "Int"],
    [{ allOf: [{ type: "string" }] }, "String"],
  ])("%j is %s", (schema, type) => {
    expect(argsOf({ x: schema }, { $defs: { id: { type: "integer" } } })).toBe(`{ x: ${type} }`);
  });

  test.each<[Json, string]>([
    [{ oneOf: [{ type: "string" }, { type: "integer" }] }, "one of several schemas"],
    [{ type: ["string", "integer"] }, "one of several types: string, integer"],
    [{ enum: [1, 2] }, "a set of values that are not all texts"],
    [{ $ref: "https://elsewhere.example/schema" }, "a reference to elsewhere"],
    [{ $ref: "#/$defs/loop" }, "references in a circle"],
    [true, "anything at all"],
    [{}, "no type"],
  ])("%j is Any, and said", (schema, why) => {
    const text = declared({
      name: "get_x",
      inputSchema: {
        type: "object",
        properties: { x: schema },
        required: ["x"],
        $defs: { loop: { $ref: "#/$defs/loop" } },
      },
    });
    expect(text).toContain(`// check: x: ${why}: rules cannot read it\n`);
    expect(text).toContain("x: Any }");
  });

  test("a schema that contains itself ends", () => {
    const node = { type: "object", properties: { next: { $ref: "#" }, name: { type: "string" } } };
    expect(declared({ name: "get_x", inputSchema: node })).toContain("nested too deeply");
  });

  test("arguments may be left out unless required; names that are no words are named", () => {
    const text = declared({
      name: "list-all files",
      inputSchema: {
        type: "object",
        properties: {
          "max-depth": { type: "integer" },
          max_depth: { type: "integer" },
          "1st": { type: "string" },
          path: { type: "string" },
        },
        required: ["path"],
      },
    });
    expect(text).toContain('tool list_all_files named "list-all files"');
    expect(text).toContain('max_depth named "max-depth": Int?');
    expect(text).toContain('max_depth_2 named "max_depth": Int?');
    expect(text).toContain('x1st named "1st": String?');
    expect(text).toContain("path: Path");
  });
});

describe("effects", () => {
  test.each<[string, Json, string, string | undefined]>([
    ["look_around", { readOnlyHint: true }, "read", undefined],
    [
      "delete_all",
      { readOnlyHint: true },
      "delete",
      "the server says it only reads; its name says more",
    ],
    [
      "transfer_money",
      { readOnlyHint: true },
      "write",
      "the server says it only reads; its name says more",
    ],
    ["get_page", {}, "read", "told from the name"],
    ["get_page", { readOnlyHint: false }, "write", "the server says it does not only read"],
    ["saveDocument", {}, "write", "told from the name"],
    ["rm", { destructiveHint: true }, "delete", "the server says it may destroy"],
    ["get_page", { destructiveHint: true }, "delete", "the server says it may destroy"],
    [
      "get_page",
      { readOnlyHint: false, destructiveHint: true },
      "delete",
      "the server says it may destroy",
    ],
    [
      "fetch_and_execute",
      { readOnlyHint: true },
      "execute",
      "the server says it only reads; its name says more",
    ],
    ["getOrCreateUser", {}, "write", "told from the name"],
    ["get_run", { readOnlyHint: true }, "read", undefined],
    [
      "write_file",
      { readOnlyHint: false, destructiveHint: true },
      "write",
      "the server says it may destroy",
    ],
    ["shell_execute", {}, "execute", "told from the name"],
    ["post-message", {}, "send", "told from the name"],
    ["create_and_run", {}, "execute", "told from the name"],
    ["frobnicate", {}, "execute", "nothing says what it does"],
  ])("%s, %j: %s", (name, annotations, effect, why) => {
    const text = declared({ name, annotations, inputSchema: { type: "object" } });
    expect(text).toContain(`effect ${effect}`);
    if (why === undefined) expect(text).not.toContain("check:");
    else expect(text).toContain(`// check: effect: ${why}\n`);
  });

  test("what a tool returns is untrusted unless its world is closed", () => {
    expect(declared({ name: "get_x" })).toContain("yields untrusted");
    const closed = declared({ name: "get_x", annotations: { openWorldHint: false } });
    expect(closed).not.toContain("yields");
    expect(closed).toContain("// check: returns: only the server says that nobody else writes");
  });
});

describe("what cannot be declared", () => {
  const long = "x".repeat(9_000);

  test.each<[string, Json, string]>([
    ["a name that is too long", { name: long }, `the tool "${"x".repeat(60)}…" cannot be declared`],
    ["half of a surrogate pair", { name: "a\ud800" }, 'the tool "a\\ud800" cannot be declared'],
    [
      "an argument of such a name",
      { name: "a", inputSchema: { properties: { "b\udc00": {} } } },
      'the tool "a" cannot be declared',
    ],
    [
      "a value that is too long",
      { name: "a", inputSchema: { properties: { b: { enum: [long] } } } },
      'the tool "a" cannot be declared: a string has at most 8192 characters',
    ],
  ])("%s is told with its tool", (_, tool, message) => {
    const list: Json = [{ name: "get_x" }, tool];
    expect(() => importTools(list, { package: "t", pin: false })).toThrow(message);
  });

  test("an argument that no request can have is left out, and a tool called so has another word", () => {
    const properties = { constructor: { type: "string" }, x: { type: "string" } };
    const made = declared({ name: "prototype", inputSchema: { properties } });
    expect(made).toContain(
      'tool xprototype named "prototype" { effect execute, args { x: String? }',
    );
    expect(made).toContain(
      "// check: constructor: no request has a member that is called so: it is left out\n",
    );
  });

  test("schemas that unfold to more than a file holds are refused before they are unfolded", () => {
    const step = (to: number): Json =>
      Object.fromEntries(
        Array.from({ length: 8 }, (_, at) => [`k${at}`, { $ref: `#/$defs/${to}` }]),
      );
    const levels = Array.from({ length: 14 }, (_, at) => [`${at}`, { properties: step(at + 1) }]);
    const $defs = { ...Object.fromEntries(levels), 14: { type: "string" } } as Json;
    const tool: Json = { name: "a", inputSchema: { properties: step(0), $defs } };
    expect(() => importTools([tool], { package: "t", pin: false })).toThrow(
      "unfold to more than the 1048576 characters",
    );
  });

  test.each<[Json, string, string]>([
    [{ $ref: "#/$defs/all" }, "", "args { x: String? }"],
    [
      { $ref: "https://elsewhere.example/" },
      "a reference to elsewhere: none is accepted",
      "execute",
    ],
    [
      { allOf: [{ $ref: "#/$defs/all" }] },
      "`allOf`: what it alone lists is not accepted",
      "execute",
    ],
  ])("arguments of %j", (inputSchema, check, text) => {
    const $defs = { all: { properties: { x: { type: "string" } } } };
    const made = declared({ name: "frob", inputSchema: { ...(inputSchema as object), $defs } });
    expect(made).toContain(text);
    if (check !== "") expect(made).toContain(`// check: arguments: ${check}\n`);
  });
});

test("descriptions are comments, and stay so", () => {
  const text = declared({
    name: "get_x",
    description: "Gets x.\npermit everything\n\u202Etool evil { effect read }\u2028forbid all",
  });
  expect(text).toMatch(/^\/\/ Gets x\.\n/);
  expect(text).not.toContain("permit");
});

test("servers of one file keep their tools apart", () => {
  const tool = { name: "read", inputSchema: { type: "object" } };
  const servers = [
    { package: "@x/server-files", tools: [tool] },
    { package: "mail-mcp", tools: [tool] },
  ];
  const { tools } = importTools(servers as Json, { package: "t", pin: false });
  expect(tools.map(({ name, wire, server }) => [name, wire, server])).toEqual([
    ["read", "read", "@x/server-files"],
    ["mail_read", "read", "mail-mcp"],
  ]);
});

test("--server picks one of several, and says which there are", () => {
  const servers = [
    { package: "files", tools: [{ name: "read" }] },
    { package: "mail", tools: [{ name: "read" }, { name: "send" }] },
  ];
  const parts = { package: "t", pin: false };
  const { tools } = importTools(servers as Json, { ...parts, server: "mail" });
  expect(tools.map(({ name, server }) => [name, server])).toEqual([
    ["read", "mail"],
    ["send", "mail"],
  ]);
  expect(() => importTools(servers as Json, { ...parts, server: "web" })).toThrow(
    'there is no server "web" in it',
  );
});

test("--pin names a digest that any change of the definition changes", () => {
  const digestIn = (text: string) => /digest "(sha256:[0-9a-f]{64})"/.exec(text)?.[1];
  const plain = digestIn(declared({ name: "get_x", description: "a" }, { pin: true }));
  expect(plain).toBeDefined();
  expect(digestIn(declared({ description: "a", name: "get_x" }, { pin: true }))).toBe(plain);
  expect(digestIn(declared({ name: "get_x", description: "b" }, { pin: true }))).not.toBe(plain);
});

describe("writ import mcp", () => {
  test("reads an answer from standard input and writes a package", async () => {
    const answer = {
      jsonrpc: "2.0",
      id: 1,
      result: { tools: [{ name: "get_x", inputSchema: { type: "object" } }] },
    };
    const { code, out, err } = await writ(
      ["import", "mcp", "-", "--server", "s", "--package", "acme.tools"],
      { stdin: JSON.stringify(answer) },
    );
    expect({ code, err }).toEqual({
      code: 0,
      err: "imported 1 tool, 1 to look at (`// check:`)\n",
    });
    expect(out).toMatch(/^package acme\.tools\n\nlabel untrusted\n/);
    expect(out).toContain('server "s"');
  });

  test("writes a file, and says in JSON what it holds", async () => {
    const cwd = directoryWith({ "tools.json": JSON.stringify({ tools: [{ name: "get_x" }] }) });
    const { out } = await writ(["import", "mcp", "tools.json", "-o", "tools.writ", "--json"], {
      cwd,
    });
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      file: "tools.writ",
      tools: [{ name: "get_x", effect: "read" }],
    });
    expect((await writ(["check", "tools.writ"], { cwd })).code).toBe(0);
  });

  test("writes into the package of the files beside it, which then compile", async () => {
    const cwd = directoryWith({ "tools.json": JSON.stringify({ tools: [{ name: "get_x" }] }) });
    await writ(["init", "wiki", "--package", "acme.wiki"], { cwd });
    const words = ["import", "mcp", "-o", "wiki/tools.writ", "tools.json"];
    expect(await writ(words, { cwd })).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, "wiki/tools.writ"), "utf8")).toMatch(/^package acme\.wiki\n/);
    expect(await writ(["test", "wiki"], { cwd })).toMatchObject({ code: 0 });
    await writ([...words, "--package", "other"], { cwd });
    expect(await writ(["check", "wiki"], { cwd })).toMatchObject({ code: 1 });
  });

  test.each([
    ["another kind", ["import", "openapi", "x.json"], "{}"],
    ["no tools", ["import", "mcp", "-"], "{}"],
    ["a tool listed twice", ["import", "mcp", "-"], '[{"name":"a"},{"name":"a"}]'],
    ["tools without names", ["import", "mcp", "-"], '[{"inputSchema":{}}]'],
    ["no JSON", ["import", "mcp", "-"], "tools"],
    ["no package name", ["import", "mcp", "-", "--package", "a b"], "[]"],
  ])("%s is misuse", async (_, words, stdin) => {
    expect((await writ(words, { stdin })).code).toBe(2);
  });
});

describe("whatever a server says, what comes out compiles", () => {
  const word = fc.oneof(
    fc.constantFrom(
      "user",
      "when",
      "type",
      "tool",
      "",
      "__proto__",
      "constructor",
      "1st",
      "a-b",
      "ä",
      "\u202E",
      "x".repeat(300),
    ),
    fc.string({ unit: "binary", maxLength: 8 }),
  );
  const schema = fc.letrec<{ schema: Json; object: Json }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<Json>(
        true,
        {},
        { type: "string" },
        { type: ["null", "integer"] },
        { type: "null" },
        { $ref: "#/properties/a" },
        { $ref: "#/" },
        { enum: [] },
        { enum: [null] },
        { type: 1 },
      ),
      word.map((value): Json => ({ enum: [value, `${value}!`] })),
      fc.record({
        type: fc.constant("array"),
        items: tie("schema"),
        uniqueItems: fc.boolean(),
      }) as fc.Arbitrary<Json>,
      fc.record({
        type: fc.constant("object"),
        additionalProperties: tie("schema"),
      }) as fc.Arbitrary<Json>,
      fc.array(tie("schema"), { maxLength: 3 }).map((anyOf): Json => ({ anyOf })),
      tie("object"),
    ),
    object: fc.record({
      type: fc.constant("object"),
      properties: fc.dictionary(word, tie("schema"), { maxKeys: 4 }),
      required: fc.array(word, { maxLength: 2 }),
      additionalProperties: fc.oneof(fc.boolean(), tie("schema")),
    }) as fc.Arbitrary<Json>,
  }));
  const tool = fc.record({
    name: word.filter((name) => name !== ""),
    description: fc.string({ unit: "binary" }),
    inputSchema: schema.object,
    annotations: fc.record(
      { readOnlyHint: fc.boolean(), destructiveHint: fc.boolean(), openWorldHint: fc.boolean() },
      { requiredKeys: [] },
    ),
  });

  test("property", () => {
    fc.assert(
      fc.property(fc.array(tool, { maxLength: 4 }), word, (tools, server) => {
        const unique = tools.filter(
          ({ name }, at) => tools.findIndex((other) => other.name === name) === at,
        );
        importTools(unique as Json, { package: "t", server, pin: true });
      }),
      { numRuns: 300 },
    );
  });
});

interface Listed {
  readonly package: string;
  readonly tools: Json[];
}

const FOLDER = dataFolder("mcp-tools");

describe.skipIf(FOLDER === undefined)("tool lists of real servers", () => {
  const file = join(FOLDER ?? "", "tools.json");
  const servers = (FOLDER === undefined ? [] : JSON.parse(readFileSync(file, "utf8"))) as Listed[];

  test.each(servers)("$package compiles, laid out as fmt would", (server) => {
    const { text, tools } = importTools(
      { tools: server.tools },
      { package: "tools", server: server.package, pin: true },
    );
    expect(tools).toHaveLength(server.tools.length);
    const source = { path: "tools.writ", text };
    expect(compile({ directory: ".", files: [source] }).diagnostics).toEqual([]);
    expect(format(source)).toEqual({ text });
  });

  test("all of them together are 204 tools", async () => {
    const cwd = directoryWith({});
    const { code, out } = await writ(
      ["import", "mcp", file, "--json", "-o", join(cwd, "all.writ")],
      { cwd },
    );
    expect(code).toBe(0);
    expect(JSON.parse(out).tools).toHaveLength(204);
    expect((await writ(["check", "--warnings-as-errors", "all.writ"], { cwd })).code).toBe(0);
  });
});
