/** What operators see of shared state. Tables are looked through in pages, between which decisions are made. */
import type { Program } from "../../../lang/ir.ts";
import type { Json } from "../../../lang/type.ts";
import { parseJsonText } from "../../json-text.ts";
import { keyOfOne, scalarsOfKey } from "../../value.ts";
import { decodeCall } from "../codec.ts";
import type { KeptSequence } from "../past.ts";
import {
  byUse,
  byValue,
  type CallUnderWay,
  type CounterReport,
  isInPage,
  type KeyReading,
  type LatchReport,
  type PastInterruption,
  type SessionReport,
  type SessionRow,
  type StateReport,
  type StateTotals,
  type WantedKeys,
  type WantedSessions,
} from "../report.ts";
import { sensitivityLevels } from "../sensitivity.ts";
import type { Late } from "../store.ts";
import type { MemoryLimits } from "../tables.ts";
import { bucketOf, KEPT } from "../window.ts";
import type { Connection } from "./connection.ts";
import { meaningIn, readFacts, readTask } from "./record.ts";
import { type Places, type Table, type Tables, type TaskTable, taskField } from "./tables.ts";

export interface Reported {
  readonly program: Program;
  readonly tables: Tables;
  readonly connection: Connection;
  readonly places: Places;
  readonly limits: MemoryLimits;
  late(nowMs: number): Late | undefined;
}

export function reportOf(reported: Reported): StateReport {
  return {
    totals: () => totals(reported),
    counter: (index, wanted) => counter(index, wanted, reported),
    latch: (index, wanted) => latch(index, wanted, reported),
    sessions: (wanted) => sessions(wanted, reported),
    session: (id, callsMost) => session(id, callsMost, reported),
  };
}

async function totals({ connection, places, limits }: Reported): Promise<StateTotals> {
  const size = async (command: string, key: string) =>
    Number(await connection.read([command, key]));
  const [sessions, interruptedCount, tasks, calls] = await Promise.all([
    size("HLEN", places.sessions),
    size("ZCARD", places.ended),
    size("HLEN", places.tasks),
    size("ZCARD", places.open),
  ]);
  return {
    sessions: { count: sessions, most: limits.sessionCount },
    interruptedCount,
    tasks: { count: tasks, most: limits.taskCount },
    calls: { count: calls, most: limits.callCount },
    keysMost: limits.keyCount,
  };
}

const PAGE = "500";

/** Field and value of a hash, page by page; what changes meanwhile is seen, or not, or twice. */
async function* entriesOf(
  key: string,
  { connection }: Reported,
): AsyncGenerator<readonly [string, string]> {
  let cursor = "0";
  do {
    const reply = await connection.read(["HSCAN", key, cursor, "COUNT", PAGE]);
    const [next, page] = reply as readonly [unknown, readonly unknown[]];
    for (let at = 0; at < page.length; at += 2) yield [String(page[at]), String(page[at + 1])];
    cursor = String(next);
  } while (cursor !== "0");
}

// ── Counters and latches ───────────────────────────────────────────────────────────────────────────────────

async function counter(
  index: number,
  wanted: WantedKeys,
  reported: Reported,
): Promise<CounterReport> {
  const [declared, table] = [reported.program.counters[index], reported.tables.counters[index]];
  if (declared === undefined || table === undefined) {
    throw new Error("a counter was asked for that the program does not have");
  }
  const readings = new Map<string, KeyReading>();
  for await (const [key, text] of keysOf(table, declared.per.length, wanted, reported)) {
    const value = await readingOf(table, key, text, reported);
    if (value !== 0) readings.set(key, { key, value });
    if (readings.size > 4 * wanted.most) keepHighest(readings, wanted.most);
  }
  keepHighest(readings, wanted.most);
  const sinceMs = reported.late(wanted.nowMs)?.counters.get(index);
  return {
    keyCount: await sizeOf(table, reported),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    highest: [...readings.values()],
  };
}

function keepHighest(readings: Map<string, KeyReading>, most: number): void {
  const sorted = [...readings.values()].sort(byValue).slice(0, most);
  readings.clear();
  for (const reading of sorted) readings.set(reading.key, reading);
}

async function sizeOf(table: Table, { connection, places }: Reported): Promise<number> {
  return Number(await connection.read(["HLEN", places.cell(table, "")[0] ?? ""]));
}

async function* keysOf(
  table: Table,
  partCount: number,
  { part }: WantedKeys,
  reported: Reported,
): AsyncGenerator<readonly [string, string]> {
  const [key = ""] = reported.places.cell(table, "");
  if (part !== undefined && partCount === 1) {
    const field = keyOfOne(part.value);
    const text = await reported.connection.read(["HGET", key, field]);
    if (text !== null) yield [field, String(text)];
    return;
  }
  for await (const entry of entriesOf(key, reported)) {
    const fits = part === undefined || scalarsOfKey(entry[0], partCount)[part.at] === part.value;
    if (fits) yield entry;
  }
}

/** As the script reads it: what is said there of windows is said here once more, for eyes alone. */
async function readingOf(
  table: Table,
  key: string,
  text: string,
  { connection, places }: Reported,
): Promise<number | "unavailable"> {
  const [head = 0, ...rest] = text.split(" ").map(Number);
  const nowMs = connection.steady.expectedMs ?? 0;
  const { windowMs } = table;
  const now = windowMs === 0 ? 0 : Math.max(head, bucketOf(nowMs, windowMs));
  const oldest = windowMs === 0 ? Number.NEGATIVE_INFINITY : now - KEPT;
  if (table.kind === "distinct") {
    const overflown = rest[0] ?? 0;
    if (overflown > 0 && overflown - 1 > oldest) return "unavailable";
    const from = windowMs === 0 ? "-inf" : `(${oldest}`;
    const newest = places.cell(table, key)[1] ?? "";
    return Number(await connection.read(["ZCOUNT", newest, from, "+inf"]));
  }
  let total = 0;
  for (let at = 0; at + 1 < rest.length; at += 2) {
    if (head - (rest[at] ?? 0) > oldest) total += rest[at + 1] ?? 0;
  }
  return Math.min(total, Number.MAX_SAFE_INTEGER);
}

async function latch(index: number, wanted: WantedKeys, reported: Reported): Promise<LatchReport> {
  const [declared, table] = [reported.program.latches[index], reported.tables.latches[index]];
  if (declared === undefined || table === undefined) {
    throw new Error("a latch was asked for that the program does not have");
  }
  const states = new Map<string, "set" | "pending">();
  for await (const [key, text] of keysOf(table, declared.per.length, wanted, reported)) {
    const state = stateOf(text);
    if (state !== undefined) states.set(key, state);
  }
  const all = [...states].map(([key, state]) => ({ key, state }));
  const sinceMs = reported.late(wanted.nowMs)?.latches.get(index);
  return {
    keyCount: await sizeOf(table, reported),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    setCount: all.filter(({ state }) => state === "set").length,
    pendingCount: all.filter(({ state }) => state === "pending").length,
    keys: all.slice(0, wanted.most),
  };
}

/** As the script reads it. */
function stateOf(text: string): "set" | "pending" | undefined {
  const [state, pending, resetting] = text.split(" ");
  if (state === "2") return "pending";
  if (state === "1") return resetting === "0" ? "set" : "pending";
  return pending === "0" ? undefined : "pending";
}

// ── Sessions ───────────────────────────────────────────────────────────────────────────────────────────────

async function sessions(
  wanted: WantedSessions,
  reported: Reported,
): Promise<readonly SessionRow[]> {
  const rows = new Map<string, SessionRow>();
  for await (const [id, facts] of entriesOf(reported.places.sessions, reported)) {
    if (!id.startsWith(wanted.prefix ?? "")) continue;
    const { interrupted } = readFacts(facts, []);
    if (wanted.interrupted !== undefined && wanted.interrupted !== interrupted) continue;
    const row = await rowOf(id, facts, reported);
    if (isInPage(row, wanted)) rows.set(id, row);
  }
  return [...rows.values()].sort(byUse).slice(0, wanted.most);
}

async function rowOf(
  id: string,
  text: string,
  { program, connection, places }: Reported,
): Promise<SessionRow> {
  const levels = sensitivityLevels(program);
  const { startedAtMs, interrupted, labels, sensitivity } = readFacts(text, levels);
  const [used, ended, reason] = await Promise.all([
    connection.read(["ZSCORE", places.used, id]),
    connection.read(["ZSCORE", places.ended, id]),
    connection.read(["HGET", places.reasons, id]),
  ]);
  const atMs = Number(ended ?? 0);
  const interruption: PastInterruption | undefined =
    interrupted && reason !== null
      ? { ...(parseJsonText(String(reason)) as PastInterruption), atMs }
      : undefined;
  return {
    id,
    startedAtMs,
    usedAtMs: Number(used ?? ended ?? startedAtMs),
    labels: [...labels].map(String).sort(),
    sensitivity,
    interrupted,
    interruption,
  };
}

async function session(
  id: string,
  callsMost: number,
  reported: Reported,
): Promise<SessionReport | undefined> {
  const { tables, connection, places } = reported;
  const facts = await connection.read(["HGET", places.sessions, id]);
  if (facts === null) return undefined;
  const row = await rowOf(id, String(facts), reported);
  const tasks: SessionReport["tasks"][number][] = [];
  for (const [index, table] of tables.tasks.entries()) {
    const stored = await connection.read(["HGET", places.tasks, taskField(id, table.name)]);
    const text = stored === null ? "" : String(stored);
    if (text === "") continue;
    const written = text.slice(text.indexOf(" ") + 1);
    const state = readTask(written, table, await pastOf(meaningIn(written), table, reported));
    if (state !== "changed") tasks.push({ index, state });
  }
  const own = await callsOf(id, reported);
  return { ...row, tasks, callCount: own.length, calls: own.slice(0, callsMost) };
}

async function pastOf(
  meaning: string,
  { sequence }: TaskTable,
  { connection, places }: Reported,
): Promise<KeptSequence | undefined> {
  if (meaning === sequence.meaning) return undefined;
  const text = await connection.read(["HGET", places.sequences, meaning]);
  return text === null ? undefined : { meaning, program: parseJsonText(String(text)) as Program };
}

async function callsOf(sessionId: string, reported: Reported): Promise<readonly CallUnderWay[]> {
  const own = new Map<string, CallUnderWay>();
  for await (const [call, text] of entriesOf(reported.places.calls, reported)) {
    const { ms = "", json = "" } = /^(?<ms>\d+) \S+ \S+ (?<json>.*)$/s.exec(text)?.groups ?? {};
    const held = decodeCall(parseJsonText(json) as Json);
    if (held.sessionId !== sessionId) continue;
    own.set(call, { call, tool: held.tool, atMs: Number(ms) });
  }
  return [...own.values()].sort((a, b) => a.atMs - b.atMs);
}
