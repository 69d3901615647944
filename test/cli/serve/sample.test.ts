import { expect, test } from "vitest";
import { sampleRequest } from "../../../cli/serve/sample.ts";
import { SCALARS } from "../../../lang/type.ts";
import { drive, programOf } from "../../support/engine.ts";

const TYPES = [
  ...SCALARS,
  "Rank",
  '"a" | "b"',
  "Set<Ip>",
  "List<Label>",
  "Map<Int>",
  "{ a: Time }",
];

test.each(TYPES)("what a service shows to be tried is a request of its policy: %s", (type) => {
  const policy = `
    level Rank = low < high
    label untrusted
    purpose care
    agent { home: ${type}, maybe: ${type}?, most: Int = 5 }
    environment { near: ${type} }
    tool look { effect read, args { at: ${type}, other: ${type}? } }
    permit anything`;
  const request = sampleRequest(programOf(policy));
  expect(request).toMatchObject({ agent: { id: "agent" }, tool: { name: "look" } });
  expect(JSON.stringify(request)).not.toMatch(/maybe|other|most/);
  const answer = drive(policy).engine.decide(request);
  expect(answer).toMatchObject({ kind: "answer", value: { decision: "allow" } });
});
