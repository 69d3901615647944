/** Random requests and states for the world of `world.ts`. */
import type { Facts } from "../../engine/facts.ts";
import type { DecisionRequest, Roots } from "../../engine/request.ts";
import { fromJson, record, type Scalar, type Value } from "../../engine/value.ts";
import type { Field, Json, Type } from "../../lang/type.ts";
import { hashOf, type Random } from "./random.ts";
import {
  ANYTHING,
  ATTRIBUTES,
  GROUPS,
  LABELS,
  MAY_LACK,
  pool,
  ROOT_NAMES,
  TOOLS,
} from "./world.ts";

export function randomRequest(random: Random): DecisionRequest {
  const tool = random.below(TOOLS.length);
  const roots = Object.fromEntries(
    ROOT_NAMES.map((root) => {
      if (MAY_LACK.has(root) && random.chance(0.15)) return [root, undefined];
      return [root, randomRecord(random, ATTRIBUTES[root])];
    }),
  );
  return { tool, roots: roots as unknown as Roots };
}

function randomRecord(random: Random, fields: readonly Field[]): Value {
  const members = fields.flatMap(({ name, type }) => {
    if (type.kind === "Optional" && random.chance(name === "task" ? 0.7 : 0.4)) return [];
    if (name === "groups") return [[name, new Set(random.some(GROUPS, 0.4))] as const];
    return [[name, randomValue(random, type)] as const];
  });
  return record(Object.fromEntries(members));
}

export function randomValue(random: Random, type: Type): Value {
  switch (type.kind) {
    case "Optional":
      return randomValue(random, type.of);
    case "Set":
      return new Set(many(random, type.of) as Scalar[]);
    case "List":
      return many(random, type.of);
    case "Map":
      return new Map(
        random.some(["k1", "k2", "alice"], 0.6).map((key) => [key, randomValue(random, type.of)]),
      );
    case "Record":
      return randomRecord(random, type.fields);
    case "Party":
      return record({
        id: random.pick(["alice", "bob"]),
        kind: random.pick(["human", "workload"]),
      });
    case "Any":
      return fromJson(random.pick(ANYTHING) as Json, type) as Value;
    default:
      return lengthened(random, type, random.pick(likely(type)));
  }
}

/** So long that reading it takes steps. */
function lengthened(random: Random, type: Type, value: Scalar): Scalar {
  const isText = type.kind === "String" || type.kind === "Command";
  return isText && random.chance(0.08) ? `${value};`.repeat(40) : value;
}

/** Extremes are for seldom: a sum of two of them has no value. */
function likely(type: Type): readonly Scalar[] {
  const values = pool(type);
  return type.kind === "Int" || type.kind === "Decimal"
    ? [...values, ...values.slice(0, -3)]
    : values;
}

function many(random: Random, type: Type): Value[] {
  return Array.from({ length: random.below(4) }, () => randomValue(random, type));
}

/** State that seems random, but gives the same answer to the same question. */
export function factsFrom(seed: number): Facts {
  return {
    nowMs: 1_700_000_000_000,
    counter(index, key) {
      const hash = hashOf(`counter ${index} ${key}`, seed);
      if (hash % 11 === 0) return "unavailable";
      return [0, 1, 2, 5, 99, 10_000, 50_000, Number.MAX_SAFE_INTEGER][(hash >>> 8) % 8] ?? 0;
    },
    latch(index, key) {
      const hash = hashOf(`latch ${index} ${key}`, seed) % 12;
      if (hash === 0) return "unavailable";
      if (hash === 1) return "pending";
      return hash % 2 === 0;
    },
    origin(value) {
      const hash = hashOf(`origin ${String(value)}`, seed);
      if (hash % 13 === 0) return "unavailable";
      return new Set(LABELS.filter((_, at) => ((hash >>> (at + 4)) & 1) === 1));
    },
    module(index) {
      const hash = hashOf(`module ${index}`, seed) % 4;
      if (hash === 0) return undefined;
      return { value: hash === 1 ? undefined : hash % 2 === 0 };
    },
  };
}
