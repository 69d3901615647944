/**
 * Sees everything that the server does, in order, and says at once what must not be. Two models: of what was ever
 * done (`truth`), and of what the server should have now (`held`), which lacks what a failover lost.
 */
import { START } from "../support/engine.ts";
import type { Clock } from "./clock.ts";
import { type Asked, Model, type Status } from "./model.ts";
import type { Done } from "./network.ts";
import { PAID_MOST } from "./policy.ts";
import { LIMITS, type Replica, SETTLE_MS, TIMEOUT_MS } from "./replica.ts";

/** What somebody asked for, as long as it is under way. */
export type Operation =
  | {
      readonly kind: "decide";
      readonly replica: number;
      readonly asked: Asked;
      readonly call: string;
      readonly version: number;
      isReserved: boolean;
      /** As far as the rules can tell a spent limit, when it was last kept. */
      couldPay: boolean;
    }
  | {
      readonly kind: "outcome";
      readonly replica: number;
      readonly call: string;
      readonly status: Status;
      isKept: boolean;
    }
  | {
      readonly kind: "interrupt" | "reinstate";
      readonly replica: number;
      readonly session: string;
      isKept: boolean;
    };

interface Loss {
  /** Processes that had seen more than what was left. */
  readonly knowers: ReadonlySet<number>;
  wasTold: boolean;
}

export interface WitnessParts {
  readonly nowMs: () => number;
  readonly server: Clock;
  readonly replicas: readonly Replica[];
  readonly violated: (what: string) => void;
  readonly hit: (what: string) => void;
}

/** By so much may the store's time be ahead of a process's own measure; each newcomer begins a new one. */
const SLACK_MS = 1_000;

export class Witness {
  truth = new Model();
  held = new Model();
  readonly #parts: WitnessParts;
  #loss: Loss | undefined;
  #isSettling = false;
  #writes = 0;
  /** How much earlier than it should a window may end. */
  #slackMs = 0;
  #isServerOff = false;
  #opensAtMs = 0;
  /** How far the server's clock was ahead of real time when it was last kept. */
  #leadMs = 0;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  /** From here on the server's clock is not what it should be. */
  serverIsOff(): void {
    if (!this.#isServerOff) this.#slackMs += SLACK_MS;
    this.#isServerOff = true;
  }

  get writes(): number {
    return this.#writes;
  }

  /** The server goes on with what `held` tells of; `writes` is the count that it has. */
  restarted(held: Model, writes: number): void {
    this.held = held.copy();
    this.#writes = writes;
    this.#isSettling = true;
    this.#opensAtMs = 0;
    this.#noteLoss(writes);
  }

  emptied(): void {
    this.held = new Model();
    this.#writes = 0;
    this.#noteLoss(-1);
  }

  #noteLoss(writes: number): void {
    const knows = ({ seenWrites, wasConnected }: Replica) =>
      writes < 0 ? wasConnected : seenWrites > writes;
    const { replicas } = this.#parts;
    const knowers = replicas.map((replica, index) => (knows(replica) ? index : -1));
    this.#loss = { knowers: new Set(knowers.filter((index) => index >= 0)), wasTold: false };
    // What no running process has seen is not missed.
    if (this.#loss.knowers.size === 0) this.#forget();
    else this.#parts.hit("loss");
  }

  /** An operator goes on with what there is. */
  confirmed(): void {
    this.#parts.hit("loss confirmed");
    this.#forget();
  }

  #forget(): void {
    this.#loss = undefined;
    this.truth = this.held.copy();
  }

  /** A process that is gone tells nobody. */
  crashed(replica: number): void {
    if (this.#loss === undefined || this.#loss.wasTold) return;
    const knowers = new Set([...this.#loss.knowers].filter((index) => index !== replica));
    this.#loss = { ...this.#loss, knowers };
    if (knowers.size === 0) this.#forget();
  }

  /** Of each command that the server has done. */
  done({ replica, command, reply, operation }: Done): ((tookMs: number) => void) | undefined {
    const run = readRun(command);
    if (run === undefined || reply instanceof Error || !Array.isArray(reply)) return undefined;
    const status = String(reply[0]);
    const writes = Number(reply[2]);
    if (this.#loss?.knowers.has(replica) && run.knows) this.#loss.wasTold = true;
    if (run.name === "hello") this.#greeted(run.isNew);
    else if (isKept(status)) this.#kept(run, status, operation as Operation | undefined);
    this.#parts.hit(`answered ${run.name} ${status}`);
    this.#writes = Math.max(this.#writes, writes);
    const process = this.#parts.replicas[replica];
    const life = process?.life;
    return (tookMs) => {
      const most = run.name === "hello" ? 2_000 : TIMEOUT_MS;
      if (process === undefined || process.life !== life || tookMs >= most) return;
      process.wasConnected = true;
      process.seenWrites = Math.max(process.seenWrites, writes);
    };
  }

  #greeted(isNew: boolean): void {
    const lead = this.#leadNow();
    // A newcomer takes the server's word for what has passed since anything was kept.
    if (isNew && this.#isServerOff) this.#slackMs += SLACK_MS + Math.max(0, lead - this.#leadMs);
    this.#leadMs = lead;
    if (!this.#isSettling) return;
    this.#isSettling = false;
    if (!this.#isServerOff) this.#opensAtMs = this.#parts.nowMs() + SETTLE_MS - 1;
  }

  #leadNow(): number {
    return this.#parts.server.read() - START - this.#parts.nowMs();
  }

  #kept(run: Run, status: string, operation: Operation | undefined): void {
    if (run.name !== "attempt" || run.keeps) this.#leadMs = this.#leadNow();
    this.#mayAnswer(run.name);
    if (operation === undefined) this.#parts.violated("the server was asked by nobody");
    else if (run.name === "attempt" && operation.kind === "decide" && run.keeps) {
      if (status === "ok") this.#decided(run, operation);
    } else if (operation.kind === "outcome" && (run.name === "settle" || status !== "ok")) {
      this.#settled(status, operation);
    } else if (run.name === "session" && status === "ok") this.#ordered(operation);
  }

  /** What a loss of state has to keep from happening. */
  #mayAnswer(name: string): void {
    if (this.#isSettling || this.#parts.nowMs() < this.#opensAtMs) {
      this.#parts.violated(`a server that has just started answered ${name}`);
    }
    if (this.#loss === undefined) return;
    if (this.#loss.wasTold) this.#parts.violated(`lost state was gone on with: ${name}`);
    this.#parts.hit("loss missed");
    this.#forget();
  }

  #decided(run: Run, operation: Extract<Operation, { kind: "decide" }>): void {
    const { asked, call, version } = operation;
    const nowMs = this.#parts.nowMs();
    const most = PAID_MOST[version] ?? 0;
    const reserves = run.args.includes(call);
    if (reserves) {
      const refusal = this.truth.refusal(asked, nowMs, most, this.#slackMs);
      if (refusal !== undefined) this.#parts.violated(`${call} was allowed, though ${refusal}`);
      if (operation.isReserved) this.#parts.violated(`${call} was reserved twice`);
      operation.isReserved = true;
    }
    // Clocks that stand still make a window longer, so what was ever spent is held against it.
    operation.couldPay =
      this.held.paid(asked.agent, Number.NEGATIVE_INFINITY) + (asked.amount ?? 0) <= most;
    for (const model of [this.truth, this.held]) {
      model.attempted(asked);
      if (reserves) model.reserved(asked, call, nowMs);
    }
  }

  #settled(status: string, operation: Extract<Operation, { kind: "outcome" }>): void {
    const { call } = operation;
    const before = this.held.stateOf(call);
    const expected = before === operation.status ? "repeated" : "settled";
    const isRight =
      status === "conflict" ||
      (status === "ok" && before === "open") ||
      (status === expected && before !== "open" && before !== "unknown") ||
      (status === "unknown" && (before === "unknown" || this.#mayBeForgotten(call)));
    if (!isRight) this.#parts.violated(`${call}, which was ${before}, was settled: ${status}`);
    if (status === "ok" || status === "repeated") operation.isKept = true;
    if (status !== "ok") return;
    for (const model of [this.truth, this.held]) model.settled(call, operation.status);
  }

  /** Calls that never reported make room after their time. */
  #mayBeForgotten(call: string): boolean {
    return this.held.ageOf(call, this.#parts.nowMs()) > LIMITS.reservationMs - this.#slackMs;
  }

  #ordered(operation: Operation): void {
    if (operation.kind !== "interrupt" && operation.kind !== "reinstate") return;
    operation.isKept = true;
    for (const model of [this.truth, this.held]) {
      if (operation.kind === "interrupt") model.interrupted(operation.session);
      else model.reinstated(operation.session);
    }
  }
}

interface Run {
  readonly name: string;
  readonly args: readonly string[];
  /** Whether who asks has been told anything by this store before. */
  readonly knows: boolean;
  readonly isNew: boolean;
  /** Whether what is decided is kept, and not only looked at. */
  readonly keeps: boolean;
}

/** Of a command that runs the script: `FCALL name count keys… operation generation writes expected arguments…`. */
function readRun([command, , count, ...rest]: readonly string[]): Run | undefined {
  if (command !== "FCALL" && command !== "EVALSHA") return undefined;
  const [name = "", generation = "", , expected = "", ...args] = rest.slice(Number(count));
  const [knows, isNew] = [generation !== "", expected === ""];
  return { name, args, knows, isNew, keeps: args[0] === "keep" };
}

function isKept(status: string): boolean {
  return !["new", "lost", "settling"].includes(status);
}
