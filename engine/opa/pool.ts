/**
 * Modules beside the thread that answers everybody: in child processes, or, where they are trusted, in threads of
 * this process; some kept warm, each answering one question at a time. An answer that does not come in time is no
 * answer, and its process or thread is ended; a module that ends three within ten seconds is left alone for a while.
 */
import { failed, type ModuleAnswer, readAnswer } from "./answer.ts";
import type { ModuleSource } from "./open.ts";
import { type Child, startChild } from "./process.ts";
import type { FromChild } from "./protocol.ts";
import { startThread } from "./thread.ts";

export interface PoolParts {
  readonly modules: readonly ModuleSource[];
  /** For one answer, from asking to having it. */
  readonly deadlineMs: number;
  /** In threads, with their instance kept: for those alone whose makers could as well have written the policy. */
  readonly isTrusted?: boolean;
  /** Processes, or threads, kept. */
  readonly size?: number;
  /** Milliseconds that only grow. */
  readonly clock?: () => number;
  /** Told of every process or thread that ended because of a module. */
  readonly onTrouble?: (trouble: Trouble) => void;
}

export interface Trouble {
  readonly module: number;
  readonly why: string;
}

export type Described =
  | {
      readonly ok: true;
      readonly entrypoints: readonly string[];
      readonly builtins: readonly string[];
    }
  | { readonly ok: false; readonly why: string };

export interface Question {
  readonly module: number;
  readonly entrypoint: string;
  /** JSON. */
  readonly input: string;
  readonly nowMs: number;
}

export interface ModulePool {
  /** What each module has and needs, once a process has loaded it. */
  describe(module: number): Promise<Described>;
  ask(question: Question): Promise<ModuleAnswer>;
  close(): void;
}

const SIZE = 2;
/** Processes start and load when nobody waits, perhaps on a machine that has much else to do. */
const START_MS = 10_000;
const LOAD_MS = 2_000;
const QUEUE_MOST = 1_000;
const CRASHES_MOST = 3;
const CRASHES_WITHIN_MS = 10_000;
const QUARANTINE_MS = 30_000;
/** Between a process that could not even start and the next, the first time and later. */
const RESTART_MS: readonly number[] = [0, 100, 500];
const RESTART_LAST_MS = 2_000;

export function createModulePool(parts: PoolParts): ModulePool {
  const pool = new Pool(parts);
  return {
    describe: (module) => pool.describe(module),
    ask: (question) => pool.ask(question),
    close: () => pool.close(),
  };
}

interface Job {
  readonly question: Question;
  /** Answers the asker, once; later calls do nothing. */
  readonly settle: (answer: ModuleAnswer) => void;
}

/** What a process is doing. `idle` ones have loaded every module that can be loaded. */
type Doing =
  | { readonly kind: "starting" }
  | { readonly kind: "loading"; readonly module: number }
  | { readonly kind: "idle" }
  | { readonly kind: "busy"; readonly job: Job };

interface Worker {
  child: Child;
  doing: Doing;
  timer: NodeJS.Timeout | undefined;
}

class Pool {
  readonly #parts: PoolParts;
  readonly #now: () => number;
  readonly #workers = new Set<Worker>();
  readonly #queue: Job[] = [];
  readonly #described = new Map<number, Described>();
  readonly #waiting = new Map<number, ((described: Described) => void)[]>();
  readonly #crashes = new Map<number, number[]>();
  #failedStarts = 0;
  #closed = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.#now = parts.clock ?? (() => performance.now());
    for (let count = parts.size ?? SIZE; count > 0; count -= 1) this.#start();
  }

  get #place(): string {
    return this.#parts.isTrusted === true ? "thread" : "process";
  }

  describe(module: number): Promise<Described> {
    const known = this.#described.get(module);
    if (known !== undefined) return Promise.resolve(known);
    if (this.#closed) return Promise.resolve({ ok: false, why: "the pool is closed" });
    return new Promise((resolve) => {
      this.#waiting.set(module, [...(this.#waiting.get(module) ?? []), resolve]);
    });
  }

  ask(question: Question): Promise<ModuleAnswer> {
    const refusal = this.#refusal(question.module);
    if (refusal !== undefined) return Promise.resolve(failed(refusal));
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => afterPending(() => job.settle(failed("it did not answer in time"))),
        this.#parts.deadlineMs,
      );
      const job: Job = {
        question,
        settle: (answer) => {
          clearTimeout(timer);
          const at = this.#queue.indexOf(job);
          if (at >= 0) this.#queue.splice(at, 1);
          resolve(answer);
        },
      };
      this.#queue.push(job);
      this.#dispatch();
    });
  }

  close(): void {
    this.#closed = true;
    for (const job of [...this.#queue]) job.settle(failed("the service is stopping"));
    for (const { child } of [...this.#workers]) child.kill();
    for (const module of this.#waiting.keys()) {
      this.#tell(module, { ok: false, why: "the pool is closed" });
    }
  }

  #refusal(module: number): string | undefined {
    if (this.#closed) return "the service is stopping";
    const described = this.#described.get(module);
    if (described?.ok === false) return described.why;
    if (this.#isQuarantined(module)) return "it failed too often, and is left alone for a while";
    return this.#queue.length >= QUEUE_MOST ? "too many wait for an answer" : undefined;
  }

  /** Three crashes close together; a while after the last of them it gets another chance. */
  #isQuarantined(module: number): boolean {
    const crashes = this.#crashes.get(module) ?? [];
    const [first = 0, , last = 0] = crashes.slice(-CRASHES_MOST);
    if (crashes.length < CRASHES_MOST || last - first > CRASHES_WITHIN_MS) return false;
    if (this.#now() - last < QUARANTINE_MS) return true;
    this.#crashes.delete(module);
    return false;
  }

  #start(): void {
    if (this.#closed) return;
    const start = this.#parts.isTrusted === true ? startThread : startChild;
    const worker: Worker = {
      doing: { kind: "starting" },
      timer: undefined,
      child: start({
        onAnswer: (answer) => this.#answered(worker, answer),
        onEnd: () => this.#ended(worker),
      }),
    };
    this.#workers.add(worker);
    this.#await(worker, START_MS);
  }

  /** Loads the next module that can be, one at a time, so that it is known which one ends the process. */
  #loadFrom(worker: Worker, first: number): void {
    const { modules } = this.#parts;
    for (let module = first; module < modules.length; module += 1) {
      const source = modules[module];
      if (source === undefined || this.#described.get(module)?.ok === false) continue;
      worker.doing = { kind: "loading", module };
      this.#await(worker, LOAD_MS);
      const data = source.data && { data: Buffer.from(source.data).toString("base64") };
      const wasm = Buffer.from(source.wasm).toString("base64");
      worker.child.send({ kind: "load", module, wasm, ...data });
      return;
    }
    worker.doing = { kind: "idle" };
    this.#dispatch();
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (worker.doing.kind !== "idle") continue;
      const job = this.#queue.shift();
      if (job === undefined) return;
      worker.doing = { kind: "busy", job };
      this.#await(worker, this.#parts.deadlineMs);
      worker.child.send({ kind: "evaluate", ...job.question });
    }
  }

  /** Ends the process unless it answers in time. */
  #await(worker: Worker, withinMs: number): void {
    const { doing } = worker;
    worker.timer = setTimeout(
      () => afterPending(() => worker.doing === doing && worker.child.kill()),
      withinMs,
    );
  }

  #answered(worker: Worker, answer: FromChild): void {
    clearTimeout(worker.timer);
    const { doing } = worker;
    if (doing.kind === "starting" && answer.kind === "ready") {
      this.#failedStarts = 0;
      this.#loadFrom(worker, 0);
      return;
    }
    // Who speaks without being asked is not what we started.
    if (doing.kind === "starting" || doing.kind === "idle") worker.child.kill();
    else if (doing.kind === "loading") {
      this.#tell(doing.module, describedBy(answer));
      this.#loadFrom(worker, doing.module + 1);
    } else {
      worker.doing = { kind: "idle" };
      doing.job.settle(moduleAnswer(answer));
      this.#dispatch();
    }
  }

  #ended(worker: Worker): void {
    clearTimeout(worker.timer);
    this.#workers.delete(worker);
    if (this.#closed) return;
    const { doing } = worker;
    if (doing.kind === "busy") {
      const why = `it took too long or ended its ${this.#place}`;
      this.#crashed(doing.job.question.module, why);
      doing.job.settle(failed(why));
    } else if (doing.kind === "loading") {
      const why = `loading it took too long or ended its ${this.#place}`;
      this.#crashed(doing.module, why);
      this.#tell(doing.module, { ok: false, why });
    }
    if (doing.kind !== "starting") {
      this.#start();
      return;
    }
    setTimeout(() => this.#start(), RESTART_MS[this.#failedStarts] ?? RESTART_LAST_MS).unref();
    this.#failedStarts += 1;
    if (this.#failedStarts >= RESTART_MS.length) this.#giveUpWaiting();
  }

  #crashed(module: number, why: string): void {
    this.#crashes.set(
      module,
      [...(this.#crashes.get(module) ?? []), this.#now()].slice(-CRASHES_MOST),
    );
    this.#parts.onTrouble?.({ module, why });
  }

  /** Who waits to know what modules have is not kept waiting; another process may still start. */
  #giveUpWaiting(): void {
    const described: Described = { ok: false, why: `no ${this.#place} for it can be started` };
    for (const resolve of [...this.#waiting.values()].flat()) resolve(described);
    this.#waiting.clear();
  }

  /** The first answer stands: a process started later that says otherwise changes nothing. */
  #tell(module: number, described: Described): void {
    if (!this.#described.has(module)) this.#described.set(module, described);
    for (const resolve of this.#waiting.get(module) ?? []) resolve(described);
    this.#waiting.delete(module);
  }
}

/** An answer that has come while this process was busy is taken before the clock is believed. */
function afterPending(then: () => void): void {
  setImmediate(then);
}

function describedBy(answer: FromChild): Described {
  switch (answer.kind) {
    case "loaded":
      return { ok: true, entrypoints: answer.entrypoints, builtins: answer.builtins };
    case "failed":
      return { ok: false, why: answer.why };
    default:
      return { ok: false, why: "its process speaks out of turn" };
  }
}

function moduleAnswer(answer: FromChild): ModuleAnswer {
  switch (answer.kind) {
    case "answer":
      return readAnswer(answer.text);
    case "failed":
      return failed(answer.why);
    default:
      return failed("its process speaks out of turn");
  }
}
