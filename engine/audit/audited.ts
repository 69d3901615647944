/** Evidence of every answer (SPEC §14): it is given once its record is written, and not before. */
import type { Answer, OutcomeReceipt } from "../answer.ts";
import { digestOf } from "../canonical-json.ts";
import type { Decision } from "../decision.ts";
import type { Vouched } from "../engine.ts";
import type { EvidenceSink } from "../evidence.ts";
import { askedAhead, type DecisionService } from "../http/service.ts";
import { type AuditLog, LogStopped } from "./log.ts";
import {
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
  readonly log: AuditLog;
  readonly options: RecordOptions;
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number;
}

/** Decisions on their way to who asked; more of them were never collected. */
const UNDERWAY_MOST = 100_000;

export function createAudit({ log, options, clock }: AuditParts): Audit {
  const recorded = new Set<string>();
  const evidence: EvidenceSink = {
    decided: (made) => {
      log.append(decisionRecord(made, clock(), options));
      if (recorded.size >= UNDERWAY_MOST) recorded.clear();
      recorded.add(made.decision.id);
    },
    settled: (made) => log.append(outcomeRecord(made)),
  };
  /** A denial without an engine rests on nothing, and is recorded as such; an allow is never without one. */
  const isRecorded = (decision: Decision, input: unknown, vouched: Vouched = {}): boolean => {
    if (recorded.delete(decision.id)) return true;
    if (decision.decision !== "deny") return false;
    const digest = () => digestOf({ policy: decision.policy.digest, request: input });
    log.append(decisionRecord({ input, vouched, decision, digest, micros: 0 }, clock(), options));
    return true;
  };
  return {
    evidence,
    around: (service) => ({
      ...askedAhead(service),
      decide: (input, vouched) =>
        whenWritten(
          log,
          () => service.decide(input, vouched),
          (decision) => isRecorded(decision, input, vouched),
        ),
      outcome: (input) =>
        whenWritten<OutcomeReceipt>(
          log,
          () => service.outcome(input),
          () => true,
        ),
      readiness: () => {
        const readiness = log.readiness();
        return readiness.ready ? service.readiness() : readiness;
      },
    }),
    operator: async (action) => {
      log.append(operatorRecord(action, clock()));
      await log.written();
    },
  };
}

/** Nobody is asked while nothing can be recorded: what is allowed then would be counted and not told. */
async function whenWritten<Value extends Decision | OutcomeReceipt>(
  log: AuditLog,
  ask: () => Answer<Value> | Promise<Answer<Value>>,
  isRecorded: (value: Value) => boolean,
): Promise<Answer<Value>> {
  const readiness = log.readiness();
  if (!readiness.ready) return { kind: "unavailable", because: readiness.because };
  const answer = await ask();
  if (answer.kind === "malformed") return answer;
  try {
    if (answer.kind === "answer" && !isRecorded(answer.value)) return UNRECORDED;
    await log.written();
    return answer;
  } catch (fault) {
    if (!(fault instanceof LogStopped)) throw fault;
    return { kind: "unavailable", because: fault.message };
  }
}

const UNRECORDED = {
  kind: "unavailable",
  because: "what was decided could not be recorded",
} as const;
