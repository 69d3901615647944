/** `writ serve` that is told of security events. */
import { chmodSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../../support/cli.ts";
import { eventStream } from "../../support/event-stream.ts";
import { HERE } from "../../support/identity.ts";
import { describeRedis, startRedis } from "../../support/redis.ts";
import { type Serving, serve } from "../../support/served.ts";
import {
  CAEP,
  IDP,
  ISSUERS,
  issSub,
  RISC,
  setClaims,
  signSet,
  TRANSMITTER,
} from "../../support/signals.ts";

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
  const token1 = { format: "jwt_id", iss: IDP, jti: "t-1" };
  const iat = Math.floor(Date.now() / 1_000);
  const ended = setClaims(`${CAEP}session-revoked`, {}, token1, { iat });
  expect(await push(service, await signSet(ended))).toBe(202);
  expect((await writ(["revoke"], { cwd })).out).toMatch(/^token t-1 of https:\/\/idp\S+ +revoked/);
  const metrics = await (await fetch(`${service.listening.metrics}/metrics`)).text();
  for (const [result, count] of [
    ["applied", 2],
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

describe("with a transmitter that keeps its events", () => {
  const stream = eventStream();
  const credentials: unknown[] = [];
  const server = createServer(async (request, response) => {
    credentials.push(request.headers.authorization);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(stream.answer(JSON.parse(Buffer.concat(chunks).toString()))));
  });
  beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
  afterAll(() => void server.close());

  const identityWith = (more: object = {}) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/poll`;
    const poll = { url, every: "100ms", credential: "poll.token", ...more };
    const polled = { ...TRANSMITTER, poll };
    return JSON.stringify({ ...JSON.parse(IDENTITY), transmitters: [polled] });
  };

  test("they are fetched before anything is decided, and again and again", async () => {
    stream.waiting.set("first", await disabled());
    const files = { ...FILES, "identity.json": identityWith(), "poll.token": "s3cret\n" };
    const cwd = directoryWith(files);
    chmodSync(join(cwd, "poll.token"), 0o600);
    const service = await serve([...WORDS, "--metrics-port", "0"], cwd);
    expect(await decide(service)).toBe("revoked");
    expect(stream.waiting.size).toBe(0);
    expect(new Set(credentials)).toEqual(new Set(["Bearer s3cret"]));
    stream.waiting.set("second", await signSet(setClaims("unknown", {}, issSub("alice"))));
    await expect.poll(() => stream.errors.has("second"), { timeout: 30_000 }).toBe(true);
    const metrics = await (await fetch(`${service.listening.metrics}/metrics`)).text();
    expect(metrics).toMatch(
      /writ_security_events_polled_timestamp_seconds\{transmitter="https:\/\/signals[^"]+"\} \d/,
    );
    expect(await push(service, await disabled()), "it does not push").toBe(404);
    expect((await service.stop()).code).toBe(0);
  }, 60_000);

  test("a credential that others can read, or that is none, is misuse", async () => {
    for (const [text, mode, said] of [
      ["s3cret", 0o644, "others can read"],
      ["two words", 0o600, "holds no bearer token"],
    ] as const) {
      const files = { ...FILES, "identity.json": identityWith(), "poll.token": text };
      const cwd = directoryWith(files);
      chmodSync(join(cwd, "poll.token"), mode);
      const ran = await writ(["serve", "--port", "0", ...WORDS], { cwd });
      expect(ran).toMatchObject({ code: 2, err: expect.stringContaining(said) });
    }
    const cwd = directoryWith({ ...FILES, "identity.json": identityWith() });
    const ran = await writ(["serve", "--port", "0", ...WORDS], { cwd });
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining("cannot read") });
  });
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
    // On a busy machine an answer of Redis may come too late for a decision.
    const patiently = { timeout: 30_000 };
    await expect.poll(() => decide(two), patiently).toBe("allow");
    const token = await disabled();
    await expect.poll(() => push(one, token), patiently).toBe(202);
    for (const service of [one, two]) {
      await expect.poll(() => decide(service), patiently).toBe("revoked");
    }
    for (const service of services) await service.stop();
  }, 120_000);
});
