import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expose } from "../../../../engine/http/admin/exposition.ts";
import { createMetricsServer } from "../../../../engine/http/admin/server.ts";
import { measured, Waits } from "../../../../engine/http/index.ts";
import { RULES_MOST } from "../../../../engine/http/measured.ts";
import { DENIAL, DENIER, send } from "../support.ts";
import { administered, credentialGuard, TOKEN } from "./support.ts";

/** Name with labels → value, read as strictly as the format is written. */
function read(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const types = new Set<string>();
  for (const line of text.split("\n").slice(0, -1)) {
    const type = /^# TYPE ([a-z_]+) (?:counter|gauge|histogram)$/.exec(line)?.[1];
    if (type !== undefined) {
      expect(types.has(type), `${type} is declared twice`).toBe(false);
      types.add(type);
      continue;
    }
    if (/^# HELP [a-z_]+ [^\n]+$/.test(line)) continue;
    const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\["\\n])*"`;
    const found = new RegExp(`^([a-z_]+)(\\{${label}(?:,${label})*\\})? (\\S+)$`).exec(line);
    if (found === null) throw new Error(`no sample: ${line}`);
    const [, name = "", labels = "", value] = found;
    expect(types.has(name.replace(/_(?:bucket|sum|count)$/, "")) || types.has(name), name).toBe(
      true,
    );
    expect(samples.has(name + labels), `${name}${labels} is there twice`).toBe(false);
    samples.set(name + labels, Number(value));
  }
  expect(text.endsWith("\n")).toBe(true);
  return samples;
}

async function metricsOf(app: Parameters<typeof send>[0], headers = {}) {
  return send(app, { path: "/metrics", method: "GET", headers });
}

describe("GET /metrics", () => {
  test("tells decisions by effect, code and rule, how long they took, and what is remembered", async () => {
    const { app, call } = administered();
    await call("s", "look");
    await call("s", "pay", { amount: 900 });
    await call("s", "boom");
    const response = await metricsOf(app);
    expect(response.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const samples = read(response.body);
    const expected = {
      writ_ready: 1,
      'writ_decisions_total{decision="allow"}': 1,
      'writ_decisions_total{decision="deny"}': 2,
      'writ_decisions_total{decision="failed"}': 0,
      'writ_denials_total{code="forbidden"}': 1,
      'writ_rule_decisions_total{rule="looking",effect="permit"}': 1,
      'writ_rule_decisions_total{rule="ending",effect="forbid"}': 1,
      writ_decision_seconds_count: 3,
      'writ_decision_seconds_bucket{le="+Inf"}': 3,
      writ_sessions: 1,
      writ_sessions_interrupted: 1,
      'writ_keys{name="calls"}': 1,
    };
    for (const [name, value] of Object.entries(expected)) {
      expect([name, samples.get(name)]).toEqual([name, value]);
    }
  });

  test("has buckets that only grow", async () => {
    const { app, call } = administered();
    for (let index = 0; index < 20; index += 1) await call("s", "look");
    const samples = read((await metricsOf(app)).body);
    const buckets = [...samples].filter(([name]) =>
      name.startsWith("writ_decision_seconds_bucket"),
    );
    expect(buckets.length).toBeGreaterThan(20);
    const counts = buckets.map(([, value]) => value);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(20);
  });

  test("tells of state and audit how far they are behind, of reloads, and of a candidate", async () => {
    const waits = new Waits();
    await waits.time(Promise.resolve());
    await waits.time(Promise.reject(new Error("full"))).catch(() => {});
    const { app } = administered({
      vitals: {
        policy: () => ({ package: "a.b", digest: "sha256:1", revision: "7", rules: 3 }),
        state: { readiness: () => ({ ready: false, because: "out of reach" }), waits },
        audit: { readiness: () => ({ ready: true }), queued: () => 5 },
        reloads: () => ({
          activationCount: 2,
          refusalCounts: new Map([["older", 4]]),
          activatedAtMs: 1_500,
          failing: {},
        }),
        shadow: () => ({ alike: 1, differing: 2, failed: 3 }),
      },
    });
    const samples = read((await metricsOf(app)).body);
    expect(Object.fromEntries(samples)).toMatchObject({
      'writ_policy_info{package="a.b",digest="sha256:1",revision="7"}': 1,
      writ_state_up: 0,
      writ_state_failures_total: 1,
      writ_state_wait_seconds_count: 2,
      writ_audit_up: 1,
      writ_audit_queued_records: 5,
      writ_reloads_total: 2,
      'writ_reload_refusals_total{code="older"}': 4,
      writ_reload_failing: 1,
      writ_reload_timestamp_seconds: 1.5,
      'writ_shadow_decisions_total{result="differing"}': 2,
    });
  });

  test("is told although state is out of reach", async () => {
    const { app, driver } = administered({
      engine: () => ({
        ...driver.engine,
        inspection: {
          ...driver.engine.inspection,
          state: () => Promise.reject(new Error("out of reach")),
        },
      }),
    });
    const response = await metricsOf(app);
    expect(response.statusCode).toBe(200);
    const samples = read(response.body);
    expect(samples.has("writ_decision_seconds_count")).toBe(true);
    expect(samples.has("writ_sessions")).toBe(false);
  });

  test("needs the credential where there is one", async () => {
    const { app } = administered({ guard: credentialGuard() });
    expect((await metricsOf(app)).statusCode).toBe(401);
    const authorization = `Bearer ${TOKEN}`;
    expect((await metricsOf(app, { authorization })).statusCode).toBe(200);
  });

  test("says nothing of what was asked", async () => {
    const { app, call } = administered();
    await call(
      "session-of-secret",
      "look",
      { note: "planted-secret" },
      { principal: { id: "planted-person" } },
    );
    await call("session-of-secret", "planted-tool", {});
    const { body } = await metricsOf(app);
    expect(body).not.toMatch(/secret|planted/);
  });
});

test("on a port of its own, metrics are all there is, under whatever name", async () => {
  const { driver } = administered();
  const { service, measures } = measured(driver.engine);
  const app = createMetricsServer({ engine: () => driver.engine, service, measures });
  expect((await metricsOf(app, { host: "10.1.2.3:9090" })).statusCode).toBe(200);
  for (const path of ["/state", "/sessions", "/decide", "/ready"]) {
    expect((await send(app, { path, method: "GET" })).statusCode, path).toBe(404);
  }
});

test("no more rules are counted than have room", async () => {
  const asked = measured({
    ...DENIER,
    decide: (input) => ({
      kind: "answer",
      value: { ...DENIAL, reasons: [{ rule: String(input), effect: "forbid", at: "" }] },
    }),
  });
  for (let index = 0; index < RULES_MOST + 50; index += 1) await asked.service.decide(index);
  const { rules } = asked.measures.read();
  expect(rules.length).toBe(RULES_MOST + 1);
  expect(rules.at(-1)).toEqual({ rule: "(other)", effect: "forbid", count: 50 });
});

test("no name of a policy becomes a line or a label", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (value) => {
      const samples = [{ labels: { name: value }, value: 1 }];
      const text = expose([{ name: "writ_x", help: "x", type: "gauge", samples }]);
      const [, , line = ""] = text.split("\n");
      expect(text.split("\n").length).toBe(4);
      const [, inside = ""] = /^writ_x\{name="((?:[^"\\\n]|\\["\\n])*)"\} 1$/su.exec(line) ?? [];
      expect(inside.replace(/\\(["\\n])/g, (_, c) => (c === "n" ? "\n" : c))).toBe(value);
    }),
  );
});
