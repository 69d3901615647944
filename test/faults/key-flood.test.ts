import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createRequestReader } from "../../engine/request-reader.ts";
import { createMemoryStore } from "../../engine/state/memory.ts";
import { openSqliteJournal } from "../../engine/state/sqlite/journal.ts";
import type { PolicyState, StateStore } from "../../engine/state/store.ts";
import { temporary } from "../engine/state/stores.ts";
import { programOf, START } from "../support/engine.ts";
import { heapBytes, MIB } from "../support/heap.ts";

const PROGRAM = programOf(`
  tool look { effect read }
  counter tries = count attempts per agent within 24h
  latch seen = attempts look per agent
  permit anything when tries < 100
`);
const KEYS = 100_000;

/** Attempts by agents `first`… of whom each is new, and none is allowed. */
function flood(state: PolicyState, first: number, count: number): void {
  const read = createRequestReader(PROGRAM);
  const reading = read({ agent: { id: "bot" }, tool: { name: "look" } }, context);
  if (!reading.ok) throw new Error("the request of the flood is wrong");
  const { request } = reading;
  for (let at = first; at < first + count; at++) {
    const key = `agent-${at}`;
    const touch = { index: 0, key, amount: 1, uncertain: false };
    const touches = [
      { ...touch, kind: "counter" },
      { ...touch, kind: "latch" },
    ] as const;
    // The clock goes on: a full table is searched for room again and again.
    state.commit({ nowMs: START + at / 100, request, touches });
  }
}

const context = { nowMs: START, session: () => undefined };

function expectKept(state: PolicyState): void {
  const view = state.begin({ nowMs: START + 200_000 });
  for (let at = 0; at < 1_000; at += 17) {
    expect(view.counter(0, `agent-${at}`)).toBe(1);
    expect(view.latch(0, `agent-${at}`)).toBe(true);
  }
  expect(view.counter(0, "agent-new")).toBe("unavailable");
  expect(view.latch(0, "agent-new")).toBe("unavailable");
}

function filled(store: StateStore): PolicyState {
  const state = store.open(PROGRAM);
  flood(state, 0, KEYS);
  return state;
}

test("ten million keys that are new take no more than the first hundred thousand", {
  timeout: 240_000,
}, () => {
  const state = filled(createMemoryStore({ keyCount: KEYS }));
  const before = heapBytes();
  flood(state, KEYS, 10_000_000);
  expect(heapBytes() - before).toBeLessThan(16 * MIB);
  expectKept(state);
});

test("nor does their file grow", { timeout: 120_000 }, () => {
  const directory = temporary();
  const path = join(directory, "state.db");
  const journal = openSqliteJournal({ path, limits: { keyCount: KEYS } });
  const state = filled(journal.store);
  journal.flush();
  const bytes = () => statSync(path).size + statSync(`${path}-wal`).size;
  // Until the tables have followed the journal, some rows a turn.
  for (let turn = 0; turn < 4_000; turn++) {
    flood(state, KEYS, 1);
    journal.flush();
  }
  const before = bytes();
  for (let turn = 0; turn < 100; turn++) {
    flood(state, KEYS + turn * 10_000, 10_000);
    journal.flush();
  }
  expect(bytes()).toBeLessThan(before + MIB);
  expectKept(state);
  journal.close();
  rmSync(directory, { recursive: true });
});
