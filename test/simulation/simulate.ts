/** One run: three replicas, one fake Redis, and everything that the plan says, in time that only seems to pass. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Answer, OutcomeReceipt } from "../../engine/answer.ts";
import type { Decision } from "../../engine/decision.ts";
import { freeCall, isFreeCall } from "../../engine/state/call.ts";
import { confirmationOf } from "../../engine/state/redis/confirm.ts";
import { SCRIPT } from "../../engine/state/redis/script.ts";
import { unreachable } from "../../lang/unreachable.ts";
import { randomFrom } from "../differential/random.ts";
import { outcomeOf, START } from "../support/engine.ts";
import { FakeRedis, type Ill, type Snapshot } from "../support/fake-redis.ts";
import { VirtualTime } from "../support/virtual-time.ts";
import { Clock } from "./clock.ts";
import type { Asked, Model } from "./model.ts";
import { Network } from "./network.ts";
import {
  type Plan,
  type Planned,
  REPLICAS,
  requestOf,
  type ToReplica,
  type ToServer,
} from "./plan.ts";
import { COUNTERS } from "./policy.ts";
import { LIMITS, Replica } from "./replica.ts";
import { Story, type Told } from "./story.ts";
import { type Operation, Witness } from "./witness.ts";

const META = "writ:{sim}:meta";
const QUIET_MS = 3_000;

/** What replicas do otherwise than they should, to see that it is found. */
export interface Planted {
  readonly script?: string;
  readonly keepsSightings?: boolean;
}

export async function simulate(plan: Plan, planted: Planted = {}): Promise<Told> {
  const run = new Run(plan, planted);
  await run.play();
  return run.story;
}

interface Copy {
  readonly data: Snapshot;
  readonly model: Model;
  readonly writes: number;
  readonly isBlind: boolean;
}

type Decide = Extract<Operation, { kind: "decide" }>;

class Run {
  readonly #plan: Plan;
  readonly #time = new VirtualTime();
  readonly story = new Story(() => this.#time.nowMs);
  readonly #server = new Clock(() => this.#time.nowMs, START);
  readonly #redis: FakeRedis;
  readonly #asking = new AsyncLocalStorage<Operation>();
  readonly #network: Network;
  readonly #replicas: readonly Replica[];
  readonly #witness: Witness;
  /** Calls that were answered with allow, by the id of what asked. */
  readonly #allowed = new Map<number, string>();
  #copy: Copy;

  #confirmations = 0;

  constructor(plan: Plan, { script = SCRIPT, keepsSightings = true }: Planted) {
    this.#plan = plan;
    const random = randomFrom(plan.seed ^ 0x5eed);
    const [time, redis] = [this.#time, new FakeRedis(this.#server.read, !plan.isOld)];
    this.#redis = redis;
    this.#network = new Network({
      time,
      redis,
      random,
      onDone: (done) => this.#witness.done(done),
    });
    this.#replicas = Array.from({ length: REPLICAS }, (_, index) => {
      const openLink = this.#network.openFor(index, () => this.#asking.getStore());
      const ids = { decision: () => this.#callName(), call: () => this.#callName() };
      return new Replica({ time, openLink, script, ids, keepsSightings });
    });
    this.#witness = new Witness({
      nowMs: () => time.nowMs,
      server: this.#server,
      replicas: this.#replicas,
      meta: (field) => redis.field(META, field),
      violated: (what) => this.story.violated(what),
      hit: (what) => this.story.hit(what),
    });
    this.#copy = this.#copyNow();
  }

  async play(): Promise<void> {
    for (const replica of this.#replicas) replica.start();
    await this.#time.passUntil(2_000);
    for (const planned of this.#plan.happenings) {
      await this.#time.passUntil(2_000 + planned.atMs);
      if (this.story.violation !== undefined) break;
      this.#happen(planned);
    }
    if (this.story.violation === undefined) await this.#end();
    for (const replica of this.#replicas) replica.crash("same");
  }

  #callName(): string {
    const asking = this.#asking.getStore();
    return asking?.kind === "decide" ? asking.call : "nobody's";
  }

  // ── What happens ─────────────────────────────────────────────────────────────────────────────────────────

  #happen(planned: Planned): void {
    this.story.hit(spellKind(planned));
    const { id, atMs, kind, ...what } = planned;
    if (kind !== "decide" && kind !== "outcome") this.story.tell(`${kind} ${JSON.stringify(what)}`);
    switch (planned.kind) {
      case "decide":
        void this.#decide(planned.id, planned.replica, planned.asked);
        break;
      case "outcome":
        void this.#report(planned);
        break;
      case "interrupt":
      case "reinstate":
        void this.#order(planned);
        break;
      case "send fault":
        this.#network.spoilNext(planned.replica, planned.fault);
        break;
      case "cut":
      case "crash":
      case "reload":
      case "drift":
      case "wall":
        this.#befall(this.#replica(planned.replica), planned);
        break;
      default:
        this.#disturb(planned);
    }
  }

  #befall(replica: Replica, planned: ToReplica): void {
    switch (planned.kind) {
      case "cut":
        this.#network.cut(planned.replica);
        break;
      case "crash":
        replica.crash(planned.disk);
        this.#network.cut(planned.replica);
        if (planned.disk === "new") this.#witness.forgot(planned.replica);
        replica.start();
        break;
      case "reload":
        replica.load(1 - replica.version);
        break;
      case "drift":
        replica.elapsed.run(planned.rate);
        break;
      case "wall":
        replica.wall.step(planned.byMs);
        break;
      default:
        unreachable(planned);
    }
  }

  #disturb(planned: ToServer): void {
    switch (planned.kind) {
      case "restart":
        this.#restart(planned.downMs, planned.from);
        break;
      case "copy":
        this.#copy = this.#copyNow();
        break;
      case "flush":
        this.#empty();
        break;
      case "evict":
        if (this.#redis.evict(planned.draw)) this.#witness.evicted();
        break;
      case "forget scripts":
        this.#redis.forgetScripts();
        break;
      case "confirm":
        this.#confirm(5);
        break;
      case "hang":
        this.#network.hungUntilMs = this.#time.nowMs + planned.forMs;
        break;
      case "server drift":
        this.#witness.serverIsOff();
        this.#server.run(planned.rate);
        break;
      case "server step":
        this.#witness.serverIsOff();
        this.#server.step(planned.byMs);
        break;
      default:
        this.#ail(planned.kind, planned.forMs);
    }
  }

  #replica(index: number): Replica {
    const replica = this.#replicas[index];
    if (replica === undefined) throw new Error("there is no such replica");
    return replica;
  }

  async #decide(id: number, index: number, asked: Asked): Promise<string> {
    const { engine, version, life } = this.#replica(index);
    const call = `c${id}`;
    const spelled = `replica ${index}: ${call} ${JSON.stringify(asked)}`;
    if (engine === undefined) return "no engine";
    this.story.tell(`${spelled} ?`);
    const asking: Decide = {
      ...{ kind: "decide", replica: index, asked, call, version },
      ...{ isReserved: false, couldPay: false, isTainted: true, isBarred: true },
    };
    const answer = await this.#asking.run(asking, () => engine.decide(requestOf(asked)));
    if (life !== this.#replica(index).life) return "crashed";
    const answered = this.#answered(asking, answer);
    this.story.tell(`${spelled} ${answered}`);
    this.story.hit(answered);
    if (answered === "allow") this.#allowed.set(id, nameOf(asking));
    return answered;
  }

  #answered(asking: Decide, answer: Answer<Decision>): string {
    if (answer.kind !== "answer") {
      this.story.violated(`a decision was answered with ${JSON.stringify(answer)}`);
      return answer.kind;
    }
    const { decision, call } = answer.value;
    const { asked, isReserved, couldPay, isTainted, isBarred } = asking;
    if (decision === "allow" && (isReserved !== isAwaited(asked) || call !== nameOf(asking))) {
      const kept = isReserved ? "it was kept" : "nothing was kept of it";
      this.story.violated(`${asking.call} was allowed as ${call}, and ${kept}`);
    }
    const answered = outcomeOf(answer.value);
    if (answered === "not_permitted" && asked.tool === "pay" && couldPay) {
      this.story.violated(`${asking.call} was refused, though nothing was spent`);
    }
    if (answered === "forbidden" && asksForTrust(asked) && !isTainted) {
      this.story.violated(`${asking.call} was forbidden, though nothing speaks against it`);
    }
    if (isOfLatch(asked, answered) && !isBarred) {
      this.story.violated(`${asking.call} was ${answered}, though what it asks for is so`);
    }
    return answered;
  }

  async #report(planned: Extract<Planned, { kind: "outcome" }>): Promise<void> {
    const { replica: index, of, status, returned } = planned;
    const call = this.#allowed.get(of);
    const { engine } = this.#replica(index);
    if (call === undefined || engine === undefined) return;
    const asking: Operation = {
      ...{ kind: "outcome", replica: index, call, status, returned },
      isKept: false,
    };
    const values = status === "ok" ? { values: returned } : {};
    const report = () => engine.outcome({ call, status, ...values });
    const answer: Answer<OutcomeReceipt> = await this.#asking.run(asking, report);
    this.story.tell(`replica ${index}: outcome ${call} ${status}: ${answer.kind}`);
    this.story.hit(`outcome ${answer.kind}`);
    if (answer.kind === "answer" && !asking.isKept && !isFreeCall(call)) {
      this.story.violated(`the outcome of ${call} was taken, and nothing was kept of it`);
    }
  }

  async #order(planned: Extract<Planned, { kind: "interrupt" | "reinstate" }>): Promise<void> {
    const { kind, replica, session } = planned;
    const sessions = this.#replica(replica).engine?.sessions;
    if (sessions === undefined) return;
    const asking: Operation = { kind, replica, session, isKept: false };
    try {
      const isDone = await this.#asking.run(asking, () => sessions[kind](session));
      this.story.tell(`replica ${replica}: ${kind} ${session} was done`);
      if (isDone !== false && !asking.isKept)
        this.story.violated(`${kind} was acknowledged, not kept`);
    } catch {
      this.story.hit(`${kind} failed`);
    }
  }

  #copyNow(): Copy {
    const { held, writes, isBlind } = this.#witness;
    return { data: this.#redis.snapshot(), model: held.copy(), writes, isBlind };
  }

  #restart(downMs: number, from: "all" | "copy" | "nothing"): void {
    const copy = from === "copy" ? this.#copy : this.#copyNow();
    this.#network.isDown = true;
    this.#network.cut();
    this.#time.after(downMs, () => {
      this.#network.isDown = false;
      this.#network.cut();
      this.#redis.restart(copy.data);
      this.#witness.restarted(copy.model, copy.writes, copy.isBlind);
      if (from !== "nothing") return;
      this.#empty();
    });
  }

  #empty(): void {
    this.#redis.empty();
    this.#witness.emptied();
  }

  /** An operator who looks every second whether there is something to say, and says it once. */
  #confirm(times = 1): void {
    if (this.#isConfirmed()) this.#witness.confirmed();
    else if (times > 1) this.#time.after(1_000, () => this.#confirm(times - 1));
  }

  #isConfirmed(): boolean {
    const lost = this.#redis.field(META, "lost");
    if (lost === undefined) return false;
    const next = `g${++this.#confirmations}`;
    try {
      return this.#redis.send(confirmationOf("sim", lost, "{}", next)) === 1;
    } catch {
      // What ails the server keeps operators out as well.
      return false;
    }
  }

  #ail(ill: Ill, forMs: number): void {
    this.#redis.ills.add(ill);
    this.#time.after(forMs, () => void this.#redis.ills.delete(ill));
  }

  // ── When all is well again ───────────────────────────────────────────────────────────────────────────────

  /** What is kept is what the model says, and a fleet that was healed decides again. */
  async #end(): Promise<void> {
    this.#network.heal();
    this.#server.run(1);
    for (const { elapsed } of this.#replicas) elapsed.run(1);
    for (let times = 0; times < 3; times++) {
      await this.#time.passUntil(this.#time.nowMs + QUIET_MS);
      this.#confirm();
    }
    // Calls that were never reported make room by then, in the store's time too, which waits for whoever is behind.
    const behindMs = this.#replicas.map(({ elapsed }) => this.#time.nowMs - elapsed.read());
    const waitMs = LIMITS.reservationMs + Math.max(0, ...behindMs);
    await this.#time.passUntil(this.#time.nowMs + waitMs);
    this.story.tell("the end");
    for (const [index, replica] of this.#replicas.entries()) {
      // Whose clocks disagree is not ready, and decides what asks for no time.
      const isDoubtful = this.story.hits.has("wall") || this.story.hits.has("drift");
      if (!replica.isReady && !isDoubtful)
        this.story.violated(`replica ${index} did not come back`);
      const answer = this.#decide(-1 - index, index, { tool: "pay", agent: "new", amount: 1 });
      await this.#time.passUntil(this.#time.nowMs + 500);
      if (this.story.violation === undefined && (await answer) !== "allow") {
        this.story.violated(`replica ${index} does not decide again`);
      }
    }
    this.#witness.ended();
    if (this.story.violation === undefined && !this.#witness.isBlind) await this.#compare();
  }

  async #compare(): Promise<void> {
    const inspecting = this.#replica(0).engine?.inspection.state(100);
    await this.#time.passUntil(this.#time.nowMs + 500);
    const state = await inspecting;
    const { held } = this.#witness;
    const always = Number.NEGATIVE_INFINITY;
    for (const agent of ["a", "b", "new"]) {
      const told = (counter: number): number =>
        Number(state?.counters[counter]?.highest.find(({ key }) => key[0] === agent)?.value ?? 0);
      this.#expectSame(`total of ${agent}`, told(COUNTERS.total), held.paid(agent, always));
      this.#expectSame(`tries of ${agent}`, told(COUNTERS.tries), held.tries(agent));
    }
  }

  #expectSame(what: string, told: number, expected: number): void {
    if (told !== expected) this.story.violated(`${what} is ${told}, and should be ${expected}`);
  }
}

/** Whether its outcome can change anything: it is in a session, or holds what a counter counts. */
function isAwaited({ session, tool }: Asked): boolean {
  return session !== undefined || tool === "pay" || tool === "send";
}

function nameOf({ asked, call }: Decide): string {
  return isAwaited(asked) ? call : freeCall(call);
}

/** Of tools that only what a session has seen speaks against. */
function asksForTrust({ tool }: Asked): boolean {
  return tool === "post" || tool === "leak";
}

/** Denied by what only a latch speaks against. */
function isOfLatch({ tool, inTask }: Asked, answered: string): boolean {
  const isAsked = (tool === "look" || tool === "rest") && inTask !== true;
  return isAsked && (answered === "forbidden" || answered === "prerequisite_pending");
}

function spellKind(planned: Planned): string {
  if (planned.kind === "send fault") return planned.fault;
  if (planned.kind === "restart") return `restart with ${planned.from}`;
  if (planned.kind === "crash") return `crash, ${planned.disk} disk`;
  return planned.kind;
}
