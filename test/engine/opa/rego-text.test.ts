/**
 * Policies written as Rego, decided by OPA itself: as the reference interpreter decides. `WRIT_REGO=100000`
 * compares so many pairs of policy and request, `WRIT_REGO_SEED` the same ones again.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decide } from "../../../engine/decide.ts";
import type { Decision } from "../../../engine/decision.ts";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { type RegoText, writeRego } from "../../../engine/opa/rego-text/write.ts";
import { preparePolicy } from "../../../engine/policy.ts";
import { createRequestReader } from "../../../engine/request-reader.ts";
import type { Program } from "../../../lang/ir.ts";
import { same } from "../../differential/compare.ts";
import { type Random, randomFrom } from "../../differential/random.ts";
import { loadPolicySync, opa, programOf } from "../../support/opa.ts";
import { randomRequest } from "../../support/random-request.ts";
import { randomStateless } from "../../support/random-stateless.ts";
import { seedFrom } from "../../support/seed.ts";

const DIGEST = "sha256:test";
const SEED = seedFrom("WRIT_REGO_SEED");
const folder = mkdtempSync(join(tmpdir(), "writ-rego-"));
afterAll(() => rmSync(folder, { recursive: true }));

if (opa === undefined) console.warn("SKIPPED: there is no `opa` to decide with what was written");

function written(program: Program): RegoText {
  return writeRego(program, { package: program.package, digest: DIGEST });
}

function textOf(program: Program): string {
  const rego = written(program);
  if (!rego.ok) throw new Error(JSON.stringify(rego.obstacles));
  return rego.text;
}

/** In one run, since starting OPA takes as long as a hundred decisions. */
function decidedByOpa(text: string, inputs: readonly unknown[]): readonly Decision[] {
  const policy = join(folder, "policy.rego");
  const data = join(folder, "data.json");
  writeFileSync(policy, text);
  writeFileSync(data, JSON.stringify({ inputs }));
  const name = /^package (\S+)$/m.exec(text)?.[1];
  const query = `[d | some i in data.inputs; d := data.${name}.decision with input as i]`;
  const args = ["eval", "-d", policy, "-d", data, "-f", "json", query];
  const { stdout, stderr } = spawnSync(opa ?? "", args, { maxBuffer: 1e9 });
  const result = JSON.parse(String(stdout)).result;
  if (result === undefined) throw new Error(`${stdout}${stderr}`);
  return result[0].expressions[0].value;
}

function decidedHere(program: Program): (input: unknown) => Decision {
  const policy = preparePolicy(program, { digest: DIGEST }, createInterpreter(program));
  const read = createRequestReader(program);
  return (input) => {
    const reading = read(input, { nowMs: 0, session: () => undefined });
    if (!reading.ok) return { decision: "deny", code: "invalid_request" } as Decision;
    const view = {
      nowMs: 0,
      task: undefined,
      counter: () => "unavailable" as const,
      latch: () => "unavailable" as const,
      origin: () => "unavailable" as const,
    };
    const input_ = { id: "", call: "", approvals: [], digest: () => DIGEST };
    return decide(policy, reading, view, input_).decision;
  };
}

/** What the text says of a decision: no ids, no places of errors, no time, and its own words for a bad request. */
function comparable(decision: Decision): unknown {
  const { decision: answer, code, because, reasons, obligations, approval } = decision;
  if (code === "invalid_request") return { answer, code };
  return { answer, code, because, reasons, obligations, by: approval?.by };
}

const SHOP = readFileSync(new URL("../../golden/rego/shop.writ", import.meta.url), "utf8");

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe("a policy as Rego", () => {
  test("reads as the policy does", async () => {
    await expect(textOf(programOf(SHOP))).toMatchFileSnapshot("../../golden/rego/shop.rego");
  });

  /** `shop.wasm` is made of `shop.rego` by `test/golden/rego/rebuild.sh`. */
  test("made a module by OPA, decides as it does", { timeout: 60_000 }, () => {
    const wasm = readFileSync(new URL("../../golden/rego/shop.wasm", import.meta.url));
    const module = loadPolicySync(wasm);
    const program = programOf(SHOP);
    const here = decidedHere(program);
    const random = randomFrom(6);
    for (let at = 0; at < 2_000; at += 1) {
      const input = requestOf(program, random);
      const given = module.evaluate(input, "writ/shop/decision")[0]?.result as Decision;
      expect(plain(comparable(given)), JSON.stringify(input)).toEqual(
        plain(comparable(here(input))),
      );
    }
  });

  const RULE =
    "level L = low < high\ntool t { effect read, args { a: Int, s: String, xs: List<Int> } }\n";
  test.each([
    ["counter n = count allowed per agent\npermit p when n < 3", "n", "remembers nothing"],
    ["latch l = allowed t per session\npermit p unless l", "l", "remembers nothing"],
    ["label untrusted\npermit p tool t when untrusted in origin(args.s)", "p", "come from"],
    ["permit p\nforbid f tool t\n  then interrupt session", "f", "end a session"],
    ["tool u { effect read, args { to: Url } }\npermit p", "tool u", "is a Url"],
    ["permit p tool t when args.s like args.s", "p", "pattern"],
    ["permit p tool t when any x in args.xs: any y in args.xs: x == y", "p", "steps"],
    ["permit p tool t when command(args.s).parsed", "p", "no form in Rego"],
    ['permit p when session.status == "active"', "p", "known to Writ alone"],
    ["permit p when environment.now.hour > 3", "p", "no form in Rego"],
  ])("is not written where it holds %s", (rules, name, because) => {
    const rego = written(programOf(`package t\n${RULE}${rules}\n`));
    expect(rego.ok).toBe(false);
    const obstacles = rego.ok ? [] : rego.obstacles;
    expect(obstacles.map((one) => one.name)).toContain(name);
    expect(JSON.stringify(obstacles)).toContain(because);
    for (const { at, help } of obstacles)
      expect([at, help].every((text) => text !== "")).toBe(true);
  });
});

/** A parameter whose name stands in a text of the body, and nowhere else. */
const UNREAD = `package t
tool look { effect read, args { path: String } }
fn named(who: String, path: String): Bool = path like "*named_0*"
permit reading tool look when named("bot", args.path)
`;

/** What reads a Path has the name of what the reader of Any walks along. */
const WALKED = `package t
tool look { effect read, args { path: Path, about: Any } }
permit reading tool look when args.path within "/a"
`;

describe.skipIf(opa === undefined)("under OPA", () => {
  test("passes OPA's strict check and is laid out as OPA lays out", { timeout: 60_000 }, () => {
    const seeds = Array.from({ length: 10 }, (_, at) => randomStateless(SEED + at));
    for (const policy of [SHOP, UNREAD, WALKED, ...seeds]) {
      const file = join(folder, "checked.rego");
      const text = textOf(programOf(policy));
      writeFileSync(file, text);
      const check = spawnSync(opa ?? "", ["check", "--strict", file]);
      expect(String(check.stderr) + String(check.stdout), policy).toBe("");
      expect(String(spawnSync(opa ?? "", ["fmt", file]).stdout), policy).toBe(text);
    }
  });

  test("denies what Writ alone can answer, and answers nonsense with no", () => {
    const program = programOf("package t\ntool look { effect read }\npermit anything\n");
    const request = { agent: { id: "bot" }, tool: { name: "look" } };
    const inputs: readonly (readonly [unknown, string | undefined])[] = [
      [request, undefined],
      [{ ...request, delegation: { chain: [] } }, "delegation_invalid"],
      [{ ...request, delegation: null }, "delegation_invalid"],
      [{ ...request, intent: { task: "t" } }, "invalid_request"],
      [{ ...request, agent: { id: "бот" } }, "invalid_request"],
      [{ ...request, agent: { id: "bo\u200bt" } }, "invalid_request"],
      [{ ...request, more: 1 }, "invalid_request"],
      [{ tool: { name: "look" } }, "invalid_request"],
      ...[null, false, 0, "", [], {}, [request]].map((one) => [one, "invalid_request"] as const),
    ];
    const given = decidedByOpa(
      textOf(program),
      inputs.map(([input]) => input),
    );
    expect(given.map(({ code }) => code)).toEqual(inputs.map(([, code]) => code));
    expect(given[0]?.decision).toBe("allow");
  });

  const PAIRS = Number(process.env.WRIT_REGO ?? (process.env.CI === undefined ? 3_000 : 20_000));
  const REQUESTS = 250;

  test(`${PAIRS} random policies and requests are decided alike, seed ${SEED}`, {
    timeout: 600_000,
  }, () => {
    const seen = new Map<string, number>();
    let pairs = 0;
    for (let seed = SEED; pairs < PAIRS; seed += 1) {
      const policy = randomStateless(seed);
      const program = programOf(policy);
      const text = textOf(program);
      const random = randomFrom(seed);
      const inputs = Array.from({ length: REQUESTS }, () => requestOf(program, random));
      const given = decidedByOpa(text, inputs);
      const wanted = inputs.map(decidedHere(program));
      expect(given.length).toBe(inputs.length);
      for (const [at, decision] of wanted.entries()) {
        const actual = given[at];
        const [left, right] = [plain(comparable(decision)), plain(comparable(actual as Decision))];
        if (!same(left, right)) {
          const shown = `WRIT_REGO_SEED=${seed}\n${policy}\n${JSON.stringify(inputs[at])}\n${JSON.stringify(actual)}`;
          expect(right, shown).toEqual(left);
        }
        pairs += 1;
        const kind = decision.code ?? decision.decision;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }
    const kinds = [
      "allow",
      "hold",
      "forbidden",
      "not_permitted",
      "invalid_request",
      "indeterminate",
    ];
    for (const kind of pairs < 3_000 ? [] : kinds) {
      expect(seen.get(kind) ?? 0, `of ${JSON.stringify([...seen])}`).toBeGreaterThan(pairs / 1_000);
    }
    if (process.env.WRIT_REGO !== undefined) console.log(pairs, Object.fromEntries(seen));
  });
});

/** Without delegation and task, which the text denies; now and then with something wrong in it. */
function requestOf(program: Program, random: Random): unknown {
  const {
    delegation: _,
    intent,
    ...request
  } = randomRequest(program, random) as {
    readonly [name: string]: unknown;
  };
  const { task: __, ...rest } = (intent ?? {}) as { readonly [name: string]: unknown };
  const sent = JSON.parse(
    JSON.stringify(intent === undefined ? request : { ...request, intent: rest }),
  );
  return random.chance(0.15) ? spoiled(sent, random) : sent;
}

const WRONG: readonly unknown[] = [
  null,
  true,
  -1,
  1.00005,
  1e300,
  "",
  "\u200b",
  "a@b",
  [],
  {},
  ["x", 1],
  { a: null },
  "../x",
  "12.50",
  "12.345678",
  2 ** 53,
];

/** One member exchanged, left out or added. */
function spoiled(request: { [name: string]: unknown }, random: Random): unknown {
  let at: { [name: string]: unknown } = request;
  for (let depth = random.below(4); depth > 0; depth -= 1) {
    const inside = Object.values(at).filter((one) => typeof one === "object" && one !== null);
    if (inside.length === 0) break;
    at = random.pick(inside) as { [name: string]: unknown };
  }
  const names = Object.keys(at);
  if (names.length === 0 || random.chance(0.15)) at.extra = random.pick(WRONG);
  else if (random.chance(0.3)) delete at[random.pick(names)];
  else at[random.pick(names)] = random.pick(WRONG);
  return request;
}
