/**
 * Rows as a turn tells them: packed as `rowOf` makes them, but with nothing made on the way, since every answer
 * waits for this. What is rare goes that way all the same.
 */
import { keyOf } from "../../value.ts";
import { encodeBound, hasConditions, nameOfTool } from "../codec.ts";
import type { Packer } from "../pack.ts";
import { sequenceIn } from "../past.ts";
import type { Configuration } from "../sequence.ts";
import type { TaskState } from "../store.ts";
import { Distinct, Sum } from "../window.ts";
import { type Name, type NameOf, type RowSource, rowOf } from "./changes.ts";
import type { UseRow } from "./told-cell.ts";

/** A task, which may have many steps under way, once in a turn; the rest as often as it changed, which costs less. */
export function tellOnce(name: Name, source: RowSource, packer: Packer, told: Set<object>): void {
  if (name.kind === "tasks") {
    const task = source.memory.sessions.get(name.session)?.tasks?.get(name.run);
    if (task !== undefined && told.has(task)) return;
    if (task !== undefined) told.add(task);
  }
  tell(name, source, packer);
}

export function tell(name: Name, source: RowSource, packer: Packer): void {
  const isTold =
    (name.kind === "counters" &&
      (tellSum(name, source, packer) || tellUse(name, source, packer))) ||
    (name.kind === "calls" && tellCall(name.key, source, packer)) ||
    (name.kind === "tasks" && tellTask(name, source, packer));
  if (!isTold) packer.json(rowOf(name, source));
}

function tellSum({ table, key }: NameOf<"counters">, source: RowSource, packer: Packer): boolean {
  const cell = table.cells.get(key);
  if (!(cell instanceof Sum)) return false;
  packer.list(4);
  packer.text("counters");
  packer.number(source.declaration(table));
  packer.text(key);
  const written = cell.written();
  packer.list(written.length);
  for (const number of written) packer.number(number);
  return true;
}

/** A counter of different values holds thousands: where nothing but one of them has changed, that one alone. */
function tellUse(
  { table, key, amount }: NameOf<"counters">,
  source: RowSource,
  packer: Packer,
): boolean {
  const cell = table.cells.get(key);
  if (!(cell instanceof Distinct) || amount === undefined) return false;
  const row: UseRow = ["uses", source.declaration(table), key, ...cell.writtenUse(amount)];
  packer.json(row);
  return true;
}

/** As it is kept in memory. */
function tellCall(id: string, { memory }: RowSource, packer: Packer): boolean {
  const before = packer.length;
  packer.list(3);
  packer.text("calls");
  const isThere = memory.calls.pack(id, packer);
  if (!isThere) packer.cut(before);
  return isThere;
}

/** Of a task whose steps have no conditions, and that has bound nothing. */
function tellTask({ session, run }: NameOf<"tasks">, source: RowSource, packer: Packer): boolean {
  const entry = source.memory.sessions.get(session)?.tasks?.get(run);
  if (entry === undefined || "written" in entry) return false;
  const sequence = sequenceIn(entry.sequence);
  const { base, steps, all } = entry.state.progress;
  const isPlain = sequence !== undefined && !hasConditions(sequence);
  if (!isPlain || base.some(isBound) || all.some(isBound)) return false;
  packer.list(4);
  packer.text("tasks");
  packer.text(keyOf([session, run]));
  packer.text(entry.meaning);
  packer.object(7);
  tellTimes(entry.state, packer);
  tellWays("base", base, packer);
  packer.text("steps");
  packer.list(steps.length);
  for (const { call, done, request } of steps) {
    packer.list(4);
    packer.text(call);
    packer.json(done);
    packer.text(nameOfTool(request.tool, entry.sequence.program));
    packer.json(encodeBound(request, sequence));
  }
  tellWays("all", all, packer);
  return true;
}

function isBound({ bound }: Configuration): boolean {
  return bound.size > 0;
}

function tellTimes({ startedAtMs, usedAtMs, callCount, policy }: TaskState, packer: Packer): void {
  packer.text("startedAtMs");
  packer.number(startedAtMs);
  packer.text("usedAtMs");
  packer.number(usedAtMs);
  packer.text("callCount");
  packer.number(callCount);
  packer.text("policy");
  packer.text(policy);
}

function tellWays(name: string, ways: readonly Configuration[], packer: Packer): void {
  packer.text(name);
  packer.list(ways.length);
  for (const { position } of ways) {
    packer.list(2);
    packer.json(position ?? null);
    packer.list(0);
  }
}
