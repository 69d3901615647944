/**
 * One latch under one key (SPEC §7.2). A call that is counted on being `completed` has its effect at some time between
 * its decision and its outcome, and nobody knows when: of two such calls that were under way together, the one setting
 * and the other resetting, it is not known which came last. A latch may permit or forbid, so then it is neither set nor
 * unset, but `either`. Pure.
 *
 * Whether two calls were under way together is told by counting: a call keeps how many of the other kind there had been
 * when it was decided, and finds at its end whether there were more.
 */
import type { HeldLatch } from "./call.ts";

export interface LatchCell {
  state: "unset" | "set" | "either";
  /** Calls under way that would set it. */
  pending: number;
  /** Calls under way that would reset it. */
  resetting: number;
  /** How often it was set, and reset. */
  sets: number;
  resets: number;
}

export function newLatch(): LatchCell {
  return { state: "unset", pending: 0, resetting: 0, sets: 0, resets: 0 };
}

/** While a call is under way that would change it, which it is is not known. */
export function readLatch({ state, pending, resetting }: LatchCell): boolean | "pending" {
  switch (state) {
    case "either":
      return "pending";
    case "set":
      return resetting > 0 ? "pending" : true;
    case "unset":
      return pending > 0 ? "pending" : false;
  }
}

/** Holds nothing, and no call under way would change it. */
export function isUntouched(cell: LatchCell): boolean {
  return readLatch(cell) === false && cell.resetting === 0;
}

type LatchKind = HeldLatch["kind"];

/** It is set or reset now; where that is not `certain`, perhaps. */
export function changeLatch(
  cell: LatchCell,
  { kind, certain }: Pick<HeldLatch, "kind" | "certain">,
): void {
  change(cell, kind, certain);
}

/** A call is under way that would set or reset it. Gives `HeldLatch.others`. */
export function expectLatch(cell: LatchCell, kind: LatchKind): number {
  cell[kind === "latch" ? "pending" : "resetting"] += 1;
  return othersOf(cell, kind);
}

export function settleLatch(cell: LatchCell, held: HeldLatch, succeeded: boolean): void {
  const { kind, certain, others } = held;
  cell[kind === "latch" ? "pending" : "resetting"] -= 1;
  if (succeeded) change(cell, kind, certain && othersOf(cell, kind) === others);
}

/** `isLast`: surely, and after everything that has changed it otherwise. */
function change(cell: LatchCell, kind: LatchKind, isLast: boolean): void {
  const after = kind === "latch" ? "set" : "unset";
  if (isLast) cell.state = after;
  else if (cell.state !== after) cell.state = "either";
  cell[kind === "latch" ? "sets" : "resets"] += 1;
}

function othersOf({ sets, resets }: LatchCell, kind: LatchKind): number {
  return kind === "latch" ? resets : sets;
}
