/** `writ audit replay` of what Rego decided: by itself, or asked by rules. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { AUTHZ, moduleNamed } from "../../engine/opa/modules.ts";
import { directoryWith, writ } from "../../support/cli.ts";
import { newPair, opaBundle } from "../../support/opa-bundles.ts";
import { serve } from "../../support/served.ts";

const PAIR = newPair();
const DATA =
  '{"grants":{"payer":["send_money"],"reader":["read_file"]},"roles":{"bot":["reader"],"teller":["reader","payer"]}}';
const bundle = (data = DATA) =>
  opaBundle({ revision: "r1", entrypoint: "authz/decision", wasm: AUTHZ.wasm, data }, PAIR);
const KEYED = ["--entrypoint", "authz/decision", "--opa-key", "key.pub", "--opa-alg", "ES256"];

const ask = (agent: string, name: string, more: object = {}) => ({
  agent: { id: agent },
  tool: { name, args: {} },
  ...more,
});
const LARGE = { tool: { name: "send_money", args: { amount: 5000 } } };
const PLAIN = [ask("bot", "read_file"), ask("eve", "read_file"), ask("teller", "", LARGE)];
/** Rego could have read what records must not hold. */
const SPARED = [
  ask("bot", "read_file", { intent: { instruction: "read it, please" } }),
  ask("bot", "read_file", { delegation: { tokens: ["a.b.c"] } }),
];

/** A log of what was decided about these, in a directory that has the bundle. */
async function recorded(
  requests: readonly object[],
  words: readonly string[] = ["--audit-requests"],
): Promise<string> {
  const cwd = directoryWith({ "key.pub": PAIR.pem });
  writeFileSync(join(cwd, "b.tar.gz"), bundle());
  const patient = ["--module-deadline", "10000"];
  const service = await serve(["b.tar.gz", ...KEYED, ...patient, ...words], cwd);
  onTestFinished(async () => void (await service.stop()));
  for (const request of requests) await service.ask("/decide", request);
  expect((await service.stop()).code).toBe(0);
  return cwd;
}

async function replayed(cwd: string, words: readonly string[] = ["b.tar.gz", ...KEYED]) {
  const { code, out, err } = await writ(["audit", "replay", "--json", ...words], { cwd });
  expect(err).toBe("");
  return { code, ...JSON.parse(out) };
}

describe("Rego alone", () => {
  test("is asked again, by the clock of then, and says the same", async () => {
    const cwd = await recorded(PLAIN);
    expect(await replayed(cwd)).toMatchObject({ code: 0, same: 3, differing: [], skipped: {} });
    const log = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8");
    expect(log).toContain('"decision":"allow"');
    expect(log).toContain('"code":"forbidden"');
  }, 60_000);

  test("with something left out that it could have read is not asked, and that is said", async () => {
    const cwd = await recorded([...PLAIN, ...SPARED]);
    expect(await replayed(cwd)).toMatchObject({ code: 0, same: 3, skipped: { left_out: 2 } });
    const { out } = await writ(["audit", "replay", "b.tar.gz", ...KEYED], { cwd });
    expect(out).toContain("2 not: with something left out");
  }, 60_000);

  test("is not made again by another bundle, or of records without requests", async () => {
    const cwd = await recorded(PLAIN);
    writeFileSync(join(cwd, "other.tar.gz"), bundle('{"grants":{},"roles":{}}'));
    expect(await replayed(cwd, ["other.tar.gz", ...KEYED])).toMatchObject({
      code: 1,
      same: 0,
      skipped: { other_policy: 3 },
    });
    expect(await replayed(await recorded(PLAIN, []))).toMatchObject({
      code: 1,
      skipped: { not_whole: 3 },
    });
  }, 60_000);

  test("of which a record was changed is told as it is", async () => {
    const cwd = await recorded(PLAIN);
    const path = join(cwd, ".writ/audit.jsonl");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"decision":"deny"', '"decision":"allow"'));
    const { code, out, err } = await writ(["audit", "replay", "b.tar.gz", ...KEYED], { cwd });
    expect(code).toBe(1);
    expect(`${out}${err}`).toContain("the log cannot be believed");
  }, 60_000);

  test.each<[readonly string[], string]>([
    [["b.tar.gz", "--entrypoint", "authz/decision"], "sign"],
    [["b.tar.gz", ...KEYED.slice(2), "--entrypoint", "authz/x"], "has no `authz/x`"],
    [["b.tar.gz", ...KEYED, "--opa-wait", "1s"], "no option `--opa-wait`"],
  ])("%j is misuse", async (words, said) => {
    const cwd = directoryWith({ "key.pub": PAIR.pem });
    writeFileSync(join(cwd, "b.tar.gz"), bundle());
    const { code, err } = await writ(["audit", "replay", ...words], { cwd });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(said) });
  });
});

test("what imported Rego said is recorded, and decided on again", async () => {
  const policy = `package legacy
tool read_file { effect read }
import rego "authz.wasm" entrypoint "authz/risk" as risk: "low" | "high"
permit reading tool read_file when risk(input) == "low"
`;
  const cwd = directoryWith({ "p/policy.writ": policy });
  writeFileSync(join(cwd, "p/authz.wasm"), moduleNamed("authz"));
  const service = await serve(["--audit-requests", "--module-deadline", "10000", "p"], cwd);
  onTestFinished(async () => void (await service.stop()));
  expect((await service.ask("/decide", PLAIN[0])).json).toMatchObject({ decision: "allow" });
  await service.ask("/decide", SPARED[0]);
  await service.stop();
  expect(await replayed(cwd, ["p"])).toMatchObject({ code: 0, same: 2, skipped: {} });
}, 60_000);
