import { expect, test } from "vitest";
import { interpret } from "../../../engine/evaluate/interpret-expression.ts";
import { Unknown } from "../../../engine/value.ts";
import type { Expr } from "../../../lang/ir.ts";
import { programOf } from "../../support/engine.ts";
import { tableOf } from "../../support/tables.ts";

const program = programOf("tool act { effect read }");

function truth(word: string | undefined): Expr {
  if (word === "unknown") return { kind: "module", module: 0, at: 0 };
  return { kind: "const", type: { kind: "Bool" }, value: word === "true", at: 0 };
}

function spell(expr: Expr): string {
  const value = interpret(expr, program, undefined as never, {} as never);
  return value instanceof Unknown ? "unknown" : String(value);
}

test.each(tableOf("a", "not a"))("not $a", (row) => {
  expect(spell({ kind: "not", operand: truth(row.a), at: 0 })).toBe(row["not a"]);
});

test.each(tableOf("a", "b", "a and b"))("$a with $b", (row) => {
  const sides = { left: truth(row.a), right: truth(row.b), at: 0 };
  expect(spell({ kind: "and", ...sides })).toBe(row["a and b"]);
  expect(spell({ kind: "or", ...sides })).toBe(row["a or b"]);
});
