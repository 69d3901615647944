/** Random state, in the form in which an OPA host hands it to an emitted module. */

import type { Evaluator } from "../../engine/evaluate/evaluator.ts";
import type { Facts } from "../../engine/facts.ts";
import type { DecisionRequest } from "../../engine/request.ts";
import { scalarsOfKey } from "../../engine/value.ts";
import type { Program } from "../../lang/ir.ts";
import type { Random } from "../differential/random.ts";

/** A document that holds most of what the request asks for, and sometimes lacks a table, or all of them. */
export function randomDocument(
  program: Program,
  evaluator: Evaluator,
  request: DecisionRequest,
  random: Random,
): object {
  const asked = keysAsked(evaluator, request);
  const table = (kind: Asked["kind"], index: number, arity: number, value: () => unknown) =>
    asked
      .filter((one) => one.kind === kind && one.index === index && random.chance(0.8))
      .map(({ key }) => ({ key: scalarsOfKey(key, arity), value: value() }));
  const counts = [0, 1, 2, 3, 10, 99, 100, 101, 400, 401];
  return {
    now: random.pick(["2026-01-02T12:00:00Z", "2026-06-01T00:30:00Z"]),
    sessions: Object.fromEntries(
      random.some(["s1", "s2"], 0.8).map((id) => [
        id,
        {
          started_at: "2026-01-02T11:00:00Z",
          interrupted: random.chance(0.1),
          labels: random.some(program.labels, 0.5),
        },
      ]),
    ),
    ...(random.chance(0.1)
      ? {}
      : {
          counters: Object.fromEntries(
            program.counters.flatMap(({ name, per }, index) =>
              random.chance(0.1)
                ? []
                : [[name, table("counter", index, per.length, () => random.pick(counts))]],
            ),
          ),
          latches: Object.fromEntries(
            program.latches.map(({ name, per }, index) => [
              name,
              table("latch", index, per.length, () => random.pick([true, false, "pending"])),
            ]),
          ),
        }),
  };
}

interface Asked {
  readonly kind: "counter" | "latch";
  readonly index: number;
  readonly key: string;
}

function keysAsked(evaluator: Evaluator, request: DecisionRequest): readonly Asked[] {
  const asked = new Map<string, Asked>();
  const note = (kind: Asked["kind"], index: number, key: string) => {
    asked.set(`${kind} ${index} ${key}`, { kind, index, key });
  };
  const facts: Facts = {
    nowMs: 0,
    counter: (index, key) => {
      note("counter", index, key);
      return 0;
    },
    latch: (index, key) => {
      note("latch", index, key);
      return false;
    },
    origin: () => new Set(),
  };
  evaluator.rules(request, facts);
  evaluator.nevers(request, facts);
  evaluator.touches(request, facts);
  return [...asked.values()];
}
