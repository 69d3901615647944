import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL } from "../../support/cli.ts";
import { serve } from "../../support/served.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

let stop = () => {};
afterEach(() => stop());

interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly type: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
  readonly json: any;
}

async function collector(answer: () => number) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url: path, headers } = request;
    const json = JSON.parse(Buffer.concat(chunks).toString());
    received.push({ method, path, type: headers["content-type"], json });
    response.writeHead(answer(), { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
}

async function served(url: string) {
  const directory = directoryWith({ "small/small.writ": SMALL });
  return serve(["--metrics-port", "0", "--otlp", url, join(directory, "small")], directory);
}

// biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
async function decideTraced(url: string): Promise<any> {
  const response = await fetch(`${url}/decide`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      traceparent: `00-${TRACE}-${PARENT}-01`,
      tracestate: "vendor=1",
    },
    body: JSON.stringify(PAYMENT),
  });
  return response.json();
}

test("a collector is sent what was decided, in the caller's trace, before the service ends", async () => {
  const { received, url } = await collector(() => 200);
  const service = await served(url);
  const decision = await decideTraced(service.url);
  await service.ask("/outcome", { call: decision.call, status: "ok" });
  expect((await service.stop()).code).toBe(0);
  expect(received.map(({ method, path, type }) => [method, path, type])).toEqual(
    received.map(() => ["POST", "/v1/traces", "application/json"]),
  );
  const resources = received.flatMap(({ json }) => json.resourceSpans);
  expect(resources[0].resource.attributes).toEqual([
    { key: "service.name", value: { stringValue: "writ" } },
  ]);
  const [decided, settled] = resources.flatMap(({ scopeSpans }) => scopeSpans[0].spans);
  expect(decided).toMatchObject({
    traceId: TRACE,
    parentSpanId: PARENT,
    traceState: "vendor=1",
    name: "decide",
    kind: 2,
    status: {},
  });
  expect(decided.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(BigInt(decided.endTimeUnixNano)).toBeGreaterThan(BigInt(decided.startTimeUnixNano));
  const attributes = Object.fromEntries(
    decided.attributes.map(({ key, value }: { key: string; value: object }) => [key, value]),
  );
  expect(attributes["writ.decision"]).toEqual({ stringValue: decision.decision });
  expect(attributes["writ.decision.id"]).toEqual({ stringValue: decision.id });
  expect(attributes["writ.policy.digest"]).toEqual({ stringValue: decision.policy.digest });
  const rules = decision.reasons.map(({ rule }: { rule: string }) => ({ stringValue: rule }));
  expect(attributes["writ.rules"]).toEqual({ arrayValue: { values: rules } });
  expect(settled.name).toBe("outcome");
  expect(settled.traceId).not.toBe(TRACE);
  const text = JSON.stringify(received);
  for (const id of [PAYMENT.agent.id, decision.call]) expect(text).not.toContain(id);
});

test("a collector that fails costs no decision, and is told of", async () => {
  const { url } = await collector(() => 500);
  const service = await served(url);
  expect((await decideTraced(service.url)).decision).toBe("allow");
  const text = await (await fetch(`${service.listening.metrics}/metrics`)).text();
  expect(text).toContain('writ_spans_total{result="dropped"} 0');
  const { code, err } = await service.stop();
  expect(code).toBe(0);
  expect(err).toBe("spans cannot be sent: it was answered with 500\n");
});

test("nobody listens there: decisions go on", async () => {
  const service = await served("http://127.0.0.1:1/v1/traces");
  expect((await decideTraced(service.url)).decision).toBe("allow");
  const { code, err } = await service.stop();
  expect(code).toBe(0);
  expect(err).toContain("ECONNREFUSED");
});
