/** Random calls under one policy after the other, on one store, held against a model after each. */
import type { Answer } from "../../../engine/answer.ts";
import { History } from "../../../engine/audit/history.ts";
import type { Decision } from "../../../engine/decision.ts";
import { messageOf } from "../../../engine/fault.ts";
import type { SessionFacts } from "../../../engine/request-reader.ts";
import type { StateView } from "../../../engine/state/store.ts";
import { keyOf } from "../../../engine/value.ts";
import { spellTime } from "../../../lang/scalar/time.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { outcomeOf, START } from "../../support/engine.ts";
import { Model, type Past } from "./swap-model.ts";
import {
  counterOf,
  latchOf,
  type Per,
  randomPolicy,
  type Swapped,
  type Tool,
} from "./swap-policies.ts";
import { type Broken, IDLE_MS, type Looked, type Reopened, type SwapEngine } from "./swap-state.ts";

const SESSIONS = ["s", "t", "u"];
const AGENTS = ["bot", "ann"];
const TEXTS = ["US1100", "US2200", "US3300"];

function keysOf(per: Per, { levels }: Swapped): readonly string[] {
  return { session: SESSIONS, agent: AGENTS, "resource.sensitivity": levels }[per];
}

/** A level stands there as its position. */
function storedKey(key: string, per: Per, { levels }: Swapped): string {
  return keyOf([per === "resource.sensitivity" ? levels.indexOf(key) : key]);
}

/** What the store said otherwise than the model, with all that led there. */
export interface Swaps {
  readonly wrong?: string;
  /** How often it happened. */
  readonly hits: ReadonlyMap<string, number>;
}

export async function swaps(state: Reopened, seed: number, steps: number): Promise<Swaps> {
  const random = randomFrom(seed);
  const originChance = random.pick([0.6, 1]);
  const policies = [1, 2, 3].map(() => randomPolicy(random, originChance));
  const run = new Run(state, random, policies);
  for (let at = 0; at < steps && run.wrong === undefined; at++) await run.step();
  await run.stop();
  const { wrong, hits } = run;
  return { ...(wrong === undefined ? {} : { wrong }), hits };
}

/** One that decides. */
interface Process {
  policy: Swapped;
  engine: SwapEngine;
  /** Whether anything was decided by this engine yet. */
  hasDecided: boolean;
  /** Whether it is to be given yet what the log knows. */
  isDue: boolean;
}

class Run {
  wrong: string | undefined;
  readonly hits = new Map<string, number>();
  readonly #random: Random;
  readonly #policies: readonly Swapped[];
  #model: Model;
  /** Whether tables but that of sessions are full as well: then what is new is not kept, and said to be unknown. */
  readonly #isTight: boolean;
  readonly #story: string[] = [];
  readonly #open = new Map<string, Past>();
  readonly #settled = new Map<string, "ok" | "error">();
  readonly #processes: Process[];
  /** Of several processes each knows since when those count that are like it. */
  #isLateKnown: boolean;
  /** What was decided and reported, as an audit log has it; missing where nothing is filled in. */
  readonly #log: (Parameters<History["add"]>[0] & Readonly<Record<string, unknown>>)[] | undefined;
  #state: Reopened;
  #nowMs = START;
  #count = 0;

  constructor(state: Reopened, random: Random, policies: readonly Swapped[]) {
    this.#state = state;
    this.#random = random;
    this.#policies = policies;
    this.#isTight = state.limits.keyCount !== undefined;
    this.#model = new Model(state.limits.sessionIdleMs);
    this.#isLateKnown = state.processCount === 1;
    // Not of full tables: what finds no room there, or finds some later, is left out.
    const isFilled = state.processCount === 1 && !this.#isTight && state.link === undefined;
    this.#log = isFilled && random.chance(0.6) ? [] : undefined;
    this.#processes = Array.from({ length: state.processCount }, (_, at) =>
      this.#begin(random.pick(policies), at),
    );
  }

  async stop(): Promise<void> {
    await this.#state.stop();
  }

  async step(): Promise<void> {
    const goneBefore = new Set(this.#state.gone?.());
    await this.#act();
    for (const meaning of this.#state.gone?.() ?? []) {
      if (!goneBefore.has(meaning)) this.#hit("went");
    }
  }

  async #act(): Promise<void> {
    const random = this.#random;
    this.#pass();
    const at = random.below(this.#processes.length);
    const process = this.#processes[at];
    if (process === undefined) throw new Error("there is no process");
    if (this.#log !== undefined && random.chance(0.5)) await this.#fill(process);
    if (random.chance(0.05)) this.#state.link?.break(random);
    if (random.chance(0.004)) await this.#restartServer();
    else if (random.chance(0.006)) await this.#lose();
    else if (random.chance(0.1)) await this.#swap(at);
    else if (random.chance(0.09)) await this.#restart(at);
    else if (random.chance(0.11)) await this.#operate(process);
    else if (this.#open.size > 0 && random.chance(0.45)) await this.#report(process);
    else if (this.#settled.size > 0 && random.chance(0.06)) await this.#reportAgain(process);
    else await this.#ask(process);
    if (random.chance(0.7)) this.#state.flush();
    await this.#compare(process);
  }

  /** Often as long as it takes until a session may be forgotten, a little less or more. */
  #pass(): void {
    const random = this.#random;
    this.#nowMs += random.chance(0.8) ? random.below(3_000) : random.below(200_000);
    if (random.chance(0.08)) this.#nowMs += IDLE_MS - 60_000 + random.below(90_000);
    if (random.chance(0.01)) this.#nowMs += 26 * 3_600_000;
  }

  #begin(policy: Swapped, at: number): Process {
    const { program } = policy;
    const parts = {
      program,
      digest: this.#digestOf(policy),
      clock: () => this.#nowMs,
      ids: { decision: () => "d", call: () => `c${++this.#count}` },
    };
    return { policy, engine: this.#state.engine(parts, at), hasDecided: false, isDue: true };
  }

  #digestOf(policy: Swapped): string {
    return `sha256:${this.#policies.indexOf(policy)} ${policy.text.length}`;
  }

  async #swap(at: number): Promise<void> {
    await this.#fillDue(at);
    // What two policies decided in one millisecond is not told apart.
    this.#nowMs += 1;
    const policy = this.#random.pick(this.#policies);
    this.#processes[at] = this.#begin(policy, at);
    this.#tell(`policy ${this.#policies.indexOf(policy)} in ${at}`);
    this.#hit("swap");
  }

  async #fillDue(at: number): Promise<void> {
    const process = this.#processes[at];
    if (this.#log !== undefined && process !== undefined) await this.#fill(process);
  }

  async #restart(at: number): Promise<void> {
    const random = this.#random;
    await this.#fillDue(at);
    this.#state = await this.#state.restart(random.chance(0.5), at);
    if (random.chance(0.5)) this.#nowMs += IDLE_MS - random.below(20_000);
    const before = this.#processes[at]?.policy ?? random.pick(this.#policies);
    const policy = random.chance(0.5) ? random.pick(this.#policies) : before;
    this.#nowMs += 1;
    this.#processes[at] = this.#begin(policy, at);
    this.#tell(`restart of ${at} under policy ${this.#policies.indexOf(policy)}`);
    this.#hit("restart");
  }

  async #restartServer(): Promise<void> {
    const { link } = this.#state;
    if (link === undefined) return;
    await link.restart();
    this.#tell("restart of the server");
    this.#hit("server restart");
  }

  async #lose(): Promise<void> {
    const { link } = this.#state;
    if (link === undefined) return;
    const request = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: "check" } };
    const codes: string[] = [];
    await link.lose(async () => {
      for (const { engine } of this.#processes) codes.push(codeOf(await engine.decide(request)));
    });
    this.#tell(`all is lost: ${codes.join()}`);
    this.#hit("lost");
    if (!codes.every((code) => code === "state_unavailable")) this.#isWrong("it went on");
    this.#model = new Model(this.#state.limits.sessionIdleMs);
    this.#open.clear();
    this.#settled.clear();
    this.#isLateKnown = false;
  }

  async #ask(process: Process): Promise<void> {
    const random = this.#random;
    const { policy, engine } = process;
    const tool = this.#toolOf(policy);
    const session = random.pick(SESSIONS);
    const agent = random.pick(AGENTS);
    const to = tool === "pay" || tool === "note" ? random.pick(TEXTS) : undefined;
    const n = tool === "pay" ? 1 + random.below(5) : 0;
    const isStep = policy.sequence !== undefined && tool !== "stop" && random.chance(0.4);
    const isLevelled = !isStep && policy.levels.length > 0 && random.chance(0.4);
    const level = isLevelled ? random.pick(policy.levels) : undefined;
    // Where the rule that ends a session brings it to be, in a full table, an instruction is kept or not.
    const isInstructed = tool !== "stop" && random.chance(0.3);
    const instruction = isInstructed ? random.pick(TEXTS) : undefined;
    const request = {
      agent: { id: agent },
      session: { id: session },
      tool: { name: tool, args: { ...(to && { to }), ...(tool === "pay" ? { n } : {}) } },
      ...(level === undefined ? {} : { resource: { type: "file", id: "f", sensitivity: level } }),
      intent: { ...(isStep && { task: "errand" }), ...(instruction && { instruction }) },
    };
    const answer = await engine.decide(request);
    const broken = await this.#state.link?.broken();
    this.#tell(
      `${this.#at(process)}: ${JSON.stringify(request)} → ${JSON.stringify(answer)}${toldOf(broken)}`,
    );
    const code = codeOf(answer);
    if (code === "invalid_request") throw new Error("a request is none of the policy");
    this.#hit(broken === undefined ? code : `broken${toldOf(broken)}`);
    const wasInterrupted = this.#model.lives.get(session)?.isInterrupted === true;
    await this.#observe(policy);
    if (broken !== undefined && code !== "state_unavailable") this.#isWrong("it was not asked");
    // Where it was said of a policy that it decides, and nothing was kept, it is late from another time on.
    if (broken?.isKept === false) this.#isLateKnown = false;
    if (broken?.isKept === false) return;
    process.hasDecided = true;
    // Of what was kept and not told, nobody hears the name of the call.
    const call = `c${this.#count}`;
    const allowed = broken === undefined ? code === "allow" : broken.given.includes(call);
    const life = this.#model.lives.get(session);
    const expected = this.#expectedOf({ session, tool, isStep, wasInterrupted }, policy);
    const isRight = broken === undefined ? code === expected : allowed === (expected === "allow");
    const isFull = life === undefined || (this.#isTight && code === "state_unavailable");
    if (isFull ? allowed && expected !== "allow" : !isRight) this.#isWrong(`not ${expected}`);
    if (life === undefined && allowed) this.#isWrong("there is no such session");
    if (life !== undefined && instruction !== undefined) {
      this.#model.instruct(life, instruction, policy);
    }
    if (life !== undefined && tool === "stop") life.isInterrupted = true;
    const asked = { policy, atMs: this.#nowMs, tool, session, agent, life, to, n, level };
    const past = this.#model.decided({ ...asked, allowed, isStep });
    this.#log?.push({
      ...{
        kind: "decision",
        at: spellTime(this.#nowMs),
        policy: { digest: this.#digestOf(policy) },
      },
      ...{ decision: allowed ? "allow" : "deny", code, whole: { request, now: this.#nowMs } },
      ...(allowed && { call }),
    });
    if (allowed) this.#open.set(call, past);
  }

  #at(process: Process): number {
    return this.#processes.indexOf(process);
  }

  /** What ends a session is called less often than the rest. */
  #toolOf({ tools }: Swapped): Tool {
    const tool = this.#random.pick(tools);
    return tool === "stop" && this.#random.chance(0.8) ? "check" : tool;
  }

  #expectedOf(
    asked: {
      readonly session: string;
      readonly tool: Tool;
      readonly isStep: boolean;
      readonly wasInterrupted: boolean;
    },
    policy: Swapped,
  ): string {
    const { session, tool, isStep, wasInterrupted } = asked;
    if (wasInterrupted) return "session_interrupted";
    if (tool === "stop") return "forbidden";
    return isStep ? this.#model.step(session, tool, this.#nowMs, policy) : "allow";
  }

  async #report(process: Process): Promise<void> {
    const random = this.#random;
    const { policy, engine } = process;
    const [call, past] = random.pick([...this.#open]);
    const status = random.chance(0.75) ? ("ok" as const) : ("error" as const);
    const value = random.chance(0.4) ? random.pick(TEXTS) : undefined;
    const label = random.chance(0.2) ? random.pick(policy.labels) : undefined;
    const isLevelled = policy.levels.length > 0 && random.chance(0.3);
    const level = isLevelled ? random.pick(policy.levels) : undefined;
    const body = {
      ...{ call, status },
      ...(value && { values: value }),
      ...(label && { labels: [label] }),
      ...(level && { sensitivity: level }),
    };
    const answer = await engine.outcome(body);
    const broken = await this.#state.link?.broken();
    this.#tell(
      `${this.#at(process)}: ${JSON.stringify(body)} → ${JSON.stringify(answer)}${toldOf(broken)}`,
    );
    this.#hit(broken === undefined ? `outcome ${answer.kind}` : `outcome broken${toldOf(broken)}`);
    await this.#observe(policy);
    if (answer.kind === "unavailable" && broken?.isKept !== true) return;
    if (answer.kind === "unknown_call") {
      // After its time it made room.
      this.#open.delete(call);
      const isOver = this.#nowMs - past.atMs > (this.#state.limits.reservationMs ?? Infinity);
      if (!isOver) this.#isWrong("its outcome is not taken");
      return;
    }
    if (answer.kind !== "answer" && broken === undefined) {
      throw new Error(`an outcome was ${answer.kind}`);
    }
    this.#open.delete(call);
    this.#settled.set(call, status);
    this.#log?.push({
      kind: "outcome",
      at: spellTime(this.#nowMs),
      call,
      status,
      settlement: "settled",
    });
    this.#model.settled(past, { status, value, label, level }, this.#nowMs, policy);
  }

  /** Which changes nothing, whatever it says. */
  async #reportAgain({ engine }: Process): Promise<void> {
    const random = this.#random;
    const [call, before] = random.pick([...this.#settled]);
    const status = random.chance(0.5) ? "ok" : "error";
    const { kind } = await engine.outcome({ call, status, values: random.pick(TEXTS) });
    const broken = await this.#state.link?.broken();
    this.#tell(`${call} is ${status} again → ${kind}`);
    this.#hit(`again ${kind}`);
    const expected = status === before ? "answer" : "already_settled";
    if (kind !== (broken === undefined ? expected : "unavailable")) {
      this.#isWrong(`not ${expected}`);
    }
  }

  async #operate({ engine, policy }: Process): Promise<void> {
    const random = this.#random;
    const ended = SESSIONS.filter((id) => this.#model.lives.get(id)?.isInterrupted);
    const isLetGo = ended.length > 0 && random.chance(0.7);
    const id = random.pick(isLetGo ? ended : SESSIONS);
    const what = isLetGo
      ? "reinstate"
      : random.pick(["interrupt", "reinstate", "declassify", "declassify"] as const);
    const label = random.pick(["untrusted", "private"]);
    // What was looked at meanwhile may have made room.
    await this.#observe(policy);
    const before = this.#model.lives.get(id);
    const expected =
      what === "reinstate" ? before?.isInterrupted === true : before?.labels.has(label) === true;
    const order = async () =>
      what === "declassify"
        ? await engine.sessions.declassify(id, label)
        : await engine.sessions[what](id);
    const told = await order().catch(messageOf);
    const broken = await this.#state.link?.broken();
    this.#tell(`${what} ${id} ${what === "declassify" ? label : ""} → ${told}${toldOf(broken)}`);
    this.#hit(what);
    await this.#observe(policy);
    if (broken?.isKept === false) return;
    const done = broken === undefined ? told : expected;
    const life = this.#model.lives.get(id);
    if (what === "interrupt") {
      if (life === undefined) this.#isWrong("it is not there");
      else life.isInterrupted = true;
      return;
    }
    if (done !== expected) this.#isWrong(`not ${expected}`);
    if (life === undefined) return;
    if (what === "reinstate") life.isInterrupted = false;
    else life.labels.delete(label);
  }

  /** Once for each policy that comes into force, before the next does. */
  async #fill(process: Process): Promise<void> {
    const { engine, policy } = process;
    const { backfill } = engine;
    if (!process.isDue) return;
    process.isDue = false;
    const missing = await backfill?.missing();
    if (backfill === undefined || missing === undefined) return;
    const history = new History({
      program: policy.program,
      digest: this.#digestOf(policy),
      ...missing,
    });
    for (const [line, record] of this.#log?.entries() ?? []) history.add(record, line);
    const past = history.past();
    if (past === undefined) return;
    const late = backfill.since();
    await backfill.fill(past);
    this.#tell(`filled in: ${JSON.stringify(past)}`);
    this.#hit("filled in");
    this.#model.inForce(policy, this.#nowMs);
    const lateOf = (indices: ReadonlyMap<number, number> = new Map(), texts: readonly string[]) =>
      [...indices].flatMap(([index, sinceMs]) =>
        past.fromMs < sinceMs ? [texts[index] ?? ""] : [],
      );
    const counters = lateOf(late?.counters, policy.counters);
    const latches = lateOf(late?.latches, policy.latches);
    for (const declared of [...counters, ...latches]) {
      this.#model.filled(declared, policy, past.fromMs, this.#nowMs);
    }
    await this.#observe(policy);
  }

  // ── What is there ────────────────────────────────────────────────────────────────────────────────────────

  async #observe(policy: Swapped): Promise<void> {
    for (const sessionId of SESSIONS) {
      const asked = { sessionId, nowMs: this.#nowMs };
      this.#met(sessionId, await this.#state.look(policy, asked, ({ facts }) => facts));
    }
  }

  #met(id: string, facts: SessionFacts | undefined): void {
    const before = this.#model.lives.get(id);
    const isRight = this.#model.observe(id, facts?.startedAtMs, this.#nowMs);
    if (!isRight) this.#isWrong(`session ${id} was forgotten`);
    if (before !== undefined && this.#model.lives.get(id) !== before) this.#hit("forgotten");
  }

  async #compare(process: Process): Promise<void> {
    const { policy } = process;
    // What is filled in says since when it counts, whatever was decided meanwhile.
    const isLateKnown = this.#isLateKnown && this.#log === undefined;
    if (isLateKnown && process.hasDecided) this.#compareLate(process);
    for (const at of [0, 1, 2, 3]) {
      const sessionId = SESSIONS[at] ?? "";
      const asked = { sessionId, nowMs: this.#nowMs };
      const { facts, checks } = await this.#state.look(policy, asked, (looked) => ({
        facts: looked.facts,
        checks: this.#readingsAt(at, looked, process),
      }));
      // What is read in a full table makes room, of others that were idle.
      if (SESSIONS.includes(sessionId)) this.#met(sessionId, facts);
      for (const check of checks) check();
    }
  }

  #compareLate({ policy, engine }: Process): void {
    const late = engine.late();
    for (const [index, declared] of policy.counters.entries()) {
      const expected = this.#model.late(declared, this.#nowMs);
      this.#expect(`${declared} late`, late?.counters.get(index), expected);
    }
    for (const [index, declared] of policy.latches.entries()) {
      const expected = this.#model.late(declared, this.#nowMs);
      this.#expect(`${declared} late`, late?.latches.get(index), expected);
    }
  }

  /** Of the `at`th key of each declaration, and of the `at`th session: one decision has one key for each. */
  #readingsAt(
    at: number,
    { view, facts }: Looked,
    { policy, engine }: Process,
  ): readonly (() => void)[] {
    const model = this.#model;
    const isLate = (index: number) => engine.late()?.latches.has(index) === true;
    const checks: (() => void)[] = [];
    for (const [index, declared] of policy.counters.entries()) {
      const { per } = counterOf(declared);
      const key = keysOf(per, policy)[at];
      if (key === undefined) continue;
      const reading = view.counter(index, storedKey(key, per, policy));
      checks.push(() => {
        const [all, most] = model.counter(declared, key, this.#nowMs);
        if (reading === "unavailable" && this.#isTight) return this.#hit("no room");
        // What there was no room for is not counted, and none of it was allowed.
        const least = this.#isTight && counterOf(declared).base === "attempts" ? 0 : all;
        const isIn = typeof reading === "number" && least <= reading && reading <= most;
        if (!isIn) this.#isWrong(`${declared} of ${key} is ${reading}, not ${least} to ${most}`);
      });
    }
    for (const [index, declared] of policy.latches.entries()) {
      const { per } = latchOf(declared);
      const key = keysOf(per, policy)[at];
      if (key === undefined) continue;
      const reading = view.latch(index, storedKey(key, per, policy));
      checks.push(() => {
        if (reading === "pending") this.#hit("pending");
        if (reading === "unavailable" && this.#isTight) return this.#hit("no room");
        if (!model.isFilled(declared)) {
          return this.#expect(`${declared} of ${key}`, reading, model.latch(declared, key));
        }
        // What it says for sure is so, where it does not say that it knows too little.
        if (reading === "pending" || isLate(index)) return;
        this.#hit("filled latch");
        this.#expect(`${declared} of ${key}, filled in`, reading, model.latch(declared, key, true));
      });
    }
    const id = SESSIONS[at];
    if (id === undefined || facts === undefined) return checks;
    const found = policy.asksOrigin ? TEXTS.map((text) => view.origin(text)) : [];
    return [...checks, () => this.#compareSession(id, facts, found, policy)];
  }

  #compareSession(
    id: string,
    { labels, sensitivity, interrupted }: SessionFacts,
    found: readonly ReturnType<StateView["origin"]>[],
    policy: Swapped,
  ): void {
    const model = this.#model;
    const life = model.lives.get(id);
    this.#expect(`labels of ${id}`, [...labels].sort(), [...(life?.labels ?? [])].sort());
    this.#expect(`${id} is ended`, interrupted, life?.isInterrupted);
    const expected = model.sensitivity(id, policy);
    if (expected > 0) this.#hit("sensitive");
    this.#expect(`sensitivity of ${id}`, sensitivity, expected);
    for (const [at, origin] of found.entries()) {
      const text = TEXTS[at] ?? "";
      if (origin === "unavailable") this.#hit("origin unavailable");
      const told = origin === "unavailable" ? origin : [...origin].sort();
      this.#expect(`origin of ${text} in ${id}`, told, model.origin(id, text));
    }
  }

  #expect(what: string, found: unknown, wanted: unknown): void {
    const [is, should] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (is !== should) this.#isWrong(`${what} is ${is}, not ${should}`);
  }

  #isWrong(what: string): void {
    const policies = this.#policies.map(({ text }, index) => `policy ${index}:\n${text}`);
    this.wrong ??= [...policies, ...this.#story, what].join("\n");
  }

  #tell(what: string): void {
    this.#story.push(`${new Date(this.#nowMs).toISOString()} ${what}`);
  }

  #hit(what: string): void {
    this.hits.set(what, (this.hits.get(what) ?? 0) + 1);
  }
}

function codeOf(answer: Answer<Decision>): string {
  if (answer.kind !== "answer") throw new Error(`a request was ${answer.kind}`);
  return outcomeOf(answer.value);
}

function toldOf(broken: Broken | undefined): string {
  if (broken === undefined) return "";
  return broken.isKept ? ", and it was kept" : ", and nothing was kept";
}
