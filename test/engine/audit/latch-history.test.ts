/** Latches that are declared when calls were decided already, by what the audit log knows of these (SPEC §7.9). */
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { createAudit } from "../../../engine/audit/audited.ts";
import { History } from "../../../engine/audit/history.ts";
import { createEngine, type Engine } from "../../../engine/engine.ts";
import type { DecisionService } from "../../../engine/http/index.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../../engine/state/store.ts";
import type { Program } from "../../../lang/ir.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { type Audited, audited, recordsIn } from "../../support/audited.ts";
import { outcomeOf, programOf } from "../../support/engine.ts";
import { type LatchCall, readingOf } from "../../support/latch-orders.ts";
import { seedFrom } from "../../support/seed.ts";
import { type LatchReading, PUSHED, PUSHING, PUSHING_TOOLS } from "../state/latches.ts";
import { temporary } from "../state/stores.ts";

const AFTER = programOf(PUSHING);
const BEFORE = `${PUSHING_TOOLS}\npermit anything`;
const WHOLE = { whole: { but: [] } };

/** First a policy without the latch decides, and then, on the same state, others. */
class Passage {
  readonly made: Audited;
  /** Replaced where the process is. */
  store: StateStore;
  #service: DecisionService;
  #count = 0;

  constructor(made: Audited, store: StateStore) {
    this.made = made;
    this.store = store;
    this.#service = made.service;
  }

  async call(tool: string, n = 0, session = "s"): Promise<string> {
    this.made.nowMs += 10;
    const args = tool === "test" || tool === "edit" ? { n } : {};
    const request = { agent: { id: "bot" }, session: { id: session }, tool: { name: tool, args } };
    const answer = await this.#service.decide(request);
    if (answer.kind !== "answer") throw new Error(answer.kind);
    return answer.value.call ?? outcomeOf(answer.value);
  }

  async report(call: string, status: "ok" | "error" = "ok"): Promise<void> {
    this.made.nowMs += 10;
    const answer = await this.#service.outcome({ call, status });
    if (answer.kind !== "answer") throw new Error(answer.kind);
  }

  async run(tool: string, n = 0): Promise<void> {
    await this.report(await this.call(tool, n));
  }

  /** From now on this policy decides; `between` happens before it knows what the log says. */
  async under(program: Program, digest: string, between = async () => {}): Promise<Engine> {
    const { made } = this;
    made.nowMs += 10;
    const ids = { decision: () => `x${++this.#count}`, call: () => `y${++this.#count}` };
    const clock = () => made.nowMs;
    const audit = createAudit({ log: made.log, options: made.options, clock });
    const parts = { clock, ids, store: this.store, evidence: audit.evidence };
    const engine = createEngine({ program, digest, ...parts });
    this.#service = audit.around(engine);
    await between();
    const missing = await engine.backfill.missing();
    if (missing === undefined) return engine;
    const history = new History({ program, digest, ...missing });
    await made.log.written();
    for (const [line, record] of recordsIn(made.disk.text(made.path)).entries()) {
      history.add(record as Parameters<History["add"]>[0], line);
    }
    const past = history.past();
    if (past !== undefined) await engine.backfill.fill(past);
    return engine;
  }

  async reads(): Promise<LatchReading | string> {
    const told: string[] = [];
    for (const tool of ["push", "stop"]) {
      const answer = await this.call(tool);
      told.push(/^y\d+$/.test(answer) ? "allow" : answer);
    }
    const [reading = told.join()] =
      [...PUSHED].find(([, answers]) => answers.join() === told.join()) ?? [];
    return reading;
  }
}

async function begun(recording = WHOLE, store = createMemoryStore()): Promise<Passage> {
  return new Passage(await audited(BEFORE, recording, { store }), store);
}

test("a latch is as the calls before it have left it, and says nothing of since when", async () => {
  const set = await begun();
  await set.run("test");
  const engine = await set.under(AFTER, "sha256:after");
  expect(engine.backfill.since()).toBeUndefined();
  expect(await set.reads()).toBe(true);

  const unset = await begun();
  await unset.run("test");
  await unset.run("edit");
  await unset.under(AFTER, "sha256:after");
  expect(await unset.reads()).toBe(false);
  await unset.run("test");
  expect(await unset.reads()).toBe(true);
});

test("calls that were under way together then, nobody knows now either", async () => {
  const passage = await begun();
  const tests = await passage.call("test");
  await passage.run("edit");
  await passage.report(tests);
  await passage.under(AFTER, "sha256:after");
  expect(await passage.reads()).toBe("pending");
});

test("a call that is still under way is waited for", async () => {
  for (const status of ["ok", "error"] as const) {
    const passage = await begun();
    await passage.run("test");
    const edits = await passage.call("edit");
    await passage.under(AFTER, "sha256:after");
    expect(await passage.reads()).toBe("pending");
    await passage.report(edits, status);
    // When it had its effect cannot be told any more.
    expect(await passage.reads()).toBe(status === "ok" ? "pending" : true);
    await passage.run("test");
    expect(await passage.reads()).toBe(true);
  }
});

test("what is waited for is so after a restart", async () => {
  const path = join(temporary(), "state.db");
  const first = openSqliteJournal({ path });
  const passage = await begun(WHOLE, first.store);
  const tests = await passage.call("test");
  await passage.run("edit");
  await passage.under(AFTER, "sha256:after");
  first.close();

  const second = openSqliteJournal({ path });
  passage.store = second.store;
  const engine = await passage.under(AFTER, "sha256:after");
  expect(engine.backfill.since()).toBeUndefined();
  expect(await passage.reads()).toBe("pending");
  await passage.report(tests);
  expect(await passage.reads()).toBe("pending");
  await passage.run("edit");
  expect(await passage.reads()).toBe(false);
  second.close();
  rmSync(dirname(path), { recursive: true });
});

test("what was called in a session that was forgotten is not of the one that came after it", async () => {
  const passed = async (last: string) => {
    const store = createMemoryStore({ sessionCount: 1, sessionIdleMs: 1_000 });
    const passage = await begun(WHOLE, store);
    await passage.run("test");
    for (const session of ["other", "s"]) {
      passage.made.nowMs += 2_000;
      await passage.call("stop", 0, session);
    }
    if (last !== "") await passage.run(last);
    await passage.under(AFTER, "sha256:after");
    return passage.reads();
  };
  expect(await passed("")).toBe(false);
  // Which of them it knows of cannot be told apart.
  expect(await passed("test")).toBe("pending");
});

test("a latch that comes back is not what it was before", async () => {
  const passage = await begun();
  await passage.under(AFTER, "sha256:after");
  await passage.run("test");
  expect(await passage.reads()).toBe(true);
  await passage.under(programOf(BEFORE), "sha256:before");
  await passage.run("edit");
  await passage.under(AFTER, "sha256:after");
  expect(await passage.reads()).toBe("pending");
  await passage.run("test");
  expect(await passage.reads()).toBe(true);
});

test("where requests were left out, it says since when it knows, and trusts nothing from before", async () => {
  const passage = await begun({ whole: { but: [["tool", "args", "n"]] } } as typeof WHOLE);
  await passage.run("test");
  const engine = await passage.under(AFTER, "sha256:after");
  expect([...(engine.backfill.since()?.latches.keys() ?? [])]).toEqual([0]);
  expect(await passage.reads()).toBe(false);
});

const SEED = seedFrom("WRIT_PAST_LATCH_SEED");

test(`it is never less cautious than whoever saw all of it (seed ${SEED})`, async () => {
  const tally = { same: 0, unknown: 0 };
  for (let seed = SEED; seed < SEED + 100; seed++) {
    const random = randomFrom(seed);
    const passage = await begun();
    const actor = new Actor(passage, random);
    for (let step = random.below(5); step > 0; step--) await actor.act();
    const between = async () => {
      for (let step = random.below(3); step > 0; step--) await actor.act();
    };
    await passage.under(AFTER, "sha256:after", between);
    for (let step = 0; step < 3; step++) {
      const [reading, expected] = [await passage.reads(), readingOf(actor.calls)];
      const why = `WRIT_PAST_LATCH_SEED=${seed} ${JSON.stringify(actor.calls)}`;
      if (reading !== expected) expect(reading, why).toBe("pending");
      tally[reading === expected ? "same" : "unknown"] += 1;
      await actor.act();
    }
  }
  expect(tally.same, JSON.stringify(tally)).toBeGreaterThan(3 * tally.unknown);
}, 60_000);

/** Begins calls and ends them, and keeps what a latch should make of it. */
class Actor {
  calls: readonly LatchCall[] = [];
  #open: readonly { readonly call: LatchCall; readonly id: string }[] = [];
  #at = 0;
  readonly #passage: Passage;
  readonly #random: Random;

  constructor(passage: Passage, random: Random) {
    this.#passage = passage;
    this.#random = random;
  }

  async act(): Promise<void> {
    const at = this.#at++;
    if (this.#open.length === 0 || this.#random.chance(0.5)) {
      const kind = this.#random.pick(["latch", "reset"] as const);
      const call = { kind, certain: this.#random.chance(0.9), begin: at };
      const n = call.certain ? 0 : Number.MAX_SAFE_INTEGER;
      const id = await this.#passage.call(kind === "latch" ? "test" : "edit", n);
      this.calls = [...this.calls, call];
      this.#open = [...this.#open, { call, id }];
      return;
    }
    const ended = this.#random.pick(this.#open);
    const status = this.#random.chance(0.8) ? "ok" : "error";
    await this.#passage.report(ended.id, status);
    this.#open = this.#open.filter((one) => one !== ended);
    ended.call.end = at;
    if (status === "error") this.calls = this.calls.filter((call) => call !== ended.call);
  }
}

test("what its own policy decided before it was forgotten is known to a latch that comes back", async () => {
  const passage = await begun();
  await passage.run("test");
  await passage.under(AFTER, "sha256:after");
  await passage.run("edit");
  await passage.under(programOf(BEFORE), "sha256:before");
  await passage.run("stop");
  // Unset, it is forgotten when the next policy takes over.
  passage.made.nowMs += 25 * 3_600_000;
  await passage.under(programOf(`${BEFORE}\n  label odd`), "sha256:other");
  await passage.run("stop");
  await passage.under(AFTER, "sha256:after");
  expect(await passage.reads()).toBe(false);
});
