/**
 * Counts what a decision service does: since it began, and second by second for the last minute. One addition
 * or two for each decision; whoever wants to know asks for a reading.
 */
import type { Answer } from "../answer.ts";
import type { Decision, DenyCode, Reason } from "../decision.ts";
import type { Writable } from "../writable.ts";
import { Histogram } from "./histogram.ts";
import { askedAhead, type DecisionService } from "./service.ts";

export interface Measures {
  read(): MeasuresReading;
}

export interface MeasuresReading {
  /** Milliseconds since it began to measure. */
  readonly forMs: number;
  /** Since then. `failed`: no decision was given at all. */
  readonly total: Tally;
  readonly codes: Readonly<Partial<Record<DenyCode, number>>>;
  /** Decisions that each rule determined; of `RULES_MOST`, others come to `(other)`. */
  readonly rules: readonly RuleTally[];
  readonly outcomes: Readonly<Record<"ok" | "refused", number>>;
  /** How long decisions took, since it began: `BUCKET_EDGES_MS` says which of them each bucket has. */
  readonly latency: { readonly counts: readonly number[]; readonly sumMs: number };
  /** Being decided now. */
  readonly inFlight: number;
  /** Complete seconds, the latest first; at most a minute of them. */
  readonly seconds: readonly Tally[];
  /** Of the latest `RECENT_SECONDS`; `undefined` where nothing was decided. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export type Tally = Readonly<Record<Effect, number>>;
export interface RuleTally {
  readonly rule: string;
  readonly effect: Reason["effect"];
  readonly count: number;
}

export type Effect = "allow" | "deny" | "hold" | "failed";

const SECONDS_KEPT = 60;
export const RECENT_SECONDS = 10;

/** A policy may have 10,000 rules and be swapped for others: who stores readings has a bound as well. */
export const RULES_MOST = 2_000;
const OTHER_RULES = "(other)";

export interface Measured {
  readonly service: DecisionService;
  readonly measures: Measures;
}

/** `clock`: milliseconds that only go forward, from wherever. */
export function measured(service: DecisionService, clock = () => performance.now()): Measured {
  const measuring = new Measuring(clock);
  return {
    service: {
      ...askedAhead(service),
      decide: (input, vouched) => measuring.decision(() => service.decide(input, vouched)),
      outcome: (input) => measuring.outcome(() => service.outcome(input)),
      readiness: () => service.readiness(),
    },
    measures: { read: () => measuring.read() },
  };
}

interface Slot {
  second: number;
  readonly tally: Record<Effect, number>;
  readonly latency: Histogram;
}

class Measuring {
  readonly #clock: () => number;
  readonly #beganMs: number;
  readonly #total = nothing();
  readonly #codes = new Map<DenyCode, number>();
  readonly #rules = new Map<string, Writable<RuleTally>>();
  readonly #outcomes = { ok: 0, refused: 0 };
  readonly #latency = new Histogram();
  readonly #slots: readonly Slot[];
  #inFlight = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.#beganMs = clock();
    this.#slots = Array.from({ length: SECONDS_KEPT + 1 }, () => ({
      second: -1,
      tally: nothing(),
      latency: new Histogram(),
    }));
  }

  decision(decide: () => ReturnType<DecisionService["decide"]>): ReturnType<typeof decide> {
    const beganMs = this.#clock();
    this.#inFlight += 1;
    const count = (answer: Answer<Decision> | undefined) => {
      this.#inFlight -= 1;
      this.#count(answer, beganMs);
    };
    const end = (answer: Answer<Decision>) => {
      count(answer);
      return answer;
    };
    const fail = (fault: unknown): never => {
      count(undefined);
      throw fault;
    };
    let given: ReturnType<typeof decide>;
    try {
      given = decide();
    } catch (fault) {
      return fail(fault);
    }
    return given instanceof Promise ? given.then(end, fail) : end(given);
  }

  async outcome(
    settle: () => ReturnType<DecisionService["outcome"]>,
  ): Promise<Awaited<ReturnType<DecisionService["outcome"]>>> {
    let kept: "ok" | "refused" = "refused";
    try {
      const answer = await settle();
      if (answer.kind === "answer") kept = "ok";
      return answer;
    } finally {
      this.#outcomes[kept] += 1;
    }
  }

  read(): MeasuresReading {
    const nowMs = this.#clock();
    const second = this.#secondOf(nowMs);
    const known = Math.min(second, SECONDS_KEPT);
    const slots = Array.from({ length: known }, (_, ago) => this.#kept(second - 1 - ago));
    const recent = new Histogram();
    for (const slot of [this.#kept(second), ...slots.slice(0, RECENT_SECONDS)]) {
      if (slot !== undefined) recent.add(slot.latency);
    }
    return {
      forMs: nowMs - this.#beganMs,
      total: { ...this.#total },
      codes: Object.fromEntries(this.#codes),
      rules: [...this.#rules.values()].map((tally) => ({ ...tally })),
      outcomes: { ...this.#outcomes },
      latency: { counts: [...this.#latency.counts], sumMs: this.#latency.sumMs },
      inFlight: this.#inFlight,
      seconds: slots.map((slot) => ({ ...(slot?.tally ?? nothing()) })),
      p50Ms: recent.quantile(0.5),
      p99Ms: recent.quantile(0.99),
    };
  }

  #count(answer: Answer<Decision> | undefined, beganMs: number): void {
    const decision = answer?.kind === "answer" ? answer.value : undefined;
    const effect = decision?.decision ?? "failed";
    const nowMs = this.#clock();
    const slot = this.#slotFor(this.#secondOf(nowMs));
    this.#total[effect] += 1;
    slot.tally[effect] += 1;
    slot.latency.record(nowMs - beganMs);
    this.#latency.record(nowMs - beganMs);
    const code = decision?.code;
    if (code !== undefined) this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
    for (const reason of decision?.reasons ?? []) this.#countRule(reason);
  }

  #countRule({ rule, effect }: Reason): void {
    const known = this.#rules.get(`${effect} ${rule}`);
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    if (this.#rules.size >= RULES_MOST && rule !== OTHER_RULES) {
      this.#countRule({ rule: OTHER_RULES, effect, at: "" });
      return;
    }
    this.#rules.set(`${effect} ${rule}`, { rule, effect, count: 1 });
  }

  #secondOf(nowMs: number): number {
    return Math.floor((nowMs - this.#beganMs) / 1_000);
  }

  #slotFor(second: number): Slot {
    const slot = this.#slots[second % this.#slots.length];
    if (slot === undefined) throw new Error("a second has no slot");
    if (slot.second !== second) {
      slot.second = second;
      Object.assign(slot.tally, nothing());
      slot.latency.clear();
    }
    return slot;
  }

  /** What was counted in a second, if anything was. */
  #kept(second: number): Slot | undefined {
    const slot = this.#slots[second % this.#slots.length];
    return slot?.second === second ? slot : undefined;
  }
}

function nothing(): Record<Effect, number> {
  return { allow: 0, deny: 0, hold: 0, failed: 0 };
}
