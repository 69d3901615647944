/** What commands make of a bundle of OPA's: its Rego decides, and no policy of Writ's. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AUTHZ, moduleNamed, NOON_MS } from "../../engine/opa/modules.ts";
import { directoryWith, writ } from "../../support/cli.ts";
import { opaBundle } from "../../support/opa-bundles.ts";

const DATA = '{"grants":{"reader":["read_file"]},"roles":{"bot":["reader"]}}';
const TESTS = `package authz
label seen
tool read_file { effect read }
tool send_money { effect write, args { amount: Decimal } }
test "a reader reads" {
  given agent "bot"
  when read_file then allow with log
  outcome ok labels [seen] returns "text"
}
test "a stranger does not" { given agent "eve" when read_file then deny by forbidden }
`;
const WRONG = `test "a stranger reads" { given agent "eve" when read_file then allow }\n`;
const NEXT = `${TESTS.slice(0, TESTS.indexOf("test"))}
permit readers tool read_file when agent.id == "bot" with log full
`;
const asking = (id: string) => ({ agent: { id }, tool: { name: "read_file" } });
const line = (id: string, expected: string) =>
  JSON.stringify({
    request: asking(id),
    at: new Date(NOON_MS).toISOString(),
    // Labels are of the rules beside it: Rego has none.
    outcome: { status: "ok", labels: ["seen"], values: "text" },
    expect: expected,
  });

const DECISION = ["--entrypoint", "authz/decision"];

function folder(): string {
  const cwd = directoryWith({
    "tests.writ": TESTS,
    "wrong.writ": TESTS + WRONG,
    "next.writ": NEXT,
    "request.json": JSON.stringify(asking("bot")),
    "nothing.json": "{}",
    "trace.jsonl": `${line("bot", "allow")}\n${line("eve", "deny")}\n`,
    "stricter.jsonl": `${line("bot", "deny")}\n`,
  });
  const entrypoint = "authz/decision";
  const good = { revision: "r1", entrypoint, wasm: AUTHZ.wasm, data: DATA };
  writeFileSync(join(cwd, "authz.tar.gz"), opaBundle(good));
  const unfit = { ...good, entrypoint: "forbidden/allow", wasm: moduleNamed("forbidden") };
  writeFileSync(join(cwd, "unfit.tar.gz"), opaBundle(unfit));
  writeFileSync(join(cwd, "lost.tar.gz"), opaBundle({ ...good, entrypoint: "authz/lost" }));
  for (const name of ["signed.tar.gz", "signed.pub"]) {
    const from = new URL(`../../engine/opa/modules/${name}`, import.meta.url);
    writeFileSync(join(cwd, name), readFileSync(from));
  }
  return cwd;
}

test("check says what a bundle has and needs, and refuses what cannot be run", async () => {
  const cwd = folder();
  const good = await writ(["check", "authz.tar.gz", "next.writ"], { cwd });
  expect(good.code).toBe(0);
  expect(good.out).toContain("revision r1, decides authz/decision; needs time.clock, time.now_ns");
  const unfit = await writ(["check", "--json", "unfit.tar.gz"], { cwd });
  expect(unfit.code).toBe(1);
  expect(JSON.parse(unfit.out)).toMatchObject({
    ok: false,
    errors: 1,
    bundles: [{ ok: false, because: expect.stringContaining("`http.send`") }],
  });
  const lost = await writ(["check", "lost.tar.gz"], { cwd });
  expect(lost).toMatchObject({
    code: 1,
    out: expect.stringContaining("no entrypoint `authz/lost`"),
  });
  const unverified = await writ(["check", "signed.tar.gz"], { cwd });
  expect(unverified).toMatchObject({ code: 1, out: expect.stringContaining("no key was given") });
  const key = ["--opa-key", "signed.pub"];
  expect(await writ(["check", ...key, "signed.tar.gz"], { cwd })).toMatchObject({ code: 0 });
}, 60_000);

test("tests of Writ's are decided by Rego alone", async () => {
  const cwd = folder();
  const tested = (file: string, ...more: string[]) =>
    writ(["test", ...DECISION, ...more, "authz.tar.gz", file], { cwd });
  const passed = await tested("tests.writ");
  expect(passed).toMatchObject({ code: 0, out: expect.stringContaining("ok: 2 passed") });
  const failed = await tested("wrong.writ", "--json");
  expect(failed.code).toBe(1);
  expect(JSON.parse(failed.out)).toMatchObject({ failed: 1 });
  expect(failed.out).toContain("expected allow, decided deny");
  // The same tests, decided by rules.
  writeFileSync(join(cwd, "both.writ"), `${NEXT}${TESTS.slice(TESTS.indexOf("test"))}`);
  const both = (...words: string[]) => writ(["test", ...words, "both.writ"], { cwd });
  expect((await both()).out).toContain("not_permitted");
  expect(await both(...DECISION, "authz.tar.gz")).toMatchObject({ code: 0 });
}, 60_000);

test("requests are decided, and what Rego said is shown", async () => {
  const cwd = folder();
  const at = ["--now", new Date(NOON_MS).toISOString(), ...DECISION];
  const decide = (expected: string, bundle = "authz.tar.gz", request = "request.json") =>
    writ(["decide", ...at, "--expect", expected, bundle, request], { cwd });
  expect(await decide("allow")).toMatchObject({ code: 0 });
  expect(await decide("deny")).toMatchObject({ code: 1 });
  expect(await decide("deny", "authz.tar.gz", "nothing.json")).toMatchObject({
    code: 2,
    err: expect.stringContaining("/agent/id is no text"),
  });
  const unfit = await writ(["decide", "unfit.tar.gz", "request.json"], { cwd });
  expect(unfit).toMatchObject({ code: 2, err: expect.stringContaining("cannot be run") });
  const { out } = await writ(["explain", ...at, "authz.tar.gz", "request.json"], { cwd });
  expect(out).toContain("allow by authz/decision");
  expect(out).toMatch(/authz\/decision says\n\s+\{\n\s+"allow": true/);
}, 60_000);

test("a trace is decided again, and compared with rules that are to take over", async () => {
  const cwd = folder();
  const replay = (...words: string[]) => writ(["replay", ...DECISION, ...words], { cwd });
  expect(await replay("authz.tar.gz", "trace.jsonl")).toMatchObject({ code: 0 });
  expect(await replay("authz.tar.gz", "stricter.jsonl")).toMatchObject({ code: 1 });
  const alike = await replay("next.writ", "trace.jsonl", "--against", "authz.tar.gz");
  expect(alike).toMatchObject({ code: 0, out: expect.stringContaining("no decision differs") });
  writeFileSync(join(cwd, "none.writ"), NEXT.replace('"bot"', '"nobody"'));
  const other = await replay("none.writ", "trace.jsonl", "--against", "authz.tar.gz");
  expect(other).toMatchObject({ code: 1, out: expect.stringContaining("1 decision differs") });
}, 60_000);

test.each([
  [["test", "authz.tar.gz"], "holds no tests of Writ's"],
  [["test", "--coverage", "authz.tar.gz", "tests.writ"], "coverage is of rules of Writ's"],
  [["test", ...DECISION, "tests.writ"], "is of a bundle of OPA's"],
  [["decide", ...DECISION, "next.writ", "request.json"], "is of a bundle of OPA's"],
  [["explain", ...DECISION, "next.writ", "request.json"], "is of a bundle of OPA's"],
  [["replay", ...DECISION, "next.writ", "trace.jsonl"], "is of a bundle of OPA's"],
  [["check", "--opa-key", "signed.pub", "next.writ"], "is of a bundle of OPA's"],
  [["decide", "--entrypoint", "a/b", "authz.tar.gz", "request.json"], "has no `a/b`"],
  [["decide", "signed.tar.gz", "request.json"], "no key was given"],
  [["decide", "lost.tar.gz", "request.json"], "no entrypoint `authz/lost`"],
  [["replay", "authz.tar.gz", "trace.jsonl", "--explain", "line 1"], "Rego explains itself"],
  [["build", "authz.tar.gz"], "is a bundle of OPA's"],
])(
  "writ %j is misuse: %s",
  async (words, says) => {
    const ran = await writ(words, { cwd: folder() });
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining(says) });
  },
  60_000,
);
