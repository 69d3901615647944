/** A policy over the tables of a memory: which are its own, and since when they know. Pure. */
import type { CounterDecl, LatchDecl, Program } from "../../../lang/ir.ts";
import { lateAmong } from "../late.ts";
import { meaningOf } from "../meaning.ts";
import type { KeptSequence } from "../past.ts";
import type { Lacking } from "../past-uses.ts";
import { ShardedMap } from "../sharded-map.ts";
import type { Late } from "../store.ts";
import {
  type CounterTable,
  counterTable,
  type DeclaredTable,
  type LatchTable,
  latchTable,
  type Memory,
  NOT_IN_FORCE,
} from "../tables.ts";
import { goneTable } from "./leaving.ts";

export interface Policy {
  readonly program: Program;
  /** Of `Sensitivity`. */
  readonly levels: readonly string[];
  readonly memory: Memory;
  readonly counters: readonly CounterTable[];
  readonly latches: readonly LatchTable[];
  /** All of these: one list, by which it is known whose policy is in force. */
  readonly declared: readonly DeclaredTable[];
  /** By the index of the task. */
  readonly sequences: readonly KeptSequence[];
}

export function counterIn(declared: CounterDecl, program: Program, memory: Memory): CounterTable {
  const { counters } = memory;
  const meaning = meaningOf(declared, program);
  const known = counters.get(meaning) ?? goneTable(meaning, memory);
  if (known !== undefined && "windowMs" in known) return known;
  const table = counterTable(meaning, declared, new ShardedMap(), NOT_IN_FORCE);
  counters.set(meaning, table);
  return table;
}

export function latchIn(declared: LatchDecl, program: Program, memory: Memory): LatchTable {
  const { latches } = memory;
  const meaning = meaningOf(declared, program);
  const known = latches.get(meaning) ?? goneTable(meaning, memory);
  if (known !== undefined && !("windowMs" in known)) return known;
  const table = latchTable(meaning, declared, new ShardedMap(), NOT_IN_FORCE);
  latches.set(meaning, table);
  return table;
}

export function lateIn(policy: Policy, nowMs: number): Late | undefined {
  return lateAmong(policy, policy.memory.beganMs, nowMs);
}

export function lackingIn(policy: Policy, nowMs: number): ReadonlyMap<number, Lacking> {
  const late = lateIn(policy, nowMs)?.latches ?? [];
  return new Map(
    [...late].map(([index, untilMs]) => {
      const { leftMs = 0 } = policy.latches[index] ?? {};
      return [index, { fromMs: leftMs, untilMs }];
    }),
  );
}
