/** Cells of counters and latches by their keys, and room for new ones (SPEC §7.4). Pure. */
import { isUntouched, type LatchCell, newLatch } from "../latch.ts";
import { forgetIdleSessions, forgetKey, keepWithSession } from "../sessions.ts";
import type { CounterTable, LatchTable, Memory } from "../tables.ts";
import { Distinct, Sum } from "../window.ts";
import { bucketNow, emptyGoing } from "./leaving.ts";

/** More than come, so that what is to go does not become more. */
const EMPTIED_FOR_ONE = 2;

/** Keys that hold nothing are as good as never seen, and those of sessions go with them. */
export function makeRoomForKey(
  table: CounterTable | LatchTable,
  nowMs: number,
  memory: Memory,
  sparing?: string,
): boolean {
  const isFull = () => table.cells.size >= memory.limits.keyCount;
  if (!isFull()) return true;
  if ("windowMs" in table) {
    const bucket = bucketNow(table, nowMs);
    const isEmpty = (cell: Sum | Distinct) => cell.isEmpty(bucket);
    table.sweep.go(nowMs, isEmpty, (key) => forgetKey(table, key, memory));
  } else {
    table.sweep.go(nowMs, isUntouched, (key) => forgetKey(table, key, memory));
  }
  if (isFull() && table.ofSessions) forgetIdleSessions(nowMs, memory, sparing);
  return !isFull();
}

export function cellFor(
  table: CounterTable,
  key: string,
  nowMs: number,
  memory: Memory,
): Sum | Distinct | undefined {
  const known = table.cells.get(key);
  if (known !== undefined) return known;
  if (!makeRoomForKey(table, nowMs, memory)) return undefined;
  if (!keepWithSession(table, key, memory)) return undefined;
  const { op, windowMs } = table.declared;
  const bucket = bucketNow(table, nowMs);
  const windowed = windowMs !== undefined;
  const cell = op === "distinct" ? new Distinct(windowed, bucket) : new Sum(windowed, bucket);
  table.cells.set(key, cell);
  emptyGoing(EMPTIED_FOR_ONE, memory);
  return cell;
}

export function latchCell(
  table: LatchTable,
  key: string,
  nowMs: number,
  memory: Memory,
): LatchCell | undefined {
  const known = table.cells.get(key);
  if (known !== undefined) return known;
  if (!makeRoomForKey(table, nowMs, memory)) return undefined;
  if (!keepWithSession(table, key, memory)) return undefined;
  const cell = newLatch();
  table.cells.set(key, cell);
  emptyGoing(EMPTIED_FOR_ONE, memory);
  return cell;
}
