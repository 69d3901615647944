/** `writ delegate` and `writ inspect`, from keys to a verified chain. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { directoryWith, type Ran, writ } from "../support/cli.ts";
import { serving } from "../support/serving.ts";

const NOW = "2026-01-02T12:00:00Z";
const HERE = "https://writ.acme.example";

const CONFIG = `
audience: ${HERE}
issuers:
  - type: link
    issuer: https://delegation.acme.example
    algorithms: Ed25519
    roots: ["alice"]
    humans: ["alice"]
    keys: { file: acme.pub }
`;

async function workplace() {
  const cwd = directoryWith({
    "identity.yaml": CONFIG,
    "tools.json": '{"send_money":{"amount":{"max":100}}}',
  });
  for (const name of ["acme", "planner", "bot"]) {
    expect((await writ(["keys", "new", name], { cwd })).code).toBe(0);
  }
  const run = (words: string): Promise<Ran> => writ([...words.split(" "), "--now", NOW], { cwd });
  const save = async (name: string, words: string): Promise<void> => {
    const { code, out, err } = await run(words);
    expect([code, err]).toEqual([0, ""]);
    writeFileSync(join(cwd, name), out);
  };
  await save(
    "chain.txt",
    `delegate --key acme.key --issuer https://delegation.acme.example --from alice --to planner --holder planner.pub --scope read --scope pay --audience ${HERE} --expires 1h --depth 2`,
  );
  await save(
    "narrowed.txt",
    "delegate --key planner.key --under chain.txt --to bot --holder bot.pub --scope pay --tools tools.json --expires 10m --depth 0",
  );
  return { cwd, run };
}

test("a chain is made, narrowed, shown as a tree and verified", async () => {
  const { cwd, run } = await workplace();
  const shown = await run("inspect --identity identity.yaml narrowed.txt");
  expect(shown).toEqual({
    code: 0,
    err: "",
    out: `alice (human)
└─ planner (autonomous)
   scope read pay
   for ${HERE}
   may be passed on 2 times
   until 2026-01-02T13:00:00Z
   └─ bot (autonomous)
      narrows scope to pay, without read
      narrows tools to send_money(amount ≤ 100)
      narrows further hops to 0
      narrows time to 2026-01-02T12:10:00Z
verified
`,
  });
  const offline = await run("inspect narrowed.txt");
  expect(offline.code).toBe(0);
  expect(offline.out).toContain("not verified: every link continues the one before it");
  expect(offline.out).not.toContain("(human)");
  const json = JSON.parse((await run("inspect --json --identity identity.yaml narrowed.txt")).out);
  expect(json).toMatchObject({
    ok: true,
    verified: true,
    chain: [{ from: { kind: "human" } }, {}],
  });
  const tokens = readFileSync(join(cwd, "narrowed.txt"), "utf8").trim().split("\n");
  const request = JSON.stringify({ delegation: { tokens } });
  const asked = await writ(["inspect", "--now", NOW, "-"], { cwd, stdin: request });
  expect(asked.out).toBe(offline.out);
});

test("a file that goes deeper than any holds no tokens", async () => {
  const [open, close] = ['{"tokens":'.repeat(80_000), "}".repeat(80_000)];
  const { code, err } = await writ(["inspect", "-"], { stdin: `${open}[]${close}` });
  expect(code).toBe(2);
  expect(err).toContain("there is no token in standard input");
});

test("what would be refused is not made", async () => {
  const { run } = await workplace();
  const under = "delegate --key planner.key --under chain.txt --to bot --holder bot.pub";
  const cases = [
    [`${under} --scope admin`, "scope_widened"],
    [`${under} --expires 2h`, "expiry_widened"],
    [`${under} --depth 2`, "depth_widened"],
    [`${under} --audience other`, "audience_widened"],
    [`${under} --from mallory`, "chain_broken"],
    ["delegate --key planner.key --under chain.txt --to alice --holder bot.pub", "cycle"],
    ["delegate --key bot.key --under narrowed.txt --to x --holder bot.pub", "depth_exceeded"],
    ["delegate --key bot.key --under chain.txt --to bot --holder bot.pub", "not the key"],
    [`${under} --issuer x`, "only a first link names its issuer"],
    [`${under} --depth ten`, "is a number from 0 to 7"],
    ["delegate --key acme.key --to x --holder bot.pub", "`--scope` is missing"],
    ["delegate --key acme.pub --to x --holder bot.pub", "others can read"],
    ["delegate --to x", "`--key` is missing"],
  ] as const;
  for (const [words, said] of cases) {
    const { code, out, err } = await run(words);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(said);
  }
});

test("what is refused is shown with its hop and cause, and is a finding", async () => {
  const { cwd, run } = await workplace();
  const expired = await writ(["inspect", "--now", "2026-01-02T12:30:00Z", "narrowed.txt"], { cwd });
  expect(expired.code).toBe(1);
  expect(expired.out).toContain("✗ it has expired");
  expect(expired.out).toContain("refused hop_expired: hop 2: it has expired");
  const [, second = ""] = readFileSync(join(cwd, "narrowed.txt"), "utf8").trim().split("\n");
  writeFileSync(join(cwd, "second.txt"), second);
  expect((await run("inspect second.txt")).out).toContain("refused parent_mismatch: token 1");
  writeFileSync(join(cwd, "odd.txt"), "eyJ.x.\u001b[31m");
  const odd = await run("inspect odd.txt");
  expect([odd.code, odd.out]).toEqual([1, expect.stringContaining("token_malformed")]);
  expect(odd.out).not.toContain("\u001b");
});

test("an identity configuration that is none is misuse that says what is wrong", async () => {
  const cwd = directoryWith({
    "chain.txt": "x",
    "bad.yaml": "issuers: []",
    "twice.json": '{"issuers":[],"issuers":[]}',
    "odd.yaml": "a: [",
  });
  for (const [name, said] of [
    ["bad.yaml", "/issuers is not a list of at least one issuer"],
    ["twice.json", "the key occurs twice"],
    ["odd.yaml", "is no YAML"],
  ]) {
    const { code, err } = await writ(["inspect", "--identity", name ?? "", "chain.txt"], { cwd });
    expect([code, err]).toEqual([2, expect.stringContaining(said ?? "")]);
  }
});

test("keys that are not there, or not to be shown, keep a service from starting", async () => {
  const { cwd } = await workplace();
  for (const [file, said] of [
    ["none.pub", "ENOENT"],
    ["acme.key", "it is PEM, and not of one public key"],
  ]) {
    writeFileSync(join(cwd, "odd.yaml"), CONFIG.replace("acme.pub", file ?? ""));
    const { code, err } = await writ(["inspect", "--identity", "odd.yaml", "chain.txt"], { cwd });
    expect([code, err]).toEqual([2, expect.stringContaining(said ?? "")]);
  }
});

const POLICY = `package paying

tool send_money { effect write, args { amount: Decimal }, scope "pay" }

permit by_person
  tool send_money
  when delegation.verified and delegation.root is human
`;

test("a request with its chain is decided and explained by the same configuration", async () => {
  const { cwd, run } = await workplace();
  writeFileSync(join(cwd, "policy.writ"), POLICY);
  const tokens = readFileSync(join(cwd, "narrowed.txt"), "utf8").trim().split("\n");
  const ask = async (command: string, amount: number, more = ""): Promise<string> => {
    const tool = { name: "send_money", args: { amount } };
    const request = {
      agent: { id: "bot" },
      principal: { id: "alice" },
      tool,
      delegation: { tokens },
    };
    writeFileSync(join(cwd, "request.json"), JSON.stringify(request));
    return (await run(`${command}${more} policy.writ request.json`)).out;
  };
  const identity = " --identity identity.yaml";
  expect(await ask("decide", 100, identity)).toMatch(/^allow by by_person/);
  expect(await ask("decide", 101, identity)).toContain(
    "deny delegation_invalid (argument_outside)",
  );
  expect(await ask("decide", 100)).toContain("deny delegation_invalid (tokens_not_accepted)");
  expect(await ask("explain", 100, identity)).toContain("Applies\n  permit by_person");
});

test("a service verifies the chain of a request, and without --identity refuses it", async () => {
  const { cwd } = await workplace();
  writeFileSync(join(cwd, "policy.writ"), POLICY);
  // Made for the clock of this machine, which is the service's.
  const make =
    "delegate --key acme.key --issuer https://delegation.acme.example --from alice --to bot";
  const terms = `--holder bot.pub --scope pay --audience ${HERE} --expires 1h`;
  const { out } = await writ(`${make} ${terms}`.split(" "), { cwd });
  const ask = async (printed: string): Promise<unknown> => {
    const [url = ""] = /http:[^\s"]+\d/.exec(printed) ?? [];
    const answer = await fetch(`${url}/decide`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        agent: { id: "bot" },
        principal: { id: "alice" },
        tool: { name: "send_money", args: { amount: 5 } },
        delegation: { tokens: out.trim().split("\n") },
      }),
    });
    return answer.json();
  };
  await serving(["--identity", "identity.yaml", "policy.writ"], cwd, async (printed) => {
    expect(await ask(printed)).toMatchObject({ decision: "allow" });
  });
  await serving(["policy.writ"], cwd, async (printed) => {
    expect(await ask(printed)).toMatchObject({ decision: "deny", cause: "tokens_not_accepted" });
  });
  const missing = await writ(["serve", "--port", "0", "--identity", "none.yaml", "policy.writ"], {
    cwd,
  });
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining("none.yaml")]);
});
