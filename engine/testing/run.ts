/** Tests that stand in a policy, run on an engine of their own each, by a clock that only they move (SPEC §9). */
import type { Program } from "../../lang/ir.ts";
import { parseTime } from "../../lang/scalar/time.ts";
import type { Expectation, TestCase, TestStep } from "../../lang/testing.ts";
import type { Answer } from "../answer.ts";
import { type Decision, denied } from "../decision.ts";
import type { DecidingEngine, Engine, MakeDeciding, Vouched } from "../engine.ts";
import type { Observer } from "../evaluate/interpret-expression.ts";
import { type Unfolded, unfold } from "../explain/explain.ts";
import type { Texts } from "../explain/texts.ts";
import type { Situation } from "../explain/trace.ts";
import type { ModuleRunner } from "../opa/answer.ts";
import { countedIds, createWatchedEngine } from "./watched.ts";

export interface TestParts {
  readonly program: Program;
  readonly digest: string;
  /** Missing where nobody will read why a test failed. */
  readonly texts?: Texts;
  readonly coverage?: CoverageSink;
  /** Asks imported modules; missing = those of the program, contained. */
  readonly modules?: ModuleRunner | undefined;
  /** Decides in place of the program's rules: Rego alone. Nobody can watch it. */
  readonly engine?: MakeDeciding | undefined;
}

/** Told of what happens while tests run. */
export interface CoverageSink {
  readonly expression: Observer;
  readonly applied: (rules: readonly number[]) => void;
  /** An allowed call, and later its outcome; only of requests that name a task. */
  readonly allowed: (situation: Situation, call: string) => void;
  readonly settled: (call: string, succeeded: boolean) => void;
  /** A new test begins: nothing of the one before goes on. */
  readonly begin: () => void;
}

export interface TestResult {
  readonly test: TestCase;
  /** The first thing that was not as expected: after it, the rest of a test means nothing. */
  readonly failure?: Failure;
}

export interface Failure {
  /** Place of the step. */
  readonly at: number;
  /** What is wrong, a sentence each. */
  readonly problems: readonly string[];
  readonly expected?: Expectation;
  readonly decision?: Decision;
  /** How the decision came about. */
  readonly unfolded?: Unfolded;
  /** Which of the calls of a `repeat`, from 1. */
  readonly round?: number;
}

/** A Thursday at noon: neither night nor weekend, wherever a policy minds. */
const NOON_MS = Date.UTC(2026, 0, 1, 12);

export function runTest(test: TestCase, parts: TestParts): TestResult {
  parts.coverage?.begin();
  const found = play(test, parts);
  if (found === undefined) return { test };
  if (found.failure.decision === undefined || parts.texts === undefined)
    return { test, failure: found.failure };
  // Once more up to the same call, now asked why: the same happens, since nothing is left to chance.
  const { coverage: _, ...again } = parts;
  const unfolded = play(test, again, found.where)?.unfolded;
  return { test, failure: { ...found.failure, ...(unfolded === undefined ? {} : { unfolded }) } };
}

interface Where {
  readonly step: number;
  readonly round: number;
}

interface Found {
  readonly failure: Failure;
  readonly where: Where;
  readonly unfolded?: Unfolded;
}

interface Stage {
  readonly engine: DecidingEngine;
  readonly program: Program;
  /** Rego alone remembers nothing of outcomes, and knows none of the program's labels. */
  readonly isAlone: boolean;
  readonly coverage: CoverageSink | undefined;
  nowMs: number;
  situation: Situation | undefined;
  unfolded: Unfolded | undefined;
  explaining: ((situation: Situation) => Unfolded) | undefined;
  readonly faults: string[];
}

function play(test: TestCase, parts: TestParts, asked?: Where): Found | undefined {
  const stage = stageFor(test, parts);
  for (const [index, step] of test.steps.entries()) {
    if (step.kind === "wait") stage.nowMs += step.ms;
    if (step.kind !== "decide") continue;
    const next = test.steps[index + 1];
    const outcome = next?.kind === "outcome" ? next : undefined;
    for (let round = 1; round <= step.times; round++) {
      const isAsked = asked?.step === index && asked.round === round;
      const named = step.expect?.by ?? [];
      const { texts } = parts;
      stage.explaining =
        isAsked && texts !== undefined
          ? (situation) => unfold(situation, texts, { named })
          : undefined;
      const failure = playCall(step, outcome, stage);
      if (failure === undefined) continue;
      const where = { step: index, round };
      const found = { failure: { ...failure, ...(step.times > 1 ? { round } : {}) }, where };
      return stage.unfolded === undefined ? found : { ...found, unfolded: stage.unfolded };
    }
  }
  return undefined;
}

function stageFor(test: TestCase, parts: TestParts): Stage {
  const { program, coverage } = parts;
  const now = test.now === undefined ? undefined : parseTime(test.now);
  const clock = () => stage.nowMs;
  const stage: Stage = {
    engine: parts.engine?.({ clock, ids: countedIds() }) ?? watchedEngine(parts, () => stage),
    program,
    isAlone: parts.engine !== undefined,
    coverage,
    nowMs: now?.ok ? now.value : NOON_MS,
    situation: undefined,
    unfolded: undefined,
    explaining: undefined,
    faults: [],
  };
  return stage;
}

function watchedEngine({ program, digest, coverage, modules }: TestParts, of: () => Stage): Engine {
  const fault = (what: string) => void of().faults.push(what);
  return createWatchedEngine({
    program,
    digest,
    modules,
    clock: () => of().nowMs,
    onFault: (thrown) =>
      fault(`the engine failed: ${thrown instanceof Error ? thrown.message : thrown}`),
    watchers: {
      ...(coverage === undefined
        ? {}
        : { expression: coverage.expression, applied: coverage.applied }),
      situation: (situation) => {
        const stage = of();
        stage.situation = situation;
        stage.unfolded = stage.explaining?.(situation);
      },
      disagreement: (what) => fault(`two evaluators disagree about ${what}`),
    },
  });
}

type DecideStep = Extract<TestStep, { kind: "decide" }>;
type OutcomeStep = Extract<TestStep, { kind: "outcome" }>;

function playCall(
  step: DecideStep,
  outcome: OutcomeStep | undefined,
  stage: Stage,
): Failure | undefined {
  const answer = stage.engine.decide(step.request, vouchedFor(step, stage.program));
  if (answer.kind !== "answer" && step.expect?.by.includes("invalid_request") !== true) {
    return { at: step.at, problems: [`this is no request: ${saidOf(answer)}`] };
  }
  const decision = answer.kind === "answer" ? answer.value : noRequest(saidOf(answer), stage);
  const problems = [
    ...stage.faults,
    ...(step.expect === undefined ? [] : problemsOf(step.expect, decision)),
  ];
  if (problems.length > 0) {
    const expected = step.expect === undefined ? {} : { expected: step.expect };
    return { at: step.expect?.at ?? step.at, problems, decision, ...expected };
  }
  return settle(decision, step, outcome, stage);
}

/** For tests what is no request is refused as one that the vocabulary does not know. */
function noRequest(because: string, { program }: Stage): Decision {
  const policy = { package: program.package, digest: "" };
  return denied("malformed", { code: "invalid_request", because }, policy);
}

function saidOf(answer: Exclude<Answer<unknown>, { kind: "answer" }>): string {
  if (answer.kind !== "malformed") return answer.because;
  return answer.faults.map(({ at, message }) => `${at} ${message}`).join("; ");
}

/** Whoever a test lets approve is in every group that is asked: groups of people are no part of a policy. */
function vouchedFor(step: DecideStep, { rules }: Program): Vouched {
  const groups = rules.flatMap(({ approval }) =>
    approval?.approver.kind === "group" ? [approval.approver.group] : [],
  );
  return {
    delegationVerified: step.verified,
    approvals: step.approvedBy.map((by) => ({ by, groups })),
  };
}

function problemsOf(expected: Expectation, decision: Decision): readonly string[] {
  const problems: string[] = [];
  if (decision.decision !== expected.decision) {
    problems.push(`expected ${expected.decision}, decided ${decision.decision}`);
  }
  // Tests name rules by word; a rule of a used package is called `package/rule`.
  const rules = decision.reasons.map(({ rule }) => rule.slice(rule.lastIndexOf("/") + 1));
  const given = new Set([...rules, decision.code ?? ""]);
  for (const name of expected.by) {
    if (!given.has(name)) problems.push(`\`${name}\` is not what decided`);
  }
  if (expected.interrupt && decision.interrupt !== true) {
    problems.push("the session was not interrupted");
  }
  const obligations = decision.obligations.map(({ type }) => type);
  for (const type of expected.with) {
    if (!obligations.includes(type)) problems.push(`the obligation \`${type}\` is missing`);
  }
  for (const label of expected.next) {
    if (decision.next?.includes(label) !== true) {
      problems.push(`\`${label}\` is not among the next steps`);
    }
  }
  return problems;
}

/** What the test says became of the call; nothing said is success. */
function settle(
  decision: Decision,
  { at }: DecideStep,
  outcome: OutcomeStep | undefined,
  stage: Stage,
): Failure | undefined {
  const { call } = decision;
  if (call === undefined) {
    if (outcome === undefined) return undefined;
    const problem = `the call was not allowed (${decision.decision}), so it has no outcome`;
    return { at: outcome.at, problems: [problem], decision };
  }
  if (stage.situation !== undefined) stage.coverage?.allowed(stage.situation, call);
  if (outcome?.status === "pending") return undefined;
  const answer = stage.engine.outcome({
    call,
    status: outcome?.status ?? "ok",
    ...(outcome === undefined || stage.isAlone ? {} : returnedBy(outcome)),
  });
  stage.coverage?.settled(call, outcome?.status !== "error");
  if (answer.kind === "answer" && stage.faults.length === 0) return undefined;
  const refused = answer.kind === "answer" ? [] : [`the outcome was refused: ${saidOf(answer)}`];
  return { at: outcome?.at ?? at, problems: [...stage.faults, ...refused] };
}

function returnedBy({ labels, values }: OutcomeStep) {
  return { labels, ...(values === undefined ? {} : { values }) };
}
