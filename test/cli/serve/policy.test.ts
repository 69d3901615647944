import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../../support/cli.ts";
import { type Serving, serve } from "../../support/served.ts";

const running: Serving[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

async function serving(words: readonly string[], cwd: string): Promise<Serving> {
  const one = await serve(words, cwd);
  running.push(one);
  return one;
}

/** A directory with a policy and the key pairs `release` and `other`. */
async function workplace(): Promise<string> {
  const cwd = directoryWith({ "p/p.writ": SMALL });
  for (const name of ["release", "other"]) await writ(["keys", "new", name], { cwd });
  return cwd;
}

/** As a release does: whole, from one moment to the next. */
async function release(
  cwd: string,
  serial: number,
  text = SMALL,
  key = "release.key",
  more: string[] = [],
) {
  writeFileSync(join(cwd, "p/p.writ"), text);
  const words = ["build", "--sign", key, "--serial", String(serial), "-o", "b.next", ...more, "p"];
  expect(await writ(words, { cwd })).toMatchObject({ code: 0 });
  renameSync(join(cwd, "b.next"), join(cwd, "b.writb"));
}

const BUNDLE = ["--bundle", "b.writb", "--bundle-key", "release.pub", "--bundle-interval", "100ms"];
const STRICTER = SMALL.replace("<= 500.00", "<= 10.00");

describe("writ serve --bundle", () => {
  test("decides by what is released, and keeps it when what comes is worth nothing", async () => {
    const cwd = await workplace();
    await release(cwd, 1, SMALL, "release.key", ["--revision", "spring"]);
    const service = await serving(BUNDLE, cwd);
    expect(service.listening.policy).toMatchObject({
      package: "small",
      revision: "spring",
      rules: 4,
    });
    const first = await service.ask("/decide", PAYMENT);
    expect(first.json).toMatchObject({ decision: "allow", policy: { revision: "spring" } });

    await release(cwd, 2, STRICTER, "other.key");
    expect(await service.event("policy_refused")).toMatchObject({ code: "unknown_key" });
    const ready = await service.ask("/ready");
    expect(ready).toMatchObject({ status: 200, json: { status: "ready" } });
    expect(ready.json.warnings).toEqual([
      expect.stringMatching(/^the last reload failed: it is signed by/),
    ]);
    expect((await service.ask("/decide", PAYMENT)).json.policy.revision).toBe("spring");

    await release(cwd, 3, STRICTER);
    await service.event("policy_activated");
    expect(await service.event("policy_activated")).toMatchObject({
      policy: { package: "small", serial: 3, revision: "3" },
      tests: 1,
    });
    // The first payment counts under the new policy, too, and settles under it.
    const { json } = await service.ask("/decide", PAYMENT);
    expect(json).toMatchObject({ decision: "deny", policy: { revision: "3" } });
    const settled = await service.ask("/outcome", { call: first.json.call, status: "ok" });
    expect(settled.status).toBe(200);
    expect((await service.ask("/ready")).json).toEqual({ status: "ready" });

    await release(cwd, 2, SMALL);
    expect(await service.event("policy_refused")).toMatchObject({ code: "rolled_back" });
    const stopped = await service.stop();
    const records = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8").trim().split("\n");
    const operated = records
      .map((line) => JSON.parse(line).record)
      .filter(({ kind }) => kind === "operator");
    expect(operated.map(({ action, details }) => [action, details.serial ?? details.code])).toEqual(
      [
        ["bundle.activate", 1],
        ["bundle.refuse", "unknown_key"],
        ["bundle.activate", 3],
        ["bundle.refuse", "rolled_back"],
      ],
    );
    expect(stopped).toMatchObject({ code: 0, err: "" });
  });

  test("without one it answers, and denies, until one is there", async () => {
    const cwd = await workplace();
    const service = await serving(BUNDLE, cwd);
    expect(service.listening.policy).toBeUndefined();
    expect(await service.event("policy_refused")).toMatchObject({ code: "unreachable" });
    expect(await service.ask("/ready")).toMatchObject({
      status: 503,
      json: {
        detail:
          "no policy has been loaded yet; the last reload failed: it cannot be read: ENOENT (unreachable)",
      },
    });
    expect((await service.ask("/decide", PAYMENT)).json).toMatchObject({
      decision: "deny",
      code: "no_policy",
    });
    await release(cwd, 1);
    await service.event("policy_activated");
    expect((await service.ask("/decide", PAYMENT)).json).toMatchObject({ decision: "allow" });
  });

  test("after a restart, what is older stays refused, and what was decided by last is at hand", async () => {
    const cwd = await workplace();
    await release(cwd, 5);
    await (await serve(BUNDLE, cwd)).stop();
    rmSync(join(cwd, "b.writb"));
    const unreachable = await serving(BUNDLE, cwd);
    expect(unreachable.listening.policy).toMatchObject({ revision: "5" });
    await release(cwd, 4);
    await unreachable.event("policy_refused");
    expect(await unreachable.event("policy_refused")).toMatchObject({ code: "rolled_back" });
    await unreachable.stop();
    writeFileSync(join(cwd, ".writ/bundle.json"), "{}");
    const broken = await writ(["serve", ...BUNDLE], { cwd });
    expect(broken).toMatchObject({
      code: 2,
      err: expect.stringContaining("was changed or cut off"),
    });
  });

  test("from a URL, and again only when it has changed", async () => {
    const cwd = await workplace();
    await release(cwd, 1);
    const statuses: number[] = [];
    let again = () => {};
    const unchanged = new Promise<void>((resolve) => {
      again = resolve;
    });
    const server = createServer((request, response) => {
      const bytes = readFileSync(join(cwd, "b.writb"));
      const etag = `"${bytes.toString("latin1").split("\n")[2]?.slice(-20)}"`;
      const status = request.headers["if-none-match"] === etag ? 304 : 200;
      statuses.push(status);
      if (status === 304) again();
      response.writeHead(status, { etag }).end(status === 304 ? undefined : bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/b.writb`;
    const words = ["--bundle", url, "--bundle-key", "release.pub", "--bundle-interval", "100ms"];
    const service = await serving(words, cwd);
    await service.event("policy_activated");
    await unchanged;
    await release(cwd, 2);
    expect(await service.event("policy_activated")).toMatchObject({ policy: { serial: 2 } });
    await service.stop();
    server.closeAllConnections();
    server.close();
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  });

  test.each([
    [["--bundle", "b.writb"], "no key is named"],
    [["--bundle", "http://bundles.example/b", "--bundle-key", "release.pub"], "is not https"],
    [["--bundle", "ftp://a/b", "--bundle-key", "release.pub"], "https is wanted"],
    [["--bundle", "b.writb", "--bundle-key", "release.key"], "not a `PUBLIC KEY`"],
    [[...BUNDLE, "p"], "are two policies"],
    [[...BUNDLE, "--watch"], "is watched anyway"],
    [[...BUNDLE, "--bundle-grace", "long"], "is not a duration"],
    [["--bundle-key", "release.pub", "p"], "is of a bundle"],
    [["b.writb"], "only once its signature was verified"],
    [[], "no policy is named"],
  ])("%j is refused", async (words, says) => {
    const cwd = await workplace();
    await release(cwd, 1);
    const refused = await writ(["serve", "--port", "0", ...words], { cwd });
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining(says) });
    expect(existsSync(join(cwd, ".writ"))).toBe(false);
  });
});

describe("writ serve --watch", () => {
  test("loads what was saved; what has errors or fails leaves what decides, and is told", async () => {
    const cwd = directoryWith({ "p/p.writ": SMALL });
    const file = join(cwd, "p/p.writ");
    const service = await serving(["--watch", "p"], cwd);
    expect((await service.ask("/decide", PAYMENT)).json.decision).toBe("allow");
    writeFileSync(file, `${SMALL}\npermit broken tool nothing\n`);
    expect(await service.event("policy_refused")).toMatchObject({
      because: "it has errors",
      diagnostics: [{ code: "E207", path: "p/p.writ" }],
    });
    expect((await service.ask("/ready")).json.warnings).toEqual([
      "the latest change is not loaded: it has errors",
    ]);
    writeFileSync(file, SMALL.replace("then allow by looking", "then deny"));
    expect(await service.event("policy_refused")).toMatchObject({ because: "1 of 1 test failed" });
    expect((await service.ask("/decide", PAYMENT)).json.decision).toBe("allow");
    copyFileSync(file, join(cwd, "old"));
    writeFileSync(file, STRICTER);
    expect(await service.event("policy_activated")).toMatchObject({ policy: { package: "small" } });
    expect((await service.ask("/decide", PAYMENT)).json.decision).toBe("deny");
    expect((await service.ask("/ready")).json).toEqual({ status: "ready" });
  });
});

test("writ serve --watch goes on where the directory was replaced, or is gone for a time", async () => {
  const cwd = directoryWith({ "p/p.writ": SMALL, "next/p.writ": STRICTER });
  const service = await serving(["--watch", "p"], cwd);
  renameSync(join(cwd, "p"), join(cwd, "old"));
  expect(await service.event("policy_refused")).toMatchObject({ because: 'there is no "p"' });
  renameSync(join(cwd, "next"), join(cwd, "p"));
  await service.event("policy_activated");
  expect((await service.ask("/decide", PAYMENT)).json.decision).toBe("deny");
  writeFileSync(join(cwd, "p/p.writ"), SMALL);
  await service.event("policy_activated");
  expect((await service.ask("/decide", PAYMENT)).json.decision).toBe("allow");
}, 60_000);

test("writ serve --watch loads what was saved while it started", async () => {
  const cwd = directoryWith({ "p/p.writ": SMALL });
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const words = ["serve", "--json", "--port", "0", "--admin", "off", "--watch", "p"];
  const { out } = await writ(words, {
    cwd,
    stopped,
    onOut: (text) => {
      // It listens, and watches a moment later.
      if (text.includes('"event":"listening"')) writeFileSync(join(cwd, "p/p.writ"), STRICTER);
      if (text.includes('"event":"policy_activated"')) stop();
    },
  });
  expect(out).toContain('"event":"policy_activated"');
}, 60_000);

describe("writ serve --shadow", () => {
  test("tells where a candidate would have decided otherwise, and sums it up", async () => {
    const cwd = directoryWith({ "p/p.writ": SMALL, "next/p.writ": STRICTER });
    const service = await serving(["--shadow", "next", "p"], cwd);
    const { json } = await service.ask("/decide", PAYMENT);
    expect(json.decision).toBe("allow");
    expect(await service.event("shadow_differs")).toEqual({
      event: "shadow_differs",
      id: json.id,
      tool: "pay",
      active: { decision: "allow", rules: ["paying"], obligations: ["log"] },
      candidate: { decision: "deny", code: "not_permitted", rules: [], obligations: [] },
    });
    await service.stop();
    expect(await service.event("shadow_report")).toEqual({
      event: "shadow_report",
      alike: 0,
      differing: 1,
      failed: 0,
      kinds: { "allow → deny not_permitted": 1 },
    });
  });

  test("is not begun with one that has errors", async () => {
    const cwd = directoryWith({ "p/p.writ": SMALL, "next/p.writ": "package p\npermit a tool b\n" });
    const refused = await writ(["serve", "--port", "0", "--shadow", "next", "p"], { cwd });
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("E207") });
  });
});

test("a bundle that has expired still decides in its grace, with a warning, and no longer after it", async () => {
  const cwd = await workplace();
  await release(cwd, 1, SMALL, "release.key", ["--expires", "1ms"]);
  const service = await serving(BUNDLE, cwd);
  expect((await service.ask("/decide", PAYMENT)).json.decision).toBe("allow");
  expect((await service.ask("/ready")).json).toEqual({
    status: "ready",
    warnings: [expect.stringMatching(/^the bundle has expired on 20/)],
  });
  await service.stop();
  const late = await serving([...BUNDLE, "--bundle-grace", "1ms"], cwd);
  await late.event("policy_refused");
  expect((await late.ask("/decide", PAYMENT)).json).toMatchObject({ code: "no_policy" });
  expect((await late.ask("/ready")).status).toBe(503);
});
