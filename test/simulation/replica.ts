/** One process of the fleet: the real engine over the real store, with clocks and a network of the simulation. */
import { createClock } from "../../engine/clock.ts";
import type { Ids } from "../../engine/ids.ts";
import { createSharedEngine, type SharedEngine } from "../../engine/shared-engine.ts";
import type { OpenLink } from "../../engine/state/redis/link.ts";
import type { Sighting } from "../../engine/state/redis/sightings.ts";
import { connectRedis } from "../../engine/state/redis/store.ts";
import type { SharedStore } from "../../engine/state/shared.ts";
import { START } from "../support/engine.ts";
import type { VirtualTime } from "../support/virtual-time.ts";
import { Clock } from "./clock.ts";
import { VERSIONS } from "./policy.ts";

export interface ReplicaParts {
  readonly time: VirtualTime;
  readonly openLink: OpenLink;
  readonly script: string;
  readonly ids: Ids;
  /** Whether what it saw is kept on its disk, as it should be. */
  readonly keepsSightings: boolean;
}

export const TIMEOUT_MS = 50;
export const SETTLE_MS = 200;
export const ADDRESS = { host: "simulated", port: 6379, tls: false, namespace: "sim" } as const;
/** Few calls may be under way, so that they run out. */
export const LIMITS = { callCount: 6, reservationMs: 30_000 };
/** Little is remembered, so that some of it is forgotten. */
const KNOWN = { cellCount: 6, othersCount: 3, seenCount: 2 };
export const START_AGAIN_MS = 250;

export class Replica {
  /** Of the policy: an index of `VERSIONS`. */
  version = 0;
  /** What whoever has this disk was told of the store, before anything was answered that rests on it. */
  seen: Sighting | undefined;
  /** How often it was started: what belongs to an earlier life must not be answered. */
  life = 0;
  engine: SharedEngine | undefined;
  readonly elapsed: Clock;
  readonly wall: Clock;
  readonly #parts: ReplicaParts;
  #store: SharedStore | undefined;
  #disk: Sighting | undefined;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.elapsed = new Clock(() => parts.time.nowMs, 0);
    this.wall = new Clock(() => parts.time.nowMs, START);
  }

  start(): void {
    const life = ++this.life;
    const { time, openLink, script, keepsSightings } = this.#parts;
    const connecting = connectRedis({
      address: ADDRESS,
      limits: LIMITS,
      known: KNOWN,
      timeoutMs: TIMEOUT_MS,
      settleMs: SETTLE_MS,
      openLink,
      script,
      timers: time,
      monotonic: this.elapsed.read,
      sightings: {
        last: this.#disk,
        keep: (sighting) => {
          if (keepsSightings && life === this.life) this.#disk = sighting;
        },
        sync: async () => {},
        close: () => {},
      },
    });
    connecting.then(
      (store) => {
        if (life !== this.life) return store.close();
        this.#store = store;
        this.load(this.version);
      },
      () => {
        time.after(START_AGAIN_MS, () => {
          if (life === this.life) this.start();
        });
      },
    );
  }

  load(version: number): void {
    this.version = version;
    const [store, policy] = [this.#store, VERSIONS[version]];
    if (store === undefined || policy === undefined) return;
    const clock = createClock({ wall: this.wall.read, elapsed: this.elapsed.read });
    const { ids } = this.#parts;
    this.engine = createSharedEngine({ ...policy, digest: `v${version}`, store, clock, ids });
  }

  /** It knows nothing any more but what is on its disk, and nobody hears from it. */
  crash(disk: "same" | "new"): void {
    this.#store?.close();
    this.#store = undefined;
    this.engine = undefined;
    this.life += 1;
    if (disk === "same") return;
    this.#disk = undefined;
    this.seen = undefined;
  }

  get isReady(): boolean {
    return this.engine?.readiness().ready === true;
  }
}
