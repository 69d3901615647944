/**
 * A candidate that decides beside the policy in force. It answers nobody, reserves nothing, and whatever becomes
 * of it the answer is the other's; where it would have answered otherwise is counted and told.
 */

import type { Program } from "../lang/ir.ts";
import type { Active, ActivePolicy } from "./active.ts";
import type { Answer } from "./answer.ts";
import { valueAt } from "./audit/pointer.ts";
import { requestDigest } from "./canonical-json.ts";
import type { Decision } from "./decision.ts";
import { createEngine, type Engine, type EngineParts, type Vouched } from "./engine.ts";
import type { Evaluator } from "./evaluate/evaluator.ts";
import { generateEvaluator } from "./evaluate/javascript.ts";
import { askedAhead, type DecisionService } from "./http/service.ts";
import type { Ids } from "./ids.ts";
import { inTurns } from "./in-turns.ts";
import { createMemoryStore } from "./state/memory.ts";
import { type Happened, type ShadowState, shadowState } from "./state/shadow.ts";
import type { StateStore } from "./state/store.ts";
import type { Writable } from "./writable.ts";

export interface ShadowParts {
  readonly active: Active;
  /** What the policies in force remember in. */
  readonly store: StateStore;
  readonly candidate: Candidate;
  readonly clock: NonNullable<EngineParts["clock"]>;
  readonly ids: Ids;
  readonly onDifference: (difference: Difference) => void;
}

export interface Candidate {
  readonly program: Program;
  readonly digest: string;
  /** Without it, imported modules say nothing. */
  readonly modules?: EngineParts["modules"];
}

/** Nothing of the request's values but the tool's name. */
export interface Difference {
  /** Of the decision that was given. */
  readonly id: string;
  readonly tool: string | undefined;
  readonly active: Summary;
  readonly candidate: Summary;
}

export interface Summary {
  readonly decision: Decision["decision"];
  readonly code?: string | undefined;
  /** Of what determined it. */
  readonly rules: readonly string[];
  /** Types of what is asked of the enforcement point. */
  readonly obligations: readonly string[];
}

export interface ShadowReport {
  readonly alike: number;
  readonly differing: number;
  /** By what was decided and what would have been: `allow → deny forbidden`. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Requests that the candidate gave no answer to. */
  readonly failed: number;
}

export interface Shadow {
  /** Stands around the policy in force. */
  readonly service: DecisionService;
  report(): ShadowReport;
  /** As `Engine.warmUp`, of the candidate. */
  warmUp(): Promise<void>;
}

export function createShadow(parts: ShadowParts): Shadow {
  const { active } = parts;
  const own = createMemoryStore();
  const evaluator = generateEvaluator(parts.candidate.program);
  const counts = { alike: 0, differing: 0, failed: 0, kinds: new Map<string, number>() };
  let pair: Pair | undefined;
  const pairFor = (present: ActivePolicy): Pair => {
    if (pair?.digest !== present.digest) pair = pairOf(present, { own, evaluator }, parts);
    return pair;
  };
  const service: DecisionService = {
    ...askedAhead(active),
    readiness: active.readiness,
    decide(input, vouched) {
      const present = active.present();
      const asked =
        present && attempt(() => askCandidate(pairFor(present), present, input, vouched));
      const finish = (given: Answer<Decision>) => {
        attempt(() => compare(asked, given, toolOf(input), counts, parts));
        return given;
      };
      const answer = active.decide(input, vouched);
      return answer instanceof Promise ? answer.then(finish) : finish(answer);
    },
    outcome(input) {
      const present = active.present();
      if (present !== undefined) attempt(() => pairFor(present).engine.outcome(input));
      return active.outcome(input);
    },
  };
  return {
    service,
    report: () => ({ ...counts, kinds: new Map(counts.kinds) }),
    warmUp: () => inTurns(evaluator.warmUp?.() ?? [], 1),
  };
}

/** The candidate as it stands to one policy in force. */
interface Pair {
  readonly digest: string;
  readonly engine: Engine;
  readonly state: ShadowState;
}

/** What outlives a swap of the policy in force. */
interface Kept {
  readonly own: StateStore;
  readonly evaluator: Evaluator;
}

function pairOf(
  { program, digest }: ActivePolicy,
  { own, evaluator }: Kept,
  parts: ShadowParts,
): Pair {
  const { candidate, store, clock, ids } = parts;
  const state = shadowState({ active: program, candidate: candidate.program }, store, own);
  return {
    digest,
    state,
    engine: createEngine({ ...candidate, evaluator, store: state.store, clock, ids }),
  };
}

interface Asked {
  readonly answer: Answer<Decision>;
  readonly happened: Happened;
}

/** Before the policy in force is, so that both see the same. */
function askCandidate(
  { engine, state }: Pair,
  present: ActivePolicy,
  input: unknown,
  vouched: Vouched = {},
): Asked {
  const approvals = vouched.approvals?.flatMap(({ digest, ...approval }) => {
    const isOfThis = digest === undefined || digest === requestDigest(input, present.digest);
    // What was approved under the policy in force counts as approved under the candidate.
    return isOfThis ? [approval] : [];
  });
  const seen = { ...vouched, ...(approvals === undefined ? {} : { approvals }) };
  return { answer: engine.decide(input, seen), happened: state.decided() };
}

type Counts = Writable<ShadowReport> & {
  readonly kinds: Map<string, number>;
};

function compare(
  asked: Asked | undefined,
  given: Answer<Decision>,
  tool: string | undefined,
  counts: Counts,
  { onDifference }: ShadowParts,
): void {
  if (given.kind !== "answer" || given.value.code === "no_policy") return;
  asked?.happened(given.value.call);
  if (asked?.answer.kind !== "answer") {
    counts.failed += 1;
    return;
  }
  const [active, candidate] = [summarize(given.value), summarize(asked.answer.value)];
  if (JSON.stringify(active) === JSON.stringify(candidate)) {
    counts.alike += 1;
    return;
  }
  const kind = `${spell(active)} → ${spell(candidate)}`;
  counts.differing += 1;
  counts.kinds.set(kind, (counts.kinds.get(kind) ?? 0) + 1);
  onDifference({ id: given.value.id, tool, active, candidate });
}

function summarize({ decision, code, reasons, obligations }: Decision): Summary {
  return {
    decision,
    code,
    rules: reasons.map(({ rule }) => rule).sort(),
    obligations: obligations.map(({ type }) => type).sort(),
  };
}

function spell({ decision, code }: Summary): string {
  return code === undefined ? decision : `${decision} ${code}`;
}

function toolOf(input: unknown): string | undefined {
  const name = valueAt(input, ["tool", "name"]);
  return typeof name === "string" ? name : undefined;
}

/** Whatever the candidate does, it harms no answer. */
function attempt<Result>(step: () => Result): Result | undefined {
  try {
    return step();
  } catch {
    return undefined;
  }
}
