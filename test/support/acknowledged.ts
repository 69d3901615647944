/** What a process that works on `JOURNALLED` said to the outside, and so must be there whatever happens to it. */
import { expect } from "vitest";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import { programOf, START } from "./engine.ts";
import { JOURNALLED } from "./journalled.ts";

export const PROGRAM = programOf(JOURNALLED);

export interface Acknowledged {
  /** By session, calls that count. */
  readonly paid: Map<string, number>;
  readonly latched: Set<string>;
  readonly ended: Set<string>;
}

export function nothingAcknowledged(): Acknowledged {
  return { paid: new Map(), latched: new Set(), ended: new Set() };
}

/** One line that it wrote. */
export function acknowledge(line: string, { paid, latched, ended }: Acknowledged): void {
  const [what, session = ""] = line.split(" ");
  if (what === "allowed") paid.set(session, (paid.get(session) ?? 0) + 1);
  if (what === "failing") paid.set(session, (paid.get(session) ?? 0) - 1);
  if (what === "latched") latched.add(session);
  if (what === "ended") ended.add(session);
}

/** Whether the file of state at `path` has it. */
export function checkAcknowledged(path: string, { paid, latched, ended }: Acknowledged): void {
  const journal = openSqliteJournal({ path });
  const state = journal.store.open(PROGRAM);
  const view = state.begin({ nowMs: START });
  for (const [session, count] of paid) {
    expect(view.counter(0, session), session).toBeGreaterThanOrEqual(count);
  }
  for (const session of latched) expect(view.latch(0, session), session).toBe(true);
  for (const session of ended) expect(state.session(session)?.interrupted, session).toBe(true);
  journal.close();
}
