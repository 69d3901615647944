/**
 * Sees everything that the server does, in order, and says at once what must not be. Two models: of what was ever
 * done (`truth`), and of what the server should have now (`held`), which lacks what a failover lost.
 */
import { START } from "../support/engine.ts";
import type { LuaReply } from "../support/lua-script.ts";
import { type Run, readingsIn, readRun } from "./answered.ts";
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
      /** Whether the latch spoke against it then. */
      isBarred: boolean;
      /** Whether something that the session had seen spoke against it then. */
      isTainted: boolean;
    }
  | {
      readonly kind: "outcome";
      readonly replica: number;
      readonly call: string;
      readonly status: Status;
      readonly returned: string;
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

/** Keys that the server dropped by itself. */
interface Eviction {
  /** Processes that have looked since at what the server says of itself. */
  readonly asked: Set<number>;
  wasTold: boolean;
}

export interface WitnessParts {
  readonly nowMs: () => number;
  readonly server: Clock;
  readonly replicas: readonly Replica[];
  /** What the server says of the place as a whole. */
  readonly meta: (field: string) => string | undefined;
  readonly violated: (what: string) => void;
  readonly hit: (what: string) => void;
}

/** By so much may the store's time be ahead of a process's own measure; each newcomer begins a new one. */
const SLACK_MS = 1_000;

export class Witness {
  truth = new Model();
  held = new Model();
  /** Keys are gone, and nobody could say what the rest should come to. */
  isBlind = false;
  readonly #parts: WitnessParts;
  #loss: Loss | undefined;
  #eviction: Eviction | undefined;
  /** Something was lost and gone on with, since nobody who knew was asked: it may still be said. */
  #mayBeLost = false;
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
  restarted(held: Model, writes: number, isBlind: boolean): void {
    this.held = held.copy();
    this.isBlind = isBlind;
    this.#writes = writes;
    this.#isSettling = true;
    this.#opensAtMs = 0;
    // A server counts from its start what it evicts.
    this.#eviction = undefined;
    if (this.#parts.meta("lost") !== undefined) this.#mayBeLost = true;
    this.#noteLoss();
  }

  emptied(): void {
    this.held = new Model();
    this.isBlind = false;
    this.#writes = 0;
    this.#eviction = undefined;
    this.#noteLoss();
  }

  /** The server dropped a key. */
  evicted(): void {
    this.#parts.hit("evicted");
    this.isBlind = true;
    if (this.#parts.meta("generation") === undefined) this.#noteLoss();
    else this.#eviction = { asked: new Set(), wasTold: false };
  }

  #noteLoss(): void {
    const { replicas } = this.#parts;
    const knowers = replicas.map((replica, index) => (this.#knowsMore(replica) ? index : -1));
    this.#loss = { knowers: new Set(knowers.filter((index) => index >= 0)), wasTold: false };
    // What nobody remembers is not missed.
    if (this.#loss.knowers.size === 0) this.#forget();
    else this.#parts.hit("loss");
  }

  #knowsMore({ seen }: Replica): boolean {
    const { meta } = this.#parts;
    const generation = meta("generation");
    if (seen === undefined || generation === undefined) return seen !== undefined;
    if (seen.generation === generation) return seen.writes > this.#writes;
    return meta(`past ${seen.generation}`) === undefined;
  }

  /** An operator goes on with what there is. */
  confirmed(): void {
    this.#parts.hit("loss confirmed");
    this.#eviction = undefined;
    // What is confirmed may be an earlier loss, which stands in a copy, and the one since is still to be told. And a store
    // that was emptied knows of earlier confirmations what it was told by then: of a generation that it was not told of
    // it cannot know whether it ended before, or went on elsewhere after, so whoever saw that one rightly asks again.
    const knowsMore = (replica: Replica): boolean => this.#knowsMore(replica);
    this.#mayBeLost = this.#loss?.wasTold === false || this.#parts.replicas.some(knowsMore);
    this.#forget();
  }

  #forget(): void {
    this.#loss = undefined;
    this.truth = this.held.copy();
  }

  /** Whose disk is gone tells nobody. */
  forgot(replica: number): void {
    if (this.#loss === undefined || this.#loss.wasTold) return;
    const knowers = new Set([...this.#loss.knowers].filter((index) => index !== replica));
    this.#loss = { ...this.#loss, knowers };
    if (knowers.size === 0) this.#forget();
  }

  /** Everybody has had the time to look. */
  ended(): void {
    if (this.#eviction?.wasTold === false) this.#parts.violated("nobody noticed an eviction");
  }

  /** Of each command that the server has done. */
  done({ replica, command, reply, operation }: Done): ((tookMs: number) => void) | undefined {
    if (reply instanceof Error) return undefined;
    if (command[0] === "INFO") this.#eviction?.asked.add(replica);
    if (command[0] === "HMGET") return this.#toldOfAll(replica, reply);
    const run = readRun(command);
    if (run === undefined || !Array.isArray(reply)) return undefined;
    const [status, writes] = [String(reply[0]), Number(reply[2])];
    if (this.#loss?.knowers.has(replica) && run.knows) this.#loss.wasTold = true;
    if (run.name === "hello") this.#greeted(run, replica, status);
    else if (isKept(status)) this.#kept(run, reply, operation as Operation | undefined);
    if (status === "lost") this.#mayBeSaid();
    this.#parts.hit(`answered ${run.name} ${status}`);
    this.#writes = Math.max(this.#writes, writes);
    if (run.name === "hello") return this.#toldOf(replica, String(reply[4]), writes, 2_000);
    if (!isKept(status)) return undefined;
    return this.#toldOf(replica, run.generation, writes, TIMEOUT_MS);
  }

  #toldOfAll(replica: number, reply: LuaReply): ReturnType<Witness["done"]> {
    const [generation, writes, lost] = Array.isArray(reply) ? reply : [];
    const { seen } = this.#parts.replicas[replica] ?? {};
    if (lost !== null || seen?.generation !== generation) return undefined;
    return this.#toldOf(replica, String(generation), Number(writes), 2_000);
  }

  /** Once the answer is there, whoever has that disk knows. */
  #toldOf(replica: number, generation: string, writes: number, mostMs: number) {
    const process = this.#parts.replicas[replica];
    const life = process?.life;
    return (tookMs: number) => {
      if (process === undefined || process.life !== life || tookMs >= mostMs) return;
      const before = process.seen?.generation === generation ? process.seen.writes : 0;
      process.seen = { generation, writes: Math.max(before, writes) };
    };
  }

  #greeted(run: Run, replica: number, status: string): void {
    const lead = this.#leadNow();
    // A newcomer takes the server's word for what has passed since anything was kept.
    if (run.isNew && this.#isServerOff) {
      this.#slackMs += SLACK_MS + Math.max(0, lead - this.#leadMs);
    }
    this.#leadMs = lead;
    if (this.#eviction?.asked.has(replica) && run.knows) {
      this.#eviction.wasTold = true;
      if (status !== "lost") this.#parts.violated("an eviction was told of, and gone on with");
    }
    if (!this.#isSettling) return;
    this.#isSettling = false;
    if (!this.#isServerOff) this.#opensAtMs = this.#parts.nowMs() + SETTLE_MS - 1;
  }

  #mayBeSaid(): void {
    if (this.#loss !== undefined || this.#mayBeLost || this.isBlind) return;
    this.#parts.violated("something was said to be lost, and nothing was");
  }

  #leadNow(): number {
    return this.#parts.server.read() - START - this.#parts.nowMs();
  }

  #kept(run: Run, reply: readonly LuaReply[], operation: Operation | undefined): void {
    const status = String(reply[0]);
    if (run.name !== "attempt" || run.keeps) this.#leadMs = this.#leadNow();
    this.#mayAnswer(run.name);
    if (status === "ok" && isChange(run) && Number(reply[2]) <= this.#writes) {
      this.#mismatch("a change was acknowledged, and not counted");
    }
    if (operation === undefined) this.#parts.violated("the server was asked by nobody");
    else if (run.name === "attempt" && operation.kind === "decide" && run.keeps) {
      if (status === "ok") this.#decided(run, Number(reply[1]), operation);
      if (status !== "full") this.#compare(run, reply);
    } else if (operation.kind === "outcome" && (run.name === "settle" || status !== "ok")) {
      this.#settled(status, operation);
    } else if (run.name === "session" && status === "ok") this.#ordered(operation);
  }

  /** What a loss of state has to keep from happening. */
  #mayAnswer(name: string): void {
    if (this.#isSettling || this.#parts.nowMs() < this.#opensAtMs) {
      this.#parts.violated(`a server that has just started answered ${name}`);
    }
    if (this.#loss?.wasTold || this.#eviction?.wasTold) {
      this.#parts.violated(`lost state was gone on with: ${name}`);
    }
    if (this.#loss === undefined) return;
    this.#parts.hit("loss missed");
    this.#mayBeLost = true;
    this.#forget();
  }

  /** What the server read of counters, by its own time: never less than there was, nor more than a bucket more. */
  #compare(run: Run, reply: readonly LuaReply[]): void {
    const storeMs = Number(reply[1]);
    for (const { counter, agent, value } of readingsIn(run, reply)) {
      const [least, most] = this.#boundsOf(counter, agent, storeMs);
      if (value >= least && value <= most) continue;
      this.#mismatch(`${counter} of ${agent} was read as ${value}, not ${least} to ${most}`);
    }
  }

  #boundsOf(counter: string, agent: string, storeMs: number): readonly [number, number] {
    if (counter === "paid" || counter === "people") {
      return this.held.bounds(counter, agent, storeMs);
    }
    const exact =
      counter === "total"
        ? this.held.paid(agent, Number.NEGATIVE_INFINITY)
        : this.held.tries(agent);
    return [exact, exact];
  }

  #mismatch(what: string): void {
    if (!this.isBlind) this.#parts.violated(what);
  }

  #decided(run: Run, storeMs: number, operation: Extract<Operation, { kind: "decide" }>): void {
    const { asked, call, version } = operation;
    const realMs = this.#parts.nowMs();
    const most = PAID_MOST[version] ?? 0;
    const reserves = run.args.includes(call);
    if (reserves) {
      const refusal = this.truth.refusal(asked, realMs, most, this.#slackMs);
      if (refusal !== undefined) this.#mismatch(`${call} was allowed, though ${refusal}`);
      if (operation.isReserved) this.#parts.violated(`${call} was reserved twice`);
      operation.isReserved = true;
    }
    operation.isTainted = this.isBlind || this.held.taint(asked) !== undefined;
    operation.isBarred = this.isBlind || this.held.latchRefusal(asked) !== undefined;
    // Clocks that stand still make a window longer, so what was ever spent is held against it.
    operation.couldPay =
      !this.isBlind &&
      this.held.paid(asked.agent, Number.NEGATIVE_INFINITY) + (asked.amount ?? 0) <= most;
    for (const model of [this.truth, this.held]) {
      model.attempted(asked);
      if (reserves) model.reserved(asked, call, { realMs, storeMs });
    }
  }

  #settled(status: string, operation: Extract<Operation, { kind: "outcome" }>): void {
    const { call, returned } = operation;
    const before = this.held.stateOf(call);
    const expected = before === operation.status ? "repeated" : "settled";
    const isRight =
      status === "conflict" ||
      (status === "ok" && before === "open") ||
      (status === expected && before !== "open" && before !== "unknown") ||
      (status === "unknown" && (before === "unknown" || this.#mayBeForgotten(call)));
    if (!isRight) this.#mismatch(`${call}, which was ${before}, was settled: ${status}`);
    if (status === "ok" || status === "repeated") operation.isKept = true;
    if (status !== "ok") return;
    for (const model of [this.truth, this.held]) model.settled(call, operation.status, returned);
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

function isChange({ name, keeps }: Run): boolean {
  return name === "settle" || name === "session" || (name === "attempt" && keeps);
}

function isKept(status: string): boolean {
  return !["new", "lost", "settling"].includes(status);
}
