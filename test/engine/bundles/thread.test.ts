import { afterEach, expect, test } from "vitest";
import { writSources } from "../../../bench/peers/writ-text.ts";
import { makeWorkload } from "../../../bench/workload.ts";
import { type Examination, examine } from "../../../engine/bundles/examine.ts";
import { cutProgram, joinProgram } from "../../../engine/bundles/pieces.ts";
import { createExaminer, EXAMINER_LIMITS, type Examiner } from "../../../engine/bundles/thread.ts";
import { compile } from "../../../lang/compile.ts";
import { bundleOf, newKey, policyText } from "../../support/bundles.ts";
import { START } from "../../support/engine.ts";

const key = newKey();
const examination: Examination = {
  keys: [key.verifying],
  nowMs: START,
  graceMs: 0,
  floor: undefined,
  runsTests: true,
};

const examiners: Examiner[] = [];
afterEach(async () => {
  await Promise.all(examiners.splice(0).map((examiner) => examiner.close()));
});

function examinerWith(limits: Partial<typeof EXAMINER_LIMITS> = {}): Examiner {
  const examiner = createExaminer({ ...EXAMINER_LIMITS, ...limits });
  examiners.push(examiner);
  return examiner;
}

test("the thread finds what is found without it", async () => {
  const examiner = examinerWith();
  for (const bytes of [
    bundleOf(policyText(1), key),
    bundleOf(policyText(1), newKey()),
    bundleOf(policyText(1).replace("then allow", "then deny"), key),
    Buffer.from("nothing"),
  ]) {
    expect(await examiner.examine(bytes, examination)).toEqual(examine(bytes, examination));
  }
  const floor = { package: "example", serial: 9, manifest: "" };
  const older = await examiner.examine(bundleOf(policyText(1), key), { ...examination, floor });
  expect(older).toMatchObject({ ok: false, code: "rolled_back" });
});

test("a program is the same after it was cut and joined", async () => {
  const files = writSources(makeWorkload(500));
  const { program } = compile({ directory: "test", files });
  if (program === undefined) throw new Error("the workload does not compile");
  const pieces = cutProgram(program);
  expect(pieces.filter(({ member }) => member === "rules")).toHaveLength(3);
  expect(await joinProgram(pieces)).toEqual(JSON.parse(JSON.stringify(program)));
});

test("one that takes too long, or too much memory, is given up, and the next is examined", async () => {
  const hasty = examinerWith({ timeoutMs: 1 });
  const small = examinerWith({ heapMegabytes: 4 });
  const bytes = bundleOf(policyText(1), key);
  expect(await hasty.examine(bytes, examination)).toMatchObject({
    code: "crashed",
    because: "its examination took longer than 0.001 s",
  });
  expect(await small.examine(bytes, examination)).toMatchObject({ ok: false, code: "crashed" });
  const examiner = examinerWith();
  // What is no PEM makes the thread itself throw.
  const broken = { ...examination, keys: [{ ...key.verifying, pem: "broken" }] };
  expect(await examiner.examine(bytes, broken)).toMatchObject({
    code: "crashed",
    because: "its examination failed: it is no PEM file",
  });
  expect((await examiner.examine(bytes, examination)).ok).toBe(true);
});
