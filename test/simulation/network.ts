/** Between replicas and the fake Redis: every message takes time, and some go wrong as they are told to. */
import type { Link, OpenLink } from "../../engine/state/redis/link.ts";
import type { Random } from "../differential/random.ts";
import type { FakeRedis } from "../support/fake-redis.ts";
import type { LuaReply } from "../support/lua-script.ts";
import type { VirtualTime } from "../support/virtual-time.ts";

export const SEND_FAULTS = [
  "request lost",
  "reply lost",
  "late request",
  "late reply",
  "cut before",
  "cut after",
] as const;
export type SendFault = (typeof SEND_FAULTS)[number];

export interface NetworkParts {
  readonly time: VirtualTime;
  readonly redis: FakeRedis;
  readonly random: Random;
  /** Of everything that the server did for a command, in that order; what comes back is told of the answer's arrival. */
  readonly onDone: (done: Done) => ((tookMs: number) => void) | undefined;
}

export interface Done {
  readonly replica: number;
  readonly command: readonly string[];
  /** An error where the server answered with one. */
  readonly reply: LuaReply | Error;
  readonly operation: unknown;
}

export class Network {
  isDown = false;
  /** The server takes nothing up before. */
  hungUntilMs = 0;
  readonly parts: NetworkParts;
  readonly #links = new Set<SimulatedLink>();
  readonly #faults = new Map<number, SendFault[]>();

  constructor(parts: NetworkParts) {
    this.parts = parts;
  }

  /** Of this replica's next message. */
  spoilNext(replica: number, fault: SendFault): void {
    this.#faults.set(replica, [...(this.#faults.get(replica) ?? []), fault]);
  }

  heal(): void {
    this.#faults.clear();
    this.hungUntilMs = 0;
  }

  faultFor(replica: number): SendFault | undefined {
    return this.#faults.get(replica)?.shift();
  }

  /** `operation`: for whom something is being sent. */
  openFor(replica: number, operation: () => unknown): OpenLink {
    return () =>
      new Promise((resolve, reject) => {
        this.parts.time.after(this.latencyMs(), () => {
          if (this.isDown) return reject(new Error("connect ECONNREFUSED"));
          const link = new SimulatedLink(this, replica, operation);
          this.#links.add(link);
          void link.ended.then(() => this.#links.delete(link));
          resolve(link);
        });
      });
  }

  /** All connections, or those of one replica. */
  cut(replica?: number): void {
    for (const link of this.#links) {
      if (replica === undefined || link.replica === replica) link.fail();
    }
  }

  latencyMs(): number {
    return 0.1 + this.parts.random.below(600) / 1_000;
  }

  latenessMs(): number {
    return 55 + this.parts.random.below(400);
  }
}

class SimulatedLink implements Link {
  readonly ended: Promise<Error>;
  readonly replica: number;
  readonly #network: Network;
  readonly #operation: () => unknown;
  readonly #pending = new Set<(error: Error) => void>();
  #end: (error: Error) => void = () => {};
  #isOpen = true;
  /** Messages of one connection overtake one another in neither direction. */
  #thereMs = 0;
  #backMs = 0;

  constructor(network: Network, replica: number, operation: () => unknown) {
    this.#network = network;
    this.replica = replica;
    this.#operation = operation;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  send(command: readonly string[]): Promise<unknown> {
    if (!this.#isOpen) return Promise.reject(new Error("the connection was closed"));
    const { time } = this.#network.parts;
    const sentMs = time.nowMs;
    const operation = this.#operation();
    const fault = this.#network.faultFor(this.replica);
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      if (fault === "cut before") return this.fail();
      if (fault === "request lost") return;
      const latency = this.#network.latencyMs();
      const late = fault === "late request" ? this.#network.latenessMs() : 0;
      this.#thereMs = Math.max(this.#thereMs, time.nowMs + latency + late);
      this.#arrive(() => {
        const { reply, told } = this.#serve(command, operation);
        if (fault === "cut after") return this.fail();
        if (fault === "reply lost") return;
        const delay = fault === "late reply" ? this.#network.latenessMs() : 0;
        this.#backMs = Math.max(this.#backMs, time.nowMs + this.#network.latencyMs() + delay);
        time.after(this.#backMs - time.nowMs, () => {
          if (!this.#isOpen) return;
          this.#pending.delete(reject);
          told?.(time.nowMs - sentMs);
          if (reply instanceof Error) reject(reply);
          else resolve(reply);
        });
      });
    });
  }

  #arrive(act: () => void): void {
    const { time } = this.#network.parts;
    time.after(this.#thereMs - time.nowMs, () => {
      if (!this.#isOpen) return;
      if (time.nowMs >= this.#network.hungUntilMs) return act();
      this.#thereMs = this.#network.hungUntilMs;
      this.#arrive(act);
    });
  }

  #serve(command: readonly string[], operation: unknown) {
    const { redis, onDone } = this.#network.parts;
    let reply: LuaReply | Error;
    try {
      reply = redis.send(command);
    } catch (fault) {
      reply = fault instanceof Error ? fault : new Error(String(fault));
    }
    return { reply, told: onDone({ replica: this.replica, command, reply, operation }) };
  }

  fail(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const error = new Error("the connection was closed");
    for (const reject of this.#pending) reject(error);
    this.#pending.clear();
    this.#end(error);
  }

  end(): void {
    this.fail();
  }
}
