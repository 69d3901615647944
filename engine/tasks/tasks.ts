/** Tasks as they are kept, beside approvals and revocations: whoever shares the ledger knows of each. */
import { randomBytes } from "node:crypto";
import { equalSecrets } from "../equal-secrets.ts";
import { digestOfToken } from "../identity/token.ts";
import { parseJsonText } from "../json-text.ts";
import type { Kept, Ledger, LedgerEntry } from "../ledger/ledger.ts";
import { type IsRevoked, type KeptTask, statusOf, type TaskEnd, type TaskStatus } from "./task.ts";

export interface TasksParts {
  readonly ledger: Ledger;
  /** Milliseconds since the Unix epoch, by the later of the clocks there are: nothing lives longer than it should. */
  readonly now: () => number;
  readonly isRevoked: IsRevoked;
}

/** An agent that starts tasks without end must not fill the list of all. */
const ACTIVE_MOST_EACH = 1_000;

/** Times that a change is tried again which another process was faster with. */
const TRIES = 5;

export class Tasks {
  readonly #parts: TasksParts;
  /** Entries are replaced, never changed. */
  readonly #read = new WeakMap<LedgerEntry, KeptTask>();

  /** Ended here, and not known to be kept: they have ended all the same. */
  readonly #unkept = new Map<string, TaskEnd>();

  constructor(parts: TasksParts) {
    this.#parts = parts;
  }

  now(): number {
    return this.#parts.now();
  }

  readonly isRevoked: IsRevoked = (use) => this.#parts.isRevoked(use);

  /** Not to be guessed: a name like those that the ledger has is nobody's to invent. */
  newId(): string {
    return `t-${randomBytes(16).toString("base64url")}`;
  }

  find(id: string): KeptTask | undefined {
    const entry = this.#parts.ledger.get("task", id);
    const unkept = this.#unkept.get(id);
    const task = entry && this.#of(entry);
    return task && unkept ? endedBy(task, unkept) : task;
  }

  /** One that another process started a moment ago is asked for. */
  async lookUp(id: string): Promise<KeptTask | undefined> {
    const known = this.find(id);
    if (known !== undefined) return known;
    await this.#parts.ledger.refresh?.();
    return this.find(id);
  }

  /** Those started last first. */
  all(): readonly KeptTask[] {
    const entries = [...this.#parts.ledger.entries("task")].map(([, entry]) => this.#of(entry));
    return entries.sort((a, b) => b.startedAtMs - a.startedAtMs);
  }

  /** How many stand how. What has expired is forgotten where room is needed, and not counted. */
  count(): Readonly<Record<Exclude<TaskStatus, "expired">, number>> {
    const nowMs = this.now();
    const counts = { active: 0, ended: 0, revoked: 0 };
    for (const task of this.all()) {
      const status = task.untilMs <= nowMs ? "expired" : statusOf(task, nowMs, this.isRevoked);
      if (status !== "expired") counts[status] += 1;
    }
    return counts;
  }

  /** Those that go on, wherever they were started. */
  async activeOf(agent: string): Promise<readonly KeptTask[]> {
    await this.#parts.ledger.refresh?.();
    return this.#activeOf(agent);
  }

  /** Rejects where it is not known to be kept. */
  async open(task: KeptTask): Promise<Kept> {
    if (this.#activeOf(task.agent).length >= ACTIVE_MOST_EACH) return "full";
    return await this.#put(task.id, undefined, task);
  }

  /**
   * `undefined` where there is no such task. What has ended stays as it ended. In force before it is kept; rejects
   * where it is not known to be kept, or whether there is one, and is in force here all the same.
   */
  async end(id: string, by: Omit<TaskEnd, "atMs">): Promise<Ended | undefined> {
    const end: TaskEnd = { ...by, atMs: this.now() };
    const known = await this.lookUp(id).catch((fault: unknown) => {
      this.#unkept.set(id, end);
      throw fault;
    });
    if (known === undefined) return undefined;
    this.#unkept.set(id, end);
    const ended = await this.#keepEnd(id, end);
    this.#unkept.delete(id);
    return ended;
  }

  /** Whether this very token is the task's grant. */
  isGrant(task: KeptTask, token: string): boolean {
    return equalSecrets(digestOfToken(token), task.digest);
  }

  async #keepEnd(id: string, end: TaskEnd): Promise<Ended | undefined> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = this.#parts.ledger.get("task", id);
      const task = was && this.#of(was);
      if (was === undefined || task === undefined) return undefined;
      if (task.status === "ended") return { task, changed: false };
      const ended = endedBy(task, end);
      if ((await this.#put(id, was, ended)) === "kept") return { task: ended, changed: true };
    }
    throw new Error("others change it all the time");
  }

  #activeOf(agent: string): readonly KeptTask[] {
    const nowMs = this.now();
    return this.all().filter(
      (one) => one.agent === agent && statusOf(one, nowMs, this.isRevoked) === "active",
    );
  }

  async #put(id: string, was: LedgerEntry | undefined, task: KeptTask): Promise<Kept> {
    const next = { text: JSON.stringify(task), untilMs: task.untilMs };
    return await this.#parts.ledger.put({ kind: "task", id, was, next, nowMs: this.now() });
  }

  #of(entry: LedgerEntry): KeptTask {
    const known = this.#read.get(entry) ?? (parseJsonText(entry.text) as KeptTask);
    this.#read.set(entry, known);
    return known;
  }
}

function endedBy(task: KeptTask, end: TaskEnd): KeptTask {
  return task.status === "ended" ? task : { ...task, status: "ended", ended: end };
}

export interface Ended {
  readonly task: KeptTask;
  /** It was active until now. */
  readonly changed: boolean;
}
