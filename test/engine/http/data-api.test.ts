/** OPA's Data API: its shapes, and OPA's own client, unmodified. */
import { OPAClient } from "@open-policy-agent/opa";
import { afterEach, describe, expect, test } from "vitest";
import {
  type DecisionService,
  type Listening,
  listen,
  serveDataApi,
} from "../../../engine/http/index.ts";
import { createEngine } from "../../../engine/index.ts";
import { programOf } from "../../support/engine.ts";
import { outcomeOf, send, serve } from "./support.ts";

const POLICY = `package acme.shop

tool look { effect read }
tool buy { effect write, args { amount: Decimal } }
tool peek { effect read }

counter bought = count allowed buy per agent within 24h

permit looking tool look
permit buying tool buy when args.amount <= 100.00 and bought < 3
permit peeking tool peek with redact ["*.iban"]
hold large tool buy when args.amount > 50.00 until approved by group "treasury"
`;

const engine = () => createEngine({ program: programOf(POLICY), digest: "sha256:00" });
const packageName = () => "acme.shop";
const appFor = (service: DecisionService = engine()) =>
  serve(service, { extend: (app) => serveDataApi(app, { service, packageName }) });
const call = (tool: string, args: object = {}) => ({
  agent: { id: "bot" },
  tool: { name: tool, args },
});

let listening: Listening | undefined;
afterEach(async () => {
  await listening?.stop();
  listening = undefined;
});

async function client(service?: DecisionService): Promise<OPAClient> {
  listening = await listen(appFor(service), { port: 0, signals: false });
  return new OPAClient(listening.address);
}

describe("OPA's client", () => {
  test("is told yes or no", async () => {
    const opa = await client();
    expect(await opa.evaluate("acme/shop/allow", call("look"))).toBe(true);
    expect(await opa.evaluate("acme/shop/allow", call("buy", { amount: 20 }))).toBe(true);
    expect(await opa.evaluate("acme/shop/allow", call("buy", { amount: 200 }))).toBe(false);
    // What somebody has to approve first, and what comes with an obligation, is no plain yes.
    expect(await opa.evaluate("acme/shop/allow", call("buy", { amount: 60 }))).toBe(false);
    expect(await opa.evaluate("acme/shop/allow", call("peek"))).toBe(false);
  });

  test("is told everything", async () => {
    const opa = await client();
    expect(await opa.evaluate("acme/shop", call("peek"))).toMatchObject({
      allow: false,
      decision: "allow",
      call: expect.any(String),
      obligations: [{ type: "redact" }],
    });
    expect(await opa.evaluateDefault(call("look"))).toMatchObject({ allow: true });
    expect(await opa.evaluate("acme/shop", call("buy", { amount: 60 }))).toMatchObject({
      allow: false,
      decision: "hold",
    });
  });

  test("may turn the result into what it wants", async () => {
    const opa = await client();
    const fromResult = (result: unknown) => (result as { allow: boolean }).allow;
    expect(await opa.evaluate("acme/shop", call("look"), { fromResult })).toBe(true);
  });

  test("asks for many at once", async () => {
    const opa = await client();
    const inputs = { a: call("look"), b: call("buy", { amount: 200 }) };
    expect(await opa.evaluateBatch("acme/shop/allow", inputs)).toEqual({ a: true, b: false });
    const mixed = await opa.evaluateBatch("acme/shop/allow", { a: call("look"), b: { agent: 1 } });
    expect(mixed).toMatchObject({ a: true, b: { code: "invalid_parameter" } });
    const large = call("look", { note: "x".repeat(70_000) });
    expect(await opa.evaluateBatch("acme/shop/allow", { a: call("look"), b: large })).toMatchObject(
      { a: true, b: { code: "invalid_parameter" } },
    );
    await expect(
      opa.evaluateBatch("acme/shop/allow", { b: { agent: 1 } }, { rejectMixed: true }),
    ).rejects.toBeDefined();
  });

  test("finds nothing elsewhere, and no yes in it", async () => {
    const opa = await client();
    for (const path of ["acme/other/allow", "acme/shop/deny", "acme", "acme/shop/allow/x"]) {
      expect(await opa.evaluate(path, call("look"))).toBeUndefined();
    }
  });

  test.each([
    ["no request", { agent: 1 }],
    ["another tool's name for it", "look"],
    ["nothing", undefined],
  ])("is refused with %s", async (_name, input) => {
    const opa = await client();
    await expect(opa.evaluate("acme/shop/allow", input)).rejects.toBeDefined();
  });

  test("is refused where the service fails", async () => {
    const decide = () => {
      throw new Error("disk on fire");
    };
    const opa = await client({ ...engine(), decide });
    await expect(opa.evaluate("acme/shop/allow", call("look"))).rejects.toBeDefined();
  });
});

describe("the wire", () => {
  const post = (path: string, body: unknown, app = appFor()) => send(app, { path, body });

  test("a result comes with the decision's id", async () => {
    const response = await post("/v1/data/acme/shop/allow", { input: call("look") });
    expect(response.json()).toEqual({ result: true, decision_id: expect.any(String) });
    const escaped = await post("/v1/data/acme%2Fshop%2fallow?metrics=true", {
      input: call("look"),
    });
    expect(escaped.json()).toMatchObject({ result: true });
  });

  test.each([
    ["no input", {}, "the body has no `input`"],
    ["an input that is no request", { input: {} }, "input/agent is missing"],
    ["a list", [], "the body has no `input`"],
    ["malformed JSON", "{", expect.any(String)],
  ])("%s: 400, in OPA's words", async (_name, body, message) => {
    const response = await post("/v1/data/acme/shop/allow", body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({ code: "invalid_parameter", message });
  });

  test("what is not there is not decided, and counts nothing", async () => {
    const service = engine();
    const app = appFor(service);
    for (let at = 0; at < 5; at += 1) {
      expect(
        (await post("/v1/data/acme/other", { input: call("buy", { amount: 1 }) }, app)).json(),
      ).toEqual({});
    }
    const answer = await post(
      "/v1/data/acme/shop/allow",
      { input: call("buy", { amount: 1 }) },
      app,
    );
    expect(answer.json().result).toBe(true);
  });

  test.each([
    "/v1/data/acme%252Fshop",
    "/v1/data/acme%2F..%2Fshop",
    "/v1/data/acme%2f%2fshop",
    "/v1/data/%61cme",
  ])("%s is no path", async (path) => {
    expect(outcomeOf(await post(path, { input: call("look") }))).toBe("404 not_found");
  });

  test("inputs may be mapped to requests", async () => {
    const service = engine();
    const app = serve(service, {
      extend: (own) =>
        serveDataApi(own, {
          service,
          packageName,
          requestFrom: (input) => call(String((input as { action: string }).action)),
        }),
    });
    const response = await post("/v1/data/acme/shop/allow", { input: { action: "look" } }, app);
    expect(response.json().result).toBe(true);
  });
});
