/** `writ serve` that is told of security events. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../../support/cli.ts";
import { HERE } from "../../support/identity.ts";
import { describeRedis, startRedis } from "../../support/redis.ts";
import { type Serving, serve } from "../../support/served.ts";
import { ISSUERS, issSub, RISC, setClaims, signSet, TRANSMITTER } from "../../support/signals.ts";

const IDENTITY = JSON.stringify({ audience: HERE, issuers: ISSUERS, transmitters: [TRANSMITTER] });
const FILES = { "p/p.writ": SMALL, "identity.json": IDENTITY };
const WORDS = ["--identity", "identity.json", "p"];

async function push({ url }: Serving, token: string): Promise<number> {
  const headers = { "content-type": "application/secevent+jwt" };
  const answer = await fetch(`${url}/events`, { method: "POST", headers, body: token });
  await answer.text();
  return answer.status;
}

/** As an identity provider tells it now. */
const disabled = () =>
  signSet(
    setClaims(`${RISC}account-disabled`, {}, issSub("alice"), {
      iat: Math.floor(Date.now() / 1_000),
    }),
  );

async function decide(service: Serving): Promise<string> {
  const { json } = await service.ask("/decide", PAYMENT);
  return json.code ?? json.decision;
}

test("an account that was disabled is denied, and still after a restart", async () => {
  const cwd = directoryWith(FILES);
  const service = await serve([...WORDS, "--metrics-port", "0"], cwd);
  expect(await decide(service)).toBe("allow");
  const token = await disabled();
  expect([await push(service, token), await push(service, token)]).toEqual([202, 202]);
  expect(await push(service, "x")).toBe(400);
  expect(await decide(service)).toBe("revoked");
  const listed = await writ(["revoke", "list"], { cwd });
  expect(listed.out).toMatch(/^standing alice +revoked +by https:\/\/signals.*account-disabled/);
  const metrics = await (await fetch(`${service.listening.metrics}/metrics`)).text();
  for (const [result, count] of [
    ["applied", 1],
    ["duplicate", 1],
    ["invalid_request", 1],
  ]) {
    expect(metrics).toContain(`writ_security_events_total{result="${result}"} ${count}\n`);
  }
  expect(await service.stop()).toMatchObject({ code: 0, err: "" });
  expect(readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8")).toContain(
    '"action":"event.account-disabled"',
  );
  const again = await serve(WORDS, cwd);
  expect(await decide(again)).toBe("revoked");
  expect(await push(again, token)).toBe(202);
  await again.stop();
}, 60_000);

test("without transmitters there is nowhere to push to", async () => {
  const { transmitters: _, ...identity } = JSON.parse(IDENTITY);
  const cwd = directoryWith({ ...FILES, "identity.json": JSON.stringify(identity) });
  const service = await serve(WORDS, cwd);
  expect(await push(service, await disabled())).toBe(404);
  await service.stop();
});

test("a transmitter whose keys are not there is misuse", async () => {
  const missing = { ...TRANSMITTER, keys: { file: "missing.json" } };
  const identity = { ...JSON.parse(IDENTITY), transmitters: [missing] };
  const cwd = directoryWith({ ...FILES, "identity.json": JSON.stringify(identity) });
  const ran = await writ(["serve", "--port", "0", ...WORDS], { cwd });
  expect(ran).toMatchObject({ code: 2, err: expect.stringContaining("missing.json") });
});

describeRedis("with state in Redis", () => {
  test("what one process was told of, another denies", async () => {
    const redis = await startRedis(["--appendonly", "yes"]);
    onTestFinished(() => redis.stop());
    const words = [...WORDS, "--state", redis.url];
    const services = [
      await serve(words, directoryWith(FILES)),
      await serve(words, directoryWith(FILES)),
    ];
    const [one, two] = services as [Serving, Serving];
    expect(await decide(two)).toBe("allow");
    expect(await push(one, await disabled())).toBe(202);
    expect(await decide(one)).toBe("revoked");
    await expect.poll(() => decide(two), { timeout: 30_000 }).toBe("revoked");
    for (const service of services) await service.stop();
  }, 60_000);
});
