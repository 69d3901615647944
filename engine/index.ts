/** The engine's public surface. */
export type { Answer, OutcomeReceipt, Readiness } from "./answer.ts";
export type { ApprovalFact } from "./approvals/fact.ts";
export { type Bundle, digestOfProgram, type LoadedBundle, loadBundle } from "./bundle.ts";
export { canonicalJson, digestOf } from "./canonical-json.ts";
export { type Clock, createClock } from "./clock.ts";
export type {
  ApprovalRequest,
  Decision,
  DenyCode,
  EvaluationError,
  GivenObligation,
  Reason,
} from "./decision.ts";
export { DENY_CODES } from "./decision.ts";
export { durable } from "./durable.ts";
export {
  createEngine,
  type Engine,
  type EngineParts,
  type ExplainedStep,
  type Explanation,
  type NamedTool,
  type Sessions,
  type Vouched,
} from "./engine.ts";
export type { Evaluator } from "./evaluate/evaluator.ts";
export { createInterpreter } from "./evaluate/interpret.ts";
export type { Observer } from "./evaluate/interpret-expression.ts";
export { generateEvaluator } from "./evaluate/javascript.ts";
export type { DecisionEvidence, EvidenceSink, OutcomeEvidence } from "./evidence.ts";
export type { Foresight } from "./foresight.ts";
export { DELEGATION_CAUSES, type DelegationCause } from "./identity/cause.ts";
export { type IdentityConfigReading, readIdentityConfig } from "./identity/config.ts";
export { createIdentity, type Identity, type IdentityParts } from "./identity/identity.ts";
export { type OpenParts, openIssuers } from "./identity/open.ts";
export type { Revocations, TokenUse } from "./identity/revocation.ts";
export type { AcceptedDelegation, VouchedDelegation } from "./identity/vouched.ts";
export { createIds, type Ids } from "./ids.ts";
export type { Journal } from "./state/journal.ts";
export { createMemoryStore, type MemoryLimits } from "./state/memory.ts";
export { StateFileRefused } from "./state/sqlite/database.ts";
export { openSqliteJournal } from "./state/sqlite/journal.ts";
export { type StateStore, StateUnavailable } from "./state/store.ts";
