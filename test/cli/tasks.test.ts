/** `writ serve --grant-key`: tasks from the command line to the last link, over restarts and over replicas. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { publicJwk } from "../../engine/identity/issue.ts";
import { directoryWith, writ } from "../support/cli.ts";
import type { Json } from "../support/identity.ts";
import { describeRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { type Serving, serve } from "../support/served.ts";

const SPEC = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");
/** SPEC §16's example is what is served here. */
const POLICY = /```writ\n(package example\.errands\n.*?)```/s.exec(SPEC)?.[1] ?? "";

const GRANTING = ["--grant-key", "grants.key", "--trust-domain", "acme.example"];

async function directory(): Promise<string> {
  const cwd = directoryWith({ "p/p.writ": POLICY });
  for (const name of ["grants", "bot", "helper"]) await writ(["keys", "new", name], { cwd });
  return cwd;
}

async function serving(cwd: string, words: readonly string[] = GRANTING): Promise<Serving> {
  const service = await serve([...words, "p"], cwd);
  onTestFinished(async () => void (await service.stop()));
  return service;
}

function asking(cwd: string, more: Json = {}): Json {
  return {
    agent: { id: "bot", trust: 0.9 },
    principal: { id: "alice", kind: "human" },
    session: { id: "s" },
    intent: { task: "pay_invoice" },
    grant: {
      key: publicJwk({ pem: readFileSync(join(cwd, "bot.pub"), "utf8") }),
      lasts: "10m",
      depth: 1,
    },
    ...more,
  };
}

async function granted(service: Serving, cwd: string) {
  const { json } = await service.ask("/tasks", asking(cwd));
  expect(json).toMatchObject({ decision: "allow", reasons: [{ rule: "short_errands" }] });
  return json.grant as { readonly id: string; readonly token: string };
}

/** The code of a denial, or `allow`; an allowed call is reported. */
async function called(
  service: Serving,
  tokens: readonly string[],
  tool = "find_invoice",
  more: Json = {},
): Promise<string> {
  const request = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: tool }, ...more };
  const { json } = await service.ask("/decide", { ...request, delegation: { tokens } });
  if (json.call !== undefined) await service.ask("/outcome", { call: json.call, status: "ok" });
  return json.cause ?? json.code ?? json.decision;
}

/** Its tasks, after `writ tasks signal` in the folder of the service. */
async function signalled(cwd: string, trust: string) {
  const words = ["tasks", "signal", "bot", "--trust", trust, "--because", "odd calls", "--json"];
  const { out } = await writ(words, { cwd });
  return JSON.parse(out).tasks;
}

async function ended(service: Serving, { id, token }: { id: string; token: string }) {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${service.url}/tasks/${id}`, { method: "DELETE", headers });
  return { status: answer.status, json: (await answer.json()) as Json };
}

/** A link behind the grant, as `writ delegate` makes it. */
async function handedOn(cwd: string, token: string): Promise<readonly string[]> {
  writeFileSync(join(cwd, "grant.txt"), `${token}\n`);
  const words = ["--key", "bot.key", "--under", "grant.txt", "--to", "helper"];
  const made = await writ(["delegate", ...words, "--holder", "helper.pub", "--expires", "1m"], {
    cwd,
  });
  expect(made).toMatchObject({ code: 0, err: "" });
  return made.out.trim().split("\n");
}

test("the guide's example holds its own test, and grants what it says", {
  timeout: 60_000,
}, async () => {
  const guide = readFileSync(new URL("../../docs/delegation.md", import.meta.url), "utf8");
  const [, policy = ""] = /```writ\n(package example\.grants\n.*?)```/s.exec(guide) ?? [];
  const [, request = ""] = /```json\n(\{ "agent": \{ "id": "bot".*?)```/s.exec(guide) ?? [];
  const cwd = directoryWith({ "p/p.writ": policy });
  await writ(["keys", "new", "grants"], { cwd });
  expect(await writ(["test", "p"], { cwd })).toMatchObject({ code: 0 });
  const service = await serving(cwd);
  const { json } = await service.ask("/tasks", JSON.parse(request));
  expect(json).toMatchObject({ decision: "allow", grant: { tools: { find_invoice: {} } } });
  const session = { session: { id: "s-81" } };
  expect(await called(service, [json.grant.token], "find_invoice", session)).toBe("allow");
  expect(await signalled(cwd, "0.85")).toEqual([{ id: json.grant.id, status: "active" }]);
  expect(await signalled(cwd, "0.4")).toEqual([{ id: json.grant.id, status: "ended" }]);
  expect(await called(service, [json.grant.token], "find_invoice", session)).toBe("revoked");
});

test("an errand, from its grant to its end", { timeout: 60_000 }, async () => {
  const cwd = await directory();
  const service = await serving(cwd, [...GRANTING, "--audit-requests"]);
  const grant = await granted(service, cwd);
  const tokens = await handedOn(cwd, grant.token);
  const helper = { agent: { id: "helper" } };
  expect(await called(service, [grant.token])).toBe("allow");
  const paying = { tool: { name: "send_money", args: { amount: 5 } }, ...helper };
  expect(await called(service, tokens, "", { ...paying, agent: { id: "bot" } })).toBe(
    "agent_mismatch",
  );
  expect(await called(service, tokens, "", paying)).toBe("allow");
  expect((await writ(["tasks"], { cwd })).out).toContain(grant.id);
  expect((await writ(["tasks", "show", grant.id], { cwd })).out).toMatch(
    /agent\s+bot\n\s+for\s+alice/,
  );
  const inspected = await writ(["inspect", "grant.txt"], { cwd });
  expect(inspected.out).toMatch(`task pay_invoice, run ${grant.id}\nalice\n└─ bot\n`);
  expect(await ended(service, grant)).toMatchObject({ status: 200, json: { status: "ended" } });
  expect(await called(service, tokens, "", paying)).toBe("revoked");
  const log = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8");
  expect(log).toContain('"action":"task.start"');
  expect(log).toContain('"action":"task.end"');
  expect(log).toContain(`"task_id":"${grant.id}"`);
  expect(log).not.toContain(grant.token);
  await service.stop();
  const replayed = await writ(["audit", "replay", "--json", "p"], { cwd });
  const { ok, same, skipped } = JSON.parse(replayed.out);
  // Of 300 keys one has a thumbprint that looks like a secret, which is left out of the start.
  const { left_out = 0, ...others } = skipped;
  expect({ ok, made: same + left_out, others }).toEqual({ ok: true, made: 5, others: {} });
});

test("an operator ends a task, once", { timeout: 60_000 }, async () => {
  const cwd = await directory();
  const service = await serving(cwd);
  const { id, token } = await granted(service, cwd);
  const run = (...words: string[]) => writ(["tasks", ...words], { cwd });
  const because = ["--because", "ticket 4711", "--operator", "carol"];
  expect(await run("end", id)).toMatchObject({ code: 2 });
  expect(await run("end", id, ...because)).toMatchObject({
    code: 0,
    out: `ended ${id}, and every link below its grant\n`,
  });
  expect(await called(service, [token])).toBe("revoked");
  expect(await run("end", id, ...because)).toMatchObject({ code: 1 });
  expect(await run("end", "t-none", ...because)).toMatchObject({ code: 1 });
  expect(await run("show", "t-none")).toMatchObject({ code: 1 });
  expect(await run()).toMatchObject({ code: 0, out: "no tasks\n" });
  expect((await run("show", id)).out).toMatch(/ended\s+\S+ by carol: ticket 4711/);
  const listed = JSON.parse((await run("--status", "all", "--json")).out);
  expect(listed).toMatchObject({ tasks: [{ id, status: "ended" }], count: 1 });
  expect(await run("--status", "gone")).toMatchObject({ code: 2 });
  expect(await run("stop", id)).toMatchObject({ code: 2 });
});

test("an operator tells how far an agent is trusted", { timeout: 60_000 }, async () => {
  const cwd = await directory();
  const service = await serving(cwd);
  const { id, token } = await granted(service, cwd);
  const run = (...words: string[]) => writ(["tasks", "signal", ...words], { cwd });
  const because = ["--because", "odd calls", "--operator", "carol"];
  for (const trust of [[], ["--trust", "1.1"], ["--trust", ""], ["--trust", "low"]]) {
    expect(await run("bot", ...trust, ...because)).toMatchObject({ code: 2 });
  }
  expect(await run("bot", "--trust", "0.4")).toMatchObject({ code: 2 });
  expect(await run("bot", "--trust", "0.9", ...because)).toMatchObject({ out: `active ${id}\n` });
  expect(await called(service, [token])).toBe("allow");
  expect(await run("bot", "--trust", "0.4", ...because)).toMatchObject({ out: `ended ${id}\n` });
  expect(await called(service, [token])).toBe("revoked");
  const none = { code: 0, out: "no task of bot goes on\n" };
  expect(await run("bot", "--trust", "0.4", ...because)).toMatchObject(none);
  expect((await writ(["tasks", "show", id], { cwd })).out).toContain("as carol told: odd calls");
});

/** Starts wait for Carol there. */
async function holding() {
  const cwd = await directory();
  await writ(["keys", "new", "carol"], { cwd });
  const held = 'hold asked tool start_task until approved by group "staff"';
  writeFileSync(join(cwd, "p/held.writ"), `package example.errands\n\n${held}\n`);
  const approvers = [{ id: "carol", groups: ["staff"], keys: ["carol.pub"] }];
  writeFileSync(join(cwd, "approvers.json"), JSON.stringify({ approvers }));
  const service = await serving(cwd, [...GRANTING, "--approvers", "approvers.json"]);
  const approve = (id: string) =>
    writ(["approvals", "approve", id, "--as", "carol", "--key", "carol.key"], { cwd });
  return { cwd, service, approve };
}

test("a start that a rule holds is granted once somebody approves it, once", {
  timeout: 60_000,
}, async () => {
  const { cwd, service, approve } = await holding();
  const start = async (more: Json = {}) => (await service.ask("/tasks", asking(cwd, more))).json;
  const { decision, approval, grant } = await start();
  expect([decision, approval?.status, grant]).toEqual(["hold", "pending", undefined]);
  expect(await approve(approval.id)).toMatchObject({ code: 0 });
  const key = publicJwk({ pem: readFileSync(join(cwd, "helper.pub"), "utf8") });
  const another = { grant: { key, lasts: "10m", depth: 1 } };
  expect((await start(another)).decision).toBe("hold");
  const approved = await start();
  expect(approved).toMatchObject({ decision: "allow" });
  expect(await called(service, [approved.grant.token])).toBe("allow");
  expect((await start()).decision).toBe("hold");
});

test("an approved start is of the bounds that were approved, and of no others", {
  timeout: 60_000,
}, async () => {
  const { cwd, service, approve } = await holding();
  const { grant } = asking(cwd);
  const start = async (tools: Json) =>
    (await service.ask("/tasks", asking(cwd, { grant: { ...(grant as Json), tools } }))).json;
  const bounded = (max: number) => ({ find_invoice: {}, send_money: { amount: { max } } });
  const { approval } = await start(bounded(1));
  const shown = await writ(["approvals", "show", approval.id], { cwd });
  expect(shown.out).toMatch(/bounds.*send_money.*amount.*max.*1/s);
  expect(await approve(approval.id)).toMatchObject({ code: 0 });
  for (const other of [{ find_invoice: {}, send_money: {} }, bounded(2), bounded(0.5)]) {
    expect((await start(other)).decision).toBe("hold");
  }
  const approved = await start(bounded(1));
  expect(approved).toMatchObject({ decision: "allow", grant: { tools: bounded(1) } });
});

test("what was granted and what ended is so after a restart", { timeout: 60_000 }, async () => {
  const cwd = await directory();
  const first = await serve([...GRANTING, "p"], cwd);
  const one = await granted(first, cwd);
  const { json } = await first.ask("/tasks", asking(cwd, { session: { id: "two" } }));
  await ended(first, one);
  await first.stop();
  const second = await serving(cwd);
  expect(await called(second, [one.token])).toBe("revoked");
  expect(await called(second, [json.grant.token], "find_invoice", { session: { id: "two" } })).toBe(
    "allow",
  );
  expect((await second.ask(`/tasks/${one.id}`)).json).toMatchObject({ status: "ended" });
});

test("without the key nothing is granted, and no grant counts", { timeout: 60_000 }, async () => {
  const cwd = await directory();
  const first = await serve([...GRANTING, "p"], cwd);
  const { token } = await granted(first, cwd);
  await first.stop();
  const second = await serving(cwd, []);
  expect((await second.ask("/tasks", asking(cwd))).status).toBe(501);
  expect(await called(second, [token])).toBe("tokens_not_accepted");
});

describe("it does not start", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["with a key of no domain", ["--grant-key", "grants.key"], /belong together/],
    ["with a domain without a key", ["--trust-domain", "acme.example"], /belong together/],
    [
      "with what is no domain",
      ["--grant-key", "grants.key", "--trust-domain", "A/b"],
      /no trust domain/,
    ],
    [
      "with a public key",
      ["--grant-key", "grants.pub", "--trust-domain", "a.b"],
      /others can read|no such key/,
    ],
    ["without the file", ["--grant-key", "none.key", "--trust-domain", "a.b"], /none\.key/],
    [
      "where another issuer has its name",
      [...GRANTING, "--identity", "identity.json"],
      /this service's own/,
    ],
  ])("%s", { timeout: 60_000 }, async (_, words, why) => {
    const cwd = await directory();
    const keys = {
      jwks: { keys: [publicJwk({ pem: readFileSync(join(cwd, "bot.pub"), "utf8") })] },
    };
    const issuer = {
      type: "link",
      issuer: "spiffe://acme.example",
      algorithms: ["Ed25519"],
      roots: ["*"],
      keys,
    };
    writeFileSync(join(cwd, "identity.json"), JSON.stringify({ audience: "a", issuers: [issuer] }));
    const { code, err } = await writ(["serve", "--port", "0", ...words, "p"], { cwd });
    expect(code).toBe(2);
    expect(err).toMatch(why);
  });

  test("with a key that others can read", { timeout: 60_000 }, async () => {
    const cwd = await directory();
    chmodSync(join(cwd, "grants.key"), 0o644);
    const { code, err } = await writ(["serve", "--port", "0", ...GRANTING, "p"], { cwd });
    expect({ code, err }).toMatchObject({
      code: 2,
      err: expect.stringContaining("others can read"),
    });
  });
});

describeRedis("services that share Redis", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  test("share tasks: one starts, another works, either ends", { timeout: 120_000 }, async () => {
    const cwd = await directory();
    const other = directoryWith({
      "p/p.writ": POLICY,
      "grants.key": readFileSync(join(cwd, "grants.key"), "utf8"),
    });
    chmodSync(join(other, "grants.key"), 0o600);
    const words = [...GRANTING, "--state", redis.url];
    // What is not answered within 50 ms is not answered: a busy machine may be too late, and is asked again.
    const patient = <Value>(ask: () => Promise<Value>) =>
      expect.poll(ask, { timeout: 40_000, interval: 200 });
    const services: Serving[] = [];
    for (const directory of [cwd, other]) {
      const start = () =>
        serving(directory, words).then(
          (one) => services.push(one) > 0,
          () => false,
        );
      await patient(start).toBe(true);
    }
    const [one, two] = services as [Serving, Serving];
    const grants: { readonly id: string; readonly token: string }[] = [];
    const grantBy = async (service: Serving) => {
      const { json } = await service.ask("/tasks", asking(cwd));
      if (json.grant !== undefined) grants.push(json.grant);
      return json.decision;
    };
    await patient(() => grantBy(one)).toBe("allow");
    const [grant = { id: "", token: "" }] = grants;
    const tokens = await handedOn(cwd, grant.token);
    const helper = { agent: { id: "helper" } };
    await patient(() => called(two, [grant.token])).toMatch(/^(allow|out_of_sequence)$/);
    expect((await one.ask(`/tasks/${grant.id}`)).json).toMatchObject({ status: "active" });
    await patient(async () => (await ended(two, grant)).status).toBe(200);
    await patient(() => called(two, tokens, "find_invoice", helper)).toBe("revoked");
    await patient(() => called(one, [grant.token])).toBe("revoked");
    await patient(() => called(one, tokens, "find_invoice", helper)).toBe("revoked");
    await patient(() => grantBy(two)).toBe("allow");
    const [, told = { id: "", token: "" }] = grants;
    await patient(async () => {
      await signalled(cwd, "0.1");
      return (await two.ask(`/tasks/${told.id}`)).json.status;
    }).toBe("ended");
    await patient(() => called(two, [told.token])).toBe("revoked");
    await redis.kill();
    await patient(() => called(one, [told.token])).toBe("state_unavailable");
    expect((await one.ask("/tasks", asking(cwd))).json).toMatchObject({ decision: "deny" });
    await redis.start();
  });
});
