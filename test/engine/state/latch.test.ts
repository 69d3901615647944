/** A latch reads as every order says in which calls may have had their effect, or it is not known. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { HeldLatch } from "../../../engine/state/call.ts";
import {
  changeLatch,
  expectLatch,
  newLatch,
  readLatch,
  settleLatch,
} from "../../../engine/state/latch.ts";
import { type LatchCall, readingOf } from "../../support/latch-orders.ts";

const beginning = fc.record({
  does: fc.constantFrom("begin" as const, "change" as const),
  kind: fc.constantFrom("latch" as const, "reset" as const),
  certain: fc.boolean(),
});

const ending = fc.record({
  does: fc.constantFrom("succeed" as const, "fail" as const),
  draw: fc.nat(),
});

test("it reads as every order of what may have happened has it", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(beginning, ending), { maxLength: 9 }), (history) => {
      const cell = newLatch();
      let calls: readonly LatchCall[] = [];
      const open: { readonly call: LatchCall; readonly held: HeldLatch }[] = [];
      for (const [at, step] of history.entries()) {
        if ("draw" in step) {
          const [ended] = open.splice(step.draw % Math.max(1, open.length), 1);
          if (ended === undefined) continue;
          ended.call.end = at;
          if (step.does === "fail") calls = calls.filter((call) => call !== ended.call);
          settleLatch(cell, ended.held, step.does === "succeed");
        } else {
          const { does, kind, certain } = step;
          const call: LatchCall = { kind, certain, begin: at };
          calls = [...calls, call];
          if (does === "change") {
            call.end = at;
            changeLatch(cell, call);
          } else {
            const others = expectLatch(cell, kind);
            open.push({ call, held: { table: "t", key: "k", kind, certain, others } });
          }
        }
        expect(readLatch(cell), JSON.stringify(calls)).toBe(readingOf(calls));
      }
    }),
    { numRuns: 2_000 },
  );
});
