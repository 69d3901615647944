/** Several requests in one body, and tools without arguments. */
import { describe, expect, test } from "vitest";
import { serveBatch } from "../../../engine/http/batch.ts";
import { createServer } from "../../../engine/http/index.ts";
import { serveTools } from "../../../engine/http/tools.ts";
import { BATCH_LIMITS } from "../../../engine/limits.ts";
import { paymentsEngine, SOUND } from "./sample.ts";
import { DENIAL, DENIER, outcomeOf, send, serve } from "./support.ts";

const { tool: _, ...ASKER } = SOUND;

describe("POST /decide/batch", () => {
  const batch = (body: unknown, app = serve(paymentsEngine())) =>
    send(app, { path: "/decide/batch", body });

  test("each is decided as if alone, in order", async () => {
    const from = (source: string) => ({ ...SOUND, intent: { ...SOUND.intent, source } });
    const response = await batch({ requests: [SOUND, from("document"), {}, SOUND] });
    expect(outcomeOf(response)).toBe("200");
    expect(response.json().decisions).toMatchObject([
      { decision: "allow", call: expect.any(String) },
      { decision: "deny", code: "forbidden" },
      { decision: "deny", problem: { type: "urn:writ:problem:malformed_request", status: 400 } },
      { decision: "allow" },
    ]);
  });

  test.each([
    ["bytes", { ...SOUND, session: { id: "x".repeat(70_000) } }, "too_large"],
    ["values", { ...SOUND, x: Array(11).fill(Array(1_000).fill(1)) }, "malformed_json"],
  ])("one with more %s than may come alone is not decided either", async (_name, large, name) => {
    expect(outcomeOf(await send(serve(paymentsEngine()), { body: large }))).toBe(`400 ${name}`);
    const { decisions } = (await batch({ requests: [large, SOUND] })).json();
    expect(decisions).toMatchObject([
      { decision: "deny", problem: { type: `urn:writ:problem:${name}`, status: 400 } },
      { decision: "allow" },
    ]);
  });

  test("what is over the budget is denied, and was not asked", async () => {
    let asked = 0;
    const decide = () => {
      asked += 1;
      return { kind: "answer" as const, value: DENIAL };
    };
    const requests = Array.from({ length: BATCH_LIMITS.askCount + 2 }, () => ({}));
    const { decisions } = (await batch({ requests }, serve({ decide }))).json();
    expect(asked).toBe(BATCH_LIMITS.askCount);
    expect(decisions).toHaveLength(BATCH_LIMITS.askCount + 2);
    for (const decision of decisions.slice(BATCH_LIMITS.askCount)) {
      expect(decision).toMatchObject({
        decision: "deny",
        problem: { type: "urn:writ:problem:over_budget" },
      });
    }
  });

  test("so is what is out of time", async () => {
    let now = 0;
    const decide = () => {
      now += 400;
      return paymentsEngine().decide(SOUND);
    };
    const own = createServer({
      service: DENIER,
      extend: (more) => {
        void more.register(
          async (inner) => serveBatch(inner, { ...DENIER, decide }, { clock: () => now }),
          {
            prefix: "/timed",
          },
        );
      },
    });
    const response = await send(own, {
      path: "/timed/decide/batch",
      body: { requests: [SOUND, SOUND, SOUND, SOUND, SOUND] },
    });
    const told = response
      .json()
      .decisions.map((one: { problem?: { type: string } }) => one.problem?.type);
    expect(told).toEqual([
      undefined,
      undefined,
      undefined,
      "urn:writ:problem:over_budget",
      "urn:writ:problem:over_budget",
    ]);
  });

  test("a fault in one is its own", async () => {
    let count = 0;
    const decide = () => {
      count += 1;
      if (count === 2) throw new Error("disk on fire");
      return paymentsEngine().decide(SOUND);
    };
    const response = await batch({ requests: [SOUND, SOUND, SOUND] }, serve({ decide }));
    expect(response.json().decisions.map((one: { decision: string }) => one.decision)).toEqual([
      "allow",
      "deny",
      "allow",
    ]);
    expect(response.body).not.toContain("disk on fire");
  });

  test.each([
    ["a list", [SOUND], ""],
    ["no list", { requests: SOUND }, "/requests"],
    ["nothing", {}, "/requests"],
    ["more", { requests: [], options: {} }, "/options"],
  ])("%s is no batch", async (_name, body, pointer) => {
    const response = await batch(body);
    expect(outcomeOf(response)).toBe("400 malformed_request");
    expect(response.json().pointer).toBe(pointer);
  });
});

describe("POST /tools", () => {
  const ask = (body: unknown, app = serve(paymentsEngine())) => send(app, { path: "/tools", body });

  test("all that the policy declares", async () => {
    const response = await ask(ASKER);
    expect(outcomeOf(response)).toBe("200");
    expect(response.json()).toEqual({
      tools: [
        {
          name: "send_money",
          standing: "depends",
          reasons: [],
          open: ["pay_known_payee"],
          policy: { package: "acme.payments", digest: "sha256:00" },
        },
      ],
    });
  });

  test("those that are named", async () => {
    const planted = { ...ASKER, intent: { ...ASKER.intent, source: "document" } };
    const tools = [{ name: "send_money" }, { name: "burn_money", server: "mcp://bank" }];
    expect((await ask({ ...planted, tools })).json().tools).toMatchObject([
      { name: "send_money", standing: "denied", code: "forbidden", reasons: [{ rule: "planted" }] },
      { name: "burn_money", server: "mcp://bank", standing: "denied", code: "invalid_request" },
    ]);
  });

  test.each([
    ["a tool beside the list", { ...ASKER, tool: { name: "send_money" } }, "/tool"],
    ["no list", { ...ASKER, tools: "send_money" }, "/tools"],
    ["arguments", { ...ASKER, tools: [{ name: "send_money", args: {} }] }, "/tools/0/args"],
    ["no name", { ...ASKER, tools: [{ name: "send_money" }, {}] }, "/tools/1/name"],
    ["nobody", {}, "/agent"],
    ["a list of all", [], ""],
  ])("%s: 400", async (_name, body, pointer) => {
    const response = await ask(body);
    expect(outcomeOf(response)).toBe("400 malformed_request");
    expect(response.json().pointer).toBe(pointer);
  });

  test("a long list, and no more beside it than a request may have", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const tools = Array.from({ length: 600 }, (_, at) => ({
      name: "send_money",
      server: `s${at}`,
      digest,
    }));
    expect(JSON.stringify(tools).length).toBeGreaterThan(64 * 1024);
    expect(outcomeOf(await ask({ ...ASKER, tools }))).toBe("200");
    const response = await ask({ ...ASKER, context: { note: "x".repeat(70_000) }, tools: [] });
    expect(outcomeOf(response)).toBe("400 malformed_request");
    expect(response.json().detail).toContain("more than 65536 bytes");
  });

  test("without time, a tool depends", async () => {
    let now = 0;
    const engine = paymentsEngine();
    const service = {
      ...DENIER,
      tools: () => [{ name: "send_money" }, { name: "send_money" }],
      foresee: (input: unknown) => {
        now += 5_000;
        return engine.foresee(input);
      },
    };
    const app = createServer({
      service: DENIER,
      extend: (more) => {
        void more.register(async (inner) => serveTools(inner, service, { clock: () => now }), {
          prefix: "/timed",
        });
      },
    });
    const planted = { ...ASKER, intent: { ...ASKER.intent, source: "document" } };
    const { tools } = (await send(app, { path: "/timed/tools", body: planted })).json();
    expect(tools).toMatchObject([
      { standing: "denied" },
      { standing: "depends", because: "the 1000 ms for one body are used up" },
    ]);
  });

  test("a service that cannot be asked ahead says so", async () => {
    expect(outcomeOf(await ask(ASKER, serve()))).toBe("503 unavailable");
  });
});
