/**
 * Looks for what breaks an invariant (SPEC §9): a request that rules allow while the condition of a `never`
 * is true. For each permit in turn it climbs: from a request that the permit's clauses admit, change a few
 * choices, keep what brings more of the permit and of the condition to hold and fewer forbids to apply.
 * What is found is real; what is not found is not proven. At run time the engine refuses either way.
 */
import type { Expr, Guard, Program, Rule } from "../../lang/ir.ts";
import type { Json } from "../../lang/type.ts";
import { decide } from "../decide.ts";
import type { Evaluator } from "../evaluate/evaluator.ts";
import { generateEvaluator } from "../evaluate/javascript.ts";
import { clausesOf } from "../explain/clauses.ts";
import { spellValue } from "../explain/spell.ts";
import { conjuncts } from "../explain/walk.ts";
import { type Policy, preparePolicy } from "../policy.ts";
import { createRequestReader, type RequestReader } from "../request-reader.ts";
import { sensitivityLevels } from "../state/sensitivity.ts";
import type { StateView } from "../state/store.ts";
import type { Scalar } from "../value.ts";
import {
  admitted,
  type Candidate,
  type Choice,
  choicesOf,
  mutated,
  nowOf,
  originOf,
  randomCandidate,
  requestOf,
  simplerThan,
  spellNow,
  standingOf,
} from "./candidate.ts";
import { createRandom, type Random } from "./random.ts";
import { standingAt } from "./task-standing.ts";
import { unseenIn } from "./unseen.ts";
import { type Values, valuesFor } from "./values.ts";

/** What searching for a counterexample of one `never` came to. */
export type Verdict =
  | (Searched & {
      readonly kind: "held";
      /** Requests that made the condition true, and were not allowed. */
      readonly reached: number;
    })
  /** No request made the condition true: it may say nothing. */
  | (Searched & { readonly kind: "not reached" })
  | (Searched & { readonly kind: "broken"; readonly counterexample: Counterexample });

interface Searched {
  readonly name: string;
  /** Place of the name. */
  readonly at: number;
  readonly tried: number;
  /** What no request that is tried can bring about: `steps of task …`. */
  readonly unseen: readonly string[];
}

export interface Counterexample {
  readonly permits: readonly string[];
  readonly request: Json;
  /** What must be so besides: `spend is 480.00`, `the delegation is verified`. */
  readonly state: readonly string[];
}

export interface SearchParts {
  readonly program: Program;
  /** Requests evaluated for each invariant. */
  readonly budget: number;
  readonly seed: number;
}

export function searchInvariants({ program, budget, seed }: SearchParts): readonly Verdict[] {
  if (program.nevers.length === 0) return [];
  // A package for others to use declares no tools, and no request can be made of it alone.
  if (program.tools.length === 0) {
    return program.nevers.map(({ name, at }) => ({
      kind: "not reached",
      name,
      at,
      tried: 0,
      unseen: [],
    }));
  }
  const search = prepare(program);
  return program.nevers.map((_, index) =>
    searchOne(index, search, budget, createRandom(seed + index)),
  );
}

interface Search {
  readonly program: Program;
  readonly values: Values;
  readonly choices: readonly Choice[];
  readonly read: RequestReader;
  /** Answers which pieces hold and which forbids apply. */
  readonly pieces: Pieces;
  /** The rules alone: nothing is refused for an invariant, and whoever is asked approves. */
  readonly unguarded: Policy;
  readonly permits: readonly number[];
  readonly unseen: readonly string[];
}

function prepare(program: Program): Search {
  const values = valuesFor(program);
  const bare: Program = {
    ...program,
    nevers: [],
    rules: program.rules.filter(({ effect }) => effect !== "hold"),
  };
  return {
    program,
    values,
    choices: choicesOf(program, values),
    read: createRequestReader(program),
    pieces: piecesOf(program),
    unguarded: preparePolicy(bare, { digest: "sha256:0" }, generateEvaluator(bare)),
    unseen: unseenIn(program),
    permits: program.rules.flatMap(({ effect }, index) => (effect === "permit" ? [index] : [])),
  };
}

/**
 * A program whose permits are the parts of the other's permits and invariants, so that one evaluation says
 * how much of each holds. Parts of conditions are beginnings, each with all before it: a later one may
 * only make sense where those hold.
 */
interface Pieces {
  readonly evaluator: Evaluator;
  readonly ofRule: ReadonlyMap<number, readonly number[]>;
  readonly ofNever: readonly (readonly number[])[];
}

function piecesOf(program: Program): Pieces {
  const rules: Rule[] = program.rules.filter(({ effect }) => effect === "forbid");
  const add = (guard: Guard, lets: Rule["lets"], conditions: readonly Expr[]): number =>
    rules.push({ ...PIECE, guard, lets, conditions }) - 1;
  const beginnings = (guard: Guard, lets: Rule["lets"], all: readonly Expr[]): number[] =>
    all.map((_, at) => add(guard, lets, all.slice(0, at + 1)));
  const ofRule = new Map(
    program.rules.flatMap((rule, index) => {
      if (rule.effect !== "permit") return [];
      const clauses = clausesOf(rule.guard, program, false).map(({ guard }) => add(guard, [], []));
      const conditions = rule.conditions.flatMap(conjuncts);
      return [[index, [...clauses, ...beginnings(rule.guard, rule.lets, conditions)]] as const];
    }),
  );
  const ofNever = program.nevers.map(({ condition }) => beginnings({}, [], conjuncts(condition)));
  return { evaluator: generateEvaluator({ ...program, rules }), ofRule, ofNever };
}

const PIECE: Rule = {
  name: "",
  package: "",
  effect: "permit",
  guard: {},
  lets: [],
  conditions: [],
  obligations: [],
  interrupt: false,
  tags: [],
  at: 0,
};

/** Evaluations without progress after which a climb begins anew. */
const PATIENCE = 120;

const LEAST_FOR_A_PERMIT = 60;

interface Tally {
  tried: number;
  reached: number;
}

function searchOne(never: number, search: Search, budget: number, random: Random): Verdict {
  const { program, permits, unseen } = search;
  const { name = "", at = 0 } = program.nevers[never] ?? {};
  const tally: Tally = { tried: 0, reached: 0 };
  const share = Math.max(LEAST_FOR_A_PERMIT, Math.floor(budget / Math.max(1, permits.length)));
  for (const permit of permits) {
    if (tally.tried >= budget) break;
    const most = Math.min(budget, tally.tried + share);
    const found = climb({ never, permit, search, random, tally, most });
    if (found === undefined) continue;
    const counterexample = describe(minimise(found, never, search), search);
    return { kind: "broken", name, at, tried: tally.tried, unseen, counterexample };
  }
  const { tried, reached } = tally;
  return reached === 0
    ? { kind: "not reached", name, at, tried, unseen }
    : { kind: "held", name, at, tried, unseen, reached };
}

interface Climb {
  readonly never: number;
  readonly permit: number;
  readonly search: Search;
  readonly random: Random;
  readonly tally: Tally;
  readonly most: number;
}

function climb({ never, permit, search, random, tally, most }: Climb): Candidate | undefined {
  const { program, choices } = search;
  const guard = program.rules[permit]?.guard ?? {};
  const begin = () => admitted(randomCandidate(choices, random), guard, program, random);
  let best = begin();
  let least = Number.POSITIVE_INFINITY;
  let idle = 0;
  while (tally.tried < most) {
    const isNew = idle === 0 && least === Number.POSITIVE_INFINITY;
    const candidate = isNew ? best : mutated(best, choices, random);
    const { distance, reached } = measure(candidate, never, permit, search);
    tally.tried++;
    if (reached) tally.reached++;
    if (distance === 0) return candidate;
    idle = distance < least ? 1 : idle + 1;
    if (distance <= least) {
      best = candidate;
      least = distance;
    }
    if (idle > PATIENCE) {
      best = begin();
      least = Number.POSITIVE_INFINITY;
      idle = 0;
    }
  }
  return undefined;
}

/** What is refused before rules are asked is far from being allowed. */
const INVALID = 1_000;

interface Measure {
  /** 0 is a counterexample. */
  readonly distance: number;
  readonly reached: boolean;
}

function measure(candidate: Candidate, never: number, permit: number, search: Search): Measure {
  const met = meet(candidate, search);
  if (met === undefined) return { distance: INVALID, reached: false };
  const { accepted } = met;
  const { permits, forbids } = piecesHolding(met, search);
  const holding = new Set(
    permits.filter(({ unknown }) => unknown === undefined).map(({ rule }) => rule),
  );
  const missing = (pieces: readonly number[]) =>
    pieces.filter((piece) => !holding.has(piece)).length;
  const ofNever = missing(search.pieces.ofNever[never] ?? []);
  const refused =
    (accepted.delegationProblem === undefined ? 0 : 1) +
    (accepted.taskProblem === undefined ? 0 : 1);
  const distance =
    ofNever + missing(search.pieces.ofRule.get(permit) ?? []) + forbids.length + refused;
  const reached = ofNever === 0;
  if (distance > 0) return { distance, reached };
  return { distance: isAllowed(met, search) ? 0 : 1, reached };
}

type Met = NonNullable<ReturnType<typeof meet>>;

function meet(candidate: Candidate, { program, read }: Search) {
  const nowMs = nowOf(candidate);
  const labels = new Set(candidate.get("state/labels") as readonly string[] | undefined);
  const session = {
    startedAtMs: nowMs - Number(candidate.get("state/age") ?? 0),
    interrupted: false,
    labels: labels as ReadonlySet<Scalar>,
    sensitivity: Number(candidate.get("state/sensitivity") ?? 0),
  };
  const accepted = read(requestOf(candidate, program), {
    nowMs,
    session: () => session,
    verified: candidate.has("delegation/verified"),
  });
  if (!accepted.ok) return undefined;
  const origin = new Set<Scalar>(originOf(candidate));
  const standing = standingOf(candidate);
  const view: StateView = {
    nowMs,
    task: standing === undefined ? undefined : standingAt(standing, nowMs),
    counter: (index) => Number(candidate.get(`counter/${index}`) ?? 0),
    latch: (index) => candidate.has(`latch/${index}`),
    origin: () => origin,
  };
  return { accepted, view };
}

/** Which of the conditions hold, each a rule by itself. */
function piecesHolding({ accepted, view }: Met, { pieces: { evaluator } }: Search) {
  evaluator.fuel.begin();
  return evaluator.rules(accepted.request, view);
}

function isAllowed({ accepted, view }: Met, search: Search): boolean {
  return decideBare({ accepted, view }, search).decision === "allow";
}

function decideBare({ accepted, view }: Met, { unguarded }: Search) {
  const input = { id: "d", call: "c", approvals: [], digest: () => "sha256:0" };
  return decide(unguarded, accepted, view, input).decision;
}

function isCounterexample(candidate: Candidate, never: number, search: Search): boolean {
  const met = meet(candidate, search);
  if (met === undefined || !isAllowed(met, search)) return false;
  const { permits } = piecesHolding(met, search);
  const holding = new Set(
    permits.filter(({ unknown }) => unknown === undefined).map(({ rule }) => rule),
  );
  return (search.pieces.ofNever[never] ?? []).every((piece) => holding.has(piece));
}

/** Steps of simplifying: each leaves out something, so there are few. */
const SIMPLER_MOST = 400;

/** The same with everything left out that it does not take. */
function minimise(found: Candidate, never: number, search: Search): Candidate {
  let best = found;
  let left = SIMPLER_MOST;
  for (let changed = true; changed; ) {
    changed = false;
    for (const simpler of simplerThan(best, search.choices)) {
      if (--left < 0) return best;
      if (!isCounterexample(simpler, never, search)) continue;
      best = simpler;
      changed = true;
      break;
    }
  }
  return best;
}

function describe(candidate: Candidate, search: Search): Counterexample {
  const { program } = search;
  const met = meet(candidate, search);
  const decision = met === undefined ? undefined : decideBare(met, search);
  return {
    permits: (decision?.reasons ?? []).map(({ rule }) => rule),
    request: requestOf(candidate, program),
    state: stateOf(candidate, program),
  };
}

function stateOf(candidate: Candidate, program: Program): readonly string[] {
  const seen = (candidate.get("state/labels") as readonly string[] | undefined) ?? [];
  const origin = originOf(candidate);
  const counters = program.counters.flatMap(({ name, type }, index) => {
    const value = Number(candidate.get(`counter/${index}`) ?? 0);
    return value === 0
      ? []
      : [`\`${name}\` is ${spellValue(value, { kind: type }, program.levels)}`];
  });
  const latches = program.latches.flatMap(({ name }, index) =>
    candidate.has(`latch/${index}`) ? [`\`${name}\` is set`] : [],
  );
  const sensitivity = Number(candidate.get("state/sensitivity") ?? 0);
  const age = Number(candidate.get("state/age") ?? 0);
  return [
    ...counters,
    ...latches,
    ...(candidate.has("delegation/verified") ? ["the delegation is verified"] : []),
    ...(seen.length > 0 ? [`the session has seen ${seen.join(", ")}`] : []),
    ...(sensitivity > 0
      ? [`the session has seen what is ${sensitivityLevels(program)[sensitivity]}`]
      : []),
    ...(age > 0 ? [`the session began ${spellValue(age, { kind: "Duration" }, [])} ago`] : []),
    ...(origin.length > 0 ? [`values come from ${origin.join(", ")}`] : []),
    ...spellStanding(candidate, program),
    ...(candidate.has("now") ? [`it is ${spellNow(candidate)}`] : []),
  ];
}

function spellStanding(candidate: Candidate, { tasks }: Program): readonly string[] {
  const position = standingOf(candidate);
  const name = candidate.get("intent/task");
  const sequence = tasks.find((task) => task.name === name)?.sequence;
  const step = position === undefined ? undefined : sequence?.positions[position];
  return step === undefined ? [] : [`\`${name}\` stands behind \`${step.label}\``];
}
