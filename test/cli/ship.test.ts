import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseTarGzip } from "nanotar";
import { describe, expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";
import { serving } from "../support/serving.ts";

const PAYMENTS = new URL("../../policies/payments", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).pathname;

describe("writ build", () => {
  test("writes what every command takes for the policy, and says its digest", async () => {
    const cwd = directoryWith({ "p.writ": SMALL, "request.json": JSON.stringify(PAYMENT) });
    const { code, out } = await writ(["build", "p.writ", "--revision", "r7"], { cwd });
    expect(code).toBe(0);
    expect(out).toMatch(
      /^built small\.json: small, 4 rules, 1 test passed, \d+ bytes\nsha256:[0-9a-f]{64}\n$/,
    );
    const bundle = JSON.parse(readFileSync(join(cwd, "small.json"), "utf8"));
    expect(bundle).toMatchObject({ format: "writ.bundle", version: { major: 1 }, revision: "r7" });
    const decided = await writ(["decide", "--json", "small.json", "request.json"], { cwd });
    expect(JSON.parse(decided.out)).toMatchObject({
      decision: "allow",
      policy: { package: "small", digest: bundle.digest },
    });
    expect(readdirSync(cwd).sort()).toEqual(["p.writ", "request.json", "small.json"]);
  });

  test("the same sources give the same bytes", async () => {
    const cwd = directoryWith({ "a/p.writ": SMALL, "b/p.writ": SMALL });
    const [a, b] = [
      await writ(["build", "a", "-o", "-"], { cwd }),
      await writ(["build", "b", "-o", "-"], { cwd }),
    ];
    expect(a.out).toBe(b.out);
    expect(JSON.parse(a.out).tests).toHaveLength(1);
  });

  test("does not build what fails its tests, unless told to, and then without them", async () => {
    const cwd = directoryWith({
      "p.writ": SMALL.replace("when look then allow", "when look then deny"),
    });
    const failed = await writ(["build", "--json", "."], { cwd });
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({
      ok: false,
      failed: [expect.stringContaining("a helper looks (p.writ:")],
    });
    expect(readdirSync(cwd)).toEqual(["p.writ"]);
    const forced = await writ(["build", "--no-test", "-o", "-", "."], { cwd });
    expect(forced.code).toBe(0);
    expect(JSON.parse(forced.out).tests).toBeUndefined();
    // What has no tests has not passed them, and building it again does not make it so.
    writeFileSync(join(cwd, "bare.json"), forced.out);
    const tested = await writ(["test", "bare.json"], { cwd });
    expect(tested).toMatchObject({ code: 2, err: expect.stringContaining("without its tests") });
    const again = await writ(["build", "-o", "-", "bare.json"], { cwd });
    expect(JSON.parse(again.out).tests).toBeUndefined();
  });

  test("a bundle that was touched, or of a newer version, is refused wherever it is used", async () => {
    const cwd = directoryWith({ "p.writ": SMALL, "request.json": JSON.stringify(PAYMENT) });
    await writ(["build", "."], { cwd });
    const text = readFileSync(join(cwd, "small.json"), "utf8");
    writeFileSync(join(cwd, "small.json"), text.replace("5000000", "9000000"));
    const touched = await writ(["decide", "small.json", "request.json"], { cwd });
    expect(touched.code).toBe(2);
    expect(touched.err).toContain("its digest is not that of its program");
    writeFileSync(join(cwd, "small.json"), text.replaceAll('"major":1', '"major":2'));
    const newer = await writ(["serve", "small.json"], { cwd });
    expect(newer.code).toBe(2);
    expect(newer.err).toContain("built by a newer Writ (IR 2.1); this one reads 1.x");
  });

  test("--target opa-wasm writes a bundle for OPA, and says what it cannot decide", async () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const { code, out, err } = await writ(["build", "--target", "opa-wasm", "p.writ"], { cwd });
    expect([code, err]).toEqual([0, "note: a request that names a task is denied\n"]);
    expect(out).toContain("built small.tar.gz: small, 4 rules, 1 test passed, ");
    const files = await parseTarGzip(readFileSync(join(cwd, "small.tar.gz")));
    expect(files.map(({ name }) => name)).toEqual([".manifest", "data.json", "policy.wasm"]);
    const notes = await writ(["build", "--json", "--target", "opa-wasm", PAYMENTS], { cwd });
    expect(JSON.parse(notes.out).notes).toEqual([
      "a request that names a task is denied",
      "`origin` is not known: rules that need it do not permit",
    ]);
    for (const wrong of [
      ["--target", "rust"],
      ["--target", "opa-wasm", "-o", "-"],
    ]) {
      expect((await writ(["build", ...wrong, "p.writ"], { cwd })).code).toBe(2);
    }
  });

  test("--target rego writes Rego, or says of each part why it cannot", async () => {
    const cwd = directoryWith({
      "p.writ": "package plain\ntool look { effect read }\npermit anything\n",
      "q.writ": SMALL.replace(
        "package small",
        "package small\ncounter calls = count allowed per agent",
      ),
    });
    const { code, out, err } = await writ(["build", "--target", "rego", "p.writ"], { cwd });
    expect([code, out.split(",")[0]]).toEqual([0, "built plain.rego: plain"]);
    expect(err).toContain("note: a request with a delegation is denied");
    expect(readFileSync(join(cwd, "plain.rego"), "utf8")).toContain('permit contains "anything"');
    const piped = await writ(["build", "--target", "rego", "-o", "-", "p.writ"], { cwd });
    expect(piped.out).toBe(readFileSync(join(cwd, "plain.rego"), "utf8"));
    const refused = await writ(["build", "--target", "rego", "q.writ"], { cwd });
    expect([refused.code, refused.out, existsSync(join(cwd, "small.rego"))]).toEqual([
      1,
      "",
      false,
    ]);
    expect(refused.err).toContain("not said in Rego: calls (q.writ:2:9): Rego remembers nothing");
    const listed = await writ(["build", "--json", "--target", "rego", "q.writ"], { cwd });
    expect(JSON.parse(listed.out)).toMatchObject({
      ok: false,
      obstacles: expect.arrayContaining([expect.objectContaining({ name: "calls" })]),
    });
  });

  test("bundle and summary do not share standard output", async () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    expect((await writ(["build", "--json", "-o", "-", "."], { cwd })).code).toBe(2);
  });
});

describe("writ init", () => {
  test("makes a package that is laid out, has no warnings and passes its tests", async () => {
    const cwd = directoryWith({});
    const made = await writ(["init", "Team Wiki"], { cwd });
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining("writ test 'Team Wiki'") });
    const there = { cwd: join(cwd, "Team Wiki") };
    expect(readFileSync(join(there.cwd, "rules.writ"), "utf8")).toMatch(/^package team_wiki\n/);
    expect(readFileSync(join(there.cwd, ".github/workflows/writ.yml"), "utf8")).toContain(
      "writ test --reporter github .",
    );
    expect(await writ(["fmt", "--check", "."], there)).toMatchObject({ code: 0 });
    expect(await writ(["check", "--warnings-as-errors", "."], there)).toMatchObject({ code: 0 });
    expect(await writ(["test", "."], there)).toMatchObject({ code: 0 });
    expect(made.out).toContain("writ explain 'Team Wiki' 'Team Wiki/request.json'");
    const explained = await writ(["explain", ".", "request.json"], there);
    expect(explained).toMatchObject({ code: 0, out: expect.stringContaining("Nearest permit") });
  });

  test("replaces nothing unless told to", async () => {
    const cwd = directoryWith({ "rules.writ": "mine" });
    const refused = await writ(["init"], { cwd });
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("already there: rules.writ");
    expect(readdirSync(cwd)).toEqual(["rules.writ"]);
    const forced = await writ(["init", "--force", "--json", "--package", "acme.wiki"], { cwd });
    expect(JSON.parse(forced.out)).toMatchObject({ ok: true, package: "acme.wiki" });
    expect(readFileSync(join(cwd, "rules.writ"), "utf8")).toMatch(/^package acme\.wiki\n/);
  });

  test("a name that no package can have", async () => {
    const cwd = directoryWith({});
    expect((await writ(["init", "--package", "a-b"], { cwd })).code).toBe(2);
    expect((await writ(["init", "--package", "a.constructor"], { cwd })).code).toBe(2);
    for (const directory of ["constructor", "x".repeat(200)]) {
      await writ(["init", directory], { cwd });
      expect((await writ(["check", directory], { cwd })).code).toBe(0);
    }
    mkdirSync(join(cwd, "123"));
    expect(JSON.parse((await writ(["init", "--json", "123"], { cwd })).out)).toMatchObject({
      package: "policy",
    });
  });
});

describe("writ serve", () => {
  /** The request of a printed `curl` line, as the shell would pass it. */
  async function paste(curl: string) {
    const [, url = ""] = /curl -s (\S+)/.exec(curl) ?? [];
    const [, quoted = ""] = / -d '(.*)'$/m.exec(curl) ?? [];
    const body = quoted.replaceAll("'\\''", "'");
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    return { status: answer.status, json: await answer.json() };
  }

  test("the worked policy answers the line it prints with an explained decision", async () => {
    const ran = await serving(
      [join(ROOT, "policies/payments")],
      directoryWith({}),
      async (printed) => {
        expect(printed).toMatch(
          /^http:\/\/127\.0\.0\.1:\d+ decides by acme\.payments \(11 rules, sha256:/,
        );
        expect(await paste(printed)).toEqual({
          status: 200,
          json: expect.objectContaining({
            decision: "allow",
            reasons: [
              {
                rule: "read_own",
                effect: "permit",
                at: expect.stringMatching(/^rules\.writ:\d+:\d+$/),
                because: expect.stringContaining("accounts of the person it works for"),
              },
            ],
            obligations: [
              expect.objectContaining({ type: "redact" }),
              expect.objectContaining({ type: "log" }),
            ],
          }),
        });
      },
    );
    expect(ran).toMatchObject({ code: 0, err: "" });
  });

  test("a policy without examples shows what its tests allow; quotes survive the shell", async () => {
    const cwd = directoryWith({ "p.writ": SMALL.replaceAll('"robot"', '"bob\'s robot"') });
    await serving(["."], cwd, async (printed) => {
      expect(printed).toContain("bob'\\''s robot");
      expect((await paste(printed)).json).toMatchObject({
        decision: "allow",
        reasons: [{ rule: "looking" }],
      });
    });
  });

  test("--json prints a line when it listens, and one for each request", async () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const { out } = await serving(["--json", "."], cwd, async (printed) => {
      const { event, url, policy, curl } = JSON.parse(printed);
      expect({ event, policy }).toMatchObject({
        event: "listening",
        policy: { package: "small", rules: 4 },
      });
      expect((await fetch(`${url}/health`)).status).toBe(200);
      await paste(curl);
    });
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ route }) => route === "/decide")).toMatchObject([{ status: 200 }]);
    expect(lines.at(-1)).toEqual({ event: "stopped" });
  });

  test("does not serve what has errors or fails its tests", async () => {
    const cwd = directoryWith({
      "bad.writ": "package p\npermit a tool b\n",
      "worse.writ": SMALL.replace("then allow by looking", "then hold"),
    });
    expect(await writ(["serve", "bad.writ"], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining("E207"),
    });
    expect(await writ(["serve", "worse.writ"], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining("a helper looks"),
    });
  });

  test("stays on this machine unless told otherwise; ports are numbers", async () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const remote = await writ(["serve", "--host", "0.0.0.0", "--port", "0", "."], { cwd });
    expect(remote).toMatchObject({ code: 2, err: expect.stringContaining("--allow-remote") });
    expect((await writ(["serve", "--port", "http", "."], { cwd })).code).toBe(2);
  });
});
