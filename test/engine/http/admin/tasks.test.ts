/** What operators tell of an agent (SPEC §16.4), over HTTP. */
import { expect, test } from "vitest";
import { rigOf } from "../../tasks/support.ts";
import { outcomeOf, send } from "../support.ts";
import { administered } from "./support.ts";

const TOLD = { agent: { id: "bot", trust: 0 }, operator: "ann", because: "odd calls" };

async function told(body: unknown, signal?: () => Promise<never>) {
  const rig = await rigOf();
  const { token } = await rig.grant();
  const { app } = administered({ signal: signal ?? rig.tasks.signal });
  const answer = await send(app, { path: "/tasks/signal", body });
  return {
    outcome: outcomeOf(answer),
    answer: answer.json(),
    after: await rig.ask([token], "look"),
  };
}

test("tasks that the policy refuses then are ended, and named", async () => {
  expect(await told(TOLD)).toMatchObject({
    outcome: "200",
    answer: { agent: "bot", tasks: [{ status: "ended" }] },
    after: "revoked",
  });
});

test.each<[string, unknown]>([
  ["nobody", {}],
  ["an agent that is no object", { ...TOLD, agent: "bot" }],
  ["an agent without an id", { ...TOLD, agent: { trust: 1 } }],
  ["no operator", { ...TOLD, operator: undefined }],
  ["no reason", { ...TOLD, because: "" }],
  ["a reason that is too long", { ...TOLD, because: "x".repeat(501) }],
  ["more than is known", { ...TOLD, more: 1 }],
  ["a list", []],
])("what tells of %s is refused, and ends nothing", async (_, body) => {
  expect(await told(body)).toMatchObject({ outcome: "400 malformed_request", after: "allow" });
});

test("what the policy cannot read of an agent ends nothing", async () => {
  const answer = { tasks: [{ status: "undecided" }] };
  expect(await told({ ...TOLD, agent: { id: "bot", trust: 2 } })).toMatchObject({
    answer,
    after: "allow",
  });
});

test("where it is not known to be kept, it says so", async () => {
  const failing = () => Promise.reject(new Error("the disk is full"));
  expect(await told(TOLD, failing)).toMatchObject({ outcome: "503 not_done" });
});
