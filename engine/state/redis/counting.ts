/**
 * Since when the counters of a policy count in shared state, and what is filled in of the time before (SPEC §7.9). Each
 * process knows what it decided itself, in a log of its own; the store knows which logs there are, what was filled in
 * from each, and which policies count by themselves. So every decision is counted once, whoever made it.
 */
import type { Program } from "../../../lang/ir.ts";
import { keyOfOne } from "../../value.ts";
import { type Counting, type Declared, lateAmong } from "../late.ts";
import type { Missing, PastUse, PastUses } from "../past-uses.ts";
import { sessionIn } from "../session-keys.ts";
import { type Late, StateUnavailable } from "../store.ts";
import type { MemoryLimits } from "../tables.ts";
import { bucketOf, DISTINCT_MOST } from "../window.ts";
import { Arguments, type Cell } from "./arguments.ts";
import type { Connection, Reply } from "./connection.ts";
import type { Places, Table, Tables } from "./tables.ts";

export interface CountedParts {
  readonly program: Program;
  readonly digest: string;
  readonly tables: Pick<Tables, "counters" | "latches">;
  readonly connection: Connection;
  readonly places: Places;
  readonly limits: MemoryLimits;
  /** Names the log of this process; missing where it keeps none. */
  readonly log: string | undefined;
}

/** Of a process that keeps no log: what it decided, nobody can fill in. */
const UNRECORDED = "unrecorded";
/** Policies whose counters are known; what one that is not known decided is counted. */
const POLICIES_MOST = 1_000;
/** Of logs and counters together, how far each was read. */
const THROUGH_MOST = 10_000;
/** Keys that are filled in at a time: decisions come between. */
const CELLS_AT_ONCE = 50;
/** Others fill in as well: so often it is asked again how far back all of it reaches. */
const ASK_EVERY_MS = 10_000;

interface Known {
  /** Of the store: another one knows of nobody. */
  readonly generation: string;
  readonly askedMs: number;
  readonly beganMs: number;
  /** When this log was first decided with. */
  readonly registeredMs: number;
  readonly declared: Declared;
}

export class Counted {
  readonly #parts: CountedParts;
  /** Missing until the first decision. */
  #known: Known | undefined;
  #asking: Promise<Known> | undefined;
  /** Through which line each was filled in, as the store spells it. */
  #through: readonly string[] = [];

  constructor(parts: CountedParts) {
    this.#parts = parts;
  }

  late(nowMs: number): Late | undefined {
    return this.#known && lateAmong(this.#known.declared, this.#known.beganMs, nowMs);
  }

  /** Before a decision of this policy is kept. */
  isDue(): boolean {
    if (this.#known === undefined || this.#isAnother()) return true;
    const nowMs = this.#storeMs();
    const isLate = (this.late(nowMs)?.counters.size ?? 0) > 0;
    return isLate && nowMs - this.#known.askedMs >= ASK_EVERY_MS;
  }

  #isAnother(): boolean {
    return this.#known?.generation !== this.#parts.connection.generation;
  }

  /** Once for all who ask at a time. */
  ask(): Promise<Known> {
    this.#asking ??= this.#askNow().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askNow(): Promise<Known> {
    const { digest, tables, connection } = this.#parts;
    const { counters, latches } = tables;
    const { generation } = connection;
    const args = this.#arguments().text(digest).number(POLICIES_MOST);
    args.text(this.#isAnother() ? "first" : "").number(counters.length + latches.length);
    args.text(...[...counters, ...latches].map(({ meaning }) => meaning));
    const [, now, , began, registered, ...since] = await this.#run("counting", args);
    const counting = ({ windowMs }: Table, at: number): Counting => ({
      windowMs: windowMs === 0 ? undefined : windowMs,
      sinceMs: Number(since[at]),
    });
    const declared = {
      counters: counters.map((table, index) => counting(table, index)),
      latches: latches.map((table, index) => counting(table, counters.length + index)),
    };
    this.#known = {
      generation,
      askedMs: Number(now),
      beganMs: Number(began),
      registeredMs: Number(registered),
      declared,
    };
    return this.#known;
  }

  /** `hostMs`: the clock that this process records by. */
  async missing(hostMs: number): Promise<Missing | undefined> {
    const { log } = this.#parts;
    const tables = this.#parts.tables.counters;
    const { beganMs } = await this.ask();
    if (log === undefined) return { fromMs: hostMs, counters: new Set(), latches: NO_LATCHES };
    const args = this.#arguments().number(tables.length);
    args.text(...tables.map(({ meaning }) => meaning));
    const [, , , through, policies] = await this.#run("unfilled", args);
    this.#through = (through as readonly unknown[]).map(String);
    // What was begun and not done would be counted twice, or claimed to be whole.
    const isWanted = (index: number) => /^-?\d+$/.test(this.#through[index] ?? "");
    const wanted = tables.flatMap((_, index) => (isWanted(index) ? [index] : []));
    if (wanted.length === 0) return undefined;
    const counts = countedBy(policies as readonly unknown[]);
    const storeMs = this.#storeMs();
    const reaches = wanted.map((index) => reachOf(tables[index], storeMs));
    return {
      fromMs: Math.max(beganMs, Math.min(...reaches)) + hostMs - storeMs,
      counters: new Set(wanted),
      latches: NO_LATCHES,
      isCounted: (index, digest, line) =>
        line <= Number(this.#through[index]) ||
        counts.get(digest)?.has(tables[index]?.meaning ?? "") === true,
    };
  }

  /** Of each counter all that fits, or nothing. */
  async fill({ uses, fromMs, through }: PastUses, hostMs: number): Promise<void> {
    const { registeredMs } = this.#known ?? (await this.ask());
    const ahead = this.#storeMs() - hostMs;
    // Nobody decided here before the log was begun.
    const sinceMs = fromMs + ahead <= registeredMs ? 0 : Math.ceil(fromMs + ahead);
    for (const [index, table] of this.#parts.tables.counters.entries()) {
      const before = this.#through[index] ?? "";
      if (!/^-?\d+$/.test(before)) continue;
      const own = uses.filter((use) => use.index === index);
      const declared = this.#parts.program.counters[index];
      const cells = cellsOf(own, table, ahead).map((cell) =>
        declared !== undefined && table.ofSessions
          ? { ...cell, session: sessionIn(cell.field, declared) }
          : cell,
      );
      await this.#fillOne(table, cells, { before, through: String(through), sinceMs });
    }
    await this.ask();
  }

  async #fillOne(
    { meaning }: Table,
    cells: readonly Cell[],
    { before, through, sinceMs }: { before: string; through: string; sinceMs: number },
  ): Promise<void> {
    const { keyCount } = this.#parts.limits;
    const partCount = Math.max(1, Math.ceil(cells.length / CELLS_AT_ONCE));
    for (let part = 0; part < partCount; part++) {
      const isLast = part === partCount - 1;
      const args = this.#arguments(meaning);
      args.text(part === 0 ? before : `${through}?`, isLast ? through : `${through}?`);
      args.text(isLast ? String(sinceMs) : "");
      args.number(part === 0 ? cells.length : 0, keyCount, DISTINCT_MOST, THROUGH_MOST);
      args
        .sessions(this.#parts.limits)
        .cells(cells.slice(part * CELLS_AT_ONCE, (part + 1) * CELLS_AT_ONCE));
      // Where there is no room, or another process had this log, it goes on counting since it was declared.
      if ((await this.#run("fill", args, ["ok", "full", "repeated"]))[0] !== "ok") return;
    }
  }

  #arguments(...before: readonly string[]): Arguments {
    const { places, log = UNRECORDED } = this.#parts;
    return new Arguments(places).key(...places.counting).text(...before, log);
  }

  async #run(
    operation: string,
    { keys, values }: Arguments,
    expected: readonly string[] = ["ok"],
  ): Promise<Reply> {
    const reply = await this.#parts.connection.run(operation, keys, values);
    if (expected.includes(String(reply[0]))) return reply;
    throw new StateUnavailable("the script answered something else");
  }

  #storeMs(): number {
    return this.#parts.connection.steady.expectedMs ?? 0;
  }
}

/** What they lack is not filled in here. */
const NO_LATCHES: Missing["latches"] = new Map();

/** Digest and meanings, in turn. */
function countedBy(policies: readonly unknown[]): ReadonlyMap<string, ReadonlySet<string>> {
  const counted = new Map<string, ReadonlySet<string>>();
  for (let at = 0; at + 1 < policies.length; at += 2) {
    counted.set(String(policies[at]), new Set(String(policies[at + 1]).split(" ")));
  }
  return counted;
}

function reachOf(table: Table | undefined, nowMs: number): number {
  return table === undefined || table.windowMs === 0 ? 0 : nowMs - table.windowMs;
}

/** By key, with one change for each bucket, and of different values for each of them. `ahead`: store's time − host's. */
function cellsOf(uses: readonly PastUse[], table: Table, ahead: number): readonly Cell[] {
  const cells = new Map<string, Map<string, { atMs: number; amount: number; value: string }>>();
  for (const { key, atMs, amount } of uses) {
    const storeMs = Math.max(0, Math.ceil(atMs + ahead));
    const bucket = table.windowMs === 0 ? 0 : bucketOf(storeMs, table.windowMs);
    const isSum = table.kind === "sum";
    const value = isSum ? "" : keyOfOne(amount);
    const changes = cells.get(key) ?? new Map();
    const before = changes.get(`${bucket} ${value}`)?.amount ?? 0;
    // Nothing negative is ever added: no call makes room for another.
    const sum = isSum ? Math.min(before + Math.max(0, Number(amount)), Number.MAX_SAFE_INTEGER) : 0;
    changes.set(`${bucket} ${value}`, { atMs: storeMs, amount: sum, value });
    cells.set(key, changes);
  }
  return [...cells].map(([field, changes]) => ({
    table,
    field,
    changes: [...changes.values()].map(({ atMs, amount, value }) => ({
      kind: "past" as const,
      atMs,
      value: table.kind === "sum" ? String(amount) : value,
    })),
  }));
}
