/** What was taken back, of whom or what, and what that reaches (SPEC §15.5). Pure. */
import { parseTime, spellTime } from "../../lang/scalar/time.ts";
import { endOf, type Standing } from "./standing.ts";

export const REVOCABLE = [
  "agent",
  "principal",
  "session",
  "task",
  "token",
  "issuer",
  "everything",
] as const;
export type Revocable = (typeof REVOCABLE)[number];

/** Who or what; `everything` has the id `""`. */
export interface Target {
  readonly kind: Revocable;
  readonly id: string;
  /** Of a token: whose; missing = of whichever issuer. */
  readonly issuer?: string;
}

/** As it is kept: JSON. It only ever reaches further; re-activation ends `active`, and never what was issued before. */
export interface Revocation extends Omit<Target, "kind"> {
  /** `standing` is what an issuer says of somebody: no order of an operator changes it. */
  readonly kind: Revocable | "standing";
  /** Nothing of it counts, whenever it was issued. */
  readonly active: boolean;
  /** What was issued until then never counts again: milliseconds since the Unix epoch. */
  readonly untilMs: number;
  readonly by: string;
  readonly because: string;
  /** When this was last said. */
  readonly atMs: number;
  readonly standing?: Standing;
}

export interface RevocationOrder extends Target {
  readonly by: string;
  readonly because: string;
  /** Only what was issued until then; missing = everything of it, until it is re-activated. */
  readonly beforeMs?: number;
  /** From then on it may be forgotten where room is needed; missing = never. */
  readonly keepUntilMs?: number;
}

export function keyOf({ kind, id, issuer }: Pick<Revocation, "kind" | "id" | "issuer">): string {
  // No id has a line break.
  return issuer === undefined ? `${kind} ${id}` : `${kind} ${id}\n${issuer}`;
}

/** With what was said before, which stays. */
export function revokedBy(
  { kind, id, issuer, by, because, beforeMs }: RevocationOrder,
  before: Revocation | undefined,
  nowMs: number,
): Revocation {
  return {
    kind,
    id,
    ...(issuer === undefined ? {} : { issuer }),
    by,
    because,
    atMs: nowMs,
    active: beforeMs === undefined || before?.active === true,
    untilMs: Math.max(beforeMs ?? nowMs, before?.untilMs ?? 0),
  };
}

/** What either of them reaches, in the words of the first. */
export function further(said: Revocation, before: Revocation | undefined): Revocation {
  if (before === undefined) return said;
  const active = said.active || before.active;
  return { ...said, active, untilMs: Math.max(said.untilMs, before.untilMs) };
}

/** `undefined` where there is nothing to re-activate. */
export function reactivatedBy(
  { by, because }: RevocationOrder,
  before: Revocation | undefined,
  nowMs: number,
): Revocation | undefined {
  if (before?.active !== true) return undefined;
  const untilMs = Math.max(nowMs, before.untilMs);
  return { ...before, by, because, atMs: nowMs, active: false, untilMs };
}

/** Whatever was issued, whenever: also where nobody says any longer that somebody may act. */
export function stops({ active, standing }: Revocation, nowMs: number): boolean {
  const endMs = standing && endOf(standing);
  return active || (endMs !== undefined && endMs <= nowMs);
}

/**
 * What a hop says of when it was issued, read as the hop is: without an offset it is UTC, wherever this runs. What
 * cannot be read is older than anything.
 */
export function issuedAt(time: string): number {
  const read = parseTime(time);
  return read.ok ? read.value : 0;
}

/** Of a grant: one that does not say when it was issued may be older than anything. */
export function reaches(revocation: Revocation, nowMs: number, issuedAtMs = 0): boolean {
  return stops(revocation, nowMs) || issuedAtMs <= revocation.untilMs;
}

const WORDS: Readonly<Record<Revocation["kind"], string>> = {
  agent: "an agent of the request",
  principal: "a person of the request",
  session: "the session",
  task: "the task",
  token: "a token of the delegation",
  issuer: "the issuer of a token",
  everything: "everything",
  standing: "by its issuer's word, somebody of the request",
};

/** What was revoked, and not whose it was: whoever asks is told. */
export function spellRevocation({ kind, active, untilMs }: Revocation): string {
  const what = WORDS[kind];
  return active
    ? `${what} was revoked`
    : `${what} was revoked, with all that was issued until ${spellTime(untilMs)}`;
}

/** What operators see. */
export interface RevocationView extends Pick<Revocation, "kind" | "id" | "issuer"> {
  readonly active: boolean;
  /** How somebody stands by their issuer's word, and until when they are active without another. */
  readonly status?: Standing["status"];
  readonly ends?: string;
  /** RFC 3339. */
  readonly issued_until: string;
  readonly by: string;
  readonly because: string;
  readonly at: string;
}

export function viewOf(revocation: Revocation): RevocationView {
  const { kind, id, issuer, active, untilMs, by, because, atMs, standing } = revocation;
  const endMs = standing && endOf(standing);
  return {
    kind,
    id,
    ...(issuer === undefined ? {} : { issuer }),
    active,
    ...(standing && { status: standing.status }),
    ...(endMs === undefined ? {} : { ends: spellTime(endMs) }),
    issued_until: spellTime(untilMs),
    by,
    because,
    at: spellTime(atMs),
  };
}
