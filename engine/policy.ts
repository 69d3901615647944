/** A program made ready to decide with: everything that every decision says alike is made here, once. */
import type { Never, Program, Rule } from "../lang/ir.ts";
import type { GivenObligation, PolicyIdentity, Reason } from "./decision.ts";
import type { Evaluator, Hit } from "./evaluate/evaluator.ts";
import { mergeObligations } from "./obligations.ts";

export interface Policy {
  readonly program: Program;
  readonly evaluator: Evaluator;
  /** What every decision says of it. */
  readonly identity: PolicyIdentity;
  readonly rules: readonly Named[];
  readonly nevers: readonly Named[];
  /** Obligations of these rules together, merged. */
  obligations(permits: readonly Hit[], obliges: readonly Hit[]): readonly GivenObligation[];
}

/** A rule or invariant, as decisions name it. */
export interface Named {
  readonly name: string;
  /** Place in the order of packages and names, in which reasons are listed. */
  readonly rank: number;
  readonly because: string | undefined;
  /** What is said instead of `because` while nobody knows whether it applies. */
  readonly undecided: string;
  readonly reason: Reason;
  readonly indeterminate: Reason;
  /** `reason` alone in a list: what most decisions say. */
  readonly alone: readonly Reason[];
}

export function preparePolicy(
  program: Program,
  { digest, revision }: { readonly digest: string; readonly revision?: string | undefined },
  evaluator: Evaluator,
): Policy {
  return {
    program,
    evaluator,
    identity: Object.freeze({
      package: program.package,
      digest,
      ...(revision === undefined ? {} : { revision }),
    }),
    ...nameRules(program),
    obligations: obligationsOf(program),
  };
}

export function nameRules(program: Program): Pick<Policy, "rules" | "nevers"> {
  return {
    rules: nameAll(program, program.rules, (rule) =>
      rule.effect === "oblige" ? "permit" : rule.effect,
    ),
    nevers: nameAll(program, program.nevers, () => "never"),
  };
}

function nameAll<Declared extends Rule | Never>(
  program: Program,
  declared: readonly Declared[],
  effectOf: (one: Declared) => Reason["effect"],
): readonly Named[] {
  const order = declared.map((_, index) => index).sort((a, b) => compare(declared[a], declared[b]));
  const ranks = new Map(order.map((index, rank) => [index, rank]));
  return declared.map((one, index) => {
    const name = ruleName(program, one);
    const reason: Reason = Object.freeze({
      rule: name,
      effect: effectOf(one),
      at: spellPlace(program, one.at),
      ...(one.because === undefined ? {} : { because: one.because }),
      ...("tags" in one && one.tags.length > 0 ? { tags: one.tags } : {}),
    });
    return {
      name,
      rank: ranks.get(index) ?? index,
      because: one.because,
      undecided: `\`${name}\` could not be decided${one.because === undefined ? "" : ` (${one.because})`}`,
      reason,
      indeterminate: Object.freeze({ ...reason, indeterminate: true as const }),
      alone: Object.freeze([reason]),
    };
  });
}

function compare(a: Rule | Never | undefined, b: Rule | Never | undefined): number {
  return order(a?.package ?? "", b?.package ?? "") || order(a?.name ?? "", b?.name ?? "");
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** As decisions name it: with its package where that is not the policy's own. */
export function ruleName(program: Program, one: Rule | Never): string {
  return one.package === program.package ? one.name : `${one.package}/${one.name}`;
}

/** `payments.writ:41:1` */
export function spellPlace({ sources, places }: Program, at: number): string {
  const [file = 0, , , line = 1, column = 1] = places.slice(at * 5, at * 5 + 5);
  return `${sources[file] ?? "policy"}:${line}:${column}`;
}

/** Different combinations of rules that are kept merged; more of them are merged anew each time. */
const COMBINATIONS_MOST = 1_000;

const NO_OBLIGATIONS: readonly GivenObligation[] = Object.freeze([]);

function obligationsOf({ rules }: Program): Policy["obligations"] {
  const single = rules.map((rule) => mergeObligations(rule.obligations));
  const combined = new Map<string, readonly GivenObligation[]>();
  return (permits, obliges) => {
    const permit = permits[0];
    if (permits.length === 1 && obliges.length === 0 && permit !== undefined) {
      return single[permit.rule] ?? NO_OBLIGATIONS;
    }
    const indexes = [...permits, ...obliges].map((hit) => hit.rule);
    const key = indexes.join(" ");
    const known = combined.get(key);
    if (known !== undefined) return known;
    const merged = mergeObligations(indexes.flatMap((index) => rules[index]?.obligations ?? []));
    if (combined.size < COMBINATIONS_MOST) combined.set(key, merged);
    return merged;
  };
}
