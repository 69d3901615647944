import { describe, expect, test } from "vitest";
import { code, compileSource, Emitter, refusedToken } from "../../../engine/evaluate/emit.ts";
import type { Evaluator } from "../../../engine/evaluate/evaluator.ts";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import { record } from "../../../engine/value.ts";
import type { Expr, Program } from "../../../lang/ir.ts";
import { same } from "../../differential/compare.ts";
import { type Random, randomFrom } from "../../differential/random.ts";

const STRINGS = Number(process.env.WRIT_HOSTILE ?? 5_000);

describe("source", () => {
  test("takes no string in its holes", () => {
    expect(() => code`const x = ${"process.exit()" as never};`).toThrow("only code");
    expect(() => new Emitter().helper("process" as never)).toThrow("not a helper");
  });

  test.each([
    ...[
      "'a'",
      '"a"',
      "`a`",
      "/a/",
      "a => a",
      "// a",
      "/* a */",
      "<!-- a",
      "1 --> 2",
      "#a",
      "\\u0061",
    ],
    ...["this", "process", "eval", "arguments", "import", "require", "globalThis", "Function"],
    ...[
      "K.constructor",
      "H.__proto__",
      "q.prototype",
      "k1a",
      "v_1",
      "$1",
      "1e9",
      "0x1",
      "1n",
      "v\u200d1",
    ],
    ...[
      "async",
      "await",
      "yield",
      "class",
      "while",
      "try",
      "throw",
      "delete",
      "with",
      "@a",
      "\u2028",
      "é",
    ],
  ])("with %s is refused", (source) => {
    expect(refusedToken(source)).toBeDefined();
    expect(() => compileSource(`return 1;\n${source}`)).toThrow("generated source holds");
  });
});

test(`${STRINGS} hostile texts at every place of a policy leave no trace in its source`, () => {
  const expected = sourcesFor("benign");
  const random = randomFrom(7);
  for (let left = STRINGS; left > 0; left--) {
    const text = hostile(random);
    const sources = sourcesFor(text);
    if (!same(sources, expected)) expect(sources, JSON.stringify(text)).toEqual(expected);
  }
  expect(expected.map(refusedToken)).toEqual(expected.map(() => undefined));
}, 120_000);

test("hostile texts mean what they mean to the reference", () => {
  const random = randomFrom(8);
  for (let left = 500; left > 0; left--) {
    const text = hostile(random);
    const program = programWith(text);
    const [wanted, given] = [
      answersOf(createInterpreter(program), text),
      answersOf(generateEvaluator(program), text),
    ];
    if (!same(wanted, given)) expect(given, JSON.stringify(text)).toEqual(wanted);
  }
});

const PIECES = [
  ...["'", '"', "`", "\\", "\\u0022", "${", "}", "{", ")", "(", "]", "[", ";", ",", "\n", "\r"],
  ...[
    "\u2028",
    "\u2029",
    "\0",
    "//",
    "/*",
    "*/",
    "<!--",
    "-->",
    "=>",
    "process.exit()",
    "return 1",
  ],
  ...["constructor", "__proto__", "prototype", "toString", "hasOwnProperty", "this", "eval(1)"],
  ...["globalThis.x=1", "k0", "v1", "K", "H", "K[0]", "q.agent", "true", "undefined", "0", "1e999"],
  ...["\ud800", "\u202e", "é", "😀", " ", "import('fs')", "require('fs')", "-", "+", "a", "B"],
];

function hostile(random: Random): string {
  return Array.from({ length: 1 + random.below(6) }, () => random.pick(PIECES)).join("");
}

function sourcesFor(text: string): readonly string[] {
  const sources: string[] = [];
  const evaluator = generateEvaluator(programWith(text), (source) => {
    sources.push(source);
    return compileSource(source);
  });
  answersOf(evaluator, text);
  return sources;
}

function answersOf(evaluator: Evaluator, text: string): unknown {
  const request = requestWith(text);
  const facts = {
    nowMs: 0,
    counter: () => 1,
    latch: () => true,
    origin: () => new Set([text]),
  };
  return [
    evaluator.rules(request, facts),
    evaluator.nevers(request, facts),
    evaluator.touches(request, facts),
    evaluator.approver(0, request, facts),
    evaluator.step(0, 0, new Map(), request, facts),
  ];
}

function requestWith(text: string) {
  const actor = record({ id: text, kind: text, groups: new Set([text]), [text]: text });
  const plain = record({ id: text, type: text, purpose: text, task: text, [text]: text });
  return {
    tool: 0,
    roots: {
      agent: actor,
      principal: actor,
      delegation: plain,
      intent: plain,
      tool: plain,
      args: record({
        [text]: text,
        map: new Map([[text, text]]),
        list: [record({ [text]: text })],
      }),
      resource: plain,
      session: plain,
      environment: plain,
    },
  };
}

/** `text` wherever a policy can say something of its own. */
function programWith(text: string): Program {
  const at = 0;
  const STRING = { kind: "String" } as const;
  const literal: Expr = { kind: "const", type: STRING, value: text, at };
  const args: Expr = { kind: "root", name: "args", at };
  const read = (of: Expr): Expr => ({ kind: "attribute", of, name: text, at });
  const member = (name: string): Expr => ({ kind: "attribute", of: args, name, at });
  const local: Expr = { kind: "local", id: 1, name: text, at };
  const equal = (left: Expr, right: Expr): Expr => ({
    kind: "equal",
    left,
    right,
    type: STRING,
    at,
  });
  const record_: Expr = { kind: "record", fields: [{ name: text, value: literal }], at };
  const conditions: Expr[] = [
    equal(read(args), literal),
    equal({ kind: "index", of: member("map"), index: literal, over: "Map", at }, local),
    { kind: "has", of: read(args), at },
    {
      kind: "in",
      left: literal,
      right: { kind: "const", type: { kind: "Set", of: STRING }, value: [text], at },
      over: "Set",
      at,
    },
    { kind: "like", left: literal, pattern: literal, at },
    { kind: "within", left: literal, right: literal, of: "Path", at },
    { kind: "text", op: "contains", left: literal, right: literal, at },
    {
      kind: "quantifier",
      op: "any",
      id: 2,
      name: text,
      over: member("list"),
      body: equal(read({ kind: "local", id: 2, name: text, at }), literal),
      at,
    },
    equal(read(record_), { kind: "coalesce", left: read(args), right: literal, at }),
    equal({ kind: "call", function: 0, args: [literal], at }, literal),
    { kind: "latch", latch: 0, at },
  ];
  return {
    format: "writ.ir",
    version: { major: 1, minor: 0 },
    package: text,
    packages: [text],
    levels: [{ name: text, values: [text] }],
    purposes: [text],
    labels: [text],
    tools: [
      {
        name: text,
        wire: text,
        server: text,
        effect: "read",
        args: [{ name: text, type: STRING }],
        open: false,
        yields: [],
        scope: [text],
        digest: text,
      },
    ],
    resources: [{ name: text, attributes: [], open: false }],
    principal: [],
    agent: [],
    session: [],
    environment: [],
    functions: [{ name: text, params: [9], body: { kind: "local", id: 9, name: text, at }, at }],
    modules: [{ name: text, module: text, entrypoint: text, type: STRING, at }],
    counters: [
      { name: text, op: "count", type: "Int", calls: { base: "attempts" }, per: [literal], at },
    ],
    latches: [{ name: text, calls: { base: "allowed" }, per: [literal, read(args)], at }],
    tasks: [
      {
        name: text,
        purpose: text,
        sequence: {
          positions: [
            {
              label: text,
              tools: [0],
              binds: [{ argument: text, id: 5 }],
              predicates: [equal({ kind: "local", id: 5, name: text, at }, literal)],
              at,
            },
          ],
          first: [0],
          follow: [[]],
          last: [0],
          empty: false,
        },
        limits: [],
        at,
      },
    ],
    rules: [
      {
        name: text,
        package: text,
        effect: "hold",
        guard: {
          agentGroups: [text],
          agentKinds: [text],
          principalGroups: [text],
          principalKinds: [text],
          resources: [text],
          purposes: [text],
          tasks: [text],
        },
        lets: [{ id: 1, name: text, value: literal }],
        conditions,
        obligations: [{ type: "custom", name: text, value: text }],
        approval: {
          count: 1,
          approver: { kind: "party", party: { kind: "root", name: "principal", at } },
        },
        interrupt: false,
        because: text,
        tags: [text],
        at,
      },
    ],
    nevers: [
      { name: text, package: text, condition: equal(read(args), literal), because: text, at },
    ],
    readsOrigin: false,
    sources: [text],
    places: [0, 0, 0, 1, 1],
  };
}
