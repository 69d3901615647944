import fc from "fast-check";
import { expect, test } from "vitest";
import { storeOf } from "../../../engine/state/memory.ts";
import { Packer, unpack } from "../../../engine/state/pack.ts";
import { type Name, rowOf } from "../../../engine/state/sqlite/changes.ts";
import { tell } from "../../../engine/state/sqlite/tell.ts";
import { StateUnreadable } from "../../../engine/state/stored.ts";
import { createMemory } from "../../../engine/state/tables.ts";
import type { Json } from "../../../lang/type.ts";
import { drive } from "../../support/engine.ts";
import { seedFrom } from "../../support/seed.ts";

function packed(pack: (packer: Packer) => void): Buffer {
  const packer = new Packer(7);
  pack(packer);
  return packer.packed().subarray(7);
}

const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ minLength: 25, maxLength: 90 }),
  fc.constantFrom("\ud800", "é".repeat(90), "x".repeat(100_000), "__proto__"),
);
const { json: jsons } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    texts,
    fc.constantFrom(null, true, false, 0, 127, 128, 2 ** 32 - 1, 2 ** 32, -1, 0.5),
    fc.double({ noNaN: true }).map((number) => (number === 0 ? 0 : number)),
    fc.array(tie("json")),
    fc.dictionary(texts, tie("json")),
  ),
}));

test("what is packed comes back, one value after the other", () => {
  fc.assert(
    fc.property(fc.array(jsons), (values) => {
      const bytes = packed((packer) => {
        for (const value of values) packer.json(value);
      });
      expect(unpack(bytes)).toEqual(values);
    }),
    { seed: seedFrom("WRIT_PACK_SEED") },
  );
});

test("what is cut off, or no value, is not read", () => {
  const bytes = packed((packer) => packer.json([1, "a", { b: [2.5, "é".repeat(90), null] }]));
  for (let length = 1; length < bytes.length; length++) {
    expect(() => unpack(bytes.subarray(0, length))).toThrow(StateUnreadable);
  }
  expect(() => unpack(Buffer.from([0xc1]))).toThrow(StateUnreadable);
  expect(() => unpack(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]))).toThrow(StateUnreadable);
});

const POLICY = `
  label untrusted
  tool pay { effect write, args { to: String, amount: Int } }
  tool read { effect read, args { path: String }, yields [untrusted] }
  tool check { effect execute }
  counter tries = count attempts per agent
  counter spend = sum args.amount of allowed pay per session within 1h
  counter payees = distinct args.to of allowed pay per session within 1h
  latch checked = completed check per session
  permit anything when tries < 1000 and payees < 1000 and spend < 1000000
  forbid late tool read when has session and checked
  task plain { sequence pay+ }
  task bound { sequence pay(to as x), pay(to as x) }
  task conditional { sequence pay(args.amount > 1)+ }
`;

/** With a keeper that notes names, and otherwise does nothing. */
function noting() {
  const names: Name[] = [];
  const memory = createMemory(
    {},
    {
      check: () => {},
      time: () => {},
      gone: () => {},
      inForce: () => {},
      counter: (table, key) => void names.push({ kind: "counters", table, key }),
      latch: (table, key) => void names.push({ kind: "latches", table, key }),
      session: (key) => void names.push({ kind: "sessions", key }),
      used: () => {},
      task: (session, run) => void names.push({ kind: "tasks", session, run }),
      sequence: () => {},
      call: (key) => void names.push({ kind: "calls", key }),
      settled: (key) => void names.push({ kind: "calls", key }),
      forgotten: () => {},
    },
  );
  return { memory, names };
}

test("a row is told as it is written into its table, and all kinds of them are", () => {
  const { memory, names } = noting();
  const driver = drive(POLICY, { store: storeOf(memory) });
  const source = { memory, declaration: () => 3 };
  const told = new Map<string, Json>();
  const compare = () => {
    for (const name of names.splice(0)) {
      const row = JSON.parse(JSON.stringify(rowOf(name, source))) as Json;
      expect(unpack(packed((packer) => tell(name, source, packer)))).toEqual([row]);
      told.set(`${name.kind} ${Array.isArray(row) && row.length}`, row);
    }
  };
  for (const task of [undefined, "plain", "bound", "conditional"]) {
    const more = task === undefined ? {} : { intent: { task } };
    const calls = ["pay", "read", "check"].map((tool) => {
      const args = { pay: { to: "é\ud83d\ude00", amount: 5 }, read: { path: "/" } }[tool] ?? {};
      return driver.call(tool, args, tool === "pay" ? more : {});
    });
    compare();
    for (const call of calls) if (call.call !== undefined) driver.ok(call);
    compare();
  }
  driver.engine.decide({ agent: { id: "bot" }, tool: { name: "check" } });
  compare();
  const kinds = ["calls 2", "calls 3", "counters 4", "latches 4", "sessions 4", "tasks 4"];
  expect([...told.keys()].sort()).toEqual(kinds);
});
