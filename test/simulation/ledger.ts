/** One run of a fleet that shares a ledger: what is used once is granted once, and what was revoked is not allowed. */
import { confirmationOf } from "../../engine/state/redis/confirm.ts";
import { type Random, randomFrom } from "../differential/random.ts";
import { START } from "../support/engine.ts";
import { FakeRedis, type Ill, type Snapshot } from "../support/fake-redis.ts";
import { VirtualTime } from "../support/virtual-time.ts";
import { readRun } from "./answered.ts";
import { type Answered, Desk, type Slips } from "./desk.ts";
import { type Done, Network, SEND_FAULTS, type SendFault } from "./network.ts";
import { Story, type Told } from "./story.ts";

const DESKS = 3;
const STEPS = 40;
/** From when on nobody may allow what somebody was told is revoked (SPEC §15.5): asked often, believed for so long. */
const HEARD_MS = 2_000;
const META = "writ:{sim}:meta";
const KEPT = { use: "writ:{sim}:ledger:use", revocation: "writ:{sim}:ledger:revocation" } as const;

type Step =
  | { readonly kind: "use" | "revoke" | "ask"; readonly desk: number; readonly id: string }
  | { readonly kind: "fault"; readonly desk: number; readonly fault: SendFault }
  | { readonly kind: "cut"; readonly desk: number }
  /** So many of its messages are lost, one after the other. */
  | { readonly kind: "away"; readonly desk: number; readonly messages: number }
  | { readonly kind: "crash"; readonly desk: number; readonly disk: "same" | "new" }
  | ToServer;

type ToServer =
  | { readonly kind: "hang" | Ill; readonly forMs: number }
  | { readonly kind: "restart"; readonly from: "all" | "copy" | "nothing"; readonly downMs: number }
  | { readonly kind: "copy" | "flush" | "confirm" | "forget scripts" };

export interface LedgerPlan {
  readonly seed: number;
  readonly happenings: readonly (Step & { readonly atMs: number })[];
}

export function ledgerPlanFrom(seed: number): LedgerPlan {
  const random = randomFrom(seed);
  const [faults, disasters] = [random.pick([0, 0.1, 0.3]), random.pick([0, 0.08, 0.2])];
  const isLossy = random.chance(0.5);
  let atMs = 0;
  const happenings = Array.from({ length: STEPS }, () => {
    atMs += gapMs(random);
    return { ...stepFrom(random, { faults, disasters, isLossy }), atMs };
  });
  return { seed, happenings };
}

interface Traits {
  readonly faults: number;
  readonly disasters: number;
  readonly isLossy: boolean;
}

function gapMs(random: Random): number {
  const kind = random.below(20);
  if (kind < 12) return random.below(3);
  return kind < 18 ? random.below(300) : random.below(4_000);
}

function stepFrom(random: Random, { faults, disasters, isLossy }: Traits): Step {
  const desk = random.below(DESKS);
  if (random.chance(faults)) return { kind: "fault", desk, fault: random.pick(SEND_FAULTS) };
  if (random.chance(disasters)) return disasterFrom(random, desk, isLossy);
  const kind = random.pick(["use", "use", "ask", "ask", "revoke"] as const);
  return { kind, desk, id: random.pick(["1", "2", "3", "4", "5", "6"]) };
}

function disasterFrom(random: Random, desk: number, isLossy: boolean): Step {
  const forMs = 20 + random.below(3_000);
  const some: readonly Step[] = [
    { kind: "cut", desk },
    { kind: "away", desk, messages: 10 + random.below(40) },
    { kind: "away", desk, messages: 10 + random.below(40) },
    { kind: "crash", desk, disk: "same" },
    { kind: "hang", forMs },
    { kind: random.pick(["read-only", "full", "loading"] as const), forMs },
    { kind: "forget scripts" },
    { kind: "restart", from: "all", downMs: forMs },
  ];
  const losing: readonly Step[] = [
    { kind: "copy" },
    { kind: "copy" },
    { kind: "restart", from: "copy", downMs: forMs },
    { kind: "restart", from: "copy", downMs: forMs },
    { kind: "restart", from: "nothing", downMs: forMs },
    { kind: "flush" },
    { kind: "confirm" },
    { kind: "confirm" },
    { kind: "crash", desk, disk: "new" },
  ];
  return random.pick(isLossy ? [...some, ...losing] : some);
}

export async function simulateLedger(plan: LedgerPlan, slips: Slips = {}): Promise<Told> {
  const run = new LedgerRun(plan, slips);
  await run.play();
  return run.story;
}

interface Loss {
  /** Who had been told by the server of more than it has now. */
  readonly knowers: Set<number>;
  /** When one of them had first spoken to the server since. */
  toldMs: number | undefined;
}

class LedgerRun {
  readonly #plan: LedgerPlan;
  readonly #time = new VirtualTime();
  readonly story = new Story(() => this.#time.nowMs);
  readonly #redis = new FakeRedis(() => START + this.#time.nowMs);
  readonly #network: Network;
  readonly #desks: readonly Desk[];
  /** What somebody was told, and since when; what was lost and gone on with is no more in it. */
  readonly #granted = new Set<string>();
  readonly #revoked = new Map<string, number>();
  /** What each desk has said in this life to be revoked. */
  readonly #known: Set<string>[] = Array.from({ length: DESKS }, () => new Set());
  /** How many changes each disk was told of. */
  readonly #seen: number[] = Array.from({ length: DESKS }, () => 0);
  #loss: Loss | undefined;
  #copy: Snapshot;
  #confirmations = 0;

  constructor(plan: LedgerPlan, slips: Slips) {
    this.#plan = plan;
    const random = randomFrom(plan.seed ^ 0x1ed6e4);
    const [time, redis] = [this.#time, this.#redis];
    this.#network = new Network({ time, redis, random, onDone: (done) => this.#done(done) });
    this.#desks = Array.from(
      { length: DESKS },
      (_, index) =>
        new Desk(
          time,
          this.#network.openFor(index, () => undefined),
          slips,
        ),
    );
    this.#copy = redis.snapshot();
  }

  async play(): Promise<void> {
    for (const desk of this.#desks) desk.start();
    await this.#time.passUntil(2_000);
    for (const step of this.#plan.happenings) {
      await this.#time.passUntil(2_000 + step.atMs);
      if (this.story.violation !== undefined) break;
      this.#take(step);
    }
    if (this.story.violation === undefined) await this.#end();
    for (const desk of this.#desks) desk.crash("same");
  }

  #desk(index: number): Desk {
    const desk = this.#desks[index];
    if (desk === undefined) throw new Error("there is no such desk");
    return desk;
  }

  #take(step: Step): void {
    if (!("id" in step)) this.story.hit(nameOf(step));
    switch (step.kind) {
      case "use":
      case "revoke":
      case "ask":
        void this.#ask(step.kind, step.desk, step.id);
        break;
      case "fault":
        this.#network.spoilNext(step.desk, step.fault);
        break;
      case "cut":
        this.#network.cut(step.desk);
        break;
      case "away":
        for (let at = 0; at < step.messages; at++) {
          this.#network.spoilNext(step.desk, "request lost");
        }
        break;
      case "crash":
        this.#crash(step.desk, step.disk);
        break;
      default:
        this.#disturb(step);
    }
  }

  #disturb(step: ToServer): void {
    switch (step.kind) {
      case "hang":
        this.#network.hungUntilMs = this.#time.nowMs + step.forMs;
        break;
      case "forget scripts":
        this.#redis.forgetScripts();
        break;
      case "copy":
        this.#copy = this.#redis.snapshot();
        break;
      case "flush":
        this.#redis.empty();
        this.#noteLoss();
        break;
      case "confirm":
        this.#confirm();
        break;
      case "restart":
        this.#restart(step.from, step.downMs);
        break;
      default:
        this.#ail(step.kind, step.forMs);
    }
  }

  #ail(ill: Ill, forMs: number): void {
    this.#redis.ills.add(ill);
    this.#time.after(forMs, () => void this.#redis.ills.delete(ill));
  }

  // ── What is asked ────────────────────────────────────────────────────────────────────────────────────────

  async #ask(kind: "use" | "revoke" | "ask", index: number, id: string): Promise<void> {
    const desk = this.#desk(index);
    const { life } = desk;
    const askedMs = this.#time.nowMs;
    const told: Answered = kind === "ask" ? desk.ask(id) : await desk[kind](id);
    // Nobody hears what a process says that has ended.
    if (life !== desk.life) return;
    this.story.tell(`desk ${index}: ${kind} ${id}: ${told}`);
    this.story.hit(`${kind} ${told}`);
    if (told === "granted") this.#grant(index, id);
    if (told === "done") this.#revoked.set(id, this.#revoked.get(id) ?? this.#time.nowMs);
    if (told === "revoked" || told === "done") this.#known[index]?.add(id);
    if (told === "allowed") this.#allow(index, id, askedMs);
  }

  #grant(index: number, id: string): void {
    if (this.#granted.has(id) && !this.#mayNotKnow(index)) {
      this.story.violated(`${id} was granted twice, by desk ${index} the second time`);
    }
    this.#granted.add(id);
  }

  #allow(index: number, id: string, nowMs: number): void {
    if (this.#known[index]?.has(id))
      this.story.violated(`desk ${index} forgot that ${id} was revoked`);
    const sinceMs = this.#revoked.get(id);
    if (sinceMs === undefined || nowMs - sinceMs <= HEARD_MS) return;
    const isLost = this.#redis.field(KEPT.revocation, id) === undefined;
    if (isLost && this.#mayNotKnow(index, HEARD_MS)) return;
    this.story.violated(
      `desk ${index} allowed ${id}, which was revoked ${nowMs - sinceMs} ms before`,
    );
  }

  /** Something was lost that this desk had not been told of, nor has anybody who was spoken since, but for so long. */
  #mayNotKnow(index: number, heardMs = 0): boolean {
    if (this.#loss === undefined || this.#loss.knowers.has(index)) return false;
    const { toldMs } = this.#loss;
    return toldMs === undefined || this.#time.nowMs - toldMs < heardMs;
  }

  // ── What happens to them ─────────────────────────────────────────────────────────────────────────────────

  #crash(index: number, disk: "same" | "new"): void {
    this.#known[index] = new Set();
    if (disk === "new") {
      this.#seen[index] = 0;
      this.#loss?.knowers.delete(index);
      if (this.#loss?.knowers.size === 0 && this.#loss.toldMs === undefined) this.#goOn();
    }
    this.#desk(index).crash(disk);
    this.#network.cut(index);
    this.#desk(index).start();
  }

  #restart(from: "all" | "copy" | "nothing", downMs: number): void {
    this.#network.isDown = true;
    this.#network.cut();
    const copy = from === "all" ? undefined : this.#copy;
    this.#time.after(downMs, () => {
      this.#network.isDown = false;
      this.#network.cut();
      this.#redis.restart(copy ?? this.#redis.snapshot());
      if (from === "nothing") this.#redis.empty();
      if (from !== "all") this.#noteLoss();
    });
  }

  #writes(): number {
    return Number(this.#redis.field(META, "writes") ?? 0);
  }

  #noteLoss(): void {
    const knowers = this.#seen.flatMap((seen, index) => (seen > this.#writes() ? [index] : []));
    this.story.hit(knowers.length === 0 ? "nothing lost that anybody knew of" : "loss");
    this.#loss = { knowers: new Set(knowers), toldMs: undefined };
    if (knowers.length === 0) this.#goOn();
  }

  #confirm(): void {
    const lost = this.#redis.field(META, "lost");
    if (lost === undefined) return;
    try {
      const next = `g${++this.#confirmations}`;
      if (this.#redis.send(confirmationOf("sim", lost, "{}", next)) !== 1) return;
    } catch {
      return;
    }
    this.story.hit("confirmed");
    this.#seen.fill(this.#writes());
    this.#goOn();
  }

  /** What was lost is nothing any more. */
  #goOn(): void {
    this.#loss = undefined;
    for (const id of this.#granted) {
      if (this.#redis.field(KEPT.use, id) === undefined) this.#granted.delete(id);
    }
    const known = [this.#revoked, ...this.#known];
    for (const id of known.flatMap((ids) => [...ids.keys()])) {
      if (this.#redis.field(KEPT.revocation, id) !== undefined) continue;
      for (const ids of known) ids.delete(id);
    }
  }

  /** Of every command that the server has done. */
  #done({ replica, command, reply }: Done): ((tookMs: number) => void) | undefined {
    const run = readRun(command);
    if (run === undefined || reply instanceof Error || !Array.isArray(reply)) return undefined;
    if (run.knows && this.#loss?.knowers.has(replica)) this.#loss.toldMs ??= this.#time.nowMs;
    const [status, writes, { life }] = [String(reply[0]), Number(reply[2]), this.#desk(replica)];
    if (["new", "lost", "settling"].includes(status)) return undefined;
    return () => {
      if (life !== this.#desk(replica).life) return;
      this.#seen[replica] = Math.max(this.#seen[replica] ?? 0, writes);
    };
  }

  /** Once all is well, and what was lost is confirmed to be. */
  async #end(): Promise<void> {
    this.#network.heal();
    this.#redis.ills.clear();
    await this.#time.passUntil(this.#time.nowMs + 5_000);
    for (let times = 0; times < 3; times++) {
      this.#confirm();
      await this.#time.passUntil(this.#time.nowMs + 2_000);
    }
    for (const [index, desk] of this.#desks.entries()) {
      const asking = desk.use(`new ${index}`);
      await this.#time.passUntil(this.#time.nowMs + 500);
      const told = await asking;
      if (told !== "granted") this.story.violated(`desk ${index} does not grant again: ${told}`);
    }
  }
}

function nameOf(step: Step): string {
  if (step.kind === "fault") return step.fault;
  if (step.kind === "restart") return `restart with ${step.from}`;
  return step.kind === "crash" ? `crash, ${step.disk} disk` : step.kind;
}
