/** What becomes of access requests (SPEC §12.14; ARAP, Task Status Endpoint). */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { ACCESS_PROBLEMS } from "../../../../engine/http/authzen/index.ts";
import type { Change, Kept, Ledger } from "../../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../../engine/ledger/memory.ts";
import { accessDesk, asking } from "./access-support.ts";

const SPEC = readFileSync(new URL("../../../../SPEC.md", import.meta.url), "utf8");
const MINUTE = 60_000;

/** Answers a change only later, as one does that is shared over a network. */
class SlowLedger implements Ledger {
  readonly #ledger = new MemoryLedger();
  readonly get = this.#ledger.get.bind(this.#ledger);
  readonly entries = this.#ledger.entries.bind(this.#ledger);
  readonly watch = this.#ledger.watch.bind(this.#ledger);
  readonly readiness = this.#ledger.readiness.bind(this.#ledger);
  readonly close = this.#ledger.close.bind(this.#ledger);

  async put(change: Change): Promise<Kept> {
    await new Promise(setImmediate);
    return this.#ledger.put(change);
  }
}

const error = (name: string) => `urn:openid:authzen:access-request:error:${name}`;

describe("a task", () => {
  const statusOf = async (desk: ReturnType<typeof accessDesk>, path: string) => {
    const { status, json } = await desk.status(path);
    return status === 200 ? json.task.status : `${status} ${json.type.split(":").at(-1)}`;
  };

  test("is denied once somebody refuses", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol", "refuse");
    expect(await statusOf(desk, path)).toBe("denied");
    expect((await desk.status(path)).json.result).toBeUndefined();
  });

  test("waits for everybody who is asked", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending(200);
    await desk.say(held, "carol");
    expect(await statusOf(desk, path)).toBe("pending");
    await desk.say(held, "dave");
    expect(await statusOf(desk, path)).toBe("approved");
  });

  test("ends with the hold, is told of for an hour, and then no more", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    desk.driver.nowMs += 10 * MINUTE;
    expect(await statusOf(desk, path)).toBe("expired");
    desk.driver.nowMs += 60 * MINUTE;
    expect(await statusOf(desk, path)).toBe("410 task_expired");
  });

  test("that was approved stays so after its end, and is good for nothing", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol");
    desk.driver.nowMs += 10 * MINUTE;
    expect(await statusOf(desk, path)).toBe("approved");
    expect(await desk.again(path)).toMatchObject({
      reason: "approval_expired",
      next_action: "request",
    });
  });

  test("is cancelled: nobody can approve it, and it is held anew", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    const cancelled = await desk.ask("POST", `${path}/cancel`, { reason: "changed_mind" });
    expect(cancelled).toMatchObject({ status: 200, json: { task: { status: "cancelled" } } });
    expect(cancelled.json.task.links).toBeUndefined();
    expect(await desk.say(held, "carol")).toBe("approval_closed");
    expect(await statusOf(desk, path)).toBe("cancelled");
    const again = await desk.ask("DELETE", `${path}/cancel`);
    expect(again).toMatchObject({ status: 409, json: { type: error("invalid_task_state") } });
    const anew = await desk.evaluate();
    expect(anew.writ.approval.id).not.toBe(held.writ.approval.id);
    expect(desk.recorded.at(-1)).toBe(`access_request.cancel gateway ${held.writ.approval.id}`);
  });

  test("can be cancelled without a body, and not with one that is none", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    expect((await desk.ask("POST", `${path}/cancel`, [])).status).toBe(400);
    expect((await desk.ask("POST", `${path}/cancel`, { reason: 7 })).status).toBe(400);
    expect((await desk.ask("DELETE", `${path}/cancel`)).status).toBe(200);
  });

  test("that others wait for too is cancelled for its caller alone", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    const other = await desk.pending(50, "other");
    expect(other.held.writ.approval.id).toBe(held.writ.approval.id);
    await desk.ask("POST", `${path}/cancel`);
    expect(await desk.say(held, "carol")).toBe("approved");
    expect(await statusOf(desk, path)).toBe("cancelled");
    expect((await desk.status(other.path, "other")).json.task.status).toBe("approved");
  });

  test("is cancelled at once with all others that wait: then nobody can approve it", async () => {
    const desk = accessDesk(new SlowLedger());
    const { held, path } = await desk.pending();
    const other = await desk.pending(50, "other");
    const cancelled = await Promise.all([
      desk.ask("POST", `${path}/cancel`),
      desk.ask("POST", `${other.path}/cancel`, undefined, "other"),
    ]);
    expect(cancelled.map(({ status }) => status)).toEqual([200, 200]);
    expect(await desk.say(held, "carol")).toBe("approval_closed");
  });

  test("whose approval was revoked is cancelled", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    desk.at.revoked = true;
    expect(await statusOf(desk, path)).toBe("cancelled");
    desk.at.revoked = false;
    expect(await statusOf(desk, path)).toBe("cancelled");
  });

  test("whose approval was revoked after it was given is cancelled, unless it was told of before", async () => {
    const desk = accessDesk();
    const [told, untold] = [await desk.pending(50), await desk.pending(60)];
    for (const { held } of [told, untold]) expect(await desk.say(held, "carol")).toBe("approved");
    expect(await statusOf(desk, told.path)).toBe("approved");
    desk.at.revoked = true;
    expect(await statusOf(desk, told.path)).toBe("approved");
    expect(await statusOf(desk, untold.path)).toBe("cancelled");
    expect(await desk.again(told.path)).toMatchObject({ reason: "approval_expired" });
  });

  test("whose approval another enforcement point has used has failed", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    const other = await desk.pending(50, "other");
    expect(await desk.say(held, "carol")).toBe("approved");
    const { json } = await desk.status(other.path, "other");
    const context = { session: "s", time: "12:00", approval: json.result.approval };
    expect((await desk.evaluate(asking(50, { context }), "other")).decision).toBe(true);
    expect(await statusOf(desk, path)).toBe("failed");
    expect((await desk.status(other.path, "other")).json.task.status).toBe("approved");
  });

  test("is not told of where what is told cannot be kept", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    await desk.say(held, "carol");
    const put = desk.ledger.put.bind(desk.ledger);
    desk.ledger.put = () => {
      throw new Error("no room");
    };
    expect((await desk.status(path)).status).toBe(503);
    desk.ledger.put = put;
    expect(await statusOf(desk, path)).toBe("approved");
  });

  test("of which nothing more is told can be cancelled no more", async () => {
    const desk = accessDesk();
    const { path } = await desk.pending();
    desk.driver.nowMs += 70 * MINUTE;
    expect((await desk.ask("DELETE", `${path}/cancel`)).status).toBe(410);
  });

  test("has failed where its approval was lost", async () => {
    const desk = accessDesk();
    const { held, path } = await desk.pending();
    desk.ledger.drop("approval", held.writ.approval.digest);
    expect(await statusOf(desk, path)).toBe("failed");
  });
});

test("what is sent and answered is what OpenAPI says", async () => {
  const desk = accessDesk();
  const { json: document } = await desk.ask("GET", "/openapi.json", undefined, "nobody");
  const { post } = document.paths["/access/v1/requests"];
  const { get } = document.paths["/access/v1/requests/{task}"];
  expect(get.parameters).toMatchObject([{ name: "task", in: "path", required: true }]);
  expect(Object.keys(post.responses)).toEqual(["201", "202", "default"]);
  const ajv = new Ajv2020({ allowUnionTypes: true, strictTypes: false });
  const accepts = (schema: object, json: unknown) => {
    const isOne = ajv.compile(schema);
    expect({ isOne: isOne(json), errors: isOne.errors }).toEqual({ isOne: true, errors: null });
  };
  const { held, submitted, path } = await desk.pending();
  accepts(post.requestBody.content["application/json"].schema, submitted);
  const schema = get.responses["200"].content["application/json"].schema;
  accepts(schema, (await desk.status(path)).json);
  await desk.say(held, "carol");
  accepts(schema, (await desk.status(path)).json);
});

test("SPEC §12.14 lists every problem with its status", () => {
  const [, section = ""] = SPEC.split("### 12.14 Access requests");
  const [, table = ""] = section.split("| problem, `");
  const rows = [...table.matchAll(/^\| `(\w+)`[^|]*\| (\d+) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, name, status]) => [name, Number(status)]))).toEqual(
    Object.fromEntries(Object.entries(ACCESS_PROBLEMS).map(([name, { status }]) => [name, status])),
  );
});
