import { describe, expect, test } from "vitest";
import { digestOfProgram, loadBundle, makeBundle, serializeBundle } from "../../engine/bundle.ts";
import type { Program } from "../../lang/ir.ts";
import { programOf } from "../support/engine.ts";

const POLICY = `
tool look { effect read, args { path: Path, depth: Int? } }
tool pay { effect write, args { to: String, amount: Decimal } }
counter spend = sum args.amount of allowed pay per agent within 24h
fn twice(a: Decimal): Decimal = a + a
permit looking tool look when args.path within "/srv" and (args.depth ?? 1) < 3
permit paying
  tool pay
  when spend + twice(args.amount) <= 500.00
  with credential { scope: ["pay"], ttl: 60s }, ticket { at: "desk" }
task errand { sequence look(path as p)+, pay? }
`;
const program = programOf(POLICY);

/** What a reader says of the bundle after `change` was made to its JSON, with a digest that fits again. */
function refusal(
  change: (bundle: { [member: string]: unknown; program: Program }) => void,
): string {
  const json = JSON.parse(serializeBundle(makeBundle({ program })));
  change(json);
  const loaded = loadBundle(json);
  return loaded.ok ? "loaded" : loaded.why;
}

/** The program may be written to: it was just read from text. */
function writable(program: Program) {
  // biome-ignore lint/suspicious/noExplicitAny: broken on purpose
  return program as any;
}

test("what is written is read again, byte for byte", () => {
  const text = serializeBundle(makeBundle({ program, tests: [], revision: "r1" }));
  const loaded = loadBundle(JSON.parse(text));
  if (!loaded.ok) throw new Error(loaded.why);
  expect(loaded.bundle.program).toEqual(program);
  expect(serializeBundle(loaded.bundle)).toBe(text);
});

describe("the digest is of what a program means", () => {
  test("comments and layout leave it as it is", () => {
    const other = programOf(
      `package example\n\n// A comment.\n\n${POLICY.replaceAll("\n", "\n\n  ")}`,
    );
    expect(other.places).not.toEqual(program.places);
    expect(digestOfProgram(other)).toBe(digestOfProgram(program));
  });

  test.each([
    ["a bound", "500.00", "500.01"],
    ["data that is called like a place", '{ at: "desk" }', '{ at: "door" }'],
    ["a reason", "tool look when", 'tool look because "x" when'],
    ["a sequence", "+, pay?", "+, pay"],
  ])("%s changes it", (_, from, to) => {
    expect(POLICY).toContain(from);
    expect(digestOfProgram(programOf(POLICY.replace(from, to)))).not.toBe(digestOfProgram(program));
  });
});

describe("versions", () => {
  test.each([
    { major: 2, minor: 0, says: "built by a newer Writ (IR 2.0); this one reads 1.x" },
    { major: 1, minor: 7, says: "built by a newer Writ (IR 1.7); this one reads up to 1.1" },
    {
      major: 0,
      minor: 9,
      says: "built by an older Writ (IR 0.9); this one reads 1.x: build it again",
    },
  ])("IR $major.$minor is refused", ({ major, minor, says }) => {
    expect(refusal((json) => Object.assign(json, { version: { major, minor } }))).toBe(says);
    expect(refusal(({ program }) => Object.assign(program, { version: { major, minor } }))).toBe(
      says,
    );
  });
});

describe("what is no bundle is refused, with where", () => {
  test.each<[string, Parameters<typeof refusal>[0]]>([
    ["its `format` is not", (json) => Object.assign(json, { format: "tar" })],
    ["unknown member `evil`", (json) => Object.assign(json, { evil: 1 })],
    [
      "its digest is not that of its program",
      (json) => Object.assign(json, { digest: "sha256:00" }),
    ],
    ["/rules/0/effect is none of", ({ program }) => (writable(program).rules[0].effect = "bless")],
    ["/rules/0/extra is no member", ({ program }) => (writable(program).rules[0].extra = 1)],
    ["/rules/0/at is missing", ({ program }) => delete writable(program).rules[0].at],
    [
      "/rules/0/guard/tools/0 leads to none of the tools",
      ({ program }) => (writable(program).rules[0].guard.tools = [9]),
    ],
    [
      "/rules/0/at leads to none of the places",
      ({ program }) => (writable(program).rules[0].at = 1e6),
    ],
    [
      "/tasks/0/sequence/follow/0/0 leads to no position",
      ({ program }) => (writable(program).tasks[0].sequence.follow[0] = [7]),
    ],
    [
      'is unknown: "shell"',
      ({ program }) => (writable(program).rules[0].conditions[0].kind = "shell"),
    ],
    [
      "/rules/0/approval/count is not from 1 to 10",
      ({ program }) => (writable(program).rules[0].approval = approvalOf({ count: 0 })),
    ],
    [
      "/rules/0/approval/withinMs is not from 1 to",
      ({ program }) => (writable(program).rules[0].approval = approvalOf({ withinMs: 1e15 })),
    ],
    [
      "is no builtin",
      ({ program }) =>
        (writable(program).functions[0].body = { kind: "builtin", name: "eval", args: [], at: 0 }),
    ],
    [
      "/functions/0 calls itself",
      ({ program }) =>
        (writable(program).functions[0].body = { kind: "call", function: 0, args: [], at: 0 }),
    ],
    [
      "/functions/0 reads a local that it does not bind",
      ({ program }) => (writable(program).functions[0].params = []),
    ],
    [
      "is a forbidden name",
      ({ program }) =>
        (writable(program).functions[0].body = {
          kind: "attribute",
          of: { kind: "root", name: "agent", at: 0 },
          name: "constructor",
          at: 0,
        }),
    ],
    [
      "is nested deeper than",
      ({ program }) => (writable(program).rules[0].conditions[0] = nots(5_000)),
    ],
    ["no JSON object", ({ program }) => void program],
  ])("%s", (says, change) => {
    if (says === "no JSON object") expect(loadBundle([])).toMatchObject({ ok: false });
    else expect(refusal(change)).toContain(says);
  });
});

function approvalOf(more: object): unknown {
  return { count: 1, approver: { kind: "group", group: "ops" }, ...more };
}

function nots(count: number): unknown {
  let made: unknown = { kind: "const", type: { kind: "Bool" }, value: true, at: 0 };
  for (let depth = 0; depth < count; depth += 1) made = { kind: "not", operand: made, at: 0 };
  return made;
}
