/** Any values and calls that a store may have to keep. */
import fc from "fast-check";
import type { Call } from "../../../engine/state/call.ts";
import type { Scalar } from "../../../engine/value.ts";

export const scalars: fc.Arbitrary<Scalar> = fc.oneof(
  fc.boolean(),
  fc.maxSafeInteger().map((number) => (number === 0 ? 0 : number)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
  fc.string({ unit: "binary" }),
);
export const names = fc.oneof(
  fc.string(),
  fc.constantFrom("__proto__", "constructor", "", "list", "1"),
);

export const anyCall: fc.Arbitrary<Call> = fc.record({
  atMs: fc.nat(),
  tool: names,
  sessionId: fc.option(fc.string(), { nil: undefined }),
  held: fc.array(fc.record({ table: names, key: fc.string(), bucket: fc.nat(), amount: scalars })),
  latches: fc.array(
    fc.record({
      table: names,
      key: fc.string(),
      kind: fc.constantFrom("latch", "reset"),
      certain: fc.boolean(),
      others: fc.nat(),
    }),
  ),
  task: fc.option(names, { nil: undefined }),
  returning: fc.oneof(
    fc.constant({
      yields: [
        { label: "untrusted", elsewhere: true },
        { label: "private", elsewhere: false, fields: ["body"] },
      ],
      labels: ["l"],
      sensitivity: "secret",
      source: { of: "output", name: "sender" } as const,
      own: ["a", ""],
    }),
    fc.constant({ yields: [], labels: [], own: [] }),
    fc.constant({ yields: [], labels: [] }),
    fc.constant({ yields: [], labels: ["l"] }),
  ),
});
