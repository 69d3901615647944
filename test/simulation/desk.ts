/** One process that keeps a ledger in the simulated Redis: what it grants once, and what it knows to be revoked. */
import type { Ledger } from "../../engine/ledger/ledger.ts";
import { openRedisLedger } from "../../engine/ledger/redis.ts";
import type { OpenLink } from "../../engine/state/redis/link.ts";
import type { Sighting } from "../../engine/state/redis/sightings.ts";
import { connectRedis } from "../../engine/state/redis/store.ts";
import type { SharedStore } from "../../engine/state/shared.ts";
import { START } from "../support/engine.ts";
import type { VirtualTime } from "../support/virtual-time.ts";
import { ADDRESS, SETTLE_MS, START_AGAIN_MS, TIMEOUT_MS } from "./replica.ts";

const ENDS_MS = START + 24 * 3_600_000;

/** `unknown`: it cannot be told, and nothing is allowed. */
export type Answered = "granted" | "used" | "revoked" | "allowed" | "done" | "unknown";

/** What it does otherwise than it should, to see that it is found. */
export interface Slips {
  readonly asksAnyway?: boolean;
  readonly takesChangedForKept?: boolean;
  readonly isDeaf?: boolean;
}

export class Desk {
  /** How often it was started: what an earlier life was told is nobody's to hear. */
  life = 0;
  readonly #time: VirtualTime;
  readonly #openLink: OpenLink;
  readonly #slips: Slips;
  #disk: Sighting | undefined;
  #store: SharedStore | undefined;
  #ledger: Ledger | undefined;

  constructor(time: VirtualTime, openLink: OpenLink, slips: Slips) {
    this.#time = time;
    this.#openLink = openLink;
    this.#slips = slips;
  }

  start(): void {
    const life = ++this.life;
    void this.#open(life).catch(() => {
      this.#time.after(START_AGAIN_MS, () => {
        if (life === this.life) this.start();
      });
    });
  }

  async #open(life: number): Promise<void> {
    const time = this.#time;
    const store = await connectRedis({
      address: ADDRESS,
      timeoutMs: TIMEOUT_MS,
      settleMs: SETTLE_MS,
      openLink: this.#openLink,
      timers: time,
      monotonic: () => time.nowMs,
      sightings: {
        last: this.#disk,
        keep: (sighting) => {
          if (life === this.life) this.#disk = sighting;
        },
        sync: async () => {},
        close: () => {},
      },
    });
    try {
      const ledger = await openRedisLedger({
        send: store.command,
        run: store.run,
        generation: store.wholeGeneration,
        saw: store.saw,
        namespace: ADDRESS.namespace,
        elapsedMs: () => time.nowMs,
        now: () => START + time.nowMs,
        timers: time,
      });
      if (life !== this.life) throw new Error("it has ended");
      if (this.#slips.isDeaf) ledger.close();
      [this.#store, this.#ledger] = [store, ledger];
    } catch (fault) {
      store.close();
      throw fault;
    }
  }

  crash(disk: "same" | "new"): void {
    this.#ledger?.close();
    this.#store?.close();
    this.#ledger = undefined;
    this.#store = undefined;
    this.life += 1;
    if (disk === "new") this.#disk = undefined;
  }

  /** What needs no state is decided by the ledger alone (`engine/revocations/revocations.ts`). */
  #isKnown(ledger: Ledger): boolean {
    return ledger.readiness().ready || this.#slips.asksAnyway === true;
  }

  /** As a token of single use is (`engine/identity/once.ts`). */
  async use(id: string): Promise<Answered> {
    const ledger = this.#ledger;
    if (ledger === undefined || !this.#isKnown(ledger)) return "unknown";
    if (ledger.get("use", id) !== undefined) return "used";
    return this.#put(ledger, "use", id, "granted", "used");
  }

  async revoke(id: string): Promise<Answered> {
    const ledger = this.#ledger;
    if (ledger === undefined) return "unknown";
    return this.#put(ledger, "revocation", id, "done", "done");
  }

  ask(id: string): Answered {
    const ledger = this.#ledger;
    if (ledger === undefined || !this.#isKnown(ledger)) return "unknown";
    return ledger.get("revocation", id) === undefined ? "allowed" : "revoked";
  }

  async #put(
    ledger: Ledger,
    kind: "use" | "revocation",
    id: string,
    kept: Answered,
    changed: Answered,
  ): Promise<Answered> {
    const next = { text: "{}", untilMs: ENDS_MS };
    const nowMs = START + this.#time.nowMs;
    try {
      const is = await ledger.put({ kind, id, was: undefined, next, nowMs });
      if (is === "kept" || this.#slips.takesChangedForKept === true) return kept;
      return is === "changed" ? changed : "unknown";
    } catch {
      return "unknown";
    }
  }
}
