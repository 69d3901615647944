import { expect, test } from "vitest";
import { attributeOf, BUILTINS, functionNamed } from "../../lang/builtins.ts";
import { spell, type Type } from "../../lang/type.ts";
import { Failure, type Value } from "../../lang/value.ts";

const STRING: Type = { kind: "String" };
const INT: Type = { kind: "Int" };

function list(of: Type): Type {
  return { kind: "List", of };
}

function set(of: Type): Type {
  return { kind: "Set", of };
}

/** What a function gives, or the cause for which it gives nothing. */
function apply(name: string, ...args: readonly Value[]): unknown {
  const value = BUILTINS.get(name)?.apply(args);
  return value instanceof Failure ? value.cause : value;
}

test.each<[string, readonly Value[], unknown]>([
  ["lower", ["A\u212aÄz"], "a\u212aÄz"],
  ["trim", ["\t a\ufeff \n"], "a\ufeff"],
  ["length", ["a\u{1f600}é"], 3],
  ["split", ["a,,b", ","], ["a", "", "b"]],
  ["split", ["ab", ""], ["ab"]],
  ["words", [" a  b\n"], ["a", "b"]],
  ["count", [["a", "a"]], 2],
  ["count", [new Set(["a"])], 1],
  ["count", [new Map([["a", 1]])], 1],
  ["sum", [[]], 0],
  ["sum", [[Number.MAX_SAFE_INTEGER, 1]], "overflow"],
  ["min", [[3, 1, 2]], 1],
  ["max", [[]], undefined],
  ["abs", [-5], 5],
  ["keys", [new Map([["k", 1]])], new Set(["k"])],
  ["values", [new Map([["k", 1]])], [1]],
  ["zip", [["a"], [1]], [{ first: "a", second: 1 }]],
  ["zip", [["a"], []], "length_mismatch"],
  [
    "neighbours",
    [["a", "b", "c"]],
    [
      { first: "a", second: "b" },
      { first: "b", second: "c" },
    ],
  ],
  ["neighbours", [["a"]], []],
  ["take", [["a", "b"], 1], ["a"]],
  ["take", [["a", "b"], -1], []],
  ["skip", [["a", "b"], 1], ["b"]],
  ["skip", [["a", "b"], -1], ["a", "b"]],
  ["date_time", ["1970-01-01", "00:01"], 60_000],
  ["date_time", ["1970-01-01", "01:00:01+01:00"], 1_000],
  ["date_time", ["1970-01", "00:01"], undefined],
  ["date_time", ["1970-01-01", "25:00"], undefined],
  ["distinct", [["a", "a"]], new Set(["a"])],
  ["union", [new Set(["a"]), new Set(["b"])], new Set(["a", "b"])],
  ["intersection", [new Set(["a", "b"]), new Set(["b"])], new Set(["b"])],
  ["difference", [new Set(["a", "b"]), new Set(["b"])], new Set(["a"])],
  ["host_within", ["mail.acme.example", "acme.example"], true],
  ["reaches", ["/etc/x", "/etc"], true],
  ["reaches", ["/etcetera", "/etc"], false],
  ["path", ["/a/../b"], "/b"],
  ["path", ["../b"], undefined],
  ["url", ["x"], undefined],
  ["ip", ["::ffff:1.2.3.4"], "1.2.3.4"],
  ["time", ["1970-01-01"], 0],
  ["decimal.text", [125_000], "12.5"],
  ["email.domain", ["a@b.c"], "b.c"],
  ["url.port", ["mcp://x"], undefined],
  ["time.weekday", [0], "thursday"],
])("%s of %j is %j", (name, args, value) => {
  expect(apply(name, ...args)).toEqual(value);
});

test.each<[string, readonly Type[], string]>([
  ["length", [STRING], "Int"],
  ["length", [{ kind: "OneOf", values: ["a"] }], "Int"],
  ["length", [INT], "takes String, not `Int`"],
  ["max", [list(INT)], "Int?"],
  ["sum", [list(STRING)], "takes a List of Int, Decimal, Duration, not `List<String>`"],
  ["zip", [list(STRING), list(INT)], "List<{ first: String, second: Int }>"],
  ["keys", [{ kind: "Map", of: INT }], "Set<String>"],
  ["distinct", [list(list(INT))], "takes a List of scalars, not `List<List<Int>>`"],
  [
    "union",
    [set(STRING), set(INT)],
    "takes two Sets of one type, not `Set<String>` and `Set<Int>`",
  ],
  ["text", [{ kind: "Path" }], "String"],
  ["text", [INT], "takes a kind of text, not `Int`"],
  ["email", [STRING], "Email?"],
  [
    "time.weekday",
    [{ kind: "Time" }],
    '"sunday" | "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday"',
  ],
])("%s of such types: %s", (name, types, wanted) => {
  const result = BUILTINS.get(name)?.result(types);
  expect(result && ("message" in result ? result.message : spell(result))).toBe(wanted);
});

test("attributes are found by type and name, and are no functions", () => {
  expect(attributeOf({ kind: "Email" }, "domain")?.name).toBe("email.domain");
  expect(attributeOf({ kind: "Path" }, "domain")).toBeUndefined();
  expect(functionNamed("email.domain")).toBeUndefined();
  expect(functionNamed("lower")?.arity).toBe(1);
  expect(functionNamed("constructor")).toBeUndefined();
});
