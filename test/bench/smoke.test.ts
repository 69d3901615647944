import { expect, test } from "vitest";
import { disagreement } from "../../bench/agree.ts";
import { enginesFor } from "../../bench/engines.ts";
import { makeWorkload } from "../../bench/workload.ts";

const workload = makeWorkload(20);

test("half of the requests are allowed, and every rule determines some answer", () => {
  const allowed = workload.expected.filter((answer) => answer.allowed);
  expect(allowed).toHaveLength(workload.requests.length / 2);
  const determining = new Set(workload.expected.flatMap(({ reasons }) => reasons));
  expect([...determining].sort()).toEqual(workload.rules.map(({ name }) => name).sort());
});

test.each(enginesFor(20))("$name answers every request as the policy means it", async (engine) => {
  expect(disagreement(await engine.load(workload), workload)).toBeUndefined();
});

test.each(enginesFor(20).filter(({ built }) => built !== undefined))(
  "$name answers the same from what was built before",
  async ({ built }) => {
    const text = built?.build(workload) ?? "";
    const engine = await built?.load(text);
    expect(engine && disagreement(engine, workload)).toBeUndefined();
  },
);
