/** `writ serve` where approvals are asked for in AuthZEN's words: the mapping is the one in docs/integrations.md. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { directoryWith, writ } from "../support/cli.ts";
import { serving } from "../support/serving.ts";

const DOCS = readFileSync(new URL("../../docs/integrations.md", import.meta.url), "utf8");
const [, MAPPING = ""] = /^```json\n((?:(?!```).)*access_requests.*?)^```/ms.exec(DOCS) ?? [];

const POLICY = `package small
tool deploy { effect write }
permit deploying tool deploy
hold watched tool deploy until approved by group "treasury" within 10m
`;
const SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";

async function place(): Promise<string> {
  const approvers = "approvers: [{ id: carol, groups: [treasury], keys: [carol.pub] }]\n";
  const cwd = directoryWith({
    "p.writ": POLICY,
    "approvers.yaml": approvers,
    "mapping.json": MAPPING,
  });
  for (const name of ["carol", "access"]) await writ(["keys", "new", name], { cwd });
  writeFileSync(join(cwd, "gateway.secret"), `${SECRET}\n`, { mode: 0o600 });
  return cwd;
}

const WORDS = ["--authzen", "mapping.json", "--approvers", "approvers.yaml", "--json", "p.writ"];
const ASKED = {
  subject: { type: "agent", id: "bot" },
  action: { name: "deploy" },
  resource: { type: "site", id: "shop" },
  context: { session: "s" },
};

// biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
type Ask = (method: string, path: string, body?: unknown) => Promise<any>;

async function served(
  cwd: string,
  words: readonly string[],
  use: (ask: Ask) => Promise<void>,
): Promise<void> {
  const { code, err } = await serving([...words, ...WORDS], cwd, async (printed) => {
    const { url } = JSON.parse(printed.split("\n")[0] ?? "");
    await use(async (method, path, body) => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${SECRET}` };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${url}${path}`, { method, headers, ...sent });
      return answer.json();
    });
  });
  expect({ code, err }).toEqual({ code: 0, err: "" });
}

test("a held call is asked for, approved and let through, over a restart, and recorded", async () => {
  const cwd = await place();
  let path = "";
  await served(cwd, [], async (ask) => {
    const { context } = await ask("POST", "/access/v1/evaluation", ASKED);
    const { expires_at, binding_token } = context.access_request;
    const submitted = { ...ASKED, denial: { expires_at, binding_token } };
    const { task } = await ask("POST", "/access/v1/requests", submitted);
    expect(task.status).toBe("pending");
    path = new URL(task.status_endpoint).pathname;
    const approve = ["approvals", "approve", context.writ.approval.id, "--as", "carol"];
    expect(await writ([...approve, "--key", "carol.key"], { cwd })).toMatchObject({ code: 0 });
  });
  await served(cwd, [], async (ask) => {
    const { task, result } = await ask("GET", path);
    expect(task.status).toBe("approved");
    const { approval } = result;
    const again = { ...ASKED, context: { ...ASKED.context, approval } };
    expect(await ask("POST", "/access/v1/evaluation", again)).toMatchObject({ decision: true });
    expect(await ask("POST", "/access/v1/evaluation", again)).toMatchObject({
      decision: false,
      context: { reason: "approval_expired", next_action: "request" },
    });
  });
  const recorded = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8");
  expect(recorded).toMatch(/"action":"access_request.submit","at":"[^"]*","by":"gateway"/);
  expect(recorded).not.toContain(SECRET);
  expect(await writ(["audit", "verify"], { cwd })).toMatchObject({ code: 0 });
});

const HERE = "https://writ.acme.example";
const IDENTITY = `
audience: ${HERE}
issuers:
  - type: link
    issuer: https://delegation.acme.example
    algorithms: Ed25519
    roots: [alice]
    humans: [alice]
    keys: { file: acme.pub }
`;

test("an actor may be named whom verified tokens show, and no other", async () => {
  const cwd = await place();
  const [row] = JSON.parse(MAPPING).requests;
  const request = {
    ...row.request,
    agent: { id: { $from: "subject", path: "/properties/act/sub" } },
    principal: { id: { $from: "subject", path: "/id" } },
    delegation: { tokens: { $from: "context", path: "/tokens" } },
  };
  const mapping = { ...JSON.parse(MAPPING), requests: [{ request }] };
  writeFileSync(join(cwd, "mapping.json"), JSON.stringify(mapping));
  writeFileSync(join(cwd, "identity.yaml"), IDENTITY);
  for (const name of ["acme", "bot"]) await writ(["keys", "new", name], { cwd });
  const link = `--issuer https://delegation.acme.example --from alice --to bot --scope deploy --audience ${HERE} --expires 1h`;
  const words = ["delegate", "--key", "acme.key", "--holder", "bot.pub", ...link.split(" ")];
  const { out } = await writ(words, { cwd });
  const asked = {
    ...ASKED,
    subject: { type: "user", id: "alice", properties: { act: { sub: "bot" } } },
    context: { session: "s", tokens: [out.trim()] },
  };
  const more = ["--identity", "identity.yaml"];
  await served(cwd, more, async (ask) => {
    const { context } = await ask("POST", "/access/v1/evaluation", asked);
    const { expires_at, binding_token } = context.access_request;
    const denial = { expires_at, binding_token };
    const submit = (actor: object) => {
      const subject = { type: "user", id: "alice" };
      const body = { ...asked, subject, denial, client: { actor } };
      return ask("POST", "/access/v1/requests", body);
    };
    expect(await submit({ id: "mallory" })).toMatchObject({
      type: "urn:openid:authzen:access-request:error:invalid_denial_binding",
    });
    const issuer = "https://delegation.acme.example";
    expect(await submit({ id: "bot", issuer, type: "ai_agent" })).toMatchObject({
      task: { status: "pending" },
    });
  });
});

describe("is misuse", () => {
  const write = (name: string, text: string) => (cwd: string) =>
    writeFileSync(join(cwd, name), text);
  const second = '"gateway.secret" }, { "id": "b", "credential": "gateway.secret" }';

  test.each<[string, string, (cwd: string) => void]>([
    [
      "with a credential that others can read",
      "others can read `gateway.secret`",
      (cwd) => chmodSync(join(cwd, "gateway.secret"), 0o644),
    ],
    ["with one that can be guessed", "too easy to guess", write("gateway.secret", "hunter2")],
    [
      "with one for two",
      "have the same credential",
      write("mapping.json", MAPPING.replace('"gateway.secret" }', second)),
    ],
    [
      "without one",
      "cannot read",
      write("mapping.json", MAPPING.replace("gateway.secret", "nothing")),
    ],
    [
      "with a public key to sign by",
      "signs nothing",
      (cwd) => write("access.key", readFileSync(join(cwd, "access.pub"), "utf8"))(cwd),
    ],
  ])("%s", async (_, said, prepare) => {
    const cwd = await place();
    prepare(cwd);
    const { code, out, err } = await writ(["serve", "--port", "0", ...WORDS], { cwd });
    expect({ code, said: `${out}${err}` }).toEqual({
      code: 2,
      said: expect.stringContaining(said),
    });
  });

  test("without approvers", async () => {
    const words = ["serve", "--port", "0", "--authzen", "mapping.json", "p.writ"];
    const { code, err } = await writ(words, { cwd: await place() });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("nobody to approve") });
  });
});
