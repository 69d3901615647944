/**
 * What must be so, told by what really happened and in which order: calls in a list, nothing of buckets, scripts or
 * guesses. Amounts are whole; times are milliseconds of time that really passed.
 */
import { PEOPLE_MOST, WINDOW_MS } from "./policy.ts";

export interface Asked {
  readonly tool: "pay" | "send" | "check" | "look" | "spoil" | "stop";
  readonly agent: string;
  readonly amount?: number;
  readonly to?: string;
  readonly session?: string;
  readonly inTask?: boolean;
}

export type Status = "ok" | "error";

interface Kept extends Asked {
  readonly call: string;
  readonly atMs: number;
  state: "open" | Status;
}

export class Model {
  #calls: Kept[] = [];
  #tries = new Map<string, number>();
  #interrupted = new Set<string>();
  /** Sessions whose last completed call of `check` and `spoil` was `check`. */
  #checked = new Set<string>();

  copy(): Model {
    const copy = new Model();
    copy.#calls = this.#calls.map((call) => ({ ...call }));
    copy.#tries = new Map(this.#tries);
    copy.#interrupted = new Set(this.#interrupted);
    copy.#checked = new Set(this.#checked);
    return copy;
  }

  /** Why this call must not be allowed now; `slackMs`: how much earlier than it should a window may end. */
  refusal(asked: Asked, atMs: number, paidMost: number, slackMs: number): string | undefined {
    const { session } = asked;
    if (session !== undefined && this.#interrupted.has(session)) return "its session was ended";
    if (asked.tool === "stop") return "the rules forbid it";
    const from = atMs - WINDOW_MS + slackMs;
    if (asked.tool === "pay" && this.paid(asked.agent, from) + (asked.amount ?? 0) > paidMost) {
      return `${this.paid(asked.agent, from)} of ${paidMost} were spent`;
    }
    const before = this.people(asked.agent, from);
    if (asked.tool === "send" && before >= PEOPLE_MOST) return `${before} people were written to`;
    return this.#latchRefusal(asked) ?? this.#taskRefusal(asked);
  }

  #latchRefusal({ tool, session }: Asked): string | undefined {
    if (tool !== "look" || session === undefined) return undefined;
    if (!this.#checked.has(session)) return "nothing was checked";
    const spoils = (call: Kept) => call.tool === "spoil" && call.session === session;
    if (this.#calls.some((call) => spoils(call) && call.state === "open")) {
      return "what was checked may be spoiled";
    }
    return undefined;
  }

  /** `check, look+, send`: what failed never was. */
  #taskRefusal({ tool, session, inTask }: Asked): string | undefined {
    if (inTask !== true) return undefined;
    const steps = this.#calls.filter(
      (call) => call.inTask === true && call.session === session && call.state !== "error",
    );
    const were = (name: string) => steps.filter((call) => call.tool === name);
    const isDone = (name: string) => were(name).some((call) => call.state === "ok");
    if (tool === "check") return steps.length > 0 ? "the task began before" : undefined;
    if (tool === "look") return isDone("check") && !isDone("send") ? undefined : "it is not next";
    if (tool === "send")
      return isDone("look") && were("send").length === 0 ? undefined : "not next";
    return "it is no step";
  }

  paid(agent: string, fromMs: number): number {
    return this.#counted("pay", agent, fromMs).reduce((sum, { amount = 0 }) => sum + amount, 0);
  }

  people(agent: string, fromMs: number): number {
    return new Set(this.#counted("send", agent, fromMs).map(({ to }) => to)).size;
  }

  #counted(tool: string, agent: string, fromMs: number): Kept[] {
    return this.#calls.filter(
      (call) =>
        call.tool === tool && call.agent === agent && call.state !== "error" && call.atMs > fromMs,
    );
  }

  tries(agent: string): number {
    return this.#tries.get(agent) ?? 0;
  }

  attempted({ tool, agent, session }: Asked): void {
    this.#tries.set(agent, this.tries(agent) + 1);
    if (tool === "stop" && session !== undefined) this.#interrupted.add(session);
  }

  reserved(asked: Asked, call: string, atMs: number): void {
    this.#calls.push({ ...asked, call, atMs, state: "open" });
  }

  /** `unknown` where it was never allowed. */
  stateOf(call: string): Kept["state"] | "unknown" {
    return this.#calls.find((kept) => kept.call === call)?.state ?? "unknown";
  }

  /** How long ago it was allowed. */
  ageOf(call: string, nowMs: number): number {
    return nowMs - (this.#calls.find((kept) => kept.call === call)?.atMs ?? nowMs);
  }

  settled(call: string, status: Status): void {
    const kept = this.#calls.find((one) => one.call === call);
    if (kept?.state !== "open") return;
    kept.state = status;
    if (status === "error" || kept.session === undefined) return;
    if (kept.tool === "check") this.#checked.add(kept.session);
    if (kept.tool === "spoil") this.#checked.delete(kept.session);
  }

  interrupted(session: string): void {
    this.#interrupted.add(session);
  }

  reinstated(session: string): void {
    this.#interrupted.delete(session);
  }
}
