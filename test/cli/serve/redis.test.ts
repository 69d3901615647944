/** `writ serve --state redis://…`: several services remember together. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../../support/cli.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { type Serving, serve } from "../../support/served.ts";

describeRedis("writ serve --state redis://…", () => {
  let redis: TestRedis;
  const running: Serving[] = [];
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop()));
  });

  const serving = async (): Promise<Serving> => {
    const cwd = directoryWith({ "p/p.writ": SMALL });
    const one = await serve(["--state", redis.url, "p"], cwd);
    running.push(one);
    return one;
  };

  test("a limit holds for all, an outcome is taken by any, and without Redis nothing that counts is allowed", async () => {
    const services = [await serving(), await serving()] as const;
    const [one, another] = services;
    expect(one.listening.state).toBe(redis.url);
    const { amount } = PAYMENT.tool.args;
    const fitting = Math.floor(500 / amount);
    const calls: string[] = [];
    let late = 0;
    for (let count = 0; count < fitting + 2; count++) {
      const { json } = await (count % 2 === 0 ? one : another).ask("/decide", PAYMENT);
      if (json.decision === "allow") calls.push(json.call);
      if (json.code === "state_unavailable") late += 1;
    }
    // On a busy machine an answer may come too late; what it reserved stays counted.
    expect(calls.length).toBeLessThanOrEqual(fitting);
    expect(calls.length).toBeGreaterThanOrEqual(fitting - late);
    const failed = await another.ask("/outcome", { call: calls[0], status: "error" });
    expect(failed.status).toBe(200);
    const { json } = await one.ask("/decide", PAYMENT);
    expect(["allow", "state_unavailable"]).toContain(json.code ?? json.decision);
    await redis.kill();
    const denied = await one.ask("/decide", PAYMENT);
    expect(denied.json).toMatchObject({ decision: "deny", code: "state_unavailable" });
    expect((await one.ask("/ready")).status).toBe(503);
    await redis.start();
  });

  test.each([
    [
      "redis://127.0.0.1:1",
      /cannot keep state in redis:\/\/127\.0\.0\.1:1\/default: .*ECONNREFUSED/,
    ],
    ["redis://u:secret@127.0.0.1/{}", /a namespace is up to 64 letters/],
  ])("%s is refused", async (url, why) => {
    const cwd = directoryWith({ "p/p.writ": SMALL });
    const { code, err } = await writ(["serve", "--port", "0", "--state", url, "p"], { cwd });
    expect(code).toBe(2);
    expect(err).toMatch(why);
    expect(err).not.toContain("secret");
  });
});
