import { expect, test } from "vitest";
import type { Decision } from "../../../engine/decision.ts";
import { createServer, type DecisionService, traced } from "../../../engine/http/index.ts";
import { RULES_NAMED, type Span } from "../../../engine/trace/span.ts";
import { DENIAL, DENIER, send } from "./support.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const SAMPLED = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: "a=1" };

const reasons = Array.from({ length: 40 }, (_, at) => ({
  rule: `rule_${at}`,
  effect: "forbid" as const,
  at: "r.writ:1:1",
  because: "SECRET reason",
}));
const TOLD: Decision = { ...DENIAL, reasons, because: "SECRET because" };

function tracing(
  service: Partial<DecisionService> = {},
  take?: (span: Span, taken: Span[]) => void,
) {
  const spans: Span[] = [];
  let id = 0;
  let elapsed = 0;
  const around = traced(
    { ...DENIER, decide: () => ({ kind: "answer", value: TOLD }), ...service },
    {
      take: (span) => (take === undefined ? spans.push(span) : take(span, spans)),
      wallMs: () => 1_000,
      clock: () => {
        elapsed += 5;
        return elapsed;
      },
      randomHex: (bytes) => `${++id}`.padStart(bytes * 2, "0"),
    },
  );
  const app = createServer({ service: around.service, extend: around.join });
  return { app, spans };
}

test("a decision is a span in the caller's trace, with what decided it and nothing that was asked", async () => {
  const { app, spans } = tracing();
  await send(app, { headers: SAMPLED, body: { tool: "SECRET" } });
  expect(spans).toEqual([
    {
      name: "decide",
      traceId: TRACE,
      spanId: "0000000000000001",
      parentId: PARENT,
      state: "a=1",
      startMs: 1_000,
      elapsedMs: 5,
      attributes: {
        "writ.decision": "deny",
        "writ.decision.id": "d-1",
        "writ.code": "not_permitted",
        "writ.rules": reasons.slice(0, RULES_NAMED).map(({ rule }) => rule),
        "writ.policy.package": "acme.payments",
        "writ.policy.digest": "sha256:00",
      },
    },
  ]);
  expect(JSON.stringify(spans)).not.toContain("SECRET");
});

test("without a trace that can be read, one begins", async () => {
  const { app, spans } = tracing();
  await send(app);
  await send(app, { headers: { traceparent: "00-what", tracestate: "a=1" } });
  expect(spans.map(({ traceId, parentId, state }) => [traceId, parentId, state])).toEqual([
    ["1".padStart(32, "0"), undefined, ""],
    ["3".padStart(32, "0"), undefined, ""],
  ]);
});

test("what the caller does not record is not recorded, and is decided", async () => {
  const { app, spans } = tracing();
  const response = await send(app, { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } });
  expect(response.json().decision).toBe("deny");
  expect(spans).toEqual([]);
});

test("requests under way at once keep their own traces", async () => {
  const { app, spans } = tracing({
    decide: async () => {
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      return { kind: "answer", value: TOLD };
    },
  });
  const traces = Array.from({ length: 50 }, (_, at) => `${at + 1}`.padStart(32, "0"));
  await Promise.all(
    traces.map((trace) => send(app, { headers: { traceparent: `00-${trace}-${PARENT}-01` } })),
  );
  expect(spans.map(({ traceId }) => traceId).sort()).toEqual(traces);
});

test.each([
  [{ kind: "malformed", faults: [] }, "malformed", undefined],
  [{ kind: "unavailable", because: "SECRET" }, "unavailable", "unavailable"],
] as const)("%j is told in a word", async (answer, refused, failure) => {
  const { app, spans } = tracing({ decide: () => answer });
  await send(app);
  expect(spans[0]?.attributes).toEqual({ "writ.refused": refused });
  expect(spans[0]?.failure).toBe(failure);
});

test("a fault is a span as well, and stays a fault", async () => {
  const { app, spans } = tracing({
    decide: () => {
      throw new Error("SECRET");
    },
  });
  expect((await send(app)).statusCode).toBe(500);
  expect(spans).toMatchObject([{ name: "decide", attributes: {}, failure: "fault" }]);
  expect(JSON.stringify(spans)).not.toContain("SECRET");
});

test("an outcome is a span, of its status", async () => {
  const { app, spans } = tracing({
    outcome: () => ({ kind: "answer", value: { call: "SECRET", status: "ok" } }),
  });
  await send(app, { path: "/outcome", headers: SAMPLED });
  expect(spans).toMatchObject([
    { name: "outcome", traceId: TRACE, attributes: { "writ.outcome": "ok" } },
  ]);
  expect(JSON.stringify(spans)).not.toContain("SECRET");
});

test("a span that cannot be taken costs no answer", async () => {
  const { app } = tracing({}, () => {
    throw new Error("full");
  });
  const response = await send(app, { headers: SAMPLED });
  expect([response.statusCode, response.json().decision]).toEqual([200, "deny"]);
});
