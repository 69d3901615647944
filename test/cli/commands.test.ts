import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";

describe("writ check", () => {
  test("shows the line of each error, and counts them", async () => {
    const cwd = directoryWith({
      "p.writ": "package p\npermit a tool nothing\npermit a tool nothing\n",
    });
    const { out } = await writ(["check"], { cwd });
    expect(out).toContain("p.writ:2:15: error E207: unknown tool `nothing`");
    expect(out).toContain("  2 | permit a tool nothing\n    |               ^^^^^^^\n");
    expect(out).toMatch(/3 errors in 1 file\n$/);
  });

  test("says what is in a policy that is fine", async () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const { out } = await writ(["check", "."], { cwd });
    expect(out).toBe("ok: 4 rules, 1 counter, 1 task, 1 invariant, 1 test\n");
  });

  test("--warnings-as-errors", async () => {
    const cwd = directoryWith({
      "p.writ": "package p\ntool t { effect read }\npermit a tool effect send\n",
    });
    expect((await writ(["check"], { cwd })).code).toBe(0);
    const strict = await writ(["check", "--warnings-as-errors"], { cwd });
    expect(strict.code).toBe(1);
    expect(strict.out).toMatch(/1 warning in 1 file\n$/);
  });

  test("--pep finds what the enforcement point cannot supply", async () => {
    const cwd = directoryWith({ "p.writ": `${SMALL}\npep gateway { lacks args }\n` });
    expect((await writ(["check"], { cwd })).code).toBe(0);
    const { code, out } = await writ(["check", "--pep", "gateway"], { cwd });
    expect(code).toBe(1);
    expect(out).toContain("error E229: `large` reads `args.amount`, which `gateway` cannot supply");
    const near = await writ(["check", "--pep", "gatway"], { cwd });
    expect(near.err).toContain("did you mean `gateway`?");
  });

  test("finds used packages beside the one that uses them", async () => {
    const cwd = directoryWith({
      "a/a.writ": 'package a\nuse b from "../b"\npermit p tool t\n',
      "b/b.writ": "package b\ntool t { effect read }\n",
    });
    expect((await writ(["check", "a"], { cwd })).code).toBe(0);
    writeFileSync(join(cwd, "b/b.writ"), "package b\ntool t { effect reed }\n");
    expect((await writ(["check", "a"], { cwd })).out).toContain("b/b.writ:2:");
  });
});

describe("files that no policy is read from", () => {
  test("a link out of the package; one that stays is fine", async () => {
    const cwd = directoryWith({ "p/..data/p.writ": "package p\n", "secret.writ": "package p\n" });
    symlinkSync("..data/p.writ", join(cwd, "p/p.writ"));
    expect((await writ(["check", "p"], { cwd })).code).toBe(0);
    symlinkSync("../secret.writ", join(cwd, "p/q.writ"));
    const { code, err } = await writ(["check", "p"], { cwd });
    expect(code).toBe(2);
    expect(err).toContain("is a link out of its package");
  });

  test("what is too long, or no UTF-8", async () => {
    const cwd = directoryWith({ "long.writ": `package p\n//${"x".repeat(4_000_000)}` });
    expect((await writ(["check", "long.writ"], { cwd })).err).toContain("is longer than");
    writeFileSync(join(cwd, "bytes.writ"), Buffer.from([0x70, 0xff]));
    expect((await writ(["check", "bytes.writ"], { cwd })).err).toContain("is not UTF-8");
  });

  test("a use by an absolute path", async () => {
    const cwd = directoryWith({ "b/b.writ": "package b\n" });
    writeFileSync(join(cwd, "a.writ"), `package a\nuse b from ${JSON.stringify(join(cwd, "b"))}\n`);
    expect((await writ(["check", "a.writ"], { cwd })).out).toContain("there is no package at");
  });
});

describe("writ fmt", () => {
  const ugly = "package p\ntool   t { effect read } // why\n";
  const fine = "package p\n\ntool t { effect read } // why\n";

  test("rewrites below a directory, and then has nothing to do", async () => {
    const cwd = directoryWith({ "a/p.writ": ugly, "a/deep/q.writ": fine, "a/notes.txt": ugly });
    expect(await writ(["fmt", "--check"], { cwd })).toMatchObject({ code: 1, out: "a/p.writ\n" });
    expect(readFileSync(join(cwd, "a/p.writ"), "utf8")).toBe(ugly);
    expect(await writ(["fmt"], { cwd })).toMatchObject({ code: 0, out: "a/p.writ\n" });
    expect(readFileSync(join(cwd, "a/p.writ"), "utf8")).toContain(
      "tool t { effect read } // why\n",
    );
    expect(readFileSync(join(cwd, "a/notes.txt"), "utf8")).toBe(ugly);
    expect(await writ(["fmt", "--check"], { cwd })).toMatchObject({ code: 0, out: "" });
  });

  test("reads standard input and writes standard output", async () => {
    const { code, out } = await writ(["fmt", "-"], { stdin: ugly });
    expect({ code, out: out.replace("\n\n", "\n") }).toEqual({
      code: 0,
      out: fine.replace("\n\n", "\n"),
    });
  });

  test("leaves alone what it cannot read", async () => {
    const cwd = directoryWith({ "p.writ": "package p\ntool {" });
    const { code, err } = await writ(["fmt"], { cwd });
    expect(code).toBe(1);
    expect(err).toContain("p.writ:2:6: error");
    expect(readFileSync(join(cwd, "p.writ"), "utf8")).toBe("package p\ntool {");
  });
});

describe("writ decide", () => {
  test("says what was decided, by which rule, and what follows", async () => {
    const cwd = directoryWith({ "p.writ": SMALL, "r.json": JSON.stringify(PAYMENT) });
    const { out } = await writ(["decide", ".", "r.json"], { cwd });
    expect(out).toBe('allow by paying (p.writ:17:8)\n  with log {"level":"full"}\n');
  });

  test("counts earlier requests of the same file", async () => {
    const large = { ...PAYMENT, tool: { name: "pay", args: { to: "bob", amount: 100 } } };
    const lines = Array.from({ length: 6 }, () => JSON.stringify(large)).join("\n");
    const cwd = directoryWith({ "p.writ": SMALL });
    const { out } = await writ(["decide", "--json", ".", "-"], { cwd, stdin: lines });
    const decisions = JSON.parse(out).map((one: { decision: string }) => one.decision);
    expect(decisions).toEqual(["allow", "allow", "allow", "allow", "allow", "deny"]);
  });

  test("decides by the clock it is given", async () => {
    const night = "package p\ntool t { effect read }\npermit p when environment.now.hour == 3\n";
    const cwd = directoryWith({
      "p.writ": night,
      "r.json": '{"agent":{"id":"a"},"tool":{"name":"t"}}',
    });
    const at = (now: string) =>
      writ(["decide", "--now", now, "--expect", "allow", ".", "r.json"], { cwd });
    expect((await at("2026-01-02T03:04:05Z")).code).toBe(0);
    expect((await at("2026-01-02T15:04:05Z")).code).toBe(1);
    expect((await at("noon")).code).toBe(2);
  });

  test.each([
    ['{"agent":{"id":"a","id":"b"}}', /^writ decide: standard input is not JSON: .*, at byte \d+/],
    ['{"a":1}\n{"a":', /^writ decide: standard input:2 is not JSON: /],
    ["\n \n", /^writ decide: there is no request in standard input/],
    ['"text"', /^writ decide: standard input holds no request: /],
  ])("refuses %j", async (stdin, said) => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const { code, err } = await writ(["decide", ".", "-"], { cwd, stdin });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(said) });
  });

  test("shows strangers' text harmlessly", async () => {
    const request = { ...PAYMENT, agent: { ...PAYMENT.agent, "\u001b[2J": 1 } };
    const cwd = directoryWith({ "p.writ": SMALL, "r.json": JSON.stringify(request) });
    const { out } = await writ(["decide", ".", "r.json"], { cwd });
    expect(out).toContain("deny invalid_request");
    expect(out).not.toContain("\u001b");
  });
});

describe("writ explain", () => {
  const explain = async (request: unknown, ...words: string[]) => {
    const cwd = directoryWith({ "p.writ": SMALL, "r.json": JSON.stringify(request) });
    return (await writ(["explain", ...words, ".", "r.json"], { cwd })).out;
  };

  test("a denial by default shows the nearest permit and what stopped it", async () => {
    const stranger = { ...PAYMENT, tool: { name: "pay", args: { to: "eve", amount: 12.5 } } };
    expect(await explain(stranger)).toBe(`deny not_permitted
  because: no rule permits this

Nearest permit
  permit paying (p.writ:17:8)
    ✓ agent in group "helpers"
    ✓ tool pay
    ✓ when has principal
    ✗ when args.to in principal.payees
      args.to = "eve"
      principal.payees = ["bob"]
    ✓ when spend + args.amount <= 500.00
      spend + args.amount = 12.50
        spend = 0.00
        args.amount = 12.50
    stopped by
      \`args.to in principal.payees\` is false: \`args.to\` is "eve", \`principal.payees\` is ["bob"]

Nearly applies
  hold large (p.writ:29:6)
    ✓ tool pay
    ✗ when args.amount > 100.00
      args.amount = 12.50
    stopped by
      \`args.amount > 100.00\` is false: \`args.amount\` is 12.50
  forbid unattested (p.writ:24:8)
    because: money moves for attested agents only
    ✓ tool pay
    ✗ unless agent.attested
    stopped by
      \`agent.attested\` is true
`);
  });

  test("a guard that misses is explained", async () => {
    const outsider = { ...PAYMENT, agent: { id: "robot", groups: ["others"], attested: true } };
    expect(await explain(outsider)).toContain('✗ agent in group "helpers": agent is in "others"');
    const alone = { agent: { id: "robot", groups: ["helpers"] }, tool: { name: "look" } };
    expect(await explain({ ...alone, agent: { id: "robot" } })).toContain("agent is in no group");
  });

  test("has the same in JSON", async () => {
    const { decision, nearestPermit } = JSON.parse(
      await explain(
        { ...PAYMENT, tool: { name: "pay", args: { to: "eve", amount: 1 } } },
        "--json",
      ),
    );
    expect(decision.code).toBe("not_permitted");
    expect(nearestPermit).toMatchObject({ rule: "paying", effect: "permit", outcome: "false" });
    expect(nearestPermit.conditions[1]).toMatchObject({
      text: "when args.to in principal.payees",
      outcome: "false",
      tree: { value: "false", parts: [{ text: "args.to", value: '"eve"' }, { value: '["bob"]' }] },
    });
  });

  test("explains the last of several, after those before it", async () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const large = JSON.stringify({
      ...PAYMENT,
      tool: { name: "pay", args: { to: "bob", amount: 100 } },
    });
    const stdin = Array.from({ length: 6 }, () => large).join("\n");
    const { out } = await writ(["explain", ".", "-"], { cwd, stdin });
    expect(out).toContain("`spend` is 500.00");
  });
});
