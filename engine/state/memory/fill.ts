/** What a counter or latch that was declared late is given from the log (SPEC §7.9). Pure. */
import type { HeldLatch } from "../call.ts";
import { changeLatch, expectLatch } from "../latch.ts";
import { addPast, NEVER_ALONE, type PastLatch } from "../past-latches.ts";
import type { PastUse, PastUses } from "../past-uses.ts";
import { isOfPresent, sessionBegan } from "../sessions.ts";
import type { CounterTable, DeclaredTable, LatchTable, Memory } from "../tables.ts";
import { Sum } from "../window.ts";
import { cellFor, latchCell } from "./cells.ts";
import { bucketNow, keepTables, letTablesGo, noteHeld } from "./leaving.ts";
import { lateIn, type Policy } from "./policy.ts";

/** What the policy before this one declared and this one does not, knows nothing of what is decided from now on. */
export function takeOver({ declared, memory }: Policy, nowMs: number): void {
  const present = new Set(declared);
  const changed: DeclaredTable[] = [];
  for (const table of [...memory.counters.values(), ...memory.latches.values()]) {
    if (table.sinceMs === undefined || present.has(table)) continue;
    table.sinceMs = undefined;
    table.leftMs = nowMs;
    changed.push(table);
  }
  keepTables(declared, memory);
  for (const table of declared) {
    if (table.sinceMs !== undefined) continue;
    table.sinceMs = nowMs;
    if ("isNew" in table) table.isNew = true;
    changed.push(table);
  }
  memory.beganMs ??= nowMs;
  memory.inForce = declared;
  memory.keeper?.inForce(changed);
  letTablesGo(nowMs, memory);
}

/** By whoever has seen to it that this policy is in force: what is decided from now on, it counts itself. */
export function fill({ uses, latches, fromMs }: PastUses, nowMs: number, policy: Policy): void {
  const { counters, declared, memory } = policy;
  memory.keeper?.check();
  memory.keeper?.time(nowMs);
  if (memory.inForce !== declared) takeOver(policy, nowMs);
  const late = lateIn(policy, nowMs);
  for (const [index, sinceMs] of late?.latches ?? []) {
    const table = policy.latches[index];
    if (table === undefined || fromMs >= sinceMs) continue;
    const own = latches.filter(
      ({ index: of, key, untilMs }) => of === index && isOfPresent(table, key, untilMs, memory),
    );
    if (!hasRoomForKeys(new Set(own.map(({ key }) => key)), table, memory)) continue;
    for (const past of own) latchPast(past, table, nowMs, memory);
    filledFrom(fromMs, table);
  }
  for (const [index, sinceMs] of late?.counters ?? []) {
    const table = counters[index];
    if (table === undefined || fromMs >= sinceMs) continue;
    const own = uses.filter(
      (use) =>
        use.index === index &&
        isUncounted(use, sinceMs, table) &&
        isOfPresent(table, use.key, use.atMs, memory),
    );
    if (!hasRoomForKeys(new Set(own.map(({ key }) => key)), table, memory)) continue;
    for (const use of own) countPast(use, table, nowMs, memory);
    filledFrom(fromMs, table);
    table.isNew = false;
  }
  memory.keeper?.inForce(declared);
}

/** What was decided until then and could be counted is in it by now, and another policy that could count more of it does not. */
function filledFrom(fromMs: number, table: DeclaredTable): void {
  table.sinceMs = Math.max(fromMs, table.leftMs ?? fromMs);
  table.leftMs = table.sinceMs;
}

/** What was decided in the same millisecond by the policy before is not counted yet, and once filled in it is. */
function isUncounted({ atMs }: PastUse, sinceMs: number, { leftMs, isNew }: CounterTable): boolean {
  if (leftMs !== undefined && atMs < leftMs) return false;
  return isNew ? atMs <= sinceMs : atMs < sinceMs;
}

function hasRoomForKeys(
  keys: ReadonlySet<string>,
  { cells }: DeclaredTable,
  memory: Memory,
): boolean {
  const added = [...keys].filter((key) => !cells.has(key)).length;
  return cells.size + added <= memory.limits.keyCount;
}

function countPast(
  { key, atMs, amount }: PastUse,
  table: CounterTable,
  nowMs: number,
  memory: Memory,
): void {
  const cell = cellFor(table, key, nowMs, memory);
  const bucket = bucketNow(table, Math.min(atMs, nowMs));
  if (cell instanceof Sum) cell.addPast(bucket, Number(amount));
  else cell?.addPast(bucket, amount);
  memory.keeper?.counter(table, key, amount);
}

function latchPast(past: PastLatch, table: LatchTable, nowMs: number, memory: Memory): void {
  const cell = latchCell(table, past.key, nowMs, memory);
  if (cell === undefined) return;
  addPast(cell, past, sessionBegan(table, past.key, memory));
  for (const { call, kind, certain } of past.open) {
    const outcome = memory.settled.get(call) ?? memory.settledBefore.get(call);
    if (outcome === "ok") changeLatch(cell, { kind, certain: false });
    if (outcome !== undefined) continue;
    expectLatch(cell, kind);
    holdToo(
      call,
      { table: table.meaning, key: past.key, kind, certain, others: NEVER_ALONE },
      memory,
    );
  }
  memory.keeper?.latch(table, past.key);
}

/** One that is kept no longer never reports: what it would change stays pending. */
function holdToo(id: string, held: HeldLatch, memory: Memory): void {
  const { calls, keeper } = memory;
  const call = calls.get(id);
  if (call === undefined) return;
  calls.set(id, { ...call, latches: [...call.latches, held] });
  noteHeld([held], 1, memory);
  keeper?.call(id);
}
