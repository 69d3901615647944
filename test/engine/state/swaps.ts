/** Random calls under one policy after the other, on one store, held against a model after each. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createEngine, type Engine } from "../../../engine/engine.ts";
import type { Journal } from "../../../engine/state/journal.ts";
import { createMemoryStore, type MemoryLimits } from "../../../engine/state/memory.ts";
import { PACE } from "../../../engine/state/sqlite/backlog.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../../engine/state/store.ts";
import { keyOf } from "../../../engine/value.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { copyFile } from "../../simulation/faulty-file.ts";
import { outcomeOf, START } from "../../support/engine.ts";
import { SHORT } from "./stores.ts";
import { Model, type Past } from "./swap-model.ts";
import { counterOf, latchOf, type Per, randomPolicy, type Swapped } from "./swap-policies.ts";

const IDLE_MS = 600_000;
const LIMITS: Partial<MemoryLimits> = { sessionCount: 2, sessionIdleMs: IDLE_MS };
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

/** State that may be left and taken up again. */
export interface Reopened {
  readonly store: StateStore;
  /** What was answered so far has left. */
  flush(): void;
  /** As it is once its process has ended; the same where it never does. */
  restart(isKilled: boolean): Reopened;
  stop(): void;
}

export function inMemory(): Reopened {
  const store = createMemoryStore(LIMITS);
  const same: Reopened = { store, flush: () => {}, restart: () => same, stop: () => {} };
  return same;
}

export function inFile(directory: string, starts = 0): Reopened {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${starts}.db`);
  const pace = starts % 2 === 0 ? PACE : SHORT;
  const journal: Journal = openSqliteJournal({ path, limits: LIMITS, pace });
  return {
    store: journal.store,
    flush: () => journal.flush(),
    restart(isKilled) {
      const next = join(directory, `${starts + 1}.db`);
      journal.flush();
      if (!isKilled) journal.close();
      copyFile(path, next);
      journal.close();
      return inFile(directory, starts + 1);
    },
    stop() {
      journal.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** What the store said otherwise than the model, with all that led there. */
export interface Swaps {
  readonly wrong?: string;
  /** How often it happened. */
  readonly hits: ReadonlyMap<string, number>;
}

export function swaps(state: Reopened, seed: number, steps: number): Swaps {
  const random = randomFrom(seed);
  const policies = [1, 2, 3].map(() => randomPolicy(random));
  const run = new Run(state, random, policies);
  for (let at = 0; at < steps && run.wrong === undefined; at++) run.step();
  run.stop();
  const { wrong, hits } = run;
  return { ...(wrong === undefined ? {} : { wrong }), hits };
}

class Run {
  wrong: string | undefined;
  readonly hits = new Map<string, number>();
  readonly #random: Random;
  readonly #policies: readonly Swapped[];
  readonly #model = new Model(IDLE_MS);
  readonly #story: string[] = [];
  readonly #open = new Map<string, Past>();
  #state: Reopened;
  #policy: Swapped;
  #engine: Engine;
  #nowMs = START;
  #count = 0;

  constructor(state: Reopened, random: Random, policies: readonly Swapped[]) {
    this.#state = state;
    this.#random = random;
    this.#policies = policies;
    this.#policy = random.pick(policies);
    this.#engine = this.#begin();
  }

  stop(): void {
    this.#state.stop();
  }

  step(): void {
    const random = this.#random;
    this.#pass();
    if (random.chance(0.1)) this.#swap();
    else if (random.chance(0.09)) this.#restart();
    else if (this.#open.size > 0 && random.chance(0.45)) this.#report();
    else this.#ask();
    if (random.chance(0.7)) this.#state.flush();
    this.#compare();
  }

  /** Often as long as it takes until a session may be forgotten, a little less or more. */
  #pass(): void {
    const random = this.#random;
    this.#nowMs += random.chance(0.8) ? random.below(3_000) : random.below(200_000);
    if (random.chance(0.08)) this.#nowMs += IDLE_MS - 60_000 + random.below(90_000);
    if (random.chance(0.01)) this.#nowMs += 26 * 3_600_000;
  }

  #begin(): Engine {
    const { program, text } = this.#policy;
    return createEngine({
      program,
      digest: `sha256:${this.#policies.indexOf(this.#policy)} ${text.length}`,
      clock: () => this.#nowMs,
      ids: { decision: () => "d", call: () => `c${++this.#count}` },
      store: this.#state.store,
    });
  }

  #swap(): void {
    this.#policy = this.#random.pick(this.#policies);
    this.#engine = this.#begin();
    this.#tell(`policy ${this.#policies.indexOf(this.#policy)}`);
    this.#hit("swap");
  }

  #restart(): void {
    const isKilled = this.#random.chance(0.5);
    this.#state = this.#state.restart(isKilled);
    if (this.#random.chance(0.5)) this.#nowMs += IDLE_MS - this.#random.below(20_000);
    if (this.#random.chance(0.5)) this.#policy = this.#random.pick(this.#policies);
    this.#engine = this.#begin();
    this.#tell(`restart under policy ${this.#policies.indexOf(this.#policy)}`);
    this.#hit("restart");
  }

  #ask(): void {
    const random = this.#random;
    const policy = this.#policy;
    const tool = random.pick(policy.tools);
    const session = random.pick(SESSIONS);
    const agent = random.pick(AGENTS);
    const to = tool === "pay" || tool === "note" ? random.pick(TEXTS) : undefined;
    const n = tool === "pay" ? 1 + random.below(5) : 0;
    const isStep = policy.sequence !== undefined && random.chance(0.4);
    const isLevelled = !isStep && policy.levels.length > 0 && random.chance(0.4);
    const level = isLevelled ? random.pick(policy.levels) : undefined;
    const instruction = random.chance(0.3) ? random.pick(TEXTS) : undefined;
    const request = {
      agent: { id: agent },
      session: { id: session },
      tool: { name: tool, args: { ...(to && { to }), ...(tool === "pay" ? { n } : {}) } },
      ...(level === undefined ? {} : { resource: { type: "file", id: "f", sensitivity: level } }),
      intent: { ...(isStep && { task: "errand" }), ...(instruction && { instruction }) },
    };
    const answer = this.#engine.decide(request);
    this.#tell(`${JSON.stringify(request)} → ${JSON.stringify(answer)}`);
    if (answer.kind !== "answer") throw new Error(`a request was ${answer.kind}`);
    const code = outcomeOf(answer.value);
    if (code === "invalid_request") throw new Error("a request is none of the policy");
    this.#hit(code);
    this.#observe();
    const { call } = answer.value;
    const allowed = call !== undefined;
    const life = this.#model.lives.get(session);
    const expected = isStep ? this.#model.step(session, tool, this.#nowMs, policy) : "allow";
    if (life === undefined ? allowed : code !== expected) this.#isWrong(`not ${expected}`);
    if (life !== undefined && instruction !== undefined) {
      this.#model.instruct(life, instruction, policy);
    }
    const asked = { policy, atMs: this.#nowMs, tool, session, agent, life, to, n, level };
    const past = this.#model.decided({ ...asked, allowed, isStep });
    if (call !== undefined) this.#open.set(call, past);
  }

  #report(): void {
    const random = this.#random;
    const policy = this.#policy;
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
    const answer = this.#engine.outcome(body);
    this.#tell(`${JSON.stringify(body)} → ${answer.kind}`);
    this.#hit(`outcome ${answer.kind}`);
    this.#observe();
    if (answer.kind === "unavailable") return;
    if (answer.kind !== "answer") throw new Error(`an outcome was ${answer.kind}`);
    this.#open.delete(call);
    this.#model.settled(past, { status, value, label, level }, this.#nowMs, policy);
  }

  // ── What is there ────────────────────────────────────────────────────────────────────────────────────────

  #observe(): void {
    const present = this.#state.store.open(this.#policy.program);
    for (const id of SESSIONS) {
      const before = this.#model.lives.get(id);
      const isRight = this.#model.observe(id, present.session(id)?.startedAtMs, this.#nowMs);
      if (!isRight) this.#isWrong(`session ${id} was forgotten`);
      if (before !== undefined && this.#model.lives.get(id) !== before) this.#hit("forgotten");
    }
  }

  #compare(): void {
    const policy = this.#policy;
    const model = this.#model;
    const nowMs = this.#nowMs;
    const present = this.#state.store.open(policy.program);
    const late = present.late(nowMs);
    const view = present.begin({ nowMs });
    for (const [index, declared] of policy.counters.entries()) {
      this.#expect(`${declared} late`, late?.counters.get(index), model.late(declared, nowMs));
      for (const key of keysOf(counterOf(declared).per, policy)) {
        const reading = view.counter(index, storedKey(key, counterOf(declared).per, policy));
        const [least, most] = model.counter(declared, key, nowMs);
        const isIn = typeof reading === "number" && least <= reading && reading <= most;
        if (!isIn) this.#isWrong(`${declared} of ${key} is ${reading}, not ${least} to ${most}`);
      }
    }
    for (const [index, declared] of policy.latches.entries()) {
      this.#expect(`${declared} late`, late?.latches.get(index), model.late(declared, nowMs));
      for (const key of keysOf(latchOf(declared).per, policy)) {
        const reading = view.latch(index, storedKey(key, latchOf(declared).per, policy));
        if (reading === "pending") this.#hit("pending");
        this.#expect(`${declared} of ${key}`, reading, model.latch(declared, key));
      }
    }
    for (const id of SESSIONS) {
      const facts = present.session(id);
      if (facts === undefined) continue;
      const labels = [...(model.lives.get(id)?.labels ?? [])].sort();
      this.#expect(`labels of ${id}`, [...facts.labels].sort(), labels);
      const sensitivity = model.sensitivity(id, policy);
      if (sensitivity > 0) this.#hit("sensitive");
      this.#expect(`sensitivity of ${id}`, facts.sensitivity, sensitivity);
      if (!policy.asksOrigin) continue;
      const seen = present.begin({ nowMs, sessionId: id });
      for (const text of TEXTS) {
        const found = seen.origin(text);
        if (found === "unavailable") this.#hit("origin unavailable");
        const told = found === "unavailable" ? found : [...found].sort();
        this.#expect(`origin of ${text} in ${id}`, told, model.origin(id, text));
      }
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
