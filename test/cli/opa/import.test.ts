import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTarGzip } from "nanotar";
import { expect, onTestFinished, test } from "vitest";
import { loadBundle } from "../../../engine/bundle.ts";
import { assemble } from "../../engine/opa/assemble.ts";
import { AUTHZ, moduleNamed } from "../../engine/opa/modules.ts";
import { directoryWith, writ } from "../../support/cli.ts";
import { BundleService } from "../../support/opa-bundles.ts";
import { serve } from "../../support/served.ts";

const POLICY = `package legacy
tool read_file { effect read }
tool send_money { effect write, args { amount: Decimal } }
import rego "authz.tar.gz" entrypoint "authz/allow" as allowed: Bool
import rego "authz.wasm" entrypoint "authz/risk" as risk: "low" | "high"
permit reading tool read_file when allowed(input)
permit paying tool send_money when risk(input) == "low"
test "a reader reads" { given agent "bot" when read_file then allow by reading }
test "a stranger does not" { given agent "eve" when read_file then deny by not_permitted }
test "small amounts are paid" { given agent "bot" when send_money { amount: 10.00 } then allow by paying }
test "large ones are not" { given agent "bot" when send_money { amount: 1000.50 } then deny }
`;

const REQUEST = JSON.stringify({ agent: { id: "bot" }, tool: { name: "read_file" } });

async function bundleOfAuthz(): Promise<Uint8Array> {
  const manifest = { roots: [""], wasm: [{ entrypoint: "authz/allow", module: "/policy.wasm" }] };
  return createTarGzip([
    { name: "/data.json", data: AUTHZ.data ?? "" },
    { name: "/policy.wasm", data: AUTHZ.wasm },
    { name: "/.manifest", data: JSON.stringify(manifest) },
  ]);
}

async function packageWith(policy = POLICY): Promise<string> {
  const directory = directoryWith({ "policy.writ": policy, "request.json": REQUEST });
  copyFileSync(
    new URL("../../engine/opa/modules/authz.wasm", import.meta.url),
    join(directory, "authz.wasm"),
  );
  writeFileSync(join(directory, "forbidden.wasm"), moduleNamed("forbidden"));
  writeFileSync(join(directory, "authz.tar.gz"), await bundleOfAuthz());
  return directory;
}

test("a policy that imports modules is checked, tested, decided, explained, built and decided again", async () => {
  const cwd = await packageWith();
  expect(await writ(["check", "policy.writ"], { cwd })).toMatchObject({ code: 0 });
  expect(await writ(["test", "policy.writ"], { cwd })).toMatchObject({ code: 0 });
  const allow = ["--expect", "allow"];
  const decided = await writ(["decide", ...allow, "policy.writ", "request.json"], { cwd });
  expect(decided).toMatchObject({ code: 0 });
  const { out } = await writ(["explain", "policy.writ", "request.json"], { cwd });
  expect(out).toContain("✓ when allowed(input)");
  expect(await writ(["build", "policy.writ", "-o", "built.json"], { cwd })).toMatchObject({
    code: 0,
  });
  const again = await writ(["decide", ...allow, "built.json", "request.json"], { cwd });
  expect(again).toMatchObject({ code: 0 });
}, 60_000);

test("the digest of a policy covers what its modules are", async () => {
  const cwd = await packageWith();
  await writ(["build", "policy.writ", "-o", "built.json"], { cwd });
  const built = JSON.parse(readFileSync(join(cwd, "built.json"), "utf8"));
  expect(loadBundle(built)).toMatchObject({ ok: true });
  built.program.binaries[0].data = '{"roles":{"eve":["reader"]},"grants":{"reader":["read_file"]}}';
  expect(loadBundle(built)).toMatchObject({ ok: false });
}, 60_000);

test.each([
  ['import rego "lost.wasm" entrypoint "authz/allow" as x: Bool', "there is no such file"],
  ['import rego "authz.wasm" entrypoint "authz/allw" as x: Bool', "did you mean `authz/allow`?"],
  ['import rego "forbidden.wasm" entrypoint "forbidden/allow" as x: Bool', "it needs `http.send`"],
  ['import rego "request.json" entrypoint "a/b" as x: Bool', "no WebAssembly module"],
  ['import rego "/etc/passwd" entrypoint "a/b" as x: Bool', "a place of this machine"],
])(
  "%s is refused",
  async (line, why) => {
    const cwd = await packageWith(
      `package p\ntool look { effect read }\n${line}\npermit all_of_them when x(input)\n`,
    );
    const { code, out } = await writ(["check", "policy.writ"], { cwd });
    expect(code).toBe(1);
    expect(out).toContain("error E230");
    expect(out).toContain(why);
  },
  60_000,
);

test("its signed bundle is examined and served with its modules", async () => {
  const cwd = await packageWith();
  await writ(["keys", "new", "release"], { cwd });
  const build = ["build", "--sign", "release.key", "-o", "b.writb", "policy.writ"];
  expect(await writ(build, { cwd })).toMatchObject({ code: 0 });
  // A busy machine takes its time to begin a process.
  const patient = ["--module-deadline", "10000"];
  const bundle = ["--bundle", "b.writb", "--bundle-key", "release.pub"];
  const service = await serve([...bundle, ...patient], cwd);
  try {
    expect(await service.event("policy_activated")).toMatchObject({ tests: 4 });
    const { json } = await service.ask("/decide", JSON.parse(REQUEST));
    expect(json).toMatchObject({ decision: "allow", reasons: [{ rule: "reading" }] });
  } finally {
    await service.stop();
  }
}, 60_000);

test("its server is shown the token that a file holds", async () => {
  const cwd = await packageWith();
  await writ(["keys", "new", "release"], { cwd });
  await writ(["build", "--sign", "release.key", "-o", "b.writb", "policy.writ"], { cwd });
  const source = new BundleService();
  onTestFinished(() => source.close());
  source.bytes = readFileSync(join(cwd, "b.writb"));
  writeFileSync(join(cwd, "token"), "a-bearer-token\n", { mode: 0o600 });
  const bundle = ["--bundle", await source.listen(), "--bundle-key", "release.pub"];
  const service = await serve([...bundle, "--bundle-token-file", "token"], cwd);
  onTestFinished(async () => void (await service.stop()));
  expect(await service.event("policy_activated")).toMatchObject({ tests: 4 });
  expect(source.asked[0]).toMatchObject({ authorization: "Bearer a-bearer-token" });
  expect(JSON.stringify(await service.stop())).not.toContain("a-bearer-token");
  expect(readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8")).not.toContain("a-bearer-token");
}, 60_000);

test.each([
  ["in a thread of the service", [], "ended its thread"],
  ["in a process, where that is asked for", ["--contain-modules"], "ended its process"],
])(
  "a signed module that does not end is ended %s, and denies",
  async (_, words, says) => {
    const cwd = directoryWith({
      "policy.writ": `package endless
tool look { effect read }
tool rest { effect read }
import rego "endless.wasm" entrypoint "a/allow" as endless: Bool
permit looking tool look when endless(input)
permit resting tool rest
`,
    });
    const loop = [0x03, 0x40, 0x0c, 0x00, 0x0b, 0x00];
    writeFileSync(join(cwd, "endless.wasm"), assemble({ bodies: { opa_eval: loop } }));
    await writ(["keys", "new", "release"], { cwd });
    const built = ["build", "--sign", "release.key", "-o", "b.writb", "policy.writ"];
    expect(await writ(built, { cwd })).toMatchObject({ code: 0 });
    const bundle = ["--bundle", "b.writb", "--bundle-key", "release.pub"];
    const service = await serve([...bundle, "--module-deadline", "5000", ...words], cwd);
    const deciding = (name: string) =>
      service.ask("/decide", { agent: { id: "bot" }, tool: { name } });
    const looking = deciding("look");
    let isLooking = true;
    void looking.then(() => {
      isLooking = false;
    });
    expect((await deciding("rest")).json).toMatchObject({ decision: "allow" });
    expect(isLooking).toBe(true);
    expect((await looking).json).toMatchObject({
      decision: "deny",
      code: "indeterminate",
      errors: [{ cause: "module_unavailable" }],
    });
    const { err } = await service.stop();
    expect(err).toContain(says);
  },
  60_000,
);

test("a candidate with modules decides beside Rego once its modules are trusted", async () => {
  const cwd = await packageWith();
  const candidate = POLICY.slice(0, POLICY.indexOf("permit paying"));
  writeFileSync(join(cwd, "next.writ"), candidate);
  const refused = await writ(["serve", "--port", "0", "--shadow", "next.writ", "policy.writ"], {
    cwd,
  });
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("--trust-modules") });
  const service = await serve(["--trust-modules", "--shadow", "next.writ", "policy.writ"], cwd);
  const pay = { ...JSON.parse(REQUEST), tool: { name: "send_money", args: { amount: 10 } } };
  expect((await service.ask("/decide", JSON.parse(REQUEST))).json.decision).toBe("allow");
  expect((await service.ask("/decide", pay)).json.decision).toBe("allow");
  await service.stop();
  expect(await service.event("shadow_report")).toMatchObject({ alike: 1, differing: 1 });
}, 60_000);
