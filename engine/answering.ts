/**
 * What every engine does around a decision, wherever its state is kept: it names requests, says what a fault
 * comes to, and hands what an answer rests on to whoever records it.
 */
import type { Expr, Program } from "../lang/ir.ts";
import { spellTime } from "../lang/scalar/time.ts";
import type { Answer, OutcomeReceipt } from "./answer.ts";
import { digestOf } from "./canonical-json.ts";
import type { ClockReading } from "./clock.ts";
import { type CallInSequence, deny, type Verdict } from "./decide.ts";
import type { Decision, LateCount } from "./decision.ts";
import type { Vouched } from "./engine.ts";
import {
  type DecisionEvidence,
  type EvidenceSink,
  type OutcomeEvidence,
  WatchedView,
} from "./evidence.ts";
import type { Facts } from "./facts.ts";
import type { Foresight } from "./foresight.ts";
import type { Ids } from "./ids.ts";
import type { ModuleAnswers, ModuleRunner } from "./opa/answer.ts";
import type { Policy } from "./policy.ts";
import {
  type AcceptedRequest,
  createRequestReader,
  type RequestContext,
  type RequestReader,
} from "./request-reader.ts";
import { type KeptSequence, matchIn } from "./state/past.ts";
import type { Interruption } from "./state/report.ts";
import {
  type Effects,
  type LateCounters,
  type PolicyState,
  type Settlement,
  type StateScope,
  StateUnavailable,
  type StateView,
} from "./state/store.ts";
import type { Problem } from "./value-reader.ts";

export interface Answering {
  readonly policy: Policy;
  readonly read: RequestReader;
  readonly ids: Ids;
  readonly time: () => ClockReading;
  readonly now: () => number;
  readonly taskIndexes: ReadonlyMap<string, number>;
  readonly modules: ModuleRunner | undefined;
  /** Missing where the policy imports no module. */
  readonly moduleFacts: ((answers: ModuleAnswers) => NonNullable<Facts["module"]>) | undefined;
  readonly onFault: (fault: unknown) => void;
  readonly evidence: EvidenceSink | undefined;
}

/** One request on its way to an answer. */
export interface Asked {
  id: string;
  readonly input: unknown;
  readonly vouched: Vouched;
  /** Missing until the clock was read. */
  nowMs?: number;
  /** By a clock that only measures; 0 where nobody asks how long it took. */
  readonly beganMs: number;
}

export function beginning({ evidence }: Answering): number {
  return evidence === undefined ? 0 : performance.now();
}

type Grounds = Partial<Pick<DecisionEvidence, "accepted" | "problems" | "facts">>;

/** To whoever records it. */
export function hand(
  asked: Asked,
  decision: Decision,
  shell: Answering,
  grounds: Grounds = {},
): void {
  const { evidence, policy } = shell;
  if (evidence === undefined) return;
  const { input, vouched, nowMs, beganMs } = asked;
  evidence.decided({
    program: policy.program,
    nowMs,
    input,
    vouched,
    decision,
    digest: () => requestDigest(input, policy),
    micros: Math.round((performance.now() - beganMs) * 1_000),
    ...grounds,
  });
}

/** Recording may itself be what failed: the answer is a deny all the same. */
export function handFaulted(asked: Asked, decision: Decision, shell: Answering): Decision {
  try {
    hand(asked, decision, shell);
  } catch (fault) {
    return denyFault(asked.id, fault, shell);
  }
  return decision;
}

export function scopeOf(accepted: AcceptedRequest, shell: Answering): StateScope {
  const { request, sessionId, instruction, nowMs } = accepted;
  const { task: name } = request.roots.intent;
  const task = typeof name === "string" ? shell.taskIndexes.get(name) : undefined;
  return { nowMs, sessionId, task, instruction };
}

/** State, and beside it what imported modules say where there are some. */
export function viewFor(
  view: StateView,
  input: unknown,
  vouched: Vouched,
  shell: Answering,
): StateView {
  const answers = vouched.modules ?? shell.modules?.about(input, view.nowMs);
  if (shell.moduleFacts === undefined || answers === undefined) return view;
  return {
    nowMs: view.nowMs,
    task: view.task,
    counter: (index, key) => view.counter(index, key),
    latch: (index, key) => view.latch(index, key),
    origin: (value) => view.origin(value),
    module: shell.moduleFacts(answers),
  };
}

/**
 * A view that keeps nothing. An instruction is kept with the request that brings it; until that is decided,
 * what depends on it together with what the session has seen is not known.
 */
export function peek(
  accepted: AcceptedRequest,
  state: Pick<PolicyState, "session" | "begin">,
  shell: Answering,
): StateView {
  const scope = scopeOf(accepted, shell);
  const { sessionId, instruction } = scope;
  if (instruction === undefined || sessionId === undefined) return state.begin(scope);
  if (state.session(sessionId) === undefined) {
    return state.begin({ ...scope, sessionId: undefined });
  }
  const view = state.begin({ ...scope, instruction: undefined });
  return {
    nowMs: view.nowMs,
    task: view.task,
    counter: (index, key) => view.counter(index, key),
    latch: (index, key) => view.latch(index, key),
    origin: () => "unavailable",
  };
}

/** The exact request under the exact policy: what an approval is of. */
export function requestDigest(input: unknown, policy: Policy): string {
  return digestOf({ policy: policy.identity.digest, request: input });
}

/** To see which counters a decision reads: where somebody records them, or one of them has to be named. */
export function watchedBy(
  view: StateView,
  late: LateCounters | undefined,
  { evidence }: Answering,
): WatchedView | undefined {
  return evidence === undefined && late === undefined ? undefined : new WatchedView(view);
}

/** Names the counters that it read and that know too little. A session that began since is known whole. */
export function sayingSince(
  decision: Decision,
  late: LateCounters | undefined,
  read: WatchedView | undefined,
  { request }: AcceptedRequest,
  { program }: Policy,
): Decision {
  if (late === undefined || read === undefined) return decision;
  const startedAtMs = Number(request.roots.session?.started_at ?? 0);
  const counts = read.counters.flatMap(({ index }): LateCount[] => {
    const [declared, sinceMs] = [program.counters[index], late.get(index)];
    if (declared === undefined || sinceMs === undefined) return [];
    if (startedAtMs >= sinceMs && declared.per.some(isSessionId)) return [];
    return [{ counter: declared.name, since: spellTime(sinceMs) }];
  });
  return counts.length === 0 ? decision : { ...decision, counts_since: counts };
}

function isSessionId(part: Expr): boolean {
  if (part.kind !== "attribute" || part.name !== "id") return false;
  return part.of.kind === "root" && part.of.name === "session";
}

const readers = new WeakMap<Program, RequestReader>();

/** For a task that began under another policy: the request as that would have read it, in the same context. */
export function readUnder(
  past: KeptSequence,
  input: unknown,
  context: RequestContext,
): CallInSequence | undefined {
  const read = readers.get(past.program) ?? createRequestReader(past.program);
  readers.set(past.program, read);
  const reading = read(input, context);
  return reading.ok ? { request: reading.request, match: matchIn(past) } : undefined;
}

/** What is left behind by what was decided. */
export function effectsOf(
  verdict: Verdict,
  { request, sessionId }: AcceptedRequest,
  nowMs: number,
  call: string,
  policy: Policy,
): Effects {
  const { decision, touches, task } = verdict;
  const allowed = decision.decision === "allow" ? { call, task } : undefined;
  const interrupt = verdict.interrupt ? interruptionBy(decision, policy) : undefined;
  return { nowMs, request, touches, interrupt, sessionId, allowed };
}

/** Of the rules that refused, those that say `then interrupt session`. */
function interruptionBy({ reasons, because }: Decision, policy: Policy): Interruption {
  const ending = new Set(
    policy.rules.flatMap(({ name }, index) =>
      policy.program.rules[index]?.interrupt ? [name] : [],
    ),
  );
  const names = reasons.flatMap(({ rule, indeterminate }) =>
    ending.has(rule) && indeterminate !== true ? [rule] : [],
  );
  return { by: "rule", names, ...(because === undefined ? {} : { because }) };
}

const SHOWN_PROBLEMS = 5;

export function invalid(id: string, problems: readonly Problem[], policy: Policy): Decision {
  const shown = problems.slice(0, SHOWN_PROBLEMS).map(({ at, message }) => `${at} ${message}`);
  const more = problems.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  return deny(policy, id, "invalid_request", shown.join("; "));
}

export function denyFault(id: string, fault: unknown, { policy, onFault }: Answering): Decision {
  try {
    onFault(fault);
  } catch {
    // Who cannot be told does not change the answer.
  }
  if (fault instanceof StateUnavailable) {
    return deny(
      policy,
      id,
      "state_unavailable",
      "what is remembered of earlier calls is out of reach",
    );
  }
  return deny(policy, id, "internal_error", "the engine failed while deciding");
}

export function settlementOf(settled: Settlement): OutcomeEvidence["settlement"] {
  if (settled.ok) return settled.repeated ? "repeated" : "settled";
  return settled.why === "settled" ? "conflict" : "unknown";
}

/** What who reported an outcome is told. */
export function receiptOf(
  settled: Settlement,
  { call, status }: OutcomeReceipt,
): Answer<OutcomeReceipt> {
  if (settled.ok) return { kind: "answer", value: { call, status } };
  return settled.why === "settled"
    ? { kind: "already_settled", because: "another outcome of this call was reported before" }
    : { kind: "unknown_call", because: "no call of that name was allowed, or it is long settled" };
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
