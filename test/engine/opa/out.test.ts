/**
 * Modules that are emitted for OPA hosts, run under OPA's own SDK from npm: they decide as the reference
 * interpreter does. `WRIT_OPA_OUT=1000000` compares so many pairs of policy and request, `WRIT_OPA_OUT_SEED` the
 * same ones again.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { digestOf } from "../../../engine/canonical-json.ts";
import { decide } from "../../../engine/decide.ts";
import type { Decision } from "../../../engine/decision.ts";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { emitOpaBundle } from "../../../engine/opa/out/bundle.ts";
import { readDocument } from "../../../engine/opa/out/document.ts";
import { moduleEmitter } from "../../../engine/opa/out/emit.ts";
import { guestScript } from "../../../engine/opa/out/guest-script.ts";
import { createWasmModule } from "../../../engine/opa/wasm.ts";
import { preparePolicy } from "../../../engine/policy.ts";
import { createRequestReader } from "../../../engine/request-reader.ts";
import { compile } from "../../../lang/compile.ts";
import type { Program } from "../../../lang/ir.ts";
import { same } from "../../differential/compare.ts";
import { randomFrom } from "../../differential/random.ts";
import { type LoadedModule, loadPolicySync, opaWithWasm, programOf } from "../../support/opa.ts";
import { randomDocument } from "../../support/opa-document.ts";
import { randomPackage, textOf } from "../../support/random-policy.ts";
import { randomRequest } from "../../support/random-request.ts";
import { seedFrom } from "../../support/seed.ts";

const RUNTIME = new URL("../../../engine/opa/out/runtime/runtime.wasm", import.meta.url);
const DIGEST = "sha256:test";

let emit: (policy: string) => Uint8Array;

beforeAll(async () => {
  emit = moduleEmitter({ runtime: readFileSync(RUNTIME), guest: await guestScript() });
}, 60_000);

function moduleOf(program: Program): LoadedModule {
  return loadPolicySync(emit(JSON.stringify({ program, digest: DIGEST })));
}

const POLICY = `package t
level Sensitivity = public < internal
label untrusted
tool pay { effect write, args { amount: Decimal, to: Url } }
tool look { effect read }
counter spend = sum args.amount of allowed pay per agent within 24h
latch seen = completed look per session
permit small tool pay when spend + args.amount <= 100.00
permit look tool look
oblige logged
  tool look
  with log full
forbid strange tool pay when untrusted in session.labels
forbid unseen tool pay when not seen
`;

const REQUEST = {
  agent: { id: "bot" },
  tool: { name: "pay", args: { amount: 40, to: "HTTPS://Bücher.example:443/a" } },
  session: { id: "s" },
};
const STATE = {
  now: "2026-01-02T12:00:00Z",
  sessions: {},
  counters: { spend: [{ key: ["bot"], value: 59.5 }] },
  latches: { seen: [{ key: ["s"], value: true }] },
};

describe("a module under OPA's SDK", () => {
  let module: LoadedModule;
  const ask = (input: unknown, writ?: unknown) => {
    module.setData(writ === undefined ? {} : { writ: { state: writ } });
    return module.evaluate(input, "writ/decision")[0]?.result as Decision;
  };

  beforeAll(() => {
    module = moduleOf(programOf(POLICY));
  }, 60_000);

  test("allows by what the host says is remembered", () => {
    expect(ask(REQUEST, STATE)).toEqual({
      decision: "allow",
      reasons: [{ rule: "small", effect: "permit", at: "t.writ:8:8" }],
      obligations: [],
      policy: { package: "t", digest: DIGEST },
    });
    expect(module.evaluate(REQUEST, "writ/allow")).toEqual([{ result: true }]);
  });

  test("denies one cent more, and an interrupted or labelled session", () => {
    const spent = { spend: [{ key: ["bot"], value: 60.01 }] };
    expect(ask(REQUEST, { ...STATE, counters: spent }).code).toBe("not_permitted");
    const session = { started_at: "2026-01-02T11:00:00Z", interrupted: false, labels: [] };
    const interrupted = { s: { ...session, interrupted: true } };
    expect(ask(REQUEST, { ...STATE, sessions: interrupted }).code).toBe("session_interrupted");
    const labelled = { s: { ...session, labels: ["untrusted"] } };
    expect(ask(REQUEST, { ...STATE, sessions: labelled }).code).toBe("forbidden");
  });

  test.each([
    ["nothing is said", undefined, undefined],
    ["there is no time", { ...STATE, now: undefined }, undefined],
    ["sessions are missing", { ...STATE, sessions: undefined }, "state_unavailable"],
    ["counters are missing", { ...STATE, counters: undefined }, "state_unavailable"],
    ["the counter is missing", { ...STATE, counters: {} }, "state_unavailable"],
    ["latches are missing", { ...STATE, latches: undefined }, "state_unavailable"],
    [
      "a latch is pending",
      { ...STATE, latches: { seen: [{ key: ["s"], value: "pending" }] } },
      "prerequisite_pending",
    ],
    ["a counter is unknown", { ...STATE, counters: { spent: [] } }, "state_unavailable"],
    ["a member is unknown", { ...STATE, counter: {} }, "state_unavailable"],
    [
      "a value is negative",
      { ...STATE, counters: { spend: [{ key: ["bot"], value: -1 }] } },
      "state_unavailable",
    ],
    [
      "a value is text",
      { ...STATE, counters: { spend: [{ key: ["bot"], value: "1" }] } },
      "state_unavailable",
    ],
    [
      "a key is no list",
      { ...STATE, counters: { spend: [{ key: "bot", value: 1 }] } },
      "state_unavailable",
    ],
    ["it is a list", [], "state_unavailable"],
    ["it is null", null, undefined],
    [
      "a session has no beginning",
      { ...STATE, sessions: { s: { interrupted: false, labels: [] } } },
      "state_unavailable",
    ],
  ])("denies where %s", (_, document, code) => {
    let decision: Decision | undefined;
    try {
      decision = ask(REQUEST, document);
    } catch (fault) {
      // Time is then asked of the host, and this SDK has no `time.now_ns`: an error is no allow.
      expect(JSON.stringify(fault)).toContain("time.now_ns");
      return;
    }
    expect(decision.decision).toBe("deny");
    if (code !== undefined) expect(decision.code).toBe(code);
  });

  test.each([
    ["no input", undefined],
    ["a text", "x"],
    ["a list", []],
    ["an unknown member", { ...REQUEST, extra: 1 }],
    ["an unknown tool", { ...REQUEST, tool: { name: "rm" } }],
    ["a task", { ...REQUEST, intent: { task: "t" } }],
    [
      "an address with a user name",
      { ...REQUEST, tool: { name: "pay", args: { amount: 1, to: "https://a@b.example/" } } },
    ],
  ])("denies %s", (_, input) => {
    expect(ask(input, STATE)).toMatchObject({ decision: "deny", code: "invalid_request" });
  });

  test("says how much else is wrong with a request beyond what it names", () => {
    const more = Object.fromEntries([..."abcdefg"].map((name) => [name, 1]));
    expect(ask({ ...REQUEST, ...more }, STATE).because).toMatch(/^\/a .*; \/e .*; and 2 more$/);
  });

  test("says no more than no where obligations would be lost", () => {
    const look = { ...REQUEST, tool: { name: "look" } };
    expect(ask(look, STATE)).toMatchObject({ decision: "allow", obligations: [{ type: "log" }] });
    expect(module.evaluate(look, "writ/allow")).toEqual([{ result: false }]);
  });

  test("keeps nothing from one evaluation to the next", () => {
    const first = ask(REQUEST, STATE);
    for (let round = 0; round < 200; round += 1)
      ask({ ...REQUEST, agent: { id: `a${round}` } }, STATE);
    expect(ask(REQUEST, STATE)).toEqual(first);
  });

  test("denies what is nested so deeply that evaluating traps, and from then on", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    const broken = moduleOf(programOf(POLICY));
    broken.setData({ writ: { state: STATE } });
    expect(broken.evaluate(REQUEST, "writ/allow")).toEqual([{ result: true }]);
    const input = new TextEncoder().encode(deep).buffer;
    let trapped = false;
    try {
      expect(broken.evaluate(input, "writ/allow")).toEqual([{ result: false }]);
    } catch {
      trapped = true;
    }
    if (trapped) expect(broken.evaluate(REQUEST)).toMatchObject([{ result: { decision: "deny" } }]);
  });
});

/** As long as the IR of nearly every random policy. */
const ROOM = 256 * 1024;
const PLACEHOLDER = "@".repeat(ROOM);
/** Compiled once for all policies: compiling, and compiling again what turns out to be used much, takes long. */
let shared: object | undefined;

/**
 * The module of `program`, as if it had been emitted: modules differ in the policy's text alone, so that it is put
 * into the memory of one that was emitted for a placeholder. One in eight, and what is too long, is emitted itself.
 */
function cheapModuleOf(program: Program, seed: number): LoadedModule {
  const policy = JSON.stringify({ program, digest: DIGEST });
  const bytes = Buffer.byteLength(policy);
  if (seed % 8 === 0 || bytes > ROOM) return moduleOf(program);
  shared ??= createWasmModule(emit(PLACEHOLDER));
  const module = loadPolicySync(shared);
  const memory = Buffer.from(module.mem.buffer);
  const at = memory.indexOf(PLACEHOLDER.slice(0, 64));
  expect(at).toBeGreaterThan(0);
  // Blanks behind JSON are no part of it.
  memory.write(policy + " ".repeat(ROOM - bytes), at);
  return module;
}

const PAIRS = Number(process.env.WRIT_OPA_OUT ?? (process.env.CI === undefined ? 5_000 : 100_000));
const SEED = seedFrom("WRIT_OPA_OUT_SEED");
const REQUESTS = 400;

test(`${PAIRS} random policies and requests are decided alike, seed ${SEED}`, {
  timeout: 1_800_000,
}, () => {
  const seen = new Map<string, number>();
  let pairs = 0;
  for (let seed = SEED; pairs < PAIRS; seed += 1) {
    const text = textOf(randomPackage(seed).items);
    const { program } = compile({ directory: "t", files: [{ path: "t.writ", text }] });
    if (program === undefined) continue;
    const evaluator = createInterpreter(program);
    const policy = preparePolicy(program, { digest: DIGEST }, evaluator);
    const read = createRequestReader(program);
    const module = cheapModuleOf(program, seed);
    const random = randomFrom(seed);
    for (let at = 0; at < REQUESTS; at += 1) {
      const input = JSON.parse(JSON.stringify(randomRequest(program, random)));
      const blank = { nowMs: 0, session: () => undefined };
      const probe = read(input, blank);
      const writ = probe.ok ? randomDocument(program, evaluator, probe.request, random) : {};
      const wanted = reference(input, JSON.parse(JSON.stringify(writ)));
      if (wanted === undefined) continue;
      module.setData({ writ: { state: writ } });
      const given = module.evaluate(input, "writ/decision")[0]?.result;
      if (!same(given, JSON.parse(JSON.stringify(wanted)))) {
        const shown = `WRIT_OPA_OUT_SEED=${seed}\n${text}\n${JSON.stringify({ input, writ })}`;
        expect(given, shown).toEqual(wanted);
      }
      pairs += 1;
      const kind = wanted.code ?? wanted.decision;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }

    function reference(input: unknown, writ: object): Decision | undefined {
      const state = readDocument(writ, program as Program);
      const { nowMs } = state;
      if (nowMs === undefined) return undefined;
      const reading = read(input, { nowMs, session: state.session });
      if (!reading.ok || reading.request.roots.intent.task !== undefined) return undefined;
      const {
        id: _id,
        call: _call,
        ...decision
      } = decide(policy, reading, state.view(nowMs), {
        id: "",
        call: "",
        approvals: [],
        digest: () => digestOf({ policy: DIGEST, request: input }),
      }).decision as Decision & { readonly call?: string };
      return decision as Decision;
    }
  }
  const kinds = ["allow", "hold", "forbidden", "not_permitted", "state_unavailable"];
  for (const kind of pairs < 20_000 ? [] : kinds) {
    expect(seen.get(kind) ?? 0, `of ${JSON.stringify([...seen])}`).toBeGreaterThan(pairs / 2_000);
  }
  if (process.env.WRIT_OPA_OUT !== undefined) console.log(Object.fromEntries(seen));
});

describe("a bundle under OPA itself", () => {
  if (opaWithWasm === undefined)
    console.warn(
      "SKIPPED: there is no `opa` that runs WebAssembly to evaluate an emitted bundle with",
    );

  test.skipIf(opaWithWasm === undefined)("decides the same", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "writ-opa-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = (name: string, content: string | Uint8Array) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const bundle = file(
      "bundle.tar.gz",
      await emitOpaBundle({ program: programOf(POLICY), digest: DIGEST }),
    );
    const evaluate = (input: unknown, state: unknown) => {
      const args = ["-b", bundle, "-i", file("input.json", JSON.stringify(input))];
      const data = file("data.json", JSON.stringify({ writ: { state } }));
      const { stdout } = spawnSync(opaWithWasm ?? "", ["eval", ...args, "-d", data, "data.writ"]);
      return JSON.parse(String(stdout)).result[0].expressions[0].value;
    };
    expect(evaluate(REQUEST, STATE)).toMatchObject({
      allow: true,
      decision: { decision: "allow" },
    });
    expect(evaluate(REQUEST, { ...STATE, counters: {} })).toMatchObject({
      allow: false,
      decision: { decision: "deny", code: "state_unavailable" },
    });
    // OPA has the time where the document has none.
    expect(evaluate(REQUEST, { ...STATE, now: undefined })).toMatchObject({ allow: true });
  });
});
