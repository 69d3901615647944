/**
 * What an event comes to (SPEC §15.7): CAEP 1.0, RISC 1.0, SSF 1.0 (final, 2025-08) and the lifecycle of governed
 * agents (draft-mcguinness-ssf-governed-agent-events, 2026-09). Pure.
 */
import type { JsonObject } from "../json.ts";
import type { Target } from "../revocations/revocation.ts";
import type { Standing } from "../revocations/standing.ts";
import { readAccount, readAgent } from "./lifecycle.ts";
import { type EventRefusal, refuseEvent } from "./refusal.ts";
import { type About, isNobody, readSubject, type Subject } from "./subject.ts";
import type { Transmitter } from "./transmitter.ts";

export type Effect =
  /** Without a time, whatever was and will be issued. */
  | { readonly kind: "revoke"; readonly target: Target; readonly beforeMs?: number }
  | { readonly kind: "stand"; readonly id: string; readonly standing: Standing };

/** One event of a set that was verified. */
export interface GivenEvent {
  /** What its type makes of it. */
  readonly event: JsonObject;
  readonly subject: unknown;
  /** When it came to pass: seconds since the Unix epoch. */
  readonly at: number;
  readonly transmitter: Transmitter;
}

type Effects = readonly Effect[] | EventRefusal;
type Read = (given: GivenEvent) => Effects;

const CAEP = "https://schemas.openid.net/secevent/caep/event-type/";
const RISC = "https://schemas.openid.net/secevent/risc/event-type/";
const SSF = "https://schemas.openid.net/secevent/ssf/event-type/";
const AGENT = "https://mcguinness.github.io/secevent/agent/";

/** By the URI that is its type. What is not here is refused: nobody may think that it was acted on. */
export const EVENTS: ReadonlyMap<string, Read> = new Map<string, Read>([
  [`${CAEP}session-revoked`, revokeSession],
  [`${CAEP}token-claims-change`, (given) => wanting("claims", given) ?? revokeIssued(given)],
  [`${CAEP}credential-change`, changeCredential],
  [`${CAEP}assurance-level-change`, changeAssurance],
  [`${CAEP}device-compliance-change`, changeCompliance],
  [`${CAEP}risk-level-change`, changeRisk],
  [`${CAEP}session-established`, leave],
  [`${CAEP}session-presented`, leave],
  [`${RISC}account-disabled`, (given) => standAccount("disabled", given)],
  [`${RISC}account-enabled`, (given) => standAccount("active", given)],
  [`${RISC}account-purged`, (given) => standAccount("retired", given)],
  [`${RISC}account-credential-change-required`, revokeIssued],
  [`${RISC}credential-compromise`, revokeIssued],
  [`${RISC}sessions-revoked`, revokeIssued],
  [`${RISC}identifier-changed`, revokeIssued],
  [`${RISC}identifier-recycled`, revokeIssued],
  [`${RISC}recovery-activated`, leave],
  [`${RISC}recovery-information-changed`, leave],
  [`${RISC}opt-in`, leave],
  [`${RISC}opt-out-initiated`, leave],
  [`${RISC}opt-out-cancelled`, leave],
  [`${RISC}opt-out-effective`, leave],
  [`${SSF}verification`, leave],
  [`${SSF}stream-updated`, leave],
  [`${AGENT}state-changed`, changeAgent],
]);

/** The last part of its type, for people; of a type that is not known here nothing is repeated. */
export function nameOfEvent(type: string): string {
  return EVENTS.has(type) ? type.slice(type.lastIndexOf("/") + 1) : "unknown";
}

/** That nothing comes of it is no fault: it takes nothing back. */
function leave(): Effects {
  return [];
}

function malformed(why: string): EventRefusal {
  return refuseEvent("invalid_request", why);
}

const UNNAMED = malformed("its subject is nobody that this engine has a name for");

function wanting(name: string, { event }: GivenEvent): EventRefusal | undefined {
  return event[name] === undefined ? malformed(`the event has no \`${name}\``) : undefined;
}

/** One of these words, where it is there. */
function wordOf<Word extends string>(
  name: string,
  words: readonly Word[],
  { event }: GivenEvent,
): Word | EventRefusal {
  const word = words.find((one) => one === event[name]);
  return word ?? malformed(`\`${name}\` of the event is none of ${words.join(", ")}`);
}

/** The end of its second: who issues tokens may have cut off as much of the time. */
export function untilMs(seconds: number): number {
  return Math.floor(seconds) * 1_000 + 999;
}

function subjectOf({ subject, transmitter }: GivenEvent, about: About): Subject | EventRefusal {
  return readSubject(subject, about, transmitter);
}

/** The session itself where it is named, for ever; else all that its person was given until then. */
function revokeSession(given: GivenEvent): Effects {
  const subject = subjectOf(given, "session");
  if (!subject.ok) return subject;
  if (subject.sessions.length === 0) return issuedTo(subject, given);
  return subject.sessions.map((id) => ({ kind: "revoke", target: { kind: "session", id } }));
}

/** All that the subject was given until then; a token itself for ever. */
function revokeIssued(given: GivenEvent): Effects {
  const subject = subjectOf(given, "party");
  return subject.ok ? issuedTo(subject, given) : subject;
}

function issuedTo(subject: Subject, { at }: GivenEvent): Effects {
  if (isNobody(subject)) return UNNAMED;
  const { parties, tokens, sessions } = subject;
  const beforeMs = untilMs(at);
  return [
    ...parties.map((id) => revoke({ kind: "principal", id }, beforeMs)),
    ...tokens.map(({ id, issuer }) => revoke({ kind: "token", id, issuer })),
    ...(parties.length + tokens.length === 0 ? sessions : []).map((id) =>
      revoke({ kind: "session", id }),
    ),
  ];
}

function revoke(target: Target, beforeMs?: number): Effect {
  return { kind: "revoke", target, ...(beforeMs === undefined ? {} : { beforeMs }) };
}

function changeCredential(given: GivenEvent): Effects {
  const missing = wanting("credential_type", given);
  if (missing !== undefined) return missing;
  const change = wordOf("change_type", ["create", "revoke", "update", "delete"], given);
  if (typeof change !== "string") return change;
  return change === "create" ? [] : revokeIssued(given);
}

/** Where the direction is not told, it may have been down. */
function changeAssurance(given: GivenEvent): Effects {
  const missing = wanting("namespace", given) ?? wanting("current_level", given);
  if (missing !== undefined) return missing;
  if (given.event.change_direction === undefined) return revokeIssued(given);
  const direction = wordOf("change_direction", ["increase", "decrease"], given);
  if (typeof direction !== "string") return direction;
  return direction === "increase" ? [] : revokeIssued(given);
}

function changeCompliance(given: GivenEvent): Effects {
  const status = wordOf("current_status", ["compliant", "not-compliant"], given);
  if (typeof status !== "string") return status;
  return status === "compliant" ? [] : revokeIssued(given);
}

const AT_RISK = ["USER", "DEVICE", "SESSION", "TENANT", "ORG_UNIT", "GROUP"] as const;

/** A group at risk is more than whoever the subject names, and nobody here knows who is in it. */
function changeRisk(given: GivenEvent): Effects {
  const level = wordOf("current_level", ["LOW", "MEDIUM", "HIGH"], given);
  if (typeof level !== "string") return level;
  const atRisk = wordOf("principal", AT_RISK, given);
  if (typeof atRisk !== "string") return atRisk;
  if (level !== "HIGH") return [];
  if (atRisk === "SESSION") return revokeSession(given);
  if (atRisk === "USER" || atRisk === "DEVICE") return revokeIssued(given);
  return malformed(`who is in a ${atRisk} is not known here`);
}

function standAccount(status: Standing["status"], given: GivenEvent): Effects {
  const subject = subjectOf(given, "party");
  if (!subject.ok) return subject;
  const { parties } = subject;
  if (parties.length === 0) return UNNAMED;
  const standing = readAccount(status, given.at);
  return parties.map((id) => ({ kind: "stand", id, standing }));
}

function changeAgent(given: GivenEvent): Effects {
  const subject = subjectOf(given, "party");
  if (!subject.ok) return subject;
  const [id, ...others] = subject.parties;
  const { event, transmitter } = given;
  const isIssSub = (given.subject as JsonObject).format === "iss_sub";
  if (id === undefined || others.length > 0 || !isIssSub) {
    return malformed("the subject of this event is one `iss_sub`");
  }
  const standing = readAgent(event, transmitter.leaseMs);
  return "ok" in standing ? standing : [{ kind: "stand", id, standing }];
}
