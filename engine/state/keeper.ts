/**
 * Who keeps the memory store's state outside this process. It is told what changed, not how: when it writes, it
 * reads from the tables what is there by then, so what changed a hundred times is written once. Without one the
 * memory store pays for nothing but asking whether there is one.
 */
import type { Scalar } from "../value.ts";
import type { CounterTable, DeclaredTable, LatchTable, Session } from "./tables.ts";

export interface Keeper {
  /** Throws where nothing can be kept: then nothing is decided either. */
  check(): void;
  /** The clock by which the changes that follow are made. */
  time(nowMs: number): void;
  /** Since when these count, or until when they did, is another time now. */
  inForce(changed: readonly DeclaredTable[]): void;
  /** It went, and nothing was left in it. */
  gone(table: DeclaredTable): void;
  /** Changed, added or gone, as all of these. */
  /** `amount`: what was counted or taken back, and all that has changed. */
  counter(table: CounterTable, key: string, amount?: Scalar): void;
  latch(table: LatchTable, key: string): void;
  session(id: string): void;
  /** Used again, and otherwise as it was. */
  used(id: string, session: Session, nowMs: number): void;
  task(session: string, run: string): void;
  /** By its meaning. */
  sequence(meaning: string): void;
  call(id: string): void;
  /** No call any more. */
  settled(id: string): void;
  /** The older half of what was settled is forgotten. */
  forgotten(): void;
}
