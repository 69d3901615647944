/** Evidence of every answer (SPEC §14): it is given once its record is written, and not before. */
import { type Answer, bothReady } from "../answer.ts";
import { requestDigest } from "../canonical-json.ts";
import type { Decision } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import type { EvidenceSink } from "../evidence.ts";
import { askedAhead, type DecisionService } from "../http/service.ts";
import { BriefMap } from "./brief-map.ts";
import { type AuditLog, LogStopped } from "./log.ts";
import { valueAt } from "./pointer.ts";
import {
  type AuditRecord,
  decisionRecord,
  type OperatorAction,
  operatorRecord,
  outcomeRecord,
  type RecordOptions,
} from "./record.ts";

export interface Audit {
  /** For engines: all that they decide is recorded. */
  readonly evidence: EvidenceSink;
  /** Around a service whose engines have this evidence. */
  around(service: DecisionService): DecisionService;
  /** Resolves when it is written; rejects with `LogStopped`, and then it must not be done. */
  operator(action: OperatorAction): Promise<void>;
}

export interface AuditParts {
  readonly log: Waited;
  readonly options: RecordOptions;
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number;
}

/** As much of a log as answers rest on. */
type Waited = Pick<AuditLog, "append" | "written" | "readiness">;

/** Answers on their way; of more of them, nobody waits for the first. */
const UNDERWAY_MOST = 100_000;

export function createAudit({ log, options, clock }: AuditParts): Audit {
  /** By the id of a decision or the call of an outcome. */
  const underway = new BriefMap<Underway>();
  const record = (key: string, made: AuditRecord): void => {
    log.append(made);
    // Asked at once: of this record, and not of what is written by the time that the answer is ready.
    const written = log.written();
    if (underway.size >= UNDERWAY_MOST) underway.clear();
    underway.set(key, joined(underway.get(key), written, made));
  };
  const take = (key: string): Promise<void> | undefined => {
    const known = underway.get(key);
    if (known === undefined) return undefined;
    if (known.count === 1) underway.delete(key);
    else underway.set(key, { ...known, count: known.count - 1 });
    return known.written;
  };
  const evidence: EvidenceSink = {
    decided: (made) => record(made.decision.id, decisionRecord(made, clock(), options)),
    settled: (made) => record(callKey(made.report.call), outcomeRecord(made)),
  };
  /** A denial without an engine rests on nothing, and is recorded as such; an allow is never without one. */
  const recordDenial = (decision: Decision, input: unknown, vouched: Vouched = {}): void => {
    if (decision.decision !== "deny") return;
    const digest = () => requestDigest(input, decision.policy.digest);
    const made = { input, vouched, decision, digest, micros: 0 };
    record(decision.id, decisionRecord(made, clock(), options));
  };
  return {
    evidence,
    around: (service) => ({
      ...whileReady(askedAhead(service), log),
      decide: (input, vouched) =>
        whenWritten(
          log,
          () => service.decide(input, vouched),
          (answer) => {
            if (answer.kind !== "answer") return Promise.resolve();
            const { value } = answer;
            const recorded = underway.get(value.id);
            if (recorded?.decision === value.decision) return take(value.id);
            // What stands around the engine refused what it allowed: that is an answer of its own. It may have
            // settled the call, for which nobody waits.
            underway.delete(value.id);
            underway.delete(callKey(recorded?.call));
            recordDenial(value, input, vouched);
            return take(value.id);
          },
        ),
      outcome: (input) =>
        whenWritten(
          log,
          () => service.outcome(input),
          () => take(callKey(valueAt(input, ["call"]))),
        ),
      readiness: () => bothReady(log.readiness(), service.readiness()),
    }),
    operator: async (action) => {
      log.append(operatorRecord(action, clock()));
      await log.written();
    },
  };
}

/** Records that answers wait for: one, unless an outcome is reported twice at once. */
interface Underway {
  /** Settles when all of them are written, or cannot be. */
  readonly written: Promise<void>;
  readonly count: number;
  /** What the latest record says was decided, and which call it is; missing of outcomes. */
  readonly decision?: unknown;
  readonly call?: unknown;
}

function joined(
  before: Underway | undefined,
  written: Promise<void>,
  { decision, call }: AuditRecord,
): Underway {
  if (before === undefined) return { written, count: 1, decision, call };
  const both = Promise.all([before.written, written]).then(() => {});
  // Where nobody waits, nobody is told.
  both.catch(() => {});
  return { written: both, count: before.count + 1, decision, call };
}

function callKey(call: unknown): string {
  return `outcome of ${String(call)}`;
}

type Ahead = ReturnType<typeof askedAhead>;

/** What would be refused is not told of as allowed. */
function whileReady({ preview, foresee, ...ahead }: Ahead, log: Waited): Ahead {
  const asked =
    <Value>(ask: (input: unknown, vouched?: Vouched) => Value) =>
    (input: unknown, vouched?: Vouched) => {
      const readiness = log.readiness();
      return readiness.ready ? ask(input, vouched) : unavailable(readiness.because);
    };
  return {
    ...ahead,
    ...(preview && { preview: asked(preview) }),
    ...(foresee && { foresee: asked(foresee) }),
  };
}

function unavailable(because: string): Extract<Answer<never>, { kind: "unavailable" }> {
  return { kind: "unavailable", because };
}

/** Nobody is asked while nothing can be recorded: what is allowed then would be counted and not told. */
function whenWritten<Value>(
  log: Waited,
  ask: () => Answer<Value> | Promise<Answer<Value>>,
  writtenOf: (answer: Answer<Value>) => Promise<void> | undefined,
): Answer<Value> | Promise<Answer<Value>> {
  const readiness = log.readiness();
  if (!readiness.ready) return unavailable(readiness.because);
  const asked = ask();
  return asked instanceof Promise
    ? asked.then((answer) => giveWhenWritten(answer, writtenOf))
    : giveWhenWritten(asked, writtenOf);
}

function giveWhenWritten<Value>(
  answer: Answer<Value>,
  writtenOf: (answer: Answer<Value>) => Promise<void> | undefined,
): Answer<Value> | Promise<Answer<Value>> {
  if (answer.kind === "malformed" || answer.kind === "unavailable") return answer;
  try {
    const written = writtenOf(answer);
    return written === undefined ? UNRECORDED : written.then(() => answer, stoppedBy);
  } catch (fault) {
    return stoppedBy(fault);
  }
}

function stoppedBy(fault: unknown): Extract<Answer<never>, { kind: "unavailable" }> {
  if (!(fault instanceof LogStopped)) throw fault;
  return unavailable(fault.message);
}

const UNRECORDED = unavailable("it could not be recorded");
