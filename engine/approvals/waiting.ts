/**
 * Which approvals are kept, and which of them wait. It is asked at every hold: to read each of them anew, with the
 * request that it is of, would take a thousand times as long as the decision, and every other decision would wait. Pure.
 */
import { isObject } from "../value-reader.ts";
import { type Approval, type ApprovalStatus, statusAt } from "./approval.ts";

/** As much of an approval as says how it stands; of the request, whom and what it names. */
export interface Waited
  extends Pick<
    Approval,
    "id" | "status" | "openedAtMs" | "untilMs" | "except" | "verdicts" | "request"
  > {
  /** The agent whose call waits, in its own words. */
  readonly agent: unknown;
}

export class Waiting {
  readonly #byDigest = new Map<string, Waited>();

  /** Takes the place of what is known of this digest; `undefined` = it was forgotten. */
  set(digest: string, approval: Approval | undefined): void {
    if (approval === undefined) {
      this.#byDigest.delete(digest);
      return;
    }
    const { id, status, openedAtMs, untilMs, except, verdicts } = approval;
    const agent = agentOf(approval.request);
    const request = namesOf(approval.request);
    const kept = { id, status, openedAtMs, untilMs, except, verdicts, request, agent };
    this.#byDigest.set(digest, kept);
  }

  digestOf(id: string): string | undefined {
    for (const [digest, kept] of this.#byDigest) if (kept.id === id) return digest;
    return undefined;
  }

  /** Digests of those that stand so, newest first; without a status, of all. */
  newest(
    status: ApprovalStatus | undefined,
    statusOf: (kept: Waited) => ApprovalStatus,
  ): readonly string[] {
    return [...this.#byDigest]
      .filter(([, kept]) => status === undefined || statusOf(kept) === status)
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

  #count(isAmong: (kept: Waited) => boolean, nowMs: number): number {
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

/** What may be revoked of what a request names (SPEC §15.5); all else is large. */
function namesOf(request: unknown): unknown {
  if (!isObject(request)) return {};
  const { agent, principal, session, intent, delegation } = request;
  const task = isObject(intent) ? intent.task : undefined;
  const chain = isObject(delegation) ? delegation.chain : undefined;
  const hops = Array.isArray(chain) ? chain.filter(isObject) : [];
  return {
    agent: idOf(agent),
    principal: idOf(principal),
    session: idOf(session),
    intent: { task },
    delegation: { chain: hops.map(({ from, to }) => ({ from: idOf(from), to: idOf(to) })) },
  };
}

function idOf(party: unknown): unknown {
  return isObject(party) ? party.id : party;
}
