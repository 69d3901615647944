import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { createIds } from "../../../engine/ids.ts";
import { Blocks } from "../../../engine/state/blocks.ts";
import type { Call } from "../../../engine/state/call.ts";
import { CallTable } from "../../../engine/state/call-table.ts";
import { encodeCall } from "../../../engine/state/codec.ts";
import { Packer, unpack } from "../../../engine/state/pack.ts";
import { seedFrom } from "../../support/seed.ts";
import { anyCall } from "./calls.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Few of them, so that they come again; of any length, since an outcome may name anything. */
const ids = fc.oneof(
  fc.nat(40).map((count) => `c-AbCdEfGhIjKlMnOp-${count.toString(36)}`),
  fc.constantFrom(
    "",
    "é",
    "\ud800",
    "\ud83d\ude00",
    "x".repeat(80),
    "x".repeat(81),
    "x".repeat(1024),
  ),
);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant("set" as const), id: ids, call: anyCall }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant("add" as const), id: ids, call: anyCall }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("delete" as const), id: ids }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant("mark" as const), id: ids }),
  },
);

test("what comes out was put in, whatever came and went meanwhile", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new CallTable();
      const model = new Map<string, Call>();
      const marked = new Set<string>();
      for (const one of steps) {
        if (one.does === "add") {
          if (model.has(one.id) || marked.has(one.id)) continue;
          table.add(one.id, one.call);
          model.set(one.id, one.call);
        } else if (one.does === "set") {
          table.set(one.id, one.call);
          model.set(one.id, one.call);
        } else if (one.does === "delete") {
          expect(table.delete(one.id)).toBe(model.delete(one.id));
        } else {
          table.mark(one.id);
          if (model.has(one.id)) marked.add(one.id);
          else marked.delete(one.id);
        }
        expect(table.get(one.id)).toEqual(model.get(one.id));
        expect(table.isMarked(one.id)).toBe(marked.has(one.id));
      }
      expectSame(table, model, marked);
    }),
    { seed: seedFrom("WRIT_CALLS_SEED") },
  );
});

function expectSame(
  table: CallTable,
  model: ReadonlyMap<string, Call>,
  marked: ReadonlySet<string>,
): void {
  expect(table.size).toBe(model.size);
  const packer = new Packer(0);
  for (const [id, call] of model) {
    expect(table.has(id)).toBe(true);
    packer.clear();
    expect(table.pack(id, packer)).toBe(true);
    expect(unpack(packer.packed())).toEqual([id, encodeCall(call)]);
    expect(table.written(id)).toEqual(encodeCall(call));
    expect(unpack(table.packed(id) ?? Buffer.alloc(0))).toEqual([encodeCall(call)]);
  }
  const summaries = [...model].map(([id, { atMs, tool, sessionId }]) => [
    id,
    { atMs, tool, sessionId },
  ]);
  expect(new Map(table.summaries())).toEqual(new Map(summaries as [string, object][]));
  const times = [...table.times].map(([place, atMs]) => [table.idAt(place), atMs] as const);
  expect(times.length).toBe(table.times.size);
  expect(new Map(times)).toEqual(new Map([...model].map(([id, { atMs }]) => [id, atMs])));
  const open = [...table.unmarked()];
  expect(open.length).toBe(model.size);
  const expected = [...model.keys()].filter((id) => !marked.has(id));
  expect(open.filter((id) => id !== undefined).sort()).toEqual(expected.sort());
}

const CALL: Call = {
  atMs: 1_700_000_000_000,
  tool: "pay",
  sessionId: "s",
  held: [],
  latches: [],
  task: undefined,
  returning: { yields: [], labels: [], own: [] },
};

test("calls are packed when many came after them, and not when they went before that", () => {
  const table = new CallTable();
  const model = new Map<string, Call>();
  const added = vi.spyOn(Blocks.prototype, "add");
  for (let at = 0; at < 5_000; at++) {
    const call = { ...CALL, atMs: CALL.atMs + at };
    table.add(`c-${at}`, call);
    model.set(`c-${at}`, call);
    // Nine of ten report when 100 have come after them, and others never.
    const ends = at - 100;
    if (ends % 10 !== 0) expect(table.delete(`c-${ends}`)).toBe(model.delete(`c-${ends}`));
    expect(table.size).toBe(model.size);
  }
  expect(added.mock.calls.length).toBeLessThan(500);
  for (const [id, call] of model) expect(table.get(id)).toEqual(call);
  expectSame(table, model, new Set());
});

test("the place of a call that is gone has no time", () => {
  const table = new CallTable();
  table.set("a", CALL);
  const [[place = 0] = []] = table.times;
  expect(table.times.get(place)).toBe(CALL.atMs);
  table.delete("a");
  expect(table.times.get(place)).toBeUndefined();
});

test("all can be marked at once, and a call that comes again is marked as it was", () => {
  const table = new CallTable();
  for (const id of ["a", "b"]) table.set(id, CALL);
  table.markAll();
  table.set("c", CALL);
  expect([...table.unmarked()].filter((id) => id !== undefined)).toEqual(["c"]);
  table.delete("a");
  table.set("a", CALL);
  expect(["a", "b", "c"].map((id) => table.isMarked(id))).toEqual([true, true, false]);
});

test("no addition moves more than some thousand numbers", { timeout: 60_000 }, () => {
  let largest = 0;
  const counting = class extends Uint32Array {
    constructor(...made: [number]) {
      super(...made);
      if (typeof made[0] === "number") largest = Math.max(largest, made[0]);
    }
  };
  vi.stubGlobal("Uint32Array", counting);
  const table = new CallTable();
  const { call } = createIds();
  for (let at = 0; at < 200_000; at++) table.set(call(), CALL);
  expect(table.size).toBe(200_000);
  expect(largest).toBeLessThanOrEqual(4_096);
});

test("whoever asks for an id that is not there looks at next to no call", () => {
  const table = new CallTable();
  const [ours, others] = [createIds(), createIds()];
  for (let at = 0; at < 20_000; at++) table.set(ours.call(), CALL);
  const looks = vi.spyOn(Blocks.prototype, "beginWith");
  for (let at = 0; at < 20_000; at++) expect(table.has(others.call())).toBe(false);
  expect(looks.mock.calls.length).toBeLessThan(20);
});
