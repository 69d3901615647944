/**
 * How somebody stands by their issuer's word (SPEC §15.7): snapshots that replace each other in an order of their own,
 * however often and in whatever order they arrive. Pure.
 */
import type { Revocation } from "./revocation.ts";

export const STATUSES = ["active", "disabled", "retired"] as const;
export type Status = (typeof STATUSES)[number];

export interface Standing {
  /** An account (RISC) goes by when it was said, a governed agent by its version. */
  readonly of: "account" | "agent";
  /** Digits, of any length: the higher counts. */
  readonly version: string;
  readonly status: Status;
  /** What was issued until then never counts again: milliseconds since the Unix epoch. */
  readonly cutoffMs: number;
  /** When the issuer came to it. */
  readonly atMs: number;
  /** Of one that is active: from then on nobody vouches for it; and so long after `atMs` at most. */
  readonly endsMs?: number;
  readonly leaseMs?: number;
}

export interface StandingOrder {
  readonly id: string;
  readonly by: string;
  readonly because: string;
  readonly standing: Standing;
}

export type Verdict =
  | { readonly kind: "new" }
  | { readonly kind: "stale" }
  | { readonly kind: "duplicate" }
  | { readonly kind: "conflict"; readonly why: string };

/** When somebody is no longer active without another word; `undefined` where that lasts. */
export function endOf({ endsMs, leaseMs, atMs }: Standing): number | undefined {
  if (endsMs === undefined || leaseMs === undefined) return endsMs;
  return Math.min(endsMs, atMs + leaseMs);
}

/** Whether `next` takes the place of what was said before. */
export function judge(next: Standing, before: Standing | undefined): Verdict {
  if (before === undefined) return { kind: "new" };
  if (next.of !== before.of) return conflict(`it is told of as an ${before.of}`);
  const [newer, older] = [BigInt(next.version), BigInt(before.version)];
  if (newer < older) return { kind: "stale" };
  if (newer === older) return judgeAgain(next, before);
  if (next.cutoffMs < before.cutoffMs) return conflict("its cutoff went back");
  if (before.status === "retired" && next.status !== "retired") {
    return conflict("who is retired stays so");
  }
  if (mustAdvance(before.status, next.status) && next.cutoffMs === before.cutoffMs) {
    return conflict(`from ${before.status} to ${next.status} its cutoff must advance`);
  }
  return { kind: "new" };
}

function conflict(why: string): Verdict {
  return { kind: "conflict", why };
}

/** The time of an account's event is no version: two of one second may differ, and the stricter counts. */
function judgeAgain(next: Standing, before: Standing): Verdict {
  const isSame =
    next.status === before.status &&
    next.cutoffMs === before.cutoffMs &&
    next.atMs === before.atMs &&
    (next.status !== "active" || next.endsMs === before.endsMs);
  if (isSame) return { kind: "duplicate" };
  if (next.of === "agent") return conflict("its version was said before, of another state");
  return STATUSES.indexOf(next.status) > STATUSES.indexOf(before.status)
    ? { kind: "new" }
    : { kind: "stale" };
}

function mustAdvance(from: Status, to: Status): boolean {
  return from === "active" ? to !== "active" : from === "disabled" && to === "active";
}

/** As it is kept, among all that was taken back. */
export function revocationOf(
  { id, by, because, standing }: StandingOrder,
  nowMs: number,
): Revocation {
  return {
    kind: "standing",
    id,
    by,
    because,
    atMs: nowMs,
    active: standing.status !== "active",
    untilMs: standing.cutoffMs,
    standing,
  };
}
