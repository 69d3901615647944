/**
 * What is known of a call before its arguments are (SPEC §12.8). Both answers come from `decide` itself, asked
 * twice over the same results: once with everything that is open turned out for the call, once against it.
 * Each step of a decision can only be helped by what helps the call, so what is denied with all of it is
 * denied always, and what is allowed without any of it is always allowed.
 */
import type { Expr, Program } from "../lang/ir.ts";
import { type DecisionInput, decide } from "./decide.ts";
import type { Decision, DenyCode, Reason } from "./decision.ts";
import type { Evaluator, Hit, RuleResults, Touch } from "./evaluate/evaluator.ts";
import type { Policy } from "./policy.ts";
import type { DecisionRequest } from "./request.ts";
import type { AcceptedRequest } from "./request-reader.ts";
import { matchIn } from "./state/past.ts";
import type { Match } from "./state/sequence.ts";
import type { StateView } from "./state/store.ts";
import { Unknown } from "./value.ts";

/** What every call of a tool would be answered as things stand; `depends` on what the call brings, or on people. */
export interface Foresight {
  readonly standing: "allowed" | "denied" | "depends";
  /** Of `denied`: as a decision has it. */
  readonly code?: DenyCode;
  /** Of `denied`, and where it could not be found out. */
  readonly because?: string;
  /** Of `allowed` and `denied`: what determines every decision. */
  readonly reasons: readonly Reason[];
  /** Of `depends`: rules and invariants that may apply and may not. */
  readonly open: readonly string[];
  readonly policy: { readonly package: string; readonly digest: string };
}

/** The evaluator of `policy` takes what is not told for open; the real one judges calls already made. */
export function foresee(
  policy: Policy,
  real: Evaluator,
  accepted: AcceptedRequest,
  view: StateView,
): Foresight {
  const ask = (evaluator: Evaluator, under: Under) => {
    // What is not told is judged by it, within the decision.
    real.fuel.begin();
    return decide({ ...policy, evaluator }, accepted, view, { ...AHEAD, under }).decision;
  };
  const best = ask(hopeful(policy, real, accepted.request), perhaps(accepted, true));
  const { identity } = policy;
  const { fuel } = policy.evaluator;
  // What takes too many steps here may take fewer with what is told then.
  if (best.decision === "deny" && !fuel.isSpent) return refusedAhead(best);
  const worst = ask(wary(policy, real, accepted.request), perhaps(accepted, false));
  if (worst.decision === "allow" && accepted.bounded !== true && !fuel.mayBeSpent) {
    return { standing: "allowed", reasons: worst.reasons, open: [], policy: identity };
  }
  fuel.begin();
  const open = openNames(policy, accepted.request, view);
  return { standing: "depends", reasons: [], open, policy: identity };
}

/** What is known of calls that are refused whatever their arguments are. */
export function refusedAhead({ code, because, reasons, policy }: Decision): Foresight {
  return {
    standing: "denied",
    ...(code === undefined ? {} : { code }),
    ...(because === undefined ? {} : { because }),
    reasons,
    open: [],
    policy,
  };
}

/** What went wrong now may not go wrong with a call: one that needs no state is decided without it. */
export function untold({ because, policy }: Decision): Foresight {
  const why = because === undefined ? {} : { because };
  return { standing: "depends", ...why, reasons: [], open: [], policy };
}

const AHEAD: DecisionInput = { id: "ahead", call: "ahead", approvals: [], digest: () => "" };

type Under = NonNullable<DecisionInput["under"]>;

/** Whether a call whose arguments are not told is a step of another policy's sequence is as it is hoped. */
function perhaps({ request: asked }: AcceptedRequest, matches: boolean): Under {
  return (past) => {
    const real = matchIn(past);
    const match: Match = (position, bound, request) => {
      if (request !== asked) return real(position, bound, request);
      return matches ? { matches, bound } : { matches };
    };
    return { request: asked, match };
  };
}

function isOpen(part: unknown): boolean {
  return part instanceof Unknown && part.cause === "open";
}

function openNames(policy: Policy, request: DecisionRequest, view: StateView): readonly string[] {
  const { permits, forbids, holds } = policy.evaluator.rules(request, view);
  const nevers = policy.evaluator.nevers(request, view);
  const named = (hits: readonly Hit[], names: Policy["rules"]) =>
    hits.filter((hit) => isOpen(hit.unknown)).map((hit) => names[hit.rule]?.name ?? "");
  return [
    ...named([...permits, ...forbids, ...holds], policy.rules),
    ...named(nevers, policy.nevers),
  ];
}

/** Open permits apply, and nothing open stands in the way. */
function hopeful(policy: Policy, real: Evaluator, asked: DecisionRequest): Evaluator {
  const { evaluator, program } = policy;
  return {
    fuel: evaluator.fuel,
    rules: (request, facts) =>
      settled(evaluator.rules(request, facts), { permits: "apply", others: "do not" }),
    nevers: (request, facts) => settle(evaluator.nevers(request, facts), "do not"),
    // What may not be counted, or for less, is left out: a limit only ever refuses more.
    touches: (request, facts) =>
      evaluator
        .touches(request, facts)
        .filter((touch) => !touch.uncertain && !isOpen(touch.key) && !isOpen(touch.amount)),
    approver(rule, request, facts) {
      const party = evaluator.approver(rule, request, facts);
      return party instanceof Unknown && party.cause === "open" ? "" : party;
    },
    step(task, position, bound, request, facts) {
      if (request !== asked) return real.step(task, position, bound, request, facts);
      const step = program.tasks[task]?.sequence?.positions[position];
      return step?.tools.includes(request.tool) ? { matches: true, bound } : { matches: false };
    },
  };
}

/** Open permits do not apply, and everything open stands in the way. */
function wary(policy: Policy, real: Evaluator, asked: DecisionRequest): Evaluator {
  const { evaluator, program } = policy;
  return {
    fuel: evaluator.fuel,
    rules: (request, facts) =>
      settled(evaluator.rules(request, facts), { permits: "do not", others: "apply" }),
    nevers: (request, facts) => settle(evaluator.nevers(request, facts), "apply"),
    touches: (request, facts) =>
      evaluator.touches(request, facts).map((touch) => warily(touch, program, request)),
    approver: (rule, request, facts) => evaluator.approver(rule, request, facts),
    step(task, position, bound, request, facts) {
      if (request !== asked) return real.step(task, position, bound, request, facts);
      const binds = program.tasks[task]?.sequence?.positions[position]?.binds ?? [];
      if (binds.length > 0) return { matches: false };
      const found = evaluator.step(task, position, bound, request, facts);
      return found.matches === "unknown" ? { matches: false } : found;
    },
  };
}

type Turn = "apply" | "do not";

function settled(
  { permits, forbids, holds, obliges }: RuleResults,
  turns: { readonly permits: Turn; readonly others: Turn },
): RuleResults {
  const turned = {
    permits: settle(permits, turns.permits),
    forbids: settle(forbids, turns.others),
    holds: settle(holds, turns.others),
    obliges: settle(obliges, turns.others),
  };
  const all = Object.values(turned).flat();
  return { ...turned, uncertain: all.some(({ unknown }) => unknown !== undefined) };
}

function settle(hits: readonly Hit[], turn: Turn): readonly Hit[] {
  if (!hits.some((hit) => isOpen(hit.unknown))) return hits;
  return hits.flatMap((hit) => {
    if (!isOpen(hit.unknown)) return [hit];
    return turn === "apply" ? [{ rule: hit.rule }] : [];
  });
}

/**
 * What is read as it stands in the request is there or absent, and neither refuses a call; what is calculated
 * may come to nothing. A task's limits ask for the number itself.
 */
function warily(touch: Touch, program: Program, { roots }: DecisionRequest): Touch {
  const declared =
    touch.kind === "counter" ? program.counters[touch.index] : program.latches[touch.index];
  if (declared === undefined) return touch;
  const amount = "of" in declared && declared.of !== undefined ? [declared.of] : [];
  const isPlain = [...declared.per, ...amount].every(isRead) && roots.intent.task === undefined;
  const turned = <Part>(part: Part): Part | Unknown =>
    isOpen(part) ? new Unknown(isPlain ? "absent" : "overflow", declared.at) : part;
  return { ...touch, key: turned(touch.key), amount: turned(touch.amount) };
}

function isRead(expr: Expr): boolean {
  switch (expr.kind) {
    case "const":
    case "root":
      return true;
    case "attribute":
      return isRead(expr.of);
    default:
      return false;
  }
}
