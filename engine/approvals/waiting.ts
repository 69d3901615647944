/**
 * Which approvals are kept, and which of them wait. It is asked at every hold: to read each of them anew, with the
 * request that it is of, would take a thousand times as long as the decision, and every other decision would wait. Pure.
 */
import type { Approval } from "./approval.ts";

interface Kept extends Pick<Approval, "id" | "untilMs"> {
  /** The agent whose call waits, in its own words. */
  readonly agent: unknown;
  readonly isPending: boolean;
}

export class Waiting {
  readonly #byDigest = new Map<string, Kept>();

  /** Takes the place of what is known of this digest; `undefined` = it was forgotten. */
  set(digest: string, approval: Approval | undefined): void {
    if (approval === undefined) {
      this.#byDigest.delete(digest);
      return;
    }
    const { id, untilMs, status, request } = approval;
    const kept = { id, untilMs, agent: agentOf(request), isPending: status === "pending" };
    this.#byDigest.set(digest, kept);
  }

  digestOf(id: string): string | undefined {
    for (const [digest, kept] of this.#byDigest) if (kept.id === id) return digest;
    return undefined;
  }

  /** Of the agent of a request. */
  countFor(request: unknown, nowMs: number): number {
    const agent = agentOf(request);
    let count = 0;
    for (const kept of this.#byDigest.values()) {
      if (kept.isPending && kept.untilMs > nowMs && kept.agent === agent) count += 1;
    }
    return count;
  }
}

function agentOf(request: unknown): unknown {
  return (request as { readonly agent?: { readonly id?: unknown } }).agent?.id;
}
