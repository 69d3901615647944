/** What random questions reach: a test that seldom meets the hard cases proves little. */
import { createInterpreter } from "../../engine/evaluate/interpret.ts";
import { Unknown } from "../../engine/value.ts";
import type { Cause, ExprKind, Program } from "../../lang/ir.ts";
import { decisionOf, type Question, type Subject, unknownOf } from "./compare.ts";

export interface Quality {
  pairCount: number;
  allowed: number;
  /** Pairs in which some rule could not be decided. */
  undecided: number;
  readonly kinds: Map<ExprKind, number>;
  readonly causes: Map<Cause, number>;
  readonly hits: Map<string, number>;
  readonly decisions: Map<string, number>;
}

export function newQuality(): Quality {
  return {
    pairCount: 0,
    allowed: 0,
    undecided: 0,
    kinds: new Map(),
    causes: new Map(),
    hits: new Map(),
    decisions: new Map(),
  };
}

export function assess(
  quality: Quality,
  program: Program,
  question: Question,
  reference: Subject,
): void {
  const { request, facts } = question;
  const evaluator = createInterpreter(program, (expr, value) => {
    count(quality.kinds, expr.kind);
    if (value instanceof Unknown) count(quality.causes, value.cause);
  });
  const { uncertain: _, ...rules } = evaluator.rules(request, facts);
  const nevers = evaluator.nevers(request, facts);
  quality.pairCount++;
  for (const [list, hits] of Object.entries(rules)) {
    for (const hit of hits) {
      count(quality.hits, hit.unknown === undefined ? list : `${list} unknown`);
    }
  }
  const { decision } = decisionOf(reference, question).decision;
  if (decision === "allow") quality.allowed++;
  count(quality.decisions, decision);
  const all = [...rules.permits, ...rules.forbids, ...rules.holds, ...rules.obliges, ...nevers];
  if (unknownOf(all).length > 0) quality.undecided++;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
