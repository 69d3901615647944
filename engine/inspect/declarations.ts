/** Counters and latches of a program in the words of its author: what they are kept for, and up to where. Pure. */
import type { CounterDecl, Expr, LatchDecl, Program } from "../../lang/ir.ts";
import { DECIMAL_ONE } from "../../lang/scalar/decimal.ts";
import { spellExpr, spellLength, spellValue } from "../explain/spell.ts";
import { type TypeOf, typing } from "../explain/typing.ts";
import type { KeyReading } from "../state/report.ts";
import { scalarsOfKey } from "../value.ts";
import { type Limit, limitsOf } from "./limits.ts";
import type { ReadingView } from "./view.ts";

export interface SpelledLatch {
  /** In the program. */
  readonly index: number;
  readonly name: string;
  /** As authors write it: `session`, `tool`. */
  readonly per: readonly string[];
  /** Which of `per` is the session's id; missing where none is. */
  readonly sessionAt: number | undefined;
  /** What a key was made of, as the language writes it, but texts without quotes. */
  key(key: string): readonly string[];
}

export interface SpelledCounter extends SpelledLatch {
  readonly op: CounterDecl["op"];
  readonly within: string | undefined;
  readonly limits: readonly Limit[];
  /** As people write it: a Decimal in units. */
  amount(reading: number): number;
  reading(reading: KeyReading): ReadingView;
}

export function declarationsOf(program: Program): {
  readonly counters: readonly SpelledCounter[];
  readonly latches: readonly SpelledLatch[];
} {
  const typeOf = typing(program);
  const limits = limitsOf(program);
  return {
    counters: program.counters.map((declared, index) =>
      counterOf(declared, limits.get(index) ?? [], keysOf(declared, index, program, typeOf)),
    ),
    latches: program.latches.map((declared, index) => keysOf(declared, index, program, typeOf)),
  };
}

function counterOf(
  { op, type, windowMs }: CounterDecl,
  limits: readonly Limit[],
  keys: SpelledLatch,
): SpelledCounter {
  const amount = (reading: number) => (type === "Decimal" ? reading / DECIMAL_ONE : reading);
  return {
    ...keys,
    op,
    within: windowMs === undefined ? undefined : spellLength(windowMs),
    limits,
    amount,
    reading: ({ key, value }) => ({
      key: keys.key(key),
      value: value === "unavailable" ? null : amount(value),
      ...(value === "unavailable" ? {} : standing(value, limits, amount)),
    }),
  };
}

function standing(
  value: number,
  limits: readonly Limit[],
  amount: (reading: number) => number,
): Pick<ReadingView, "limit" | "reached"> {
  const ahead = limits.find((limit) => !isReached(limit, value));
  const nearest = ahead ?? limits.at(-1);
  if (nearest === undefined) return {};
  return { limit: amount(nearest.most), reached: ahead === undefined };
}

function isReached({ most, reachedAtMost }: Limit, value: number): boolean {
  return reachedAtMost ? value >= most : value > most;
}

function keysOf(
  { name, per }: CounterDecl | LatchDecl,
  index: number,
  program: Program,
  typeOf: TypeOf,
): SpelledLatch {
  const sessionAt = per.findIndex((part) => spellExpr(part, program) === "session.id");
  return {
    index,
    name,
    per: per.map((part) => spellPart(part, program)),
    sessionAt: sessionAt < 0 ? undefined : sessionAt,
    key: (key) =>
      scalarsOfKey(key, per.length).map((value, at) => {
        const part = per[at];
        if (typeof value === "string" || part === undefined) return String(value);
        return spellValue(value, typeOf(part), program.levels);
      }),
  };
}

/** An actor, session or tool stands for what it is known by. */
function spellPart(part: Expr, program: Program): string {
  return spellExpr(part, program).replace(
    /^(agent|principal|session|delegation\.root)\.id$|^(tool)\.name$/,
    "$1$2",
  );
}
