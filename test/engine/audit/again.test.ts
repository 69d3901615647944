/**
 * What was recorded whole is decided again alike, by the evaluator that decided, on random policies and calls.
 * (The other one may read more or less on its way to the same decision.)
 * `WRIT_AGAIN=2000` tries more packages, `WRIT_AGAIN_SEED=…` the same again.
 */
import { describe, expect, test } from "vitest";
import { type Again, openAgain, type RecordedDecision } from "../../../engine/audit/again.ts";
import { decisionRecord, isInOrder, type RecordOptions } from "../../../engine/audit/record.ts";
import { canonicalJson } from "../../../engine/canonical-json.ts";
import { createEngine, type Vouched } from "../../../engine/engine.ts";
import type { Evaluator } from "../../../engine/evaluate/evaluator.ts";
import { createInterpreter } from "../../../engine/evaluate/interpret.ts";
import { generateEvaluator } from "../../../engine/evaluate/javascript.ts";
import type { DecisionEvidence, EvidenceSink } from "../../../engine/evidence.ts";
import { createSharedEngine } from "../../../engine/shared-engine.ts";
import { connectRedis } from "../../../engine/state/redis/store.ts";
import { compile } from "../../../lang/compile.ts";
import type { Program } from "../../../lang/ir.ts";
import { randomFrom } from "../../differential/random.ts";
import { PAYMENT, SMALL } from "../../support/cli.ts";
import { drive, programOf, START } from "../../support/engine.ts";
import { randomPackage, textOf } from "../../support/random-policy.ts";
import { randomOutcome, randomRequest } from "../../support/random-request.ts";
import { describeRedis, startRedis } from "../../support/redis.ts";
import { redisAt } from "../../support/redis-address.ts";
import { seedFrom } from "../../support/seed.ts";

const COUNT = Number(process.env.WRIT_AGAIN ?? 120);
const SEED = seedFrom("WRIT_AGAIN_SEED");
const CALLS = 12;
const DIGEST = "sha256:test";
const WHOLE = { fields: [], whole: { but: [] } };

/** Records as they come back from a file. */
function recordsOf(
  program: Program,
  evaluator: Evaluator,
  seed: number,
  onInOrder: () => void,
): readonly RecordedDecision[] {
  const random = randomFrom(seed);
  const records: RecordedDecision[] = [];
  let nowMs = START;
  let count = 0;
  const engine = createEngine({
    program,
    digest: DIGEST,
    evaluator,
    clock: () => nowMs,
    ids: { decision: () => `d${++count}`, call: () => `c${++count}` },
    evidence: {
      decided: (evidence) => {
        const json = canonicalJson(decisionRecord(evidence, nowMs, WHOLE));
        records.push(JSON.parse(json) as RecordedDecision);
        const record = decisionRecord(evidence, nowMs, { fields: [] });
        if (!isInOrder(record)) return;
        onInOrder();
        expect(JSON.stringify(record)).toBe(canonicalJson(record));
      },
      settled: () => {},
    },
  });
  for (let at = 0; at < CALLS; at++) {
    const approvals = random.chance(0.3) ? [{ by: "al", also: ["alice"], groups: ["staff"] }] : [];
    const answer = engine.decide(randomRequest(program, random), {
      approvals,
      delegationVerified: random.chance(0.5),
    });
    nowMs += random.below(5_000);
    const call = answer.kind === "answer" ? answer.value.call : undefined;
    if (call !== undefined && random.chance(0.7)) engine.outcome(randomOutcome(call, random));
  }
  return records;
}

test(`random packages, seed ${SEED}`, { timeout: 600_000 }, () => {
  const counts = { same: 0, skipped: 0, allowed: 0, tasks: 0, counters: 0, inOrder: 0 };
  const wanted = ["allowed", "tasks", "counters", "inOrder"] as const;
  const onInOrder = () => {
    counts.inOrder += 1;
  };
  const isReached = () => wanted.every((reached) => counts[reached] > COUNT / 12);
  // Where a seed has little of something, it goes on: luck says how long it takes, not whether it passes.
  const isOver = (tried: number) => tried >= (isReached() ? COUNT : 6 * COUNT);
  for (let seed = SEED; !isOver(seed - SEED); seed++) {
    const text = textOf(randomPackage(seed).items);
    const { program } = compile({ directory: "test", files: [{ path: "policy.writ", text }] });
    if (program === undefined) continue;
    for (const evaluator of [createInterpreter(program), generateEvaluator(program)]) {
      const again = openAgain({ program, digest: DIGEST, evaluator });
      for (const record of recordsOf(program, evaluator, seed, onInOrder)) {
        const result = again(record);
        expect(result.kind === "differs" ? result : undefined, `seed ${seed}\n${text}`).toBe(
          undefined,
        );
        counts[result.kind === "same" ? "same" : "skipped"] += 1;
        if (record.decision === "allow") counts.allowed += 1;
        if (record.whole?.task !== undefined) counts.tasks += 1;
        if ((record.whole?.counters ?? []).length > 0) counts.counters += 1;
      }
    }
  }
  // What is never reached is not tested.
  expect(counts.skipped).toBeLessThan(counts.same / 10);
  for (const reached of wanted) {
    expect(counts[reached], JSON.stringify(counts)).toBeGreaterThan(COUNT / 12);
  }
});

const STATEFUL = `
label untrusted
tool read_mail { effect read, args { box: String }, yields untrusted }
tool act { effect write, args { n: Int, to: String, more: List<String>? } }
counter calls = count attempts per session within 10s
counter total = sum args.n of allowed act per session
counter people = distinct args.to of completed act per session
latch done = completed act per session
permit reading tool read_mail
permit acting tool act when has session and calls < 6 and total < 40 and people < 4
forbid twice tool act when has session and done and args.n > 5
forbid planted tool act when untrusted in origin(args.to) and user not in origin(args.to)
forbid many tool act when has args.more and any one in args.more: untrusted in origin(one)
`;

test("counters, latches under way, and where values come from", () => {
  const program = programOf(STATEFUL);
  const evaluator = generateEvaluator(program);
  const random = randomFrom(SEED);
  const records: RecordedDecision[] = [];
  const driver = drive(program, {
    evaluator,
    evidence: {
      decided: (evidence) => {
        records.push(JSON.parse(canonicalJson(decisionRecord(evidence, START, WHOLE))));
      },
      settled: () => {},
    },
  });
  const names = ["ann", "bob@b.example", "carol", "dave"];
  for (let at = 0; at < 400; at++) {
    const session = { session: { id: `s${random.below(12)}` } };
    const to = random.pick(names);
    const decision = random.chance(0.3)
      ? driver.call("read_mail", { box: "in" }, session)
      : driver.call(
          "act",
          { n: random.below(9), to, ...(random.chance(0.3) ? { more: [to, "zoe"] } : {}) },
          { ...session, intent: { instruction: `please ask ${random.pick(names)}` } },
        );
    driver.nowMs += random.below(4_000);
    if (decision.call === undefined || random.chance(0.3)) continue;
    if (random.chance(0.2)) driver.fail(decision);
    else driver.ok(decision, { subject: `from ${random.pick(names)}` });
  }
  const again = openAgain({ program, digest: DIGEST, evaluator });
  expect(records.map(again).filter(({ kind }) => kind !== "same")).toEqual([]);
  const said = JSON.stringify(records);
  for (const reached of ['"pending"', '"untrusted","user"', '"planted"', '"twice"', '"many"']) {
    expect(said).toContain(reached);
  }
});

const ASKING = `
tool look { effect read, args { to: String } }
tool pay { effect write, args { amount: Decimal } }
import rego "x.wasm" entrypoint "a/allow" as legacy: Bool
import rego "x.wasm" entrypoint "a/risk" as risk: { score: Decimal, tags: List<String> }
import rego "x.wasm" entrypoint "a/limit" as limit: Decimal?
permit seen tool look when legacy(input)
permit paid tool pay when args.amount <= (limit(input) ?? 2.50)
forbid risky tool pay when risk(input).score > 0.5 and "new" in risk(input).tags
`;

describe("what imported modules said", () => {
  const parsed = programOf(ASKING);
  const program: Program = {
    ...parsed,
    modules: parsed.modules.map((module) => ({ ...module, binary: 0 })),
    binaries: [{ wasm: Buffer.from("x").toString("base64") }],
  };
  const evaluator = generateEvaluator(program);
  const again = openAgain({ program, digest: DIGEST, evaluator });
  const SAID: readonly unknown[] = [
    undefined,
    true,
    false,
    "true",
    7,
    { score: 0.75, tags: ["new"] },
    { score: 0.25, tags: ["old", "known"] },
  ];

  function recordOf(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    said: readonly unknown[],
    whole: RecordOptions = WHOLE,
  ) {
    const records: RecordedDecision[] = [];
    drive(program, {
      evaluator,
      modules: {
        about: () => (index) => {
          const value = said[index];
          return value === undefined
            ? { kind: "undefined" }
            : { kind: "defined", value: value as true };
        },
      },
      evidence: {
        decided: (one) => {
          records.push(JSON.parse(canonicalJson(decisionRecord(one, START, whole))));
        },
        settled: () => {},
      },
    }).call(tool, args);
    const [made] = records;
    if (made === undefined) throw new Error("nothing was recorded");
    return made as RecordedDecision & { readonly modules?: unknown };
  }

  test("is recorded, and decided by again without them", () => {
    const came = new Set<string>();
    for (const first of SAID) {
      for (const second of SAID) {
        for (const record of [
          recordOf("look", { to: "x" }, [first]),
          recordOf("pay", { amount: 5 }, [undefined, second, first]),
        ]) {
          expect(again(record)).toEqual({ kind: "same" });
          came.add(record.code ?? record.decision);
        }
      }
    }
    expect([...came].sort()).toEqual(["allow", "forbidden", "indeterminate", "not_permitted"]);
  });

  test("by which module, and of its values none that may be the request's", () => {
    const digest = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    const legacy = { name: "legacy", entrypoint: "a/allow", digest };
    expect(recordOf("look", { to: "x" }, [true]).modules).toEqual([{ ...legacy, answer: true }]);
    expect(recordOf("look", { to: "x" }, ["yes"]).modules).toEqual([
      { ...legacy, answer: "unavailable" },
    ]);
    const paid = recordOf("pay", { amount: 5 }, [true, SAID[5], undefined]);
    expect(paid.modules).toMatchObject([
      { name: "limit", answer: "absent" },
      { name: "risk", answer: "given" },
    ]);
    expect(JSON.stringify({ ...paid, whole: undefined })).not.toContain("new");
  });

  test("is not told where something of the request was left out", () => {
    const but = { fields: [], whole: { but: [["tool", "args", "to"]] } };
    const made = recordOf("look", { to: "secret" }, [true], but);
    expect(again(made)).toEqual({ kind: "skipped", why: "left_out" });
  });
});

test.each<[string, Vouched, string]>([
  ["nobody verifies", {}, "tokens_not_accepted"],
  [
    "are refused",
    { delegation: { ok: false, code: "delegation_invalid", cause: "token_expired", why: "ended" } },
    "token_expired",
  ],
])("tokens that %s are decided on again without them", (_, vouched, cause) => {
  const program = programOf(SMALL);
  const records: RecordedDecision[] = [];
  const evidence = {
    decided: (one: DecisionEvidence) =>
      void records.push(JSON.parse(canonicalJson(decisionRecord(one, START, WHOLE)))),
    settled: () => {},
  };
  const request = { ...PAYMENT, delegation: { tokens: ["a-secret"] } };
  drive(program, { digest: DIGEST, evidence }).send(request, vouched);
  expect(records).toMatchObject([{ cause, whole: { request: { delegation: { tokens: [] } } } }]);
  expect(JSON.stringify(records)).not.toContain("a-secret");
  const again = openAgain({ program, digest: DIGEST, evaluator: generateEvaluator(program) });
  expect(records.map(again)).toEqual([{ kind: "same" }]);
});

const TIMED = `
tool pay { effect write, args { amount: Decimal } }
task errand { sequence pay+ limit duration <= 15m }
permit small tool pay when args.amount < 10.00
permit old tool pay when environment.now < "2040-01-01T00:00:00Z"
hold large tool pay when args.amount > 100.00 until approved by group "money" within 10m
`;

describe("what was decided while clocks disagreed", () => {
  const program = programOf(TIMED);
  const expires_at = new Date(START + 1_000).toISOString();
  const hop = { from: "al", to: "bot", scope: [], expires_at };
  const delegated = { principal: { id: "al" }, delegation: { chain: [hop] } };

  test.each([
    ["is ahead", START + 86_400_000],
    ["says nothing", Number.NaN],
  ])("is decided again by both: the wall clock %s", (_, wallMs) => {
    const records: RecordedDecision[] = [];
    const clock = { steadyMs: () => START, wallMs: () => wallMs };
    const driver = drive(program, { clock, digest: DIGEST, evidence: keptIn(records) });
    driver.call("pay", { amount: 1 });
    driver.call("pay", { amount: 50 });
    driver.call("pay", { amount: 1 }, delegated);
    const codes = records.map(({ decision, code }) => code ?? decision);
    expect(codes).toEqual(["allow", "indeterminate", "delegation_invalid"]);
    const again = openAgain({ program, digest: DIGEST, evaluator: generateEvaluator(program) });
    expect(records.map(again)).toEqual(codes.map(() => ({ kind: "same" })));
  });
});

describeRedis("what was decided on shared state", () => {
  test("is decided again by the clock of its store", { timeout: 60_000 }, async () => {
    const program = programOf(TIMED);
    const redis = await startRedis();
    const store = await connectRedis({ address: redisAt(redis.url), timeoutMs: 5_000 });
    try {
      const records: RecordedDecision[] = [];
      const engine = createSharedEngine({
        program,
        digest: DIGEST,
        store,
        clock: () => START,
        evidence: keptIn(records),
      });
      const request = { agent: { id: "bot" }, session: { id: "s" }, intent: { task: "errand" } };
      for (const amount of [1, 500, 2]) {
        await engine.decide({ ...request, tool: { name: "pay", args: { amount } } });
      }
      expect(records.map(({ decision, code }) => code ?? decision)).toEqual([
        "allow",
        "hold",
        "allow",
      ]);
      const again = openAgain({ program, digest: DIGEST, evaluator: generateEvaluator(program) });
      expect(records.map(again)).toEqual(records.map(() => ({ kind: "same" })));
    } finally {
      store.close();
      await redis.stop();
    }
  });
});

function keptIn(records: RecordedDecision[]): EvidenceSink {
  return {
    decided: (one) =>
      void records.push(JSON.parse(canonicalJson(decisionRecord(one, START, WHOLE)))),
    settled: () => {},
  };
}

describe("a record that was changed, or made by another policy", () => {
  const program = programOf(SMALL);
  const again = openAgain({ program, digest: DIGEST, evaluator: generateEvaluator(program) });

  function record(): RecordedDecision {
    const records: RecordedDecision[] = [];
    const decided: Parameters<typeof drive>[1] = {
      digest: DIGEST,
      evidence: {
        decided: (evidence) =>
          void records.push(JSON.parse(canonicalJson(decisionRecord(evidence, START, WHOLE)))),
        settled: () => {},
      },
    };
    drive(program, decided).send(PAYMENT);
    const [made] = records;
    if (made === undefined) throw new Error("nothing was recorded");
    return made;
  }

  const members = (result: Again) =>
    result.kind === "differs" ? result.differences.map(({ member }) => member) : result.kind;

  test("is as it was", () => expect(members(again(record()))).toBe("same"));

  test("says what is otherwise", () => {
    const made = record();
    const whole = made.whole ?? { request: undefined };
    expect(members(again({ ...made, decision: "deny", code: "forbidden" }))).toEqual([
      "decision",
      "code",
    ]);
    const spent = (whole.counters ?? []).map(([index, key]) => [index, key, 4_999_000] as const);
    expect(members(again({ ...made, whole: { ...whole, counters: spent } }))).toContain("decision");
    expect(members(again({ ...made, whole: { ...whole, counters: [] } }))).toContain("failed");
    expect(members(again({ ...made, whole: { ...whole, request: { agent: 1 } } }))).toContain(
      "failed",
    );
  });

  test("is told apart where it says too little", () => {
    const made = record();
    const { whole: _whole, ...bare } = made;
    const other = { ...made.policy, digest: "sha256:other" };
    expect(again(bare)).toEqual({ kind: "skipped", why: "not_whole" });
    expect(again({ ...made, policy: other })).toEqual({ kind: "skipped", why: "other_policy" });
    expect(again({ ...made, task_policy: "sha256:other" })).toEqual({
      kind: "skipped",
      why: "other_sequence",
    });
    const altered = { request: {}, altered: true as const };
    expect(again({ ...made, whole: altered })).toEqual({ kind: "skipped", why: "left_out" });
  });
});
