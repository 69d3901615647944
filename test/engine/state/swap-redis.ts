/** State in Redis for random histories: some processes on one place, each with a connection of its own, that breaks. */
import { setTimeout as pause } from "node:timers/promises";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import type { DecisionRequest } from "../../../engine/request.ts";
import { createSharedEngine } from "../../../engine/shared-engine.ts";
import type { RedisAddress } from "../../../engine/state/redis/address.ts";
import { confirmLoss } from "../../../engine/state/redis/confirm.ts";
import { type Link, type OpenLink, openLink } from "../../../engine/state/redis/link.ts";
import { SCRIPT } from "../../../engine/state/redis/script.ts";
import { connectRedis, type RedisStore } from "../../../engine/state/redis/store.ts";
import type { SharedState } from "../../../engine/state/shared.ts";
import type { Random } from "../../differential/random.ts";
import { START } from "../../support/engine.ts";
import type { TestRedis } from "../../support/redis.ts";
import { redisAt } from "../../support/redis-address.ts";
import type { Swapped } from "./swap-policies.ts";
import type { Broken, Reopened, SwapLimits, SwapLink } from "./swap-state.ts";

/** The script as it is, but for whose time it asks: here it is told. */
const TOLD_TIME = SCRIPT.replace(
  "redis.call('TIME')",
  "redis.call('HMGET', META, 'test_s', 'test_us')",
);
const ANSWER_MS = 10_000;

/** A server that loses nothing when it ends, and starts at once. */
export const LASTING = ["--appendonly", "yes", "--appendfsync", "always"];

export async function inRedis(
  server: TestRedis,
  namespace: string,
  processCount: number,
  limits: SwapLimits,
): Promise<Reopened> {
  const address = redisAt(`redis://127.0.0.1:${server.port}/${namespace}`);
  const place = new Place(server, address, limits);
  await place.tell(START);
  await place.connect(processCount);
  return reopened(place);
}

class Place {
  readonly stores: RedisStore[] = [];
  readonly limits: SwapLimits;
  readonly #server: TestRedis;
  readonly #address: RedisAddress;
  readonly #breaking = new Breaking();
  readonly #observed = new Map<Swapped, SharedState>();
  /** Of no process: what it looks at, none of them learns. */
  #observer: RedisStore | undefined;
  #teller: Link | undefined;
  #nowMs = START;
  /** Missing where the server was told nothing. */
  #toldMs: number | undefined;

  constructor(server: TestRedis, address: RedisAddress, limits: SwapLimits) {
    this.limits = limits;
    this.#server = server;
    this.#address = address;
  }

  async connect(processCount: number): Promise<void> {
    this.#observer = await this.#connectBy(openLink);
    for (let at = 0; at < processCount; at++) {
      this.stores.push(await this.#connectBy(this.#breaking.openLink));
    }
  }

  #connectBy(open: OpenLink): Promise<RedisStore> {
    return connectRedis({
      ...{ address: this.#address, limits: this.limits, script: TOLD_TIME, openLink: open },
      ...{ timeoutMs: ANSWER_MS, settleMs: 0, monotonic: () => this.#nowMs },
    });
  }

  async tell(nowMs: number): Promise<void> {
    if (nowMs !== this.#toldMs) await this.#tellServer(nowMs);
    this.#toldMs = nowMs;
  }

  async #tellServer(nowMs: number): Promise<void> {
    this.#nowMs = nowMs;
    const [s, us] = [Math.floor(nowMs / 1_000), (nowMs % 1_000) * 1_000];
    this.#teller ??= await openLink(this.#address, ANSWER_MS);
    await this.#teller.send([
      "HSET",
      this.#key("meta"),
      "test_s",
      String(s),
      "test_us",
      String(us),
    ]);
  }

  #key(name: string): string {
    return `writ:{${this.#address.namespace}}:${name}`;
  }

  at(process: number): RedisStore {
    const store = this.stores[process];
    if (store === undefined) throw new Error("there is no such process");
    return store;
  }

  observe(policy: Swapped): SharedState {
    if (this.#observer === undefined) throw new Error("nobody looks");
    const { program, text } = policy;
    const state =
      this.#observed.get(policy) ??
      this.#observer.open({
        ...{ program, digest: `sha256:${text.length}`, evaluator: generateEvaluator(program) },
      });
    this.#observed.set(policy, state);
    return state;
  }

  async restart(process: number): Promise<void> {
    this.at(process).close();
    this.stores[process] = await this.#connectBy(this.#breaking.openLink);
  }

  // ── What becomes of the way there ────────────────────────────────────────────────────────────────────────

  break(random: Random): void {
    this.#breaking.arm(random);
  }

  async broken(): Promise<Broken | undefined> {
    const broken = this.#breaking.disarm();
    if (broken !== undefined) await this.#untilReady();
    return broken;
  }

  async #untilReady(): Promise<void> {
    const all = [...this.stores, ...(this.#observer === undefined ? [] : [this.#observer])];
    while (!all.every((store) => store.readiness().ready)) await pause(5);
  }

  async restartServer(): Promise<void> {
    this.#breaking.disarm();
    await this.#server.kill();
    await this.#server.start();
    this.#teller = undefined;
    await this.#untilReady();
  }

  async lose(ask: () => Promise<void>): Promise<void> {
    this.#breaking.disarm();
    const keys = (await this.#server.command("KEYS", this.#key("*"))) as readonly string[];
    if (keys.length > 0) await this.#server.command("DEL", ...keys);
    await this.#tellServer(this.#nowMs);
    await ask();
    const confirmation = { operator: "ann", because: "it is known", atMs: this.#nowMs };
    if ((await confirmLoss(this.#address, confirmation)) === undefined) {
      throw new Error("nothing was said to be lost");
    }
    // It was not asked, and has heard of nothing.
    this.#observer?.close();
    this.#observed.clear();
    this.#observer = await this.#connectBy(openLink);
    await this.#untilReady();
  }

  stop(): void {
    for (const store of this.stores) store.close();
    this.#observer?.close();
    this.#teller?.end();
  }
}

/** Links that end when a step is asked for: before it is taken, or before that is told. */
class Breaking {
  readonly openLink: OpenLink = async (...asked) => {
    const link = await openLink(...asked);
    return { ...link, send: (command) => this.#send(link, command) };
  };
  #armed: { left: number; readonly isTaken: boolean } | undefined;
  #broken: Broken | undefined;

  arm(random: Random): void {
    this.#armed = { left: random.below(2), isTaken: random.chance(0.6) };
  }

  disarm(): Broken | undefined {
    const broken = this.#broken;
    this.#armed = undefined;
    this.#broken = undefined;
    return broken;
  }

  #send(link: Link, command: readonly string[]): Promise<unknown> {
    const armed = this.#armed;
    const isStep = STEPS.some((name) => command.includes(name));
    if (armed === undefined || !isStep) return link.send(command);
    armed.left -= 1;
    if (armed.left >= 0) return link.send(command);
    this.#armed = undefined;
    return this.#breakAt(link, command, armed.isTaken);
  }

  async #breakAt(link: Link, given: readonly string[], isTaken: boolean): Promise<never> {
    const reply = isTaken ? await link.send(given) : undefined;
    const isKept =
      CHANGES.some((name) => given.includes(name)) && Array.isArray(reply) && reply[0] === "ok";
    this.#broken = { isKept, given };
    link.end();
    throw new Error("the connection was closed");
  }
}

/** Operations of the script that change what decisions rest on, and those that are asked on the way. */
const CHANGES = ["attempt", "settle", "session"];
const STEPS = [...CHANGES, "counting", "sequence", "call"];

function reopened(place: Place): Reopened {
  const opened: Reopened = {
    processCount: place.stores.length,
    limits: place.limits,
    engine(parts, process) {
      const engine = createSharedEngine({ ...parts, store: place.at(process) });
      const { sessions } = engine;
      const now = () => place.tell(parts.clock());
      return {
        decide: (input) => now().then(() => engine.decide(input)),
        outcome: (input) => now().then(() => engine.outcome(input)),
        sessions: {
          interrupt: (id) => now().then(() => sessions.interrupt(id)),
          reinstate: (id) => now().then(() => sessions.reinstate(id)),
          declassify: (id, label) => now().then(() => sessions.declassify(id, label)),
        },
        late: () => engine.backfill.since(),
      };
    },
    async look(policy, { sessionId, nowMs }, read) {
      await place.tell(nowMs);
      const { seen } = await place.observe(policy).look((guess) => {
        const facts = guess.session(sessionId);
        const view = guess.begin({ nowMs, sessionId });
        return { seen: read({ facts, view }), effects: nothing(sessionId, nowMs) };
      });
      return seen;
    },
    flush: () => {},
    async restart(_, process) {
      await place.restart(process);
      return opened;
    },
    stop: () => place.stop(),
    link: linkOf(place),
  };
  return opened;
}

function linkOf(place: Place): SwapLink {
  return {
    break: (random) => place.break(random),
    broken: () => place.broken(),
    restart: () => place.restartServer(),
    lose: (ask) => place.lose(ask),
  };
}

/** Of a request that only looks, nothing is asked but whose session it is. */
function nothing(sessionId: string, nowMs: number) {
  return { nowMs, sessionId, touches: [], request: {} as DecisionRequest };
}
