/** OPA's own cases (`opa-compliance`) for the builtins that are supplied, and whether an answer is what one wants. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUILTINS } from "../../../engine/opa/builtins/index.ts";
import {
  isRegoArray,
  parseRego,
  type Rego,
  RegoObject,
  RegoSet,
} from "../../../engine/opa/rego.ts";
import { dataFolder } from "../data.ts";

export interface Case {
  readonly note: string;
  readonly query: string;
  readonly entrypoints: readonly string[];
  readonly modules?: readonly string[];
  readonly data?: unknown;
  readonly input?: unknown;
  /** The input where it is more than JSON. */
  readonly input_term?: string;
  readonly builtins: readonly string[];
  readonly sort_bindings?: boolean;
  /** What each answer binds; missing = an error. */
  readonly want_result?: readonly Readonly<Record<string, unknown>>[];
}

const folder = dataFolder("opa-compliance");

/** Empty where they are missing, which was told. */
export const CASES: readonly Case[] =
  folder === undefined
    ? []
    : readFileSync(join(folder, "cases.jsonl"), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Case)
        .filter(({ builtins }) => builtins.some((name) => BUILTINS.has(name)));

/** What OPA 1.22 itself decides otherwise: since then it follows every path, as we do. */
export const OUTDATED = ["reachable_paths/cycle_1022_3"];

/** It holds a number that no double does; a module that hands one over has no answer here. */
export const BEYOND = ["strings/sprintf: float too big"];

/** Commas may trail in a term. */
export function termIn(text: string): Rego {
  return parseRego(text.replace(/,\s*([}\]])/g, "$1"));
}

/** Whether `value` is `wanted`, JSON in which sets are arrays and numbers doubles. */
export function isWanted(value: Rego, wanted: unknown, { sort_bindings }: Case): boolean {
  const same = (one: Rego, other: unknown): boolean => {
    if (one instanceof RegoSet) return Array.isArray(other) && alike(one.sorted(), other);
    if (isRegoArray(one)) {
      return Array.isArray(other) && (sort_bindings ? alike(one, other) : inOrder(one, other));
    }
    if (one instanceof RegoObject) return hasMembers(one, other);
    return (typeof one === "bigint" ? Number(one) : one) === other;
  };
  const inOrder = (values: readonly Rego[], others: readonly unknown[]) =>
    values.length === others.length && values.every((one, index) => same(one, others[index]));
  const alike = (values: readonly Rego[], others: readonly unknown[]) =>
    values.length === others.length &&
    values.every((one) => others.some((other) => same(one, other))) &&
    others.every((other) => values.some((one) => same(one, other)));
  const hasMembers = (one: RegoObject, other: unknown) => {
    if (typeof other !== "object" || other === null || Array.isArray(other)) return false;
    const members = Object.entries(other);
    return (
      members.length === one.members.size &&
      members.every(([name, member]) => {
        const found = one.get(name);
        return found !== undefined && same(found, member);
      })
    );
  };
  return same(value, wanted);
}
