/**
 * OPA's own cases for the builtins that are supplied. The Rego around a call is evaluated by `test/support/rego`,
 * the builtins are ours. A case that it cannot read is counted, and named.
 */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BuiltinError } from "../../../engine/opa/builtins/builtin.ts";
import { BUILTINS } from "../../../engine/opa/builtins/index.ts";
import {
  isRegoArray,
  jsonOfRego,
  Malformed,
  type Rego,
  RegoObject,
  RegoSet,
  regoOfJson,
  spellRego,
} from "../../../engine/opa/rego.ts";
import { CASES, type Case, isWanted, OUTDATED, termIn } from "../../support/rego/cases.ts";
import { answersTo, type Bindings } from "../../support/rego/evaluate.ts";
import { readModule, readQuery, Unread } from "../../support/rego/syntax.ts";
import { contextAtNoon } from "./modules.ts";

/** What stands around calls of ours: builtins that OPA compiles into modules, and a signer of tokens. */
const AROUND: Readonly<Record<string, (args: readonly Rego[]) => Rego>> = {
  count: ([value]) => (value instanceof RegoSet ? value.elements.size : lengthOf(value)),
  "io.jwt.encode_sign": ([header, claims, key]) =>
    signed(header ?? null, claims ?? null, key ?? null),
  is_string: ([value]) => typeof value === "string",
  "json.marshal": ([value]) => JSON.stringify(jsonOfRego(value ?? null)),
  "numbers.range": ([from, to]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index),
  round: ([value]) => Math.round(Number(value)),
  "test.sleep": () => true,
};

function signed(header: Rego, claims: Rego, key: Rego): string {
  const encode = (value: Rego) =>
    Buffer.from(JSON.stringify(jsonOfRego(value))).toString("base64url");
  const secret = key instanceof RegoObject ? Buffer.from(String(key.get("k")), "base64url") : "";
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

function lengthOf(value: Rego | undefined): number {
  if (isRegoArray(value)) return value.length;
  throw new Unread("a count of this");
}

interface Found {
  readonly answers: readonly Bindings[];
  /** Builtins that failed, which OPA tells where it is asked to be strict. */
  readonly errors: readonly string[];
}

function evaluated({ query, modules = [], data, input, input_term }: Case): Found {
  const errors: string[] = [];
  const context = contextAtNoon();
  const call = (name: string, args: readonly Rego[]): Rego | undefined => {
    const builtin = BUILTINS.get(name) ?? AROUND[name];
    if (builtin === undefined) throw new Unread(`no \`${name}\``);
    try {
      return builtin(args, context);
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      errors.push(name);
      return undefined;
    }
  };
  const given = input === null || input === undefined ? undefined : regoOfJson(input);
  const answers = answersTo(readQuery(query), {
    modules: modules.map(readModule),
    data: regoOfJson(data ?? {}),
    input: input_term === undefined ? given : termIn(input_term),
    call,
  });
  return { answers, errors };
}

/** `undefined` where the Rego of the case is more than is read here. */
function tried(one: Case): Found | undefined {
  try {
    return evaluated(one);
  } catch (error) {
    if (error instanceof Unread || error instanceof Malformed) return undefined;
    throw error;
  }
}

const TRIED = CASES.map((one) => ({ one, found: tried(one) }));
const READ = TRIED.flatMap(({ one, found }) => (found === undefined ? [] : [{ one, found }]));
const READ_LEAST = 527;

describe.skipIf(CASES.length === 0)("OPA's cases", () => {
  test.each(READ.map((read) => [read.one.note, read] as const))("%s", (_, { one, found }) => {
    const { answers, errors } = found;
    const { want_result: wanted } = one;
    if (wanted === undefined) {
      expect(found).toMatchObject({ answers: [], errors: [expect.any(String)] });
      return;
    }
    expect(answers.length).toBe(wanted.length);
    const isMet = wanted.every((result) => answers.some((answer) => isAnswer(answer, result, one)));
    expect(isMet, JSON.stringify({ answers: answers.map(shown), errors, wanted })).toBe(
      !OUTDATED.includes(one.note),
    );
  });

  test("no fewer are read than were when this was written", () => {
    const unread = TRIED.filter(({ found }) => found === undefined).map(({ one }) => one.note);
    console.log(`${READ.length} of ${CASES.length} cases; not read: ${unread.join(", ")}`);
    expect(READ.length).toBeGreaterThanOrEqual(READ_LEAST);
    const namesIn = (cases: readonly Case[]) => new Set(cases.flatMap(({ builtins }) => builtins));
    const read = namesIn(READ.map(({ one }) => one));
    const ours = [...namesIn(CASES)].filter((name) => BUILTINS.has(name));
    expect(ours.filter((name) => !read.has(name))).toEqual([]);
  });
});

function isAnswer(answer: Bindings, result: Readonly<Record<string, unknown>>, one: Case): boolean {
  return Object.entries(result).every(([name, wanted]) => {
    const value = answer.get(name);
    return value !== undefined && isWanted(value, wanted, one);
  });
}

function shown(answer: Bindings): unknown {
  return Object.fromEntries([...answer].map(([name, value]) => [name, spellRego(value)]));
}
