/** One run of one process with a file: it is killed, its disk fills and breaks, its clock is set back. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createClock } from "../../engine/clock.ts";
import { durable } from "../../engine/durable.ts";
import { createEngine, type Engine } from "../../engine/engine.ts";
import type { DecisionService } from "../../engine/http/service.ts";
import type { Journal } from "../../engine/state/journal.ts";
import { PACE } from "../../engine/state/sqlite/backlog.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import { type Random, randomFrom } from "../differential/random.ts";
import { SHORT, temporary } from "../engine/state/stores.ts";
import { outcomeOf, START } from "../support/engine.ts";
import { copyFile, FaultyFile } from "./faulty-file.ts";
import { Model } from "./model.ts";
import { type Plan, type Planned, requestOf } from "./plan.ts";
import { COUNTERS, PAID_MOST, VERSIONS } from "./policy.ts";
import { LIMITS } from "./replica.ts";

const HOUR = 3_600_000;

export async function simulateFile(plan: Plan): Promise<FileRun> {
  const run = new FileRun(plan);
  try {
    await run.play();
  } finally {
    run.stop();
  }
  return run;
}

type Reported = Pick<Extract<Planned, { kind: "outcome" }>, "status" | "returned">;

interface Life {
  readonly path: string;
  readonly file: FaultyFile;
  readonly journal: Journal;
  readonly engine: Engine;
  readonly service: DecisionService;
}

class FileRun {
  violation?: string;
  readonly hits = new Map<string, number>();
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #directory = temporary();
  readonly #model = new Model();
  readonly #allowed = new Map<number, string>();
  /** What was said of a call stays what is said of it. */
  readonly #reported = new Map<string, Reported>();
  #lives = 0;
  #nowMs = 0;
  /** Behind what it should be; a process that starts believes the clock where it is ahead. */
  #wallMs = START;
  #life: Life;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = randomFrom(plan.seed ^ 0xf11e);
    this.#life = this.#begin(join(this.#directory, "0.db"));
  }

  #begin(path: string): Life {
    const file = new FaultyFile();
    // Some lives end with an empty journal, some in the midst of bringing tables up to it.
    const pace = this.#lives % 3 === 0 ? PACE : { ...SHORT, length: 100 * this.#lives };
    const journal = openSqliteJournal({
      path,
      limits: LIMITS,
      open: file.open,
      disk: file.disk,
      pace,
    });
    const bornMs = this.#nowMs;
    const [wallMs, { latestMs }] = [this.#wallMs, journal];
    const clock = createClock({
      wall: () => wallMs + this.#nowMs,
      elapsed: () => this.#nowMs - bornMs,
      latestMs,
    });
    const life = this.#lives++;
    let count = 0;
    const ids = { decision: () => `d${life}-${count++}`, call: () => `c${life}-${count++}` };
    const [policy] = VERSIONS;
    if (policy === undefined) throw new Error("there is no policy");
    const engine = createEngine({ ...policy, digest: "v0", store: journal.store, clock, ids });
    return { path, file, journal, engine, service: durable(engine, journal) };
  }

  async play(): Promise<void> {
    const together = Map.groupBy(this.#plan.happenings, ({ atMs }) => atMs);
    for (const [atMs, happenings] of together) {
      this.#nowMs = atMs;
      this.#disturb();
      await this.#happen(happenings);
      if (this.violation !== undefined) return;
    }
    this.#kill(false);
    await this.#compare();
  }

  stop(): void {
    try {
      this.#life.journal.close();
    } catch {
      // Its disk is broken.
    }
    rmSync(this.#directory, { recursive: true });
  }

  #hit(what: string): void {
    this.hits.set(what, (this.hits.get(what) ?? 0) + 1);
  }

  #violated(what: string): void {
    this.violation ??= `${what} (${this.#nowMs} ms)`;
  }

  #disturb(): void {
    const { file, journal } = this.#life;
    const kind = this.#random.below(40);
    if (kind === 0) this.#kill(false);
    else if (kind === 1) this.#kill(true);
    else if (kind < 5 && file.fault === undefined) {
      file.fault = this.#random.pick(["full", "broken", "broken behind it"] as const);
      this.#hit(file.fault);
    } else if (kind < 15 && file.fault === "full") {
      file.fault = undefined;
      journal.flush();
      this.#hit("room again");
    } else if (kind < 15 && file.fault !== undefined) this.#kill(false);
    else if (kind === 15) this.#wallMs -= this.#random.pick([1, 24]) * HOUR;
  }

  /** And started again, on what it left. */
  #kill(isWriting: boolean): void {
    const { file, path } = this.#life;
    const next = join(this.#directory, `${this.#lives}.db`);
    this.#hit(isWriting ? "killed while it wrote" : "killed");
    if (isWriting) {
      file.fault = "broken";
      file.inTheMidst = () => copyFile(path, next);
      this.#life.engine.sessions.interrupt("unheard of");
      try {
        this.#life.journal.flush();
      } catch {
        // Nobody hears of it.
      }
    }
    // A disk that is broken already takes nothing up any more.
    if (!existsSync(next)) copyFile(path, next);
    const before = this.#life;
    this.#life = this.#begin(next);
    try {
      before.journal.close();
    } catch {
      // It was not to be asked any more.
    }
  }

  // ── What is asked ────────────────────────────────────────────────────────────────────────────────────────

  /** All of it in one turn, so that it is written together. */
  async #happen(happenings: readonly Planned[]): Promise<void> {
    const asked = happenings.map((planned) => ({ planned, answer: this.#ask(planned) }));
    for (const { answer } of asked) (await answer)?.();
  }

  /** What comes back tells the model, in the order of asking. */
  #ask(planned: Planned): Promise<(() => void) | undefined> | undefined {
    if (planned.kind === "decide") return this.#decide(planned);
    if (planned.kind === "outcome") return this.#report(planned);
    if (planned.kind === "interrupt" || planned.kind === "reinstate") return this.#order(planned);
    return undefined;
  }

  async #decide({ id, asked }: Extract<Planned, { kind: "decide" }>): Promise<() => void> {
    const { service, journal } = this.#life;
    const answer = await service.decide(requestOf(asked));
    const isKept = journal.readiness().ready;
    return () => {
      // The end of a session that could not be kept is no answer, and nobody relies on it.
      if (answer.kind === "unavailable" && !isKept) return;
      if (answer.kind !== "answer") return this.#violated(`answered with ${answer.kind}`);
      const answered = outcomeOf(answer.value);
      this.#hit(answered);
      if (isKept) this.#model.attempted(asked);
      const { call } = answer.value;
      if (answered !== "allow" || call === undefined) return;
      if (!isKept) this.#violated(`${call} was allowed, and not kept`);
      const refusal = this.#model.refusal(asked, this.#nowMs, PAID_MOST[0], 0);
      if (refusal !== undefined) this.#violated(`${call} was allowed, though ${refusal}`);
      this.#model.reserved(asked, call, { realMs: this.#nowMs, storeMs: this.#nowMs });
      this.#allowed.set(id, call);
    };
  }

  async #report({ of, ...told }: Extract<Planned, { kind: "outcome" }>) {
    const call = this.#allowed.get(of);
    if (call === undefined) return undefined;
    const { status, returned } = this.#reported.get(call) ?? told;
    this.#reported.set(call, { status, returned });
    const values = status === "ok" ? { values: returned } : {};
    const answer = await this.#life.service.outcome({ call, status, ...values });
    this.#hit(`outcome ${answer.kind}`);
    const kept = answer.kind === "unavailable" ? undefined : returned;
    return () => this.#model.settled(call, status, kept);
  }

  async #order({ kind, session }: Extract<Planned, { kind: "interrupt" | "reinstate" }>) {
    const { engine, journal } = this.#life;
    try {
      engine.sessions[kind](session);
    } catch {
      return undefined;
    }
    const isKept = await journal.flushed().then(
      () => true,
      () => false,
    );
    if (kind === "reinstate") return () => this.#model.reinstated(session);
    return isKept ? () => this.#model.interrupted(session) : undefined;
  }

  /** What was acknowledged is there after the last kill, or more is. */
  async #compare(): Promise<void> {
    const state = await this.#life.engine.inspection.state(100);
    for (const agent of ["a", "b"]) {
      const told = (counter: number): number =>
        Number(state.counters[counter]?.highest.find(({ key }) => key[0] === agent)?.value ?? 0);
      const paid = this.#model.paid(agent, Number.NEGATIVE_INFINITY);
      if (told(COUNTERS.total) < paid)
        this.#violated(`total is ${told(COUNTERS.total)} of ${paid}`);
      const tries = this.#model.tries(agent);
      if (told(COUNTERS.tries) < tries)
        this.#violated(`tries are ${told(COUNTERS.tries)} of ${tries}`);
    }
  }
}
