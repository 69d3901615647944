/**
 * What every engine does around a decision, wherever its state is kept: it names requests, says what a fault
 * comes to, and hands what an answer rests on to whoever records it.
 */
import type { CounterDecl, Expr, LatchDecl, Program, RootName } from "../lang/ir.ts";
import { spellTime } from "../lang/scalar/time.ts";
import type { Answer, OutcomeReceipt, Readiness } from "./answer.ts";
import { requestDigest } from "./canonical-json.ts";
import { type ClockReading, clockReader, spellDoubt } from "./clock.ts";
import type { CallInSequence } from "./decide/task.ts";
import { type DecisionInput, deny, invalid, type Verdict } from "./decide.ts";
import type { Decision, LateCount } from "./decision.ts";
import type { EngineParts, Vouched } from "./engine.ts";
import type { Evaluator } from "./evaluate/evaluator.ts";
import { createForesight } from "./evaluate/interpret.ts";
import {
  type DecisionEvidence,
  type EvidenceSink,
  type OutcomeEvidence,
  WatchedView,
} from "./evidence.ts";
import type { Facts } from "./facts.ts";
import { createIds, type Ids } from "./ids.ts";
import { inTurns } from "./in-turns.ts";
import { type ModuleAnswers, type ModuleRunner, moduleFacts } from "./opa/answer.ts";
import { type Policy, preparePolicy } from "./policy.ts";
import {
  type AcceptedRequest,
  createRequestReader,
  type Reading,
  type RequestContext,
  type RequestReader,
} from "./request-reader.ts";
import { freeCall } from "./state/call.ts";
import { type KeptSequence, matchIn } from "./state/past.ts";
import type { Interruption } from "./state/report.ts";
import {
  type Effects,
  type Late,
  type PolicyState,
  type Settlement,
  type StateScope,
  StateUnavailable,
  type StateView,
} from "./state/store.ts";
import { taskIdIn } from "./state/task-run.ts";

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

/** Of a policy, for an engine with this evaluator of it. */
export function answeringOf(
  parts: Omit<EngineParts, "store" | "evaluator">,
  evaluator: Evaluator,
): Answering {
  const { program } = parts;
  const time = clockReader(parts.clock ?? Date.now);
  return {
    policy: preparePolicy(program, parts, evaluator),
    read: createRequestReader(program),
    ids: parts.ids ?? createIds(),
    time,
    now: () => time().nowMs,
    taskIndexes: new Map(program.tasks.map((task, index) => [task.name, index])),
    modules: parts.modules,
    moduleFacts: program.modules.length === 0 ? undefined : moduleFacts(program),
    onFault: parts.onFault ?? (() => {}),
    evidence: parts.evidence,
  };
}

/** Whether the clocks can be believed, which every engine rests on. */
export function clockReadiness({ doubt }: ClockReading): Readiness {
  return doubt === undefined ? { ready: true } : { ready: false, because: spellDoubt(doubt) };
}

export function warmUp({ policy }: Answering): Promise<void> {
  return inTurns(policy.evaluator.warmUp?.() ?? [], 1);
}

export const NOTHING_VOUCHED: Vouched = {};
export const BY_HOST: Interruption = { by: "host", names: [] };

/** One request on its way to an answer. */
export interface Asked {
  id: string;
  readonly input: unknown;
  readonly vouched: Vouched;
  /** Missing until the clock was read. */
  time?: ClockReading;
  /** By a clock that only measures; 0 where nobody asks how long it took. */
  readonly beganMs: number;
}

export function beginning({ evidence }: Answering): number {
  return evidence === undefined ? 0 : performance.now();
}

type Grounds = Partial<Pick<DecisionEvidence, "accepted" | "problems" | "facts">>;

const NO_GROUNDS: Grounds = {};

/** To whoever records it. */
export function hand(
  asked: Asked,
  decision: Decision,
  shell: Answering,
  grounds: Grounds = NO_GROUNDS,
): void {
  const { evidence, policy } = shell;
  if (evidence === undefined) return;
  const { input, vouched, time, beganMs } = asked;
  const { accepted, problems, facts } = grounds;
  evidence.decided({
    program: policy.program,
    nowMs: time?.nowMs,
    laterMs: time?.doubt?.laterMs,
    input,
    vouched,
    decision,
    accepted,
    problems,
    facts,
    digest: () => requestDigest(input, policy.identity.digest),
    micros: Math.round((performance.now() - beganMs) * 1_000),
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

/** What is known of a request before it is read, at one reading of the clock. */
export function contextFor(
  time: ClockReading,
  session: RequestContext["session"],
  vouched: Vouched,
): RequestContext {
  const { nowMs, doubt } = time;
  return {
    nowMs,
    doubt,
    session,
    verified: vouched.delegationVerified === true,
    delegation: vouched.delegation,
    refused: vouched.refused,
  };
}

const NO_APPROVALS: DecisionInput["approvals"] = [];

/** What deciding needs beside the request; `context` is what it was read in. */
export function inputFor(
  id: string,
  call: string,
  asked: Pick<Asked, "input" | "vouched">,
  context: RequestContext,
  policy: Policy,
): DecisionInput {
  return new Question(id, call, asked, context, policy);
}

/** Not an object with functions in it: these would be made for every decision, and few ask them. */
class Question implements DecisionInput {
  readonly id: string;
  readonly call: string;
  readonly approvals: DecisionInput["approvals"];
  readonly #input: unknown;
  readonly #context: RequestContext;
  readonly #policy: Policy;

  constructor(
    id: string,
    call: string,
    { input, vouched }: Pick<Asked, "input" | "vouched">,
    context: RequestContext,
    policy: Policy,
  ) {
    this.id = id;
    this.call = call;
    this.approvals = vouched.approvals ?? NO_APPROVALS;
    this.#input = input;
    this.#context = context;
    this.#policy = policy;
  }

  digest(): string {
    return requestDigest(this.#input, this.#policy.identity.digest);
  }

  under(past: KeptSequence): CallInSequence | undefined {
    return readUnder(past, this.#input, this.#context);
  }
}

export function scopeOf(accepted: AcceptedRequest, shell: Answering): StateScope {
  const { request, sessionId, instruction, nowMs } = accepted;
  const { task: name } = request.roots.intent;
  const task = typeof name === "string" ? shell.taskIndexes.get(name) : undefined;
  return { nowMs, sessionId, task, taskId: taskIdIn(request), instruction };
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

/** A view that keeps nothing. */
export function peek(
  accepted: AcceptedRequest,
  state: Pick<PolicyState, "begin">,
  shell: Answering,
): StateView {
  return state.begin({ ...scopeOf(accepted, shell), isAhead: true });
}

/** To see which counters and latches a decision reads: where somebody records them, or one of them has to be named. */
export function watchedBy(
  view: StateView,
  late: Late | undefined,
  { evidence }: Answering,
): WatchedView | undefined {
  return evidence === undefined && late === undefined ? undefined : new WatchedView(view);
}

/** Names what it read that knows too little. A session that began since is known whole. */
export function sayingSince(
  decision: Decision,
  late: Late | undefined,
  read: WatchedView | undefined,
  { request }: AcceptedRequest,
  { program }: Policy,
): Decision {
  if (late === undefined || read === undefined) return decision;
  const startedAtMs = Number(request.roots.session?.started_at ?? 0);
  const since = (declared: CounterDecl | LatchDecl | undefined, sinceMs: number | undefined) => {
    if (declared === undefined || sinceMs === undefined) return [];
    if (startedAtMs >= sinceMs && declared.per.some(isSessionId)) return [];
    return [{ name: declared.name, since: spellTime(sinceMs) }];
  };
  const counters = read.counters.flatMap(({ index }) =>
    since(program.counters[index], late.counters.get(index)),
  );
  const latches = read.latches.flatMap(({ index }) =>
    since(program.latches[index], late.latches.get(index)),
  );
  const told: readonly LateCount[] = [
    ...counters.map(({ name, since }) => ({ counter: name, since })),
    ...latches.map(({ name, since }) => ({ latch: name, since })),
  ];
  return told.length === 0 ? decision : { ...decision, counts_since: told };
}

function isSessionId(part: Expr): boolean {
  if (part.kind !== "attribute" || part.name !== "id") return false;
  return part.of.kind === "root" && part.of.name === "session";
}

const readers = new WeakMap<Program, RequestReader>();

/** For a task that began under another policy: the request as that would have read it, in the same context. */
function readUnder(
  past: KeptSequence,
  input: unknown,
  context: RequestContext,
): CallInSequence | undefined {
  const read = readers.get(past.program) ?? createRequestReader(past.program);
  readers.set(past.program, read);
  const reading = read(input, context);
  return reading.ok ? { request: reading.request, match: matchIn(past) } : undefined;
}

export const NO_ROOM = "there is no room to remember this call";

/** An allow whose outcome can change nothing, by the name that says so. */
export function namedFree(decision: Decision): Decision {
  return decision.call === undefined ? decision : { ...decision, call: freeCall(decision.call) };
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

/** What is said of a request that cannot be decided; `spell` puts the denial into the form that was asked for. */
export function notRead<Value>(
  id: string,
  { kind, problems }: Extract<Reading, { ok: false }>,
  policy: Policy,
  spell: (denial: Decision) => Value,
): Answer<Value> {
  if (kind === "malformed") return { kind, faults: problems };
  return { kind: "answer", value: spell(invalid(id, problems, policy)) };
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

/** Tells whoever records outcomes what became of one, and whoever reported it. */
export function settledAs(
  settled: Settlement,
  report: OutcomeEvidence["report"],
  nowMs: number,
  {
    program,
    evidence,
  }: { readonly program: Program; readonly evidence?: EvidenceSink | undefined },
): Answer<OutcomeReceipt> {
  evidence?.settled({ program, nowMs, report, settlement: settlementOf(settled) });
  return receiptOf(settled, report);
}

/** Whatever failed, the call is still open: it can be reported again. */
export function notSettled(fault: unknown, { onFault }: Answering): Answer<OutcomeReceipt> {
  onFault(fault);
  return { kind: "unavailable", because: "the outcome could not be recorded" };
}

function settlementOf(settled: Settlement): OutcomeEvidence["settlement"] {
  if (settled.ok) return settled.repeated ? "repeated" : "settled";
  return settled.why === "settled" ? "conflict" : "unknown";
}

/** What who reported an outcome is told. */
function receiptOf(settled: Settlement, { call, status }: OutcomeReceipt): Answer<OutcomeReceipt> {
  if (settled.ok) return { kind: "answer", value: { call, status } };
  return settled.why === "settled"
    ? { kind: "already_settled", because: "another outcome of this call was reported before" }
    : { kind: "unknown_call", because: "no call of that name was allowed, or it is long settled" };
}

/**
 * The policy as it is asked ahead of a call: its arguments are open, and the resource where none is told.
 */
export function foreseeing(policy: Policy, { request }: AcceptedRequest): Policy {
  const isTold = request.roots.resource !== undefined;
  const open = new Set<RootName>(isTold ? ["args"] : ["args", "resource"]);
  return { ...policy, evaluator: createForesight(policy.program, open) };
}
