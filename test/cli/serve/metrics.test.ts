import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { variableOf } from "../../../cli/serve/config.ts";
import { SERVE_OPTIONS } from "../../../cli/serve/options.ts";
import { directoryWith, PAYMENT, SMALL, writ } from "../../support/cli.ts";
import { serve } from "../../support/served.ts";

test("`--metrics-port` serves what this service does, and nothing else", async () => {
  const directory = directoryWith({ "small/small.writ": SMALL });
  const served = await serve(["--metrics-port", "0", join(directory, "small")], directory);
  await served.ask("/decide", PAYMENT);
  const response = await fetch(`${served.listening.metrics}/metrics`);
  const text = await response.text();
  for (const line of [
    'writ_decisions_total{decision="allow"} 1',
    "writ_state_up 1",
    "writ_audit_up 1",
    "writ_audit_wait_seconds_count 1",
    "writ_state_wait_seconds_count 1",
    "writ_policy_rules 4",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
  expect((await fetch(`${served.listening.metrics}/state`)).status).toBe(404);
  expect((await served.ask("/metrics")).status).toBe(404);
  expect((await served.stop()).code).toBe(0);
});

test.each([
  { words: ["--metrics-port", "70000"], says: "`--metrics-port` is a number" },
  { words: ["--host", "0.0.0.0", "--metrics-port", "0"], says: "`--allow-remote`" },
])("$words is refused", async ({ words, says }) => {
  const directory = directoryWith({ "small/small.writ": SMALL });
  const ran = await writ(["serve", "--port", "0", ...words, join(directory, "small")], {
    cwd: directory,
  });
  expect(ran.code).toBe(2);
  expect(ran.err).toContain(says);
});

test("docs/operations.md names metrics and settings that are there", async () => {
  const document = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
  const source = ["metrics.ts", "exposition.ts"]
    .map((name) => new URL(`../../../engine/http/admin/${name}`, import.meta.url))
    .map((url) => readFileSync(url, "utf8"))
    .join("");
  const named = [...document.matchAll(/`(writ_[a-z_]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(10);
  for (const name of named) {
    const spelled = name.replace(/_total$/, "").replace(/^writ_(?:state|audit)_/, "");
    expect(source, name).toContain(spelled);
  }
  const variables = [...document.matchAll(/(WRIT_[A-Z_]+)=/g)].map(([, name]) => name);
  const known = [...SERVE_OPTIONS.map(variableOf), "WRIT_POLICY", "WRIT_CONFIG"];
  for (const name of variables) expect(known).toContain(name);
});
