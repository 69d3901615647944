/**
 * What must be so, told by what really happened and in which order: calls in a list, nothing of buckets, scripts or
 * guesses. Amounts are whole; times are milliseconds of time that really passed.
 */
import { PEOPLE_MOST, WINDOW_MS } from "./policy.ts";

export interface Asked {
  readonly tool:
    | "pay"
    | "send"
    | "check"
    | "look"
    | "spoil"
    | "stop"
    | "fetch"
    | "post"
    | "leak"
    | "rest";
  readonly agent: string;
  readonly amount?: number;
  readonly to?: string;
  readonly session?: string;
  readonly inTask?: boolean;
}

export type Status = "ok" | "error";

interface Kept extends Asked {
  readonly call: string;
  readonly at: Moment;
  /** What happened before it was kept, and before it was settled, in number. */
  readonly begun: number;
  ended?: number;
  state: "open" | Status;
}

/** By time that really passed, and by the store's. */
export interface Moment {
  readonly realMs: number;
  readonly storeMs: number;
}

export class Model {
  #calls: Kept[] = [];
  #tries = new Map<string, number>();
  #interrupted = new Set<string>();
  #happened = 0;
  /** Sessions in which `fetch` was allowed, and what it brought into them. */
  #tainted = new Set<string>();
  #fetched = new Map<string, ReadonlySet<string>>();

  copy(): Model {
    const copy = new Model();
    copy.#calls = this.#calls.map((call) => ({ ...call }));
    copy.#tries = new Map(this.#tries);
    copy.#interrupted = new Set(this.#interrupted);
    copy.#happened = this.#happened;
    copy.#tainted = new Set(this.#tainted);
    copy.#fetched = new Map(this.#fetched);
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
    return this.latchRefusal(asked) ?? this.#taskRefusal(asked) ?? this.taint(asked);
  }

  /** What the session has seen, or may have, that speaks against this call. */
  taint({ tool, session = "", to = "" }: Asked): string | undefined {
    const isTainted = this.#tainted.has(session);
    if (tool === "leak" && isTainted) return "something untrusted may have been fetched";
    if (tool === "post" && this.#fetched.get(session)?.has(to))
      return `${to} comes from what was fetched`;
    return undefined;
  }

  /** Whatever else speaks against this call. */
  latchRefusal({ tool, session }: Asked): string | undefined {
    if (session === undefined) return undefined;
    const isChecked = this.#isLast("check", "spoil", session);
    if (tool === "look" && !isChecked) return "what was checked may have been spoiled since";
    const isSpoiled = this.#isLast("spoil", "check", session) || !this.#were("check", session);
    return tool === "rest" && !isSpoiled ? "something may have been checked" : undefined;
  }

  /** Whether a call of `tool` that succeeded began after all of `other` had ended that may have succeeded. */
  #isLast(tool: Asked["tool"], other: Asked["tool"], session: string): boolean {
    const of = (name: string) =>
      this.#calls.filter((call) => call.tool === name && call.session === session);
    const others = of(other).filter(({ state }) => state !== "error");
    return of(tool).some(
      ({ begun, state }) =>
        state === "ok" && others.every(({ ended }) => ended !== undefined && ended <= begun),
    );
  }

  /** Whether any call of it may have succeeded. */
  #were(tool: Asked["tool"], session: string): boolean {
    return this.#calls.some(
      (call) => call.tool === tool && call.session === session && call.state !== "error",
    );
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

  paid(agent: string, fromMs: number, by: keyof Moment = "realMs"): number {
    return this.#counted("pay", agent, fromMs, by).reduce((sum, { amount = 0 }) => sum + amount, 0);
  }

  people(agent: string, fromMs: number, by: keyof Moment = "realMs"): number {
    return new Set(this.#counted("send", agent, fromMs, by).map(({ to }) => to)).size;
  }

  /** What a window holds that ends now, by the store's time: at least, and at most. */
  bounds(counter: "paid" | "people", agent: string, storeMs: number): readonly [number, number] {
    const read = (fromMs: number) => this[counter](agent, fromMs, "storeMs");
    return [read(storeMs - WINDOW_MS), read(storeMs - WINDOW_MS - WINDOW_MS / 32 - 1)];
  }

  #counted(tool: string, agent: string, fromMs: number, by: keyof Moment): Kept[] {
    return this.#calls.filter(
      (call) =>
        call.tool === tool &&
        call.agent === agent &&
        call.state !== "error" &&
        call.at[by] > fromMs,
    );
  }

  tries(agent: string): number {
    return this.#tries.get(agent) ?? 0;
  }

  attempted({ tool, agent, session }: Asked): void {
    this.#tries.set(agent, this.tries(agent) + 1);
    if (tool === "stop" && session !== undefined) this.#interrupted.add(session);
  }

  reserved(asked: Asked, call: string, at: Moment): void {
    this.#calls.push({ ...asked, call, at, begun: ++this.#happened, state: "open" });
    if (asked.tool === "fetch" && asked.session !== undefined) this.#tainted.add(asked.session);
  }

  /** `unknown` where it was never allowed. */
  stateOf(call: string): Kept["state"] | "unknown" {
    return this.#calls.find((kept) => kept.call === call)?.state ?? "unknown";
  }

  /** How long ago it was allowed. */
  ageOf(call: string, nowMs: number): number {
    return nowMs - (this.#calls.find((kept) => kept.call === call)?.at.realMs ?? nowMs);
  }

  /** `returned` is missing where nobody may count on its being kept. */
  settled(call: string, status: Status, returned: string | undefined): void {
    const kept = this.#calls.find((one) => one.call === call);
    if (kept?.state !== "open") return;
    kept.state = status;
    kept.ended = ++this.#happened;
    if (status === "error" || kept.session === undefined) return;
    if (kept.tool !== "fetch" || returned === undefined) return;
    const before = this.#fetched.get(kept.session) ?? [];
    this.#fetched.set(kept.session, new Set([...before, returned]));
  }

  interrupted(session: string): void {
    this.#interrupted.add(session);
  }

  reinstated(session: string): void {
    this.#interrupted.delete(session);
  }
}
