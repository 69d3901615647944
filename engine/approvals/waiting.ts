/**
 * Which approvals are kept, and which of them wait. It is asked at every hold: to read each of them anew, with the
 * request that it is of, would take a thousand times as long as the decision, and every other decision would wait. Pure.
 */
import { type Approval, type ApprovalStatus, statusAt } from "./approval.ts";

interface Kept extends Pick<Approval, "id" | "status" | "openedAtMs" | "untilMs" | "except"> {
  /** The agent whose call waits, in its own words. */
  readonly agent: unknown;
}

export class Waiting {
  readonly #byDigest = new Map<string, Kept>();

  /** Takes the place of what is known of this digest; `undefined` = it was forgotten. */
  set(digest: string, approval: Approval | undefined): void {
    if (approval === undefined) {
      this.#byDigest.delete(digest);
      return;
    }
    const { id, status, openedAtMs, untilMs, except, request } = approval;
    const agent = agentOf(request);
    this.#byDigest.set(digest, { id, status, openedAtMs, untilMs, except, agent });
  }

  digestOf(id: string): string | undefined {
    for (const [digest, kept] of this.#byDigest) if (kept.id === id) return digest;
    return undefined;
  }

  /** Digests of those that stand so, newest first; without a status, of all. */
  newest(status: ApprovalStatus | undefined, nowMs: number): readonly string[] {
    return [...this.#byDigest]
      .filter(([, kept]) => status === undefined || statusAt(kept, nowMs) === status)
      .sort(([, one], [, other]) => other.openedAtMs - one.openedAtMs)
      .map(([digest]) => digest);
  }

  /** Of the agent of a request. */
  countFor(request: unknown, nowMs: number): number {
    const agent = agentOf(request);
    return this.#count((kept) => kept.agent === agent, nowMs);
  }

  /** Of all agents that this one is, or has handed anything on to. */
  countThrough(id: string, nowMs: number): number {
    return this.#count(({ except }) => except.includes(id), nowMs);
  }

  #count(isAmong: (kept: Kept) => boolean, nowMs: number): number {
    let count = 0;
    for (const kept of this.#byDigest.values()) {
      if (statusAt(kept, nowMs) === "pending" && isAmong(kept)) count += 1;
    }
    return count;
  }
}

function agentOf(request: unknown): unknown {
  return (request as { readonly agent?: { readonly id?: unknown } }).agent?.id;
}
