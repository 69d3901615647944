/**
 * How far counters may move before a decision could be another one. What decides on a reading that may be
 * old by the time it is checked (SPEC §7.6) can then ask "is the counter still between these", and not "is it
 * still the same", which on a busy counter it never is.
 *
 * Why it holds: whatever a rule does with a counter's number, it does in one of two ways. It compares it — a
 * sum of counters and of numbers that are not — or it does something else. The range is cut so that each
 * comparison that was made comes out the same, no sum in it overflows, and what is used in any other way does
 * not move. So the reference evaluator takes the same steps for every value in the range, from the first to
 * the last, and the result is the same. No step that was not taken matters.
 */
import type { Expr, Program, Rule } from "../../lang/ir.ts";
import type { Facts } from "../facts.ts";
import type { DecisionRequest } from "../request.ts";
import { Unknown, type Value } from "../value.ts";
import type { Evaluator } from "./evaluator.ts";
import { createInterpreter } from "./interpret.ts";
import { countersIn, createTerms, type Form, type Terms } from "./terms.ts";

/** Both ends belong to it. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
}

const MOST = Number.MAX_SAFE_INTEGER;
/** A number that is certainly exact, and as good as any beyond it. */
const FAR = 2 ** 52;

/** What one decision read of counters, and how far each may move. A request has one key for each counter. */
export class Ranges {
  readonly #read = new Map<number, { readonly value: number; lo: number; hi: number }>();
  #isWatched = false;
  #readsWatched = 0;

  /** To be told of every reading that is a number. Who reads unwatched may do anything with it. */
  read(counter: number, value: number): void {
    if (this.#isWatched) this.#readsWatched += 1;
    const known = this.#read.get(counter);
    if (known === undefined) {
      const whole = this.#isWatched ? { lo: 0, hi: MOST } : { lo: value, hi: value };
      this.#read.set(counter, { value, ...whole });
    } else if (!this.#isWatched) this.pin(counter);
  }

  at(counter: number): Range | undefined {
    return this.#read.get(counter);
  }

  pin(counter: number): void {
    this.narrow(counter, 0, 0);
  }

  pinAll(): void {
    for (const counter of this.#read.keys()) this.pin(counter);
  }

  /** It may fall by so much and rise by so much, or less where that was said before. */
  narrow(counter: number, fall: number, rise: number): void {
    const range = this.#read.get(counter);
    if (range === undefined) return;
    range.lo = Math.max(range.lo, range.value - fall);
    range.hi = Math.min(range.hi, range.value + rise);
  }

  /** `watch` sees what `find` did with what it read, if it read anything. */
  watched<Found>(find: () => Found, watch: () => void): Found {
    this.#isWatched = true;
    const before = this.#readsWatched;
    try {
      const found = find();
      if (this.#readsWatched > before) watch();
      return found;
    } finally {
      this.#isWatched = false;
    }
  }
}

export interface Watching {
  /** Answers as the evaluator it was made of; to be used within `watch`. */
  readonly evaluator: Evaluator;
  /** Runs `decide`, whose facts tell `ranges` what they answered. */
  watch<Decided>(ranges: Ranges, decide: () => Decided): Decided;
}

/** The rules that read counters are interpreted once more, watched; no others. */
export function createWatching(program: Program, evaluator: Evaluator): Watching {
  let ranges = new Ranges();
  const terms = createTerms(program);
  const reference = createInterpreter(
    onlyCounting(program),
    observerOf(terms, () => ranges),
  );
  const watchedBy =
    <Found>(find: (from: Evaluator, request: DecisionRequest, facts: Facts) => Found) =>
    (request: DecisionRequest, facts: Facts): Found =>
      ranges.watched(
        () => find(evaluator, request, facts),
        () => find(reference, request, facts),
      );
  const approver = (rule: number) =>
    watchedBy((from, request, facts) => from.approver(rule, request, facts));
  return {
    evaluator: {
      ...evaluator,
      rules: watchedBy((from, request, facts) => from.rules(request, facts)),
      nevers: watchedBy((from, request, facts) => from.nevers(request, facts)),
      approver: (rule, request, facts) => approver(rule)(request, facts),
    },
    watch(own, decide) {
      ranges = own;
      reference.fuel.begin();
      return decide();
    },
  };
}

/** With the same indexes: what reads no counter applies to nothing. */
function onlyCounting(program: Program): Program {
  const silent: Expr = { kind: "const", type: { kind: "Bool" }, value: false, at: 0 };
  return {
    ...program,
    rules: program.rules.map((rule) =>
      partsOf(rule).some((part) => countersIn(part).size > 0)
        ? rule
        : { ...rule, guard: { tools: [] } },
    ),
    nevers: program.nevers.map((never) =>
      countersIn(never.condition).size > 0 ? never : { ...never, condition: silent },
    ),
  };
}

function partsOf({ lets, conditions, approval }: Rule): readonly Expr[] {
  const approver = approval?.approver;
  const party = approver?.kind === "party" ? [approver.party] : [];
  return [...lets.map(({ value }) => value), ...conditions, ...party];
}

function observerOf(terms: Terms, rangesNow: () => Ranges) {
  const last = new Map<Expr, Value | Unknown>();
  return (expr: Expr, value: Value | Unknown): void => {
    const ranges = rangesNow();
    // The evaluator that serves takes fewer of a decision's steps, and may have found an answer where this one finds none.
    if (value instanceof Unknown && value.cause === "fuel") ranges.pinAll();
    if (terms.operands.has(expr)) last.set(expr, value);
    for (const counter of terms.used.get(expr) ?? []) ranges.pin(counter);
    const sum = terms.sums.get(expr);
    if (sum !== undefined) keepWithin(sum, value, ranges);
    const compared = terms.comparisons.get(expr);
    if (compared === undefined || typeof value !== "boolean") return;
    const { left, right, op, form } = compared;
    const difference = Number(last.get(left)) - Number(last.get(right));
    const [fall, rise] = roomOf(op, difference, value);
    spread(form, fall, rise, ranges);
  };
}

/** A sum that overflows is unknown, and one that does not must not begin to. */
function keepWithin(form: Form, value: Value | Unknown, ranges: Ranges): void {
  if (value instanceof Unknown) {
    if (value.cause === "overflow") spread(form, 0, 0, ranges);
    return;
  }
  const sum = Number(value);
  spread(form, sum < 0 ? MOST + sum : MOST, sum > 0 ? MOST - sum : MOST, ranges);
}

type Comparison = "<" | "<=" | ">" | ">=" | "==";

/** How far left − right may fall and rise, in whole numbers, while the comparison comes out as it did. */
function roomOf(op: Comparison, exact: number, holds: boolean): readonly [number, number] {
  const difference = Math.max(-FAR, Math.min(exact, FAR));
  if (!Number.isInteger(difference)) return [0, 0];
  const free = Number.POSITIVE_INFINITY;
  switch (op) {
    case "<":
      return holds ? [free, -1 - difference] : [difference, free];
    case "<=":
      return holds ? [free, -difference] : [difference - 1, free];
    case ">":
      return holds ? [difference - 1, free] : [free, -difference];
    case ">=":
      return holds ? [difference, free] : [free, -1 - difference];
    case "==":
      if (holds) return [0, 0];
      return difference > 0 ? [difference - 1, free] : [free, -1 - difference];
  }
}

/** Each counter in a form gets an equal share of the room. */
function spread(form: Form, fall: number, rise: number, ranges: Ranges): void {
  for (const [counter, factor] of form) {
    const share = (room: number) => Math.floor(room / (form.size * Math.abs(factor)));
    if (factor > 0) ranges.narrow(counter, share(fall), share(rise));
    else ranges.narrow(counter, share(rise), share(fall));
  }
}
