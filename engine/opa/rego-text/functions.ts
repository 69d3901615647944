/** Functions and attributes of the language (SPEC §5.8) in Rego. */
import type { HelperName } from "./helpers.ts";

interface Written {
  readonly helpers?: readonly HelperName[];
  readonly text: (args: readonly string[]) => string;
}

/** A function of Rego, or of ours, with the same arguments. */
const called = (name: string): Written => ({ text: (args) => `${name}(${args.join(", ")})` });
const ours = (name: HelperName, named: string = name): Written => ({
  helpers: [name],
  text: (args) => `${named}(${args.join(", ")})`,
});
const infix = (op: string): Written => ({ text: ([left, right]) => `(${left} ${op} ${right})` });

/** By the name IR uses: only those of which Rego gives exactly the same. */
export const FUNCTIONS: Readonly<Record<string, Written>> = {
  "email.local": ours("email_local"),
  "email.domain": ours("email_domain"),
  lower: ours("ascii_lower"),
  trim: { text: ([text]) => `trim(${text}, " \\t\\r\\n")` },
  length: called("count"),
  split: called("split"),
  words: ours("words"),
  text: { text: ([text]) => String(text) },
  count: called("count"),
  sum: ours("total"),
  min: called("min"),
  max: called("max"),
  abs: called("abs"),
  keys: called("object.keys"),
  zip: ours("zip"),
  neighbours: ours("neighbours"),
  take: ours("take"),
  skip: ours("skip"),
  distinct: { text: ([list]) => `{element | some element in ${list}}` },
  union: infix("|"),
  intersection: infix("&"),
  difference: infix("-"),
  host_within: ours("host_within"),
};
