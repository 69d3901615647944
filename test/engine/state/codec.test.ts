import fc from "fast-check";
import { expect, test } from "vitest";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import { NO_FACTS } from "../../../engine/facts.ts";
import type { DecisionRequest } from "../../../engine/request.ts";
import { createRequestReader } from "../../../engine/request-reader.ts";
import {
  decodeCall,
  decodeRequest,
  decodeTask,
  decodeValue,
  encodeCall,
  encodeRequest,
  encodeTask,
  encodeValue,
  packCall,
  unpackSummary,
} from "../../../engine/state/codec.ts";
import { Packer, Unpacker, unpack } from "../../../engine/state/pack.ts";
import { NOT_BEGUN } from "../../../engine/state/sequence.ts";
import type { TaskState } from "../../../engine/state/store.ts";
import { StateUnreadable } from "../../../engine/state/stored.ts";
import { isRecord, NULL, newRecord, type Value } from "../../../engine/value.ts";
import type { Json } from "../../../lang/type.ts";
import { randomFrom } from "../../differential/random.ts";
import { programOf, START } from "../../support/engine.ts";
import { randomRequest } from "../../support/random-request.ts";
import { anyCall, names, scalars } from "./calls.ts";

/** As a store keeps it: through a text. */
function stored(json: Json): Json {
  return JSON.parse(JSON.stringify(json)) as Json;
}

const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalars,
    fc.constant(NULL),
    fc.array(tie("value")),
    fc.uniqueArray(scalars).map((items) => new Set(items)),
    fc.array(fc.tuple(names, tie("value"))).map((entries) => new Map(entries)),
    fc.array(fc.tuple(names, tie("value"))).map((entries) => {
      const made = newRecord();
      for (const [name, item] of entries) made[name] = item;
      return made;
    }),
  ),
}));

/** Told apart by `toEqual`, which takes any two empty records for equal, with their kinds. */
function kinds(value: Value): unknown {
  if (value === NULL) return "null";
  if (typeof value !== "object") return value;
  if (value instanceof Set) return ["Set", ...value];
  if (value instanceof Map) return ["Map", [...value].map(([key, item]) => [key, kinds(item)])];
  if (Array.isArray(value)) return ["List", value.map(kinds)];
  const present = Object.entries(value).map(([name, item]) => [name, kinds(item as Value)]);
  return [isRecord(value) && Object.getPrototypeOf(value) !== Object.prototype, present];
}

test("every value comes back as it was", () => {
  fc.assert(
    fc.property(values, (value) => {
      const back = decodeValue(stored(encodeValue(value)));
      expect(kinds(back)).toEqual(kinds(value));
    }),
    { numRuns: 2_000 },
  );
});

test("different values are different when stored", () => {
  const alike: Value[] = [
    NULL,
    new Map(),
    [],
    new Set(),
    newRecord(),
    "",
    "null",
    ["set"],
    ["list"],
  ];
  const texts = alike.map((value) => JSON.stringify(encodeValue(value)));
  expect(new Set(texts).size).toBe(alike.length);
  expect(() => encodeValue(Number.NaN)).toThrow();
});

const BEFORE = programOf(`
  label untrusted
  level Sensitivity = public < internal < restricted
  tool look { effect read, args { k1: String?, at: Time?, tags: Set<String> } }
  tool pay { effect write, args { amount: Decimal, to: { name: String, iban: String? } } }
  resource file { owner: String }
  permit anything
`);

test("every request that is read comes back as it was, under a policy that counts otherwise", () => {
  const after = { ...BEFORE, tools: BEFORE.tools.toReversed() };
  const read = createRequestReader(BEFORE);
  let count = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const reading = read(randomRequest(BEFORE, randomFrom(seed)), {
      nowMs: START,
      session: () => undefined,
    });
    if (!reading.ok) continue;
    count++;
    const { request } = reading;
    const back = decodeRequest(stored(encodeRequest(request, BEFORE)), after);
    expect(kindsOfRoots(back)).toEqual(kindsOfRoots(request));
    expect(after.tools[back.tool]?.name).toBe(BEFORE.tools[request.tool]?.name);
  }
  expect(count).toBeGreaterThan(100);
});

function kindsOfRoots({ roots }: DecisionRequest): unknown {
  return Object.entries(roots)
    .filter(([, root]) => root !== undefined)
    .map(([name, root]) => [name, kinds(root)])
    .sort();
}

const SEQUENCE = programOf(`
  tool open, close { effect read, args { path: String } }
  task errand { sequence open(path as x), close(path as x, args.path != "z") }
  permit anything when any p in ["a"]: p == "a"
`);

test("where a task stands comes back, in the locals and tools of the next policy", () => {
  const [task] = SEQUENCE.tasks;
  const ids = task?.sequence?.positions.flatMap(({ binds }) => binds.map(({ id }) => id)) ?? [];
  const [id = -1] = ids;
  const request = { tool: 1, roots: rootsWith({ path: "a" }) };
  const state: TaskState = {
    startedAtMs: START,
    usedAtMs: 2,
    policy: "sha256:p",
    callCount: 3,
    progress: {
      base: NOT_BEGUN.base,
      steps: [{ call: "c1", request, done: false }],
      all: [{ position: 0, bound: new Map([[id, "a"]]) }],
    },
  };
  const written = stored(encodeTask(state, task?.sequence, SEQUENCE));
  expect(decodeTask(written, task?.sequence, SEQUENCE)).toEqual(state);
  const later = programOf(`
    tool other { effect read }
    tool open, close { effect read, args { path: String } }
    permit anything
    task earlier { sequence open(path as v), open(path as w) }
    task errand { sequence open(path as y), close(path as y, args.path != "z") }
  `);
  const back = decodeTask(written, later.tasks[1]?.sequence, later);
  const [after = -1] = later.tasks[1]?.sequence?.positions[0]?.binds.map(({ id }) => id) ?? [];
  expect(after).not.toBe(id);
  expect(back.progress.all).toEqual([{ position: 0, bound: new Map([[after, "a"]]) }]);
  expect(back.progress.steps[0]?.request.tool).toBe(2);
});

function rootsWith(args: Record<string, Value>): DecisionRequest["roots"] {
  const none = Object.freeze(newRecord());
  const rest = { agent: none, intent: none, tool: none, environment: none };
  const absent = { principal: undefined, delegation: undefined, resource: undefined };
  const made = newRecord();
  return { ...rest, ...absent, session: undefined, args: Object.freeze(Object.assign(made, args)) };
}

test("every call comes back as it was, and is packed as it is encoded", () => {
  const packer = new Packer(0);
  fc.assert(
    fc.property(anyCall, (call) => {
      expect(decodeCall(stored(encodeCall(call)))).toEqual(call);
      packer.clear();
      packCall(call, packer);
      expect(unpack(packer.packed())).toEqual([stored(encodeCall(call))]);
      const { atMs, tool, sessionId } = call;
      const unpacker = new Unpacker(packer.bytes, 0, packer.length);
      expect(unpackSummary(unpacker)).toEqual({ atMs, tool, sessionId });
    }),
  );
});

test("a step keeps of its request what taking it once more reads", () => {
  const program = programOf(`
    tool open, close { effect read, args { path: String, size: Int } }
    permit anything
    task errand { sequence open(path as x), close(path as x) }
  `);
  const sequence = program.tasks[0]?.sequence;
  const taken = (path: string): DecisionRequest => ({
    tool: 0,
    roots: rootsWith({ path, size: 1 }),
  });
  const steps = [{ call: "c1", request: taken("a"), done: true }];
  const state: TaskState = {
    startedAtMs: START,
    usedAtMs: 2,
    policy: "sha256:p",
    callCount: 3,
    progress: { base: NOT_BEGUN.base, steps, all: [] },
  };
  const written = stored(encodeTask(state, sequence, program));
  expect(JSON.stringify(written)).not.toContain("size");
  const [step] = decodeTask(written, sequence, program).progress.steps;
  const { step: match } = generateEvaluator(program);
  const after = (request: DecisionRequest | undefined) =>
    request && match(0, 0, new Map(), request, NO_FACTS);
  expect(after(step?.request)).toEqual(after(taken("a")));
  expect(after(step?.request)).not.toEqual(after(taken("b")));
});

test.each([
  ["[]", decodeCall],
  ["{}", decodeCall],
  ['["1","t",null,[],[],null,null]', decodeCall],
  ["[1]", decodeValue],
  ['["set",[]]', decodeValue],
  ['["tree"]', decodeValue],
])("%s is nothing that was written", (text, decode: (json: Json) => unknown) => {
  expect(() => decode(JSON.parse(text))).toThrow(StateUnreadable);
});
