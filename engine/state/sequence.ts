/**
 * Where a task stands in its sequence (SPEC §7.6). A call is allowed when it is a next step whichever of the
 * calls that were allowed and have not reported yet succeed: whatever becomes of them, the sequence holds.
 */
import type { SequenceDecl } from "../../lang/ir.ts";
import type { Bindings, StepResult } from "../evaluate/evaluator.ts";
import type { DecisionRequest } from "../request.ts";
import { toJson, type Unknown } from "../value.ts";

/** A step that was taken, with the values bound on the way there. */
export interface Configuration {
  /** Missing before the first step. */
  readonly position?: number;
  readonly bound: Bindings;
}

export interface TakenStep {
  readonly call: string;
  readonly request: DecisionRequest;
  /** Its outcome was reported, and good. */
  readonly done: boolean;
}

export interface Progress {
  /** After every step before the first in `steps`. */
  readonly base: readonly Configuration[];
  /** In the order they were allowed; the first is not done. */
  readonly steps: readonly TakenStep[];
  /** After all of them. */
  readonly all: readonly Configuration[];
}

const BEGINNING: readonly Configuration[] = [{ bound: new Map() }];

export const NOT_BEGUN: Progress = {
  base: BEGINNING,
  steps: [],
  all: BEGINNING,
};

/** Ways through one sequence that are followed at once; a way beyond them is given up, so fewer steps fit. */
const WAYS_MOST = 64;

/** Calls of one task that may be under way at once. */
const UNREPORTED_MOST = 64;

/** Different places that these may lead to, together, before a further call has to wait. */
const STANDINGS_MOST = 64;

/** Whether a request is a step; `evaluator.step` of the task. */
export type Match = (position: number, bound: Bindings, request: DecisionRequest) => StepResult;

export type Judgement =
  /** `all`: where the task stands with it, should every call under way succeed. */
  | { readonly kind: "follows"; readonly all: Progress["all"] }
  /** It follows once calls under way have succeeded. */
  | { readonly kind: "pending" }
  /** `next`: labels of the steps that would follow. */
  | { readonly kind: "outside"; readonly next: readonly string[] }
  | { readonly kind: "unknown"; readonly unknown: Unknown };

export function judge(
  sequence: SequenceDecl,
  progress: Progress,
  request: DecisionRequest,
  match: Match,
): Judgement {
  const { ways: all, unknown } = advance(sequence, progress.all, request, match);
  if (all.length === 0) {
    if (unknown !== undefined) return { kind: "unknown", unknown };
    return { kind: "outside", next: nextLabels(sequence, progress.all) };
  }
  if (progress.steps.length === 0) return { kind: "follows", all };
  if (progress.steps.length >= UNREPORTED_MOST) return { kind: "pending" };
  const outcomes = possible(sequence, progress, match);
  const always = outcomes?.every((ways) => advance(sequence, ways, request, match).ways.length > 0);
  return always ? { kind: "follows", all } : { kind: "pending" };
}

/** Where the task may stand, for each way its calls under way may end; `undefined` for too many. */
function possible(
  sequence: SequenceDecl,
  { base, steps }: Progress,
  match: Match,
): readonly (readonly Configuration[])[] | undefined {
  let standings = new Map([[identifyAll(base), base]]);
  for (const step of steps) {
    const after = step.done ? new Map<string, readonly Configuration[]>() : new Map(standings);
    for (const before of standings.values()) {
      const { ways } = advance(sequence, before, step.request, match);
      after.set(identifyAll(ways), ways);
    }
    if (after.size > STANDINGS_MOST) return undefined;
    standings = after;
  }
  return [...standings.values()];
}

function identifyAll(ways: readonly Configuration[]): string {
  return ways.map(identify).sort().join();
}

/** `all`: as `judge` found it of this very request. */
export function take(
  progress: Progress,
  call: string,
  request: DecisionRequest,
  all: Progress["all"],
): Progress {
  const taken = { call, request, done: false };
  const { base, steps } = progress;
  return { base, steps: steps.length === 0 ? [taken] : [...steps, taken], all };
}

/** A failed step was never taken; one that succeeded is where it was counted on to lead. */
export function settle(
  sequence: SequenceDecl,
  { base, steps, all }: Progress,
  call: string,
  succeeded: boolean,
  match: Match,
): Progress {
  if (succeeded && steps.every((step) => step.done || step.call === call)) {
    return { base: all, steps: NO_STEPS, all };
  }
  const left = steps.flatMap((step) => {
    if (step.call !== call) return [step];
    return succeeded ? [{ ...step, done: true }] : [];
  });
  const after = (from: readonly Configuration[], taken: readonly TakenStep[]) =>
    taken.reduce((ways, step) => advance(sequence, ways, step.request, match).ways, from);
  const open = left.findIndex((step) => !step.done);
  const kept = open < 0 ? NO_STEPS : left.slice(open);
  const settled = after(base, open < 0 ? left : left.slice(0, open));
  return { base: settled, steps: kept, all: succeeded ? all : after(settled, kept) };
}

const NO_STEPS: readonly TakenStep[] = [];

export interface Standing {
  /** Labels of the steps that may follow, should every call under way succeed. */
  readonly next: readonly string[];
  /** Whether the sequence may end here. */
  readonly complete: boolean;
}

/** For people to read; what is decided is `judge`'s to say. */
export function standingOf(sequence: SequenceDecl, { all }: Progress): Standing {
  const complete = all.some(({ position }) =>
    position === undefined ? sequence.empty : sequence.last.includes(position),
  );
  return { next: nextLabels(sequence, all), complete };
}

function advance(
  sequence: SequenceDecl,
  from: readonly Configuration[],
  request: DecisionRequest,
  match: Match,
): Ways {
  const ways = new Ways();
  for (const way of from) {
    for (const position of following(sequence, way)) {
      const result = match(position, way.bound, request);
      if (result.matches === "unknown") ways.unknown ??= result.unknown;
      if (result.matches === true) ways.add({ position, bound: result.bound });
    }
  }
  return ways;
}

/** Each once. Most steps lead one way, which then is never compared with another. */
class Ways {
  ways: Configuration[] = NO_WAYS;
  /** Set where it is not known of some way whether it goes on. */
  unknown: Unknown | undefined = undefined;
  #known: Set<string> | undefined = undefined;

  add(way: Configuration): void {
    const { ways } = this;
    if (ways.length === 0) {
      // Made with its one element, which takes a quarter of the room of a list that grew.
      this.ways = [way];
      return;
    }
    if (ways.length >= WAYS_MOST) return;
    this.#known ??= new Set(ways.map(identify));
    const name = identify(way);
    if (this.#known.has(name)) return;
    this.#known.add(name);
    ways.push(way);
  }
}

const NO_WAYS: Configuration[] = [];

function following(sequence: SequenceDecl, { position }: Configuration): readonly number[] {
  return (position === undefined ? sequence.first : sequence.follow[position]) ?? [];
}

function identify({ position, bound }: Configuration): string {
  const values = [...bound].sort(([a], [b]) => a - b).map(([id, value]) => [id, toJson(value)]);
  return JSON.stringify([position, values]);
}

function nextLabels(sequence: SequenceDecl, ways: readonly Configuration[]): readonly string[] {
  const positions = new Set(ways.flatMap((way) => following(sequence, way)));
  const sorted = [...positions].sort((a, b) => a - b);
  return [...new Set(sorted.map((position) => sequence.positions[position]?.label ?? ""))];
}
