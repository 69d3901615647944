/** Links that say they are the grant of a task: read strictly, and accepted only where tasks are kept. */
import { describe, expect, test } from "vitest";
import {
  causeOf,
  chainOf,
  issuerOf,
  type Json,
  LINKS,
  signer,
  verifierOf,
} from "../../support/identity.ts";

const issuer = signer();
const ISSUERS = [issuerOf(issuer, { type: "link", issuer: LINKS, roots: ["alice"] })];
const TASK = { id: "spiffe://acme.example/task/t-1", name: "pay_invoice" };

async function verified(claims: (index: number) => Json, tasks?: boolean): Promise<string> {
  const verifier = await verifierOf(ISSUERS, tasks === undefined ? {} : { tasks });
  const { tokens } = await chainOf(["alice", "bot", "helper"], issuer, claims);
  return causeOf(await verifier.verify(tokens));
}

const granting =
  (task: unknown, jti = "t-1") =>
  (index: number) =>
    index === 0 ? { task, jti } : {};

test("an engine that keeps no tasks accepts no grant of one", async () => {
  expect(await verified(granting(TASK), true)).toBe("ok");
  expect(await verified(granting(TASK), false)).toBe("task_unknown");
  expect(await verified(granting(TASK))).toBe("task_unknown");
});

describe("a grant is refused", () => {
  test.each<[string, (index: number) => Json]>([
    ["whose task is a text", granting("pay_invoice")],
    ["without a name", granting({ id: TASK.id })],
    ["without an id", granting({ name: "pay_invoice" })],
    ["with something else", granting({ ...TASK, session: "s" })],
    ["whose id is no SPIFFE ID", granting({ ...TASK, id: "https://acme.example/task/t-1" })],
    ["whose id is of another run", granting({ ...TASK, id: "spiffe://acme.example/task/t-2" })],
    ["whose id is no task's", granting({ ...TASK, id: "spiffe://acme.example/agent/t-1" })],
    ["whose id goes on", granting({ ...TASK, id: "spiffe://acme.example/task/t-1/x" })],
    ["without a name of the link", granting(TASK, "")],
    ["behind another link", (index) => (index === 1 ? { task: TASK, jti: "t-1" } : {})],
  ])("%s", async (_, claims) => {
    expect(await verified(claims, true)).toBe("claims_invalid");
  });
});
