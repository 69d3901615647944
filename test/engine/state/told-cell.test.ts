import fc from "fast-check";
import { expect, test } from "vitest";
import { ToldCell, useFrom } from "../../../engine/state/sqlite/told-cell.ts";
import { Distinct, KEPT } from "../../../engine/state/window.ts";
import type { Json } from "../../../lang/type.ts";
import { seedFrom } from "../../support/seed.ts";

const values = fc.constantFrom(1, "1", true, "é\ud800", "a", "b", "c");
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("add", "add", "past", "back", "read", "whole"),
    value: values,
    wait: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(2 * KEPT)),
  }),
  { maxLength: 60 },
);

const stored = (json: Json): Json => JSON.parse(JSON.stringify(json)) as Json;

test("a cell that is told value by value is read as it is, also where the table was ahead", () => {
  fc.assert(
    fc.property(steps, fc.boolean(), fc.nat(60), (drawn, windowed, ahead) => {
      const cell = new Distinct(windowed, 0);
      const told: Json[] = [];
      let table = stored(cell.written());
      let bucket = 0;
      for (const [at, { kind, value, wait }] of drawn.entries()) {
        bucket += windowed ? wait : 0;
        if (kind === "add") cell.add(bucket, value);
        else if (kind === "past") cell.addPast(Math.max(0, bucket - wait), value);
        else if (kind === "back") cell.takeBack(Math.max(0, bucket - wait), value);
        else cell.read(bucket);
        if (kind !== "read" && kind !== "whole")
          told.push(["uses", 1, "k", ...cell.writtenUse(value)]);
        if (at === ahead || kind === "whole") table = stored(cell.written());
        if (kind === "whole") told.length = 0;
      }
      const made = new ToldCell(1, "k", table);
      for (const use of told) made.tell(useFrom(stored(use)));
      const [, , , written = null] = made.row();
      const restored = Distinct.from(stored(written as Json), windowed);
      for (const later of [0, 1, 5, KEPT - 1, KEPT]) {
        expect(restored.read(bucket + later)).toBe(cell.read(bucket + later));
      }
    }),
    { numRuns: 2_000, seed: seedFrom("WRIT_TOLD_CELL_SEED") },
  );
});
