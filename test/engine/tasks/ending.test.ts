import { expect, test } from "vitest";
import type { Ledger } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { Tasks } from "../../../engine/tasks/tasks.ts";
import { START } from "../../support/engine.ts";
import { rigOf } from "./support.ts";

test("a task that another process started is ended by who could not ask for it, as is said", async () => {
  const shared = new MemoryLedger();
  const { id } = await (await rigOf({ ledger: shared })).grant();
  let isHere = false;
  const late: Ledger = Object.assign(Object.create(shared) as Ledger, {
    get: (...of: Parameters<Ledger["get"]>) => (isHere ? shared.get(...of) : undefined),
    refresh: () => Promise.reject(new Error("Redis is gone")),
  });
  const tasks = new Tasks({ ledger: late, now: () => START, isRevoked: () => undefined });
  const ending = tasks.end(id, { by: "ann", because: "ticket 1" });
  await expect(ending).rejects.toThrow("Redis is gone");
  isHere = true;
  expect(tasks.find(id)).toMatchObject({ status: "ended", ended: { by: "ann" } });
});
