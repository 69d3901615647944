/**
 * The way to the script: a link that is checked before it is used, and given up as soon as it fails. While there
 * is none, whatever is asked fails at once. Nothing is queued, and nothing is sent twice.
 */
import { randomUUID } from "node:crypto";
import type { Readiness } from "../../answer.ts";
import { messageOf } from "../../fault.ts";
import { StateUnavailable } from "../store.ts";
import { type RedisAddress, spellAddress } from "./address.ts";
import { healthOf, type ServerHealth } from "./health.ts";
import { functionsOf, hasNoFunctions, type Library, scriptOf } from "./library.ts";
import { type Link, type OpenLink, TookTooLong, within } from "./link.ts";
import type { Sightings } from "./sightings.ts";
import { SteadyTime } from "./steady.ts";
import { pause, type Timers } from "./timers.ts";

export interface ConnectionParts {
  readonly address: RedisAddress;
  readonly script: string;
  readonly openLink: OpenLink;
  /** Milliseconds by a clock that nobody sets. */
  readonly monotonic: () => number;
  readonly timers: Timers;
  /** One answer may take so long. */
  readonly timeoutMs: number;
  /** So long a server that is new, or was restarted, answers nobody. */
  readonly settleMs: number;
  /** What the last process here saw of the store; missing where nothing outlives this one. */
  readonly sightings?: Sightings | undefined;
  /** Told once of each thing worth knowing. */
  readonly onNotice: (notice: string) => void;
}

export interface Connection {
  /** What the script answers; its first member is never a refusal of the whole store. */
  run(operation: string, keys: readonly string[], args: readonly string[]): Promise<Reply>;
  /** A command that leaves state alone: it reads. */
  read(command: readonly string[]): Promise<unknown>;
  /** What another read than those here has seen: how much had been kept of which generation. */
  saw(generation: string, writes: number): void;
  readonly steady: SteadyTime;
  /** Names what the store has been since the last loss that was confirmed. */
  readonly generation: string;
  /** That of the last server that was known to lack nothing: another one stands here only after a confirmation. */
  readonly wholeGeneration: string;
  readiness(): Readiness;
  close(): void;
}

export type Reply = readonly unknown[];

/** Failures in a row after which the link is given up. */
const FAILURES_MOST = 5;
const RETRY_MS = 100;
const CHECK_MS = 1_000;
/** For connecting, and for each thing that is checked then; who decides does not wait for it. */
const CONNECT_MS = 2_000;
/** Where there was a connection before: a server that hears nothing of one attempt is back before the next is given up. */
const RECONNECT_MS = 250;

/** Rejects where the store must not be used, or cannot be reached; later losses are found and made good. */
export async function connect(parts: ConnectionParts): Promise<Connection> {
  const line = new Line(parts);
  try {
    await line.begin();
  } catch (fault) {
    line.close();
    throw fault;
  }
  return line;
}

class Line implements Connection {
  readonly steady: SteadyTime;
  readonly #parts: ConnectionParts;
  readonly #libraries: readonly [Library, Library];
  /** Of the two the one that this server takes. */
  #library: Library;
  readonly #meta: string;
  #link: Link | undefined;
  #why = "not connected yet";
  #warnings: readonly string[] = [];
  #failures = 0;
  #generation: string;
  #wholeGeneration = "";
  #writes: number;
  /** Generations that had ended by a confirmation, with spaces between: a store that is emptied is told of them again. */
  #past = "";
  #connectMs = CONNECT_MS;
  #isClosed = false;
  readonly #noticed = new Set<string>();

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#libraries = [functionsOf(parts.script), scriptOf(parts.script)];
    this.#library = this.#libraries[0];
    this.#meta = `writ:{${parts.address.namespace}}:meta`;
    this.steady = new SteadyTime(parts.monotonic);
    const { generation, writes } = parts.sightings?.last ?? { generation: "", writes: 0 };
    this.#generation = generation;
    this.#writes = writes;
  }

  async begin(): Promise<void> {
    let settling: Settling | undefined;
    do {
      if (settling !== undefined) await pause(this.#parts.timers, SETTLING_MS);
      settling = await this.#establish();
    } while (settling !== undefined);
    this.#connectMs = RECONNECT_MS;
  }

  async run(operation: string, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const link = this.#linkNow();
    const sent = this.steady.mark();
    try {
      const reply = await this.#evaluate(link, operation, keys, args);
      this.#failures = 0;
      return this.#accept(reply, sent, link);
    } catch (fault) {
      this.#failed(fault, link);
      throw unavailable(fault);
    }
  }

  async read(command: readonly string[]): Promise<unknown> {
    const link = this.#linkNow();
    try {
      return await this.#within(link.send(command), this.#parts.timeoutMs);
    } catch (fault) {
      this.#failed(fault, link);
      throw unavailable(fault);
    }
  }

  saw(generation: string, writes: number): void {
    if (generation === this.#generation) this.#see(generation, Math.max(this.#writes, writes));
  }

  get generation(): string {
    return this.#generation;
  }

  get wholeGeneration(): string {
    return this.#wholeGeneration;
  }

  readiness(): Readiness {
    if (this.#link !== undefined) {
      const warnings = this.#warnings;
      return warnings.length === 0 ? { ready: true } : { ready: true, warnings };
    }
    return { ready: false, because: `shared state is out of reach: ${this.#why}` };
  }

  close(): void {
    this.#isClosed = true;
    this.#lose(this.#link, "closed");
  }

  #linkNow(): Link {
    if (this.#link === undefined) throw new StateUnavailable(this.#why);
    return this.#link;
  }

  async #evaluate(
    link: Link,
    operation: string,
    keys: readonly string[],
    args: readonly string[],
    timeoutMs = this.#parts.timeoutMs,
  ): Promise<Reply> {
    const rest = [
      String(keys.length + 1),
      this.#meta,
      ...keys,
      operation,
      this.#generation,
      String(this.#writes),
      String(this.steady.expectedMs ?? ""),
      ...args,
    ];
    const send = async () =>
      asReply(await this.#within(link.send([...this.#library.call, ...rest]), timeoutMs));
    try {
      return await send();
    } catch (fault) {
      // Somebody emptied the server of what it was given: nothing was done yet.
      if (!this.#library.isForgotten(fault)) throw fault;
      await this.#load(link, timeoutMs);
      return await send();
    }
  }

  async #load(link: Link, timeoutMs: number): Promise<void> {
    const [functions, script] = this.#libraries;
    try {
      await this.#within(link.send(functions.load), timeoutMs);
      this.#library = functions;
    } catch (fault) {
      if (!hasNoFunctions(fault)) throw fault;
      await this.#within(link.send(script.load), timeoutMs);
      this.#library = script;
    }
  }

  #accept(reply: Reply, sent: number, link: Link): Reply {
    const [status, now, writes, reason] = reply;
    this.steady.learn(Number(now), sent);
    try {
      if (status === "lost") throw new StateUnavailable(lostWhy(reason, this.#parts.address));
      if (status === "new" || status === "settling") throw new StateUnavailable(COMES_BACK);
      this.#see(this.#generation, Math.max(this.#writes, Number(writes)));
      return reply;
    } catch (fault) {
      this.#giveUp(link, messageOf(fault));
      throw fault;
    }
  }

  /** Kept before anybody hears of it. */
  #see(generation: string, writes: number): void {
    if (generation === this.#generation && writes === this.#writes) return;
    this.#parts.sightings?.keep({ generation, writes });
    this.#generation = generation;
    this.#writes = writes;
  }

  #failed(fault: unknown, link: Link): void {
    if (fault instanceof StateUnavailable) return;
    this.#failures += 1;
    // One answer that came late says little; a server that takes no changes says it of all.
    if (this.#failures < FAILURES_MOST && !refusesAll(fault)) return;
    this.#giveUp(link, messageOf(fault));
  }

  #lose(link: Link | undefined, why: string): void {
    if (link === undefined || this.#link !== link) return;
    this.#link = undefined;
    this.#why = why;
    link.end();
  }

  #isRecovering = false;

  async #recover(): Promise<void> {
    if (this.#isRecovering) return;
    this.#isRecovering = true;
    while (!this.#isClosed && this.#link === undefined) {
      try {
        await this.#establish();
      } catch (fault) {
        this.#why = messageOf(fault);
      }
      if (this.#link === undefined) await pause(this.#parts.timers, RETRY_MS, { idle: true });
    }
    this.#isRecovering = false;
  }

  /** A link that has been checked, in use; or still settling, and closed again. */
  async #establish(): Promise<Settling | undefined> {
    const link = await this.#open(this.#parts.address);
    try {
      const server = await this.#check(link);
      await this.#load(link, this.#connectMs);
      const settling = await this.#greet(link, server);
      if (settling !== undefined) {
        link.end();
        this.#why = COMES_BACK;
        return settling;
      }
    } catch (fault) {
      link.end();
      throw fault;
    }
    this.#use(link);
    return undefined;
  }

  /** Of a cluster, the node that has this namespace: all of its keys are in one slot. */
  async #open(address: RedisAddress): Promise<Link> {
    const link = await this.#parts.openLink(address, this.#connectMs);
    try {
      await this.#within(link.send(["HLEN", this.#meta]), this.#connectMs);
      return link;
    } catch (fault) {
      link.end();
      const moved = movedTo(fault);
      if (moved === undefined) throw fault;
      return await this.#parts.openLink({ ...address, ...moved }, this.#connectMs);
    }
  }

  async #check(link: Link): Promise<ServerHealth> {
    const health = healthOf(String(await this.#within(link.send(["INFO"]), this.#connectMs)));
    const { refusal, warnings } = health;
    if (refusal !== undefined) throw new StateUnavailable(refusal);
    this.#warnings = warnings;
    for (const warning of warnings) this.#notice(warning);
    return health;
  }

  async #greet(link: Link, { run, evicted }: ServerHealth): Promise<Settling | undefined> {
    const sent = this.steady.mark();
    const args = [run, randomUUID(), String(this.#parts.settleMs), String(evicted), this.#past];
    const reply = await this.#evaluate(link, "hello", [], args, this.#connectMs);
    const [status, now, writes, lost, generation, past] = reply;
    if (status === "format") throw new StateUnavailable(formatWhy(reply, this.#parts.address));
    this.steady.learn(Number(now), sent);
    // Also where something is lost: that was said by now, and stands there until somebody confirms.
    const known = generation === this.#generation ? this.#writes : 0;
    this.#see(String(generation), Math.max(known, Number(writes)));
    if (status === "lost") throw new StateUnavailable(lostWhy(lost, this.#parts.address));
    // Not before: what is only said to be lost has not ended.
    this.#past = String(past);
    this.#wholeGeneration = String(generation);
    return status === "settling" ? { settling: true } : undefined;
  }

  #use(link: Link): void {
    if (this.#isClosed) {
      link.end();
      return;
    }
    this.#link = link;
    this.#failures = 0;
    void link.ended.then((error) => this.#giveUp(link, error.message));
    this.#keepChecking(link);
  }

  /** What was right at the start may be otherwise by now, also where nothing is asked for a while. */
  #keepChecking(link: Link): void {
    const { timers } = this.#parts;
    timers.after(CHECK_MS, () => void this.#checkAgain(link), { idle: true });
  }

  async #checkAgain(link: Link): Promise<void> {
    if (this.#link !== link) return;
    try {
      const server = await this.#check(link);
      if (await this.#isWhole(link, server)) return this.#keepChecking(link);
      if ((await this.#greet(link, server)) !== undefined) throw new StateUnavailable(COMES_BACK);
    } catch (fault) {
      if (fault instanceof TookTooLong) this.#failed(fault, link);
      else this.#giveUp(link, messageOf(fault));
    }
    this.#keepChecking(link);
  }

  /** Whether nothing is missing, as far as can be told without saying so to others. */
  async #isWhole(link: Link, { evicted }: ServerHealth): Promise<boolean> {
    const asked = ["HMGET", this.#meta, "generation", "writes", "lost", "evicted"];
    const seen = this.#writes;
    const told = (await this.#within(link.send(asked), this.#connectMs)) as readonly unknown[];
    const [generation, writes, lost, evictedBefore] = told;
    if (generation !== this.#generation || lost !== null) return false;
    if (Number(writes) < seen || Number(evictedBefore) !== evicted) return false;
    this.#see(this.#generation, Math.max(this.#writes, Number(writes)));
    await this.#parts.sightings?.sync();
    return true;
  }

  #giveUp(link: Link, why: string): void {
    this.#lose(link, why);
    void this.#recover();
  }

  #within<Answered>(answer: Promise<Answered>, timeoutMs: number): Promise<Answered> {
    return within(answer, timeoutMs, this.#parts.timers);
  }

  #notice(notice: string): void {
    if (this.#noticed.has(notice)) return;
    this.#noticed.add(notice);
    this.#parts.onNotice(notice);
  }
}

interface Settling {
  readonly settling: true;
}

const SETTLING_MS = 50;
const COMES_BACK = "Redis has just come back";

function asReply(reply: unknown): Reply {
  if (Array.isArray(reply) && typeof reply[0] === "string") return reply;
  throw new Error("the script gave no answer");
}

/** Of a server that will say the same of every change, also as older ones put it, inside another error. */
const REFUSES_ALL =
  /(?:^|[ -])(?:READONLY|OOM|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|MOVED|ASK|CLUSTERDOWN|NOAUTH|NOPERM)\b/;

function refusesAll(fault: unknown): boolean {
  return REFUSES_ALL.test(messageOf(fault));
}

function movedTo(fault: unknown): Pick<RedisAddress, "host" | "port"> | undefined {
  const [, host, port] = /^MOVED \d+ (.*):(\d+)$/.exec(messageOf(fault)) ?? [];
  if (host === undefined || host === "" || port === undefined) return undefined;
  return { host, port: Number(port) };
}

/** An operator must look: what is lost may have been a limit, a latch, or that a session was ended. */
function lostWhy(reason: unknown, address: RedisAddress): string {
  return `Redis has lost state (${String(reason)}); when it is right to go on with what it has, say so with \`writ state confirm ${spellAddress(address)} --because "why"\``;
}

function formatWhy([, theirs, own]: Reply, { namespace }: RedisAddress): string {
  return `the namespace \`${namespace}\` was begun by another version of Writ (its format is ${String(theirs)}, this one reads ${String(own)}): name another one in the address`;
}

function unavailable(fault: unknown): StateUnavailable {
  if (fault instanceof StateUnavailable) return fault;
  const because = fault instanceof TookTooLong ? fault.message : `Redis: ${messageOf(fault)}`;
  return new StateUnavailable(because, { cause: fault });
}
