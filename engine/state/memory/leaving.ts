/**
 * Tables of declarations that no policy in force makes (SPEC §7.1): they go once nothing that they hold could count again.
 * A service that is given another policy every minute would else remember, and read at each start, all it ever declared.
 * Pure.
 */
import type { HeldLatch } from "../call.ts";
import { isUntouched } from "../latch.ts";
import { forgetKey } from "../sessions.ts";
import type { CounterTable, DeclaredTable, LatchTable, Memory } from "../tables.ts";
import { bucketOf, KEPT, LIFETIME } from "../window.ts";

/** What holds nothing goes so long after it left: until then a policy that comes back lacks only what came between. */
const EMPTY_KEPT_MS = 24 * 3_600_000;
/** Keys and tables that are forgotten when a policy takes over: a few milliseconds. */
const EMPTIED_AT_ONCE = 1_024;

export function bucketNow({ windowMs }: Pick<CounterTable, "windowMs">, nowMs: number): number {
  return windowMs === undefined ? LIFETIME : bucketOf(nowMs, windowMs);
}

/** Of one that a policy still has; the same again, since two of one meaning would each know half. */
export function goneTable(meaning: string, { gone }: Memory): DeclaredTable | undefined {
  return gone.get(meaning)?.deref();
}

/** Those of a policy that takes over. */
export function keepTables(declared: readonly DeclaredTable[], memory: Memory): void {
  for (const table of declared) {
    memory.going.delete(table);
    memory.gone.delete(table.meaning);
    if ("windowMs" in table) memory.counters.set(table.meaning, table);
    else memory.latches.set(table.meaning, table);
  }
}

/** Asked when a policy has taken over: a policy that was only opened finds again what goes here. */
export function letTablesGo(nowMs: number, memory: Memory): void {
  for (const [meaning, table] of memory.gone) {
    if (table.deref() === undefined) memory.gone.delete(meaning);
  }
  for (const table of [...memory.counters.values(), ...memory.latches.values()]) {
    if (table.sinceMs === undefined && mayGo(table, nowMs)) memory.going.add(table);
  }
  emptyGoing(EMPTIED_AT_ONCE, memory);
}

/**
 * Of a counter with a window, once all that was counted has left it: then no call that is open can take anything back
 * either. Of all others, once they hold nothing, and no open call would change them.
 */
function mayGo(table: DeclaredTable, nowMs: number): boolean {
  if (table.leftMs === undefined) return table.cells.size === 0;
  if ("windowMs" in table && table.windowMs !== undefined) {
    return bucketNow(table, nowMs) - bucketNow(table, table.leftMs) >= KEPT;
  }
  if (nowMs - table.leftMs <= EMPTY_KEPT_MS) return false;
  return "windowMs" in table ? isEmpty(table) : isUnheld(table);
}

function isEmpty({ cells }: CounterTable): boolean {
  for (const cell of cells.values()) if (!cell.isEmpty(LIFETIME)) return false;
  return true;
}

function isUnheld({ cells, heldCount }: LatchTable): boolean {
  if (heldCount > 0) return false;
  for (const cell of cells.values()) if (!isUntouched(cell)) return false;
  return true;
}

/** So many of their keys, and of those that have none left: ten thousand that went at once would keep a decision waiting. */
export function emptyGoing(most: number, memory: Memory): void {
  let left = most;
  for (const table of memory.going) {
    for (const key of table.cells.keys()) {
      if (left <= 0) return;
      left -= 1;
      forgetKey(table, key, memory);
    }
    if (left <= 0) return;
    left -= 1;
    letGo(table, memory);
  }
}

function letGo(table: DeclaredTable, memory: Memory): void {
  memory.going.delete(table);
  if ("windowMs" in table) memory.counters.delete(table.meaning);
  else memory.latches.delete(table.meaning);
  // As one that was never declared.
  table.leftMs = undefined;
  memory.gone.set(table.meaning, new WeakRef(table));
  memory.keeper?.gone(table);
}

export function isGone({ meaning }: DeclaredTable, { counters, latches }: Memory): boolean {
  return !counters.has(meaning) && !latches.has(meaning);
}

/** `by`: 1 where a call begins to hold these, −1 where it no longer does. */
export function noteHeld(latches: readonly HeldLatch[], by: 1 | -1, memory: Memory): void {
  for (const { table } of latches) {
    const known = memory.latches.get(table);
    if (known !== undefined) known.heldCount += by;
  }
}
