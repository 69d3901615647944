/** What leaves a service beside its answers: logs, metrics, probes, traces, records, and what is made of records (goal G19). */
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { directoryWith, writ } from "../support/cli.ts";
import { PLACES, POLICY, SECRETS, secret } from "../support/planted.ts";

/** Takes traces, and keeps what they were sent as. */
async function collector() {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    bodies.push(JSON.stringify(request.headers) + Buffer.concat(chunks).toString());
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces` };
}

/** Everything that is sent to a service, and what it shows of it while it runs. */
async function ask(url: string, metrics: string): Promise<Readonly<Record<string, string>>> {
  const headers = { "content-type": "application/json" };
  for (const place of Object.values(PLACES)) {
    const { body, headers: more = {} } = place();
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const sent = { method: "POST", headers: { ...headers, ...more }, body: text };
    const { call } = (await (await fetch(`${url}/decide`, sent)).json()) as { call?: string };
    const outcome = JSON.stringify({ call, status: "ok", values: { [secret()]: secret() } });
    await fetch(`${url}/outcome`, { method: "POST", headers, body: outcome });
  }
  await fetch(`${url}/decide?${secret()}`, { method: "POST", headers, body: "{}" });
  await fetch(`${url}/${secret()}`);
  const read = async (at: string) => (await fetch(at)).text();
  return { "/ready": await read(`${url}/ready`), "/metrics": await read(`${metrics}/metrics`) };
}

/** Of a service that was asked all of it, by what shows it. */
async function shownBy(words: readonly string[]) {
  const cwd = directoryWith({ "p/p.writ": POLICY });
  const { bodies, url: otlp } = await collector();
  const stop = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<{ url: string; metrics: string }>();
  let out = "";
  const ports = ["--port", "0", "--metrics-port", "0"];
  const running = writ(["serve", "--json", ...ports, "--otlp", otlp, ...words, "p"], {
    cwd,
    stopped: stop.promise,
    onOut(text) {
      out += text;
      if (text.includes('"listening"')) listening.resolve(JSON.parse(out.split("\n")[0] ?? ""));
    },
  });
  onTestFinished(() => stop.resolve());
  const { url, metrics } = await listening.promise;
  const probes = await ask(url, metrics);
  stop.resolve();
  const { err } = await running;
  const home = join(cwd, ".writ");
  const log = readdirSync(home).filter((name) => name.startsWith("audit."));
  const shown: Record<string, string> = {
    ...probes,
    logs: `${out}${err}`,
    traces: bodies.join("\n"),
    records: log.map((name) => readFileSync(join(home, name), "utf8")).join("\n"),
  };
  for (const words of [["show"], ["show", "--json"], ["export"], ["verify", "--json"]]) {
    const ran = await writ(["audit", ...words], { cwd });
    shown[`writ audit ${words.join(" ")}`] = ran.out + ran.err;
  }
  for (const words of [[], ["--json"]]) {
    const ran = await writ(["audit", "replay", "p", ...words], { cwd });
    shown[["writ audit replay", ...words].join(" ")] = ran.out + ran.err;
  }
  return shown;
}

const leaks = (text = "") =>
  SECRETS.filter((one) => text.includes(one) || text.includes(one.replace("Bearer ", "")));

test("no planted secret is in anything that leaves the service", async () => {
  const shown = await shownBy([]);
  expect(SECRETS.length).toBeGreaterThan(50);
  for (const [what, text] of Object.entries(shown)) {
    expect({ what, isThere: text.length > 0, leaks: leaks(text) }).toEqual({
      what,
      isThere: true,
      leaks: [],
    });
  }
  expect(shown.traces).toContain("writ.decision");
  expect(shown["/metrics"]).toContain("writ_decisions_total");
}, 60_000);

test("where requests are recorded whole, the records have them, and no token", async () => {
  const {
    records,
    "writ audit show --json": whole,
    ...shown
  } = await shownBy(["--audit-requests"]);
  // This test can fail: they are found where they are.
  for (const text of [records, whole]) {
    expect(leaks(text).length).toBeGreaterThan(10);
    expect(leaks(text).filter((one) => !one.startsWith("hunter"))).toEqual([]);
  }
  for (const [what, text] of Object.entries(shown)) {
    expect({ what, leaks: leaks(text) }).toEqual({ what, leaks: [] });
  }
  expect(shown["writ audit replay"]).toMatch(/^✓ \d+ decisions made again/);
}, 60_000);
