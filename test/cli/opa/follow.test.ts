/** `writ serve --bundle URL --entrypoint …`: a bundle of OPA's that is followed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { AUTHZ, moduleNamed } from "../../engine/opa/modules.ts";
import { directoryWith, writ } from "../../support/cli.ts";
import { BundleService, newPair, opaBundle } from "../../support/opa-bundles.ts";
import { serve } from "../../support/served.ts";

const PAIR = newPair();
const DATA = '{"grants":{"reader":["read_file"]},"roles":{"bot":["reader"]}}';
const NOBODY = '{"grants":{},"roles":{}}';
const bundle = (revision: string, data: string, pair = PAIR) =>
  opaBundle({ revision, entrypoint: "authz/allow", wasm: AUTHZ.wasm, data }, pair);
const READ = { agent: { id: "bot" }, tool: { name: "read_file" }, session: { id: "s" } };

test("a bundle is followed, and the last good one decides", async () => {
  const source = new BundleService();
  onTestFinished(() => source.close());
  const url = await source.listen();
  const cwd = directoryWith({ "key.pub": PAIR.pem });
  source.bytes = bundle("r1", DATA);
  const words = ["--bundle", url, "--entrypoint", "authz/allow", "--opa-key", "key.pub"];
  const more = ["--opa-alg", "ES256", "--bundle-interval", "100ms", "--module-deadline", "10000"];
  const service = await serve([...words, ...more], cwd);
  onTestFinished(async () => void (await service.stop()));
  expect(service.listening.policy).toMatchObject({ package: "authz.allow", revision: "r1" });
  const first = await service.ask("/decide", READ);
  expect(first.json).toMatchObject({ decision: "allow", policy: { revision: "r1" } });

  source.publish(bundle("r2", NOBODY, newPair()));
  expect(await service.event("policy_refused")).toMatchObject({ code: "bad_signature" });
  expect((await service.ask("/ready")).json).toMatchObject({
    status: "ready",
    warnings: [expect.stringContaining("bad_signature")],
  });
  expect((await service.ask("/decide", READ)).json).toMatchObject({ decision: "allow" });

  source.publish(bundle("r3", NOBODY));
  await expect
    .poll(async () => (await service.ask("/decide", READ)).json, { timeout: 30_000 })
    .toMatchObject({ decision: "deny", policy: { revision: "r3" } });
  // What the first allowed settles under the third.
  const { call } = first.json as { call: string };
  const outcome = await service.ask("/outcome", { call, status: "ok" });
  expect(outcome.status).toBe(200);
}, 120_000);

test("what decided last decides after a restart while its server is out of reach", async () => {
  const source = new BundleService();
  const url = await source.listen();
  const cwd = directoryWith({ "key.pub": PAIR.pem, "other.pub": newPair().pem });
  writeFileSync(join(cwd, "token"), "a-bearer-token\n", { mode: 0o600 });
  source.bytes = bundle("r1", DATA);
  const words = ["--bundle", url, "--entrypoint", "authz/allow", "--bundle-token-file", "token"];
  const more = ["--opa-alg", "ES256", "--module-deadline", "10000"];
  const started = (key: string) => serve([...words, "--opa-key", key, ...more], cwd);
  const first = await started("key.pub");
  expect((await first.ask("/decide", READ)).json).toMatchObject({ decision: "allow" });
  const { out, err } = await first.stop();
  expect(source.asked.map(({ authorization }) => authorization)).toContain("Bearer a-bearer-token");
  expect(out + err).not.toContain("a-bearer-token");
  source.close();

  const second = await started("key.pub");
  onTestFinished(async () => void (await second.stop()));
  expect((await second.ask("/decide", READ)).json).toMatchObject({
    decision: "allow",
    policy: { revision: "r1" },
  });
  expect((await second.ask("/ready")).json).toMatchObject({
    warnings: [expect.stringContaining("unreachable")],
  });
  await second.stop();

  // Believed by its signature alone, as it was when it was fetched.
  const third = await started("other.pub");
  onTestFinished(async () => void (await third.stop()));
  expect((await third.ask("/decide", READ)).json).toMatchObject({ code: "no_policy" });
}, 120_000);

test("nothing is decided before there is a bundle, and what is misused is said", async () => {
  const cwd = directoryWith({ "key.pub": PAIR.pem });
  const asked = (words: readonly string[]) => writ(["serve", "--port", "0", ...words], { cwd });
  const url = "https://bundles.example/b.tar.gz";
  expect((await asked(["--bundle", url])).err).toContain("believed by its signature alone");
  const keyed = ["--bundle", url, "--opa-key", "key.pub", "--opa-alg", "ES256"];
  expect(await asked([...keyed, "--bundle-key", "key.pub"])).toMatchObject({ code: 2 });
  expect(await asked([...keyed, "--bundle-grace", "1h"])).toMatchObject({ code: 2 });
  expect(await asked([...keyed, "--opa-wait", "1ms"])).toMatchObject({ code: 2 });
  writeFileSync(join(cwd, "b.tar.gz"), bundle("r1", DATA));
  const file = ["b.tar.gz", "--opa-key", "key.pub", "--opa-alg", "ES256"];
  expect(await asked([...file, "--opa-wait", "10s"])).toMatchObject({ code: 2 });
  expect((await asked([".", "--opa-wait", "10s"])).err).toContain(
    "of the URL of a bundle of OPA's",
  );

  const source = new BundleService();
  onTestFinished(() => source.close());
  const words = ["--bundle", await source.listen(), "--entrypoint", "x/y", "--opa-key", "key.pub"];
  source.bytes = opaBundle(
    { revision: "r", entrypoint: "x/y", wasm: moduleNamed("forbidden"), data: "{}" },
    PAIR,
  );
  const service = await serve([...words, "--opa-alg", "ES256", "--bundle-interval", "100ms"], cwd);
  onTestFinished(async () => void (await service.stop()));
  expect((await service.ask("/ready")).status).toBe(503);
  expect((await service.ask("/decide", READ)).json).toMatchObject({ code: "no_policy" });
}, 120_000);
