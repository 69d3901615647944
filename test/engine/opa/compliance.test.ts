/**
 * OPA's own cases (`opa-compliance`) for the builtins that are supplied, as far as a case is one call with known
 * arguments: the builtin is called with them and must give what the case wants. The others need an evaluator of
 * Rego around the call; compiled with OPA 1.22.2 and run by `host.ts`, they were compared by hand.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BuiltinError } from "../../../engine/opa/builtins/builtin.ts";
import { BUILTINS } from "../../../engine/opa/builtins/index.ts";
import {
  parseRego,
  type Rego,
  RegoObject,
  RegoSet,
  regoOfJson,
  spellRego,
} from "../../../engine/opa/rego.ts";
import { dataFolder } from "../../support/data.ts";
import { contextAtNoon } from "./modules.ts";

interface Case {
  readonly note: string;
  readonly modules: readonly string[];
  readonly data?: unknown;
  readonly input?: unknown;
  readonly input_term?: string;
  readonly builtins: readonly string[];
  readonly want_result?: readonly { readonly x: unknown }[];
}

interface Call {
  readonly note: string;
  readonly name: string;
  readonly args: readonly Rego[];
  /** Missing = undefined, or an error, which is undefined in a compiled policy. */
  readonly want?: Rego;
}

const folder = dataFolder("opa-compliance");
const CASES: readonly Case[] =
  folder === undefined
    ? []
    : readFileSync(join(folder, "cases.jsonl"), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Case);

const OURS = CASES.filter(({ builtins }) => builtins.some((name) => BUILTINS.has(name)));

/** What a case asks, where it is one rule of one call; `undefined` where it is more. */
function callIn({ note, modules, data, input, input_term, want_result }: Case): Call | undefined {
  const [text = "", ...more] = modules;
  const rules = text
    .replace(/^package .*$/m, "")
    .replace(/^import .*$/gm, "")
    .trim();
  const [, head = "", block, inline] =
    /^p( contains x| := x| = x|)(?: if \{\n([\s\S]*?)\n\}| := ([\s\S]*))$/.exec(rules) ?? [];
  const statements = (block ?? inline ?? "").split("\n").map((line) => line.trim());
  const last = statements.pop() ?? "";
  const [, name = "", given = ""] = /^([a-z0-9_.]+)\((.*)\)$/s.exec(last) ?? [];
  const builtin = BUILTINS.get(name);
  if (more.length > 0 || builtin === undefined) return undefined;
  const known = new Map<string, Rego>();
  if (data !== undefined) known.set("data", regoOfJson(data));
  if (input_term !== undefined) known.set("input", parseRego(withoutTrailing(input_term)));
  else if (input !== undefined && input !== null) known.set("input", regoOfJson(input));
  for (const statement of statements) {
    const [, local = "", term = ""] = /^(__local[0-9]+__) :?= (.+)$/s.exec(statement) ?? [];
    const value = termOf(term, known);
    if (value === undefined) return undefined;
    known.set(local, value);
  }
  const terms = split(given);
  if (inline === undefined && head !== "" && terms.pop() !== "x") return undefined;
  if (inline === undefined && head === "") return undefined;
  const args = terms.map((term) => termOf(term, known));
  if (args.some((arg) => arg === undefined)) return undefined;
  const result = want_result?.[0]?.x;
  const wanted = head === " contains x" ? (result as readonly unknown[] | undefined)?.[0] : result;
  const want = wanted === undefined ? {} : { want: regoOfJson(wanted) };
  return { note, name, args: args as readonly Rego[], ...want };
}

function withoutTrailing(text: string): string {
  return text.replace(/,\s*([}\]])/g, "$1");
}

/** A literal, or a path into what is known. */
function termOf(term: string, known: ReadonlyMap<string, Rego>): Rego | undefined {
  const [root = "", ...steps] = term.split(".");
  if (/^[a-z_0-9.]+$/.test(term) && known.has(root)) {
    return steps.reduce<Rego | undefined>(
      (inside, step) => (inside instanceof RegoObject ? inside.get(step) : undefined),
      known.get(root),
    );
  }
  try {
    const plain = term.replace(/`([^`]*)`/g, (_, raw: string) => JSON.stringify(raw));
    return parseRego(withoutTrailing(plain));
  } catch {
    return undefined;
  }
}

/** At commas outside of brackets and texts. */
function split(terms: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const [token] of terms.matchAll(/"(?:[^"\\]|\\.)*"|`[^`]*`|[\s\S]/g)) {
    if (/^[([{]$/.test(token)) depth += 1;
    if (/^[)\]}]$/.test(token)) depth -= 1;
    if (token === "," && depth === 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${token}`);
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function called({ name, args }: Call): Rego | undefined {
  try {
    return BUILTINS.get(name)?.(args, contextAtNoon());
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

/** Sets stand as arrays in what a case wants. */
function asJson(value: Rego): string {
  if (value instanceof RegoSet) return asJson(value.sorted());
  if (Array.isArray(value)) return `[${value.map(asJson).sort().join(",")}]`;
  // The cases were read as JSON, whose numbers are doubles.
  if (typeof value === "bigint") return spellRego(Number(value));
  if (!(value instanceof RegoObject)) return spellRego(value);
  return `{${value
    .sorted()
    .map(([key, one]) => `${spellRego(key)}:${asJson(one)}`)
    .join(",")}}`;
}

const CALLS = OURS.map(callIn).filter((call) => call !== undefined);

describe.skipIf(folder === undefined)("OPA's cases", () => {
  test.each(CALLS.map((call) => [call.note, call] as const))("%s", (_, call) => {
    const got = called(call);
    expect(got && asJson(got)).toBe(call.want && asJson(call.want));
  });

  test("as many are called as were when this was written", () => {
    console.log(
      `${CALLS.length} of ${OURS.length} cases are one call of a builtin that is supplied`,
    );
    expect(CALLS.length).toBeGreaterThanOrEqual(COVERED_LEAST);
    expect(new Set(CALLS.map(({ name }) => name)).size).toBeGreaterThanOrEqual(NAMES_LEAST);
  });
});

const COVERED_LEAST = 140;
const NAMES_LEAST = 30;
