/** What is said of a tool ahead of the call holds for every call: what is denied is never allowed, and the other way round. */
import { expect, test } from "vitest";
import { createEngine, type Engine } from "../../engine/engine.ts";
import type { Evaluator } from "../../engine/evaluate/evaluator.ts";
import type { Foresight } from "../../engine/foresight.ts";
import { StateUnavailable } from "../../engine/state/store.ts";
import { compile } from "../../lang/compile.ts";
import type { Program } from "../../lang/ir.ts";
import { type Random, randomFrom } from "../differential/random.ts";
import { drive, programOf } from "../support/engine.ts";
import { randomPackage, textOf } from "../support/random-policy.ts";
import { randomOutcome, randomRequest } from "../support/random-request.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("WRIT_FORESIGHT_SEED");
const POLICIES = Number(process.env.WRIT_FORESIGHT_POLICIES ?? 200);
const NOW = Date.parse("2026-01-02T12:00:00Z");

type Json = Readonly<Record<string, unknown>>;

test(`calls are answered as was said ahead of them, seed ${SEED}`, { timeout: 240_000 }, () => {
  const counts = { allowed: 0, denied: 0, depends: 0, calls: 0, permitted: 0 };
  for (let seed = SEED; seed < SEED + POLICIES; seed += 1) {
    const program = programFrom(seed);
    if (program === undefined) continue;
    const random = randomFrom(seed);
    const engine = engineFor(program, random);
    for (let query = 0; query < 6; query += 1) {
      const request = boundRequest(program, random);
      const ahead = aheadOf(request, random);
      const foreseen = foreseenBy(engine, ahead);
      counts[foreseen.standing] += 1;
      for (const call of callsLike(ahead, request, program, random)) {
        const decision: string | undefined = decidedBy(engine, call);
        if (decision === undefined) continue;
        counts.calls += 1;
        if (decision === "allow") counts.permitted += 1;
        if (contradicts(foreseen, decision)) {
          const said = [ahead, foreseen, call, decision].map((part) => JSON.stringify(part));
          expect.fail(`seed ${seed}\n${said.join("\n")}\n${textOf(randomPackage(seed).items)}`);
        }
      }
    }
  }
  // A policy that always denies, or is never certain, shows nothing.
  expect(counts.calls).toBeGreaterThan(POLICIES * 10);
  expect(counts.permitted).toBeGreaterThan(counts.calls / 20);
  for (const standing of ["allowed", "denied", "depends"] as const) {
    expect(counts[standing], standing).toBeGreaterThan(POLICIES / 10);
  }
});

function contradicts({ standing }: Foresight, decision: string): boolean {
  return (
    (standing === "denied" && decision !== "deny") ||
    (standing === "allowed" && decision !== "allow")
  );
}

function programFrom(seed: number): Program | undefined {
  const text = textOf(randomPackage(seed).items);
  return compile({ directory: "", files: [{ path: "random.writ", text }] }).program;
}

/** With a past: some calls were made, and most have reported. */
function engineFor(program: Program, random: Random): Engine {
  const engine = createEngine({ program, digest: "sha256:test", clock: () => NOW });
  for (let at = 0; at < 8; at += 1) {
    const answer = engine.decide(boundRequest(program, random));
    const call = answer.kind === "answer" ? answer.value.call : undefined;
    if (call !== undefined && random.chance(0.8)) engine.outcome(randomOutcome(call, random));
  }
  return engine;
}

/** More often than others a step of a task, or under a delegation that names its tool and bounds its arguments. */
function boundRequest(program: Program, random: Random): Json {
  const request = randomRequest(program, random);
  const [task] = random.some(program.tasks, 0.4);
  const intent = {
    ...(request.intent as Json),
    ...(task === undefined ? {} : { task: task.name }),
  };
  const { agent, principal = { id: "carol" } } = request as Readonly<Record<string, Json>>;
  if (random.chance(0.7) || agent?.id === principal.id) return { ...request, intent };
  const bound = () => (random.chance(0.5) ? { max: 5 } : { in: ["alice", 1, 2] });
  const tools = program.tools.map(({ wire, args }) => [
    wire,
    Object.fromEntries(random.some(args, 0.1).map((arg) => [arg.wire ?? arg.name, bound()])),
  ]);
  const hop = { from: principal.id, to: agent?.id, scope: [], tools: Object.fromEntries(tools) };
  return { ...request, intent, delegation: { chain: [hop] } };
}

/** Without arguments, and half the time without a resource. */
function aheadOf(request: Json, random: Random): Json {
  const { tool, resource, ...rest } = request;
  const { args: _, ...named } = tool as Json;
  const told = resource !== undefined && random.chance(0.5);
  return { ...rest, tool: named, ...(told ? { resource } : {}) };
}

/** Calls of the same tool, told the same, with whatever arguments and resource other requests bring. */
function* callsLike(
  ahead: Json,
  first: Json,
  program: Program,
  random: Random,
): Generator<Json, void> {
  const { name } = ahead.tool as Json;
  for (let at = 0; at < 60; at += 1) {
    const other = at === 0 ? first : randomRequest(program, random);
    const tool = other.tool as Json;
    if (tool.name !== name) continue;
    const resource = ahead.resource ?? other.resource;
    const named = { ...(ahead.tool as Json), args: tool.args };
    yield { ...ahead, tool: named, ...(resource === undefined ? {} : { resource }) };
  }
}

function foreseenBy(engine: Engine, ahead: Json): Foresight {
  const answer = engine.foresee(ahead);
  if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
  return answer.value;
}

/** `undefined` for a call that is none of this vocabulary. */
function decidedBy(engine: Engine, call: Json): string | undefined {
  const answer = engine.preview(call);
  if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
  const { decision, code, because = "" } = answer.value;
  return code === "invalid_request" && because.includes("/") ? undefined : decision;
}

test(`a preview is the decision that follows it, seed ${SEED}`, { timeout: 120_000 }, () => {
  let compared = 0;
  for (let seed = SEED; seed < SEED + POLICIES / 4; seed += 1) {
    const program = programFrom(seed);
    if (program === undefined) continue;
    const random = randomFrom(seed);
    const engine = engineFor(program, random);
    for (let at = 0; at < 10; at += 1) {
      const request = randomRequest(program, random);
      const [before, after] = [engine.preview(request), engine.decide(request)];
      if (before.kind !== "answer" || after.kind !== "answer") throw new Error("no answer");
      const { id: _id, call: _call, ...said } = before.value;
      expect(after.value).toMatchObject(JSON.parse(JSON.stringify(said)));
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(POLICIES);
});

const POLICY = `
label untrusted
tool look { effect read }
tool pay { effect write, args { to: String, amount: Decimal, note: String? } }
tool wipe { effect delete, args { path: Path } }
resource account { owner: String }
counter spend = sum args.amount of allowed pay per agent within 24h
counter calls = count attempts per session within 10s

permit looking tool look
permit paying tool pay when spend + args.amount <= 500.00
forbid flooding when calls >= 3
forbid others_account tool look when has resource and resource.owner != "alice"
never wiping allow when tool.effect == delete
permit cleaning tool wipe
hold large tool pay when args.amount > 100.00 until approved by group "treasury"
`;

const standings = (more: Json = {}) => {
  const driver = drive(POLICY);
  return (tool: string) =>
    foreseenBy(driver.engine, {
      agent: { id: "bot" },
      session: { id: "s" },
      tool: { name: tool },
      ...more,
    });
};

test("each tool stands as its rules say", () => {
  const of = standings({ resource: { type: "account", id: "a", owner: "alice" } });
  expect(of("look")).toMatchObject({ standing: "allowed", reasons: [{ rule: "looking" }] });
  expect(of("pay")).toMatchObject({ standing: "depends", open: ["paying", "large"] });
  expect(of("wipe")).toMatchObject({ standing: "denied", code: "invariant_broken" });
  expect(of("fly")).toMatchObject({ standing: "denied", code: "invalid_request" });
  // Any resource may come with the call where none is told.
  expect(standings()("look")).toMatchObject({ standing: "depends", open: ["others_account"] });
});

test.each([
  // Whom the request lacks makes the first part unknown, and the second may still make it false.
  ['forbid f tool go when principal.id == "bob" and args.size > 1', "depends"],
  ['forbid f tool go when args.size > 1 and principal.id == "bob"', "depends"],
  ['forbid f tool go when principal.id == "bob" or args.size > 1', "depends"],
  ['forbid f tool go when all x in [1, 2]: x > args.size and principal.id == "bob"', "depends"],
  ['forbid f tool go when principal.id == "bob"', "denied"],
  ["forbid f tool go when agent.attested and args.size > 1", "allowed"],
  ["forbid f tool go when any x in args.list: x == 1", "depends"],
  // How far the first loops go decides whether there are steps left for the last.
  [
    "forbid f tool go when (any x in args.list: any y in args.list: x == y) and false or (any y in [1]: y == 2)",
    "depends",
  ],
  // One loop never takes them all.
  [
    "forbid f tool go when (any x in args.list: x == 1) and false or (any y in [1]: y == 2)",
    "allowed",
  ],
])("%s: %s", (rule, standing) => {
  const program = `tool go { effect read, args { size: Int, list: List<Int> } }\npermit p tool go\n${rule}`;
  const { engine } = drive(program);
  const ahead = { agent: { id: "bot" }, tool: { name: "go" } };
  expect(foreseenBy(engine, ahead).standing).toBe(standing);
});

test.each([
  [1, "allowed"],
  [3, "depends"],
])("what takes the steps of %i rules to find out: %s", (count, standing) => {
  const loops = "any x in principal.names: any y in principal.names: x == y and y == principal.id";
  const rules = Array.from(
    { length: count },
    (_, at) => `oblige o${at} when ${loops} with log full`,
  );
  const program = `tool go { effect read }\nprincipal { names: List<String> }\npermit p tool go\n${rules.join("\n")}`;
  const names = Array.from({ length: 400 }, (_, at) => `n${at}`);
  const ahead = {
    agent: { id: "bot" },
    principal: { id: "alice", kind: "human", names },
    tool: { name: "go" },
  };
  const { engine } = drive(program);
  expect(foreseenBy(engine, ahead).standing).toBe(standing);
  expect(drive(program).call("go", {}, { principal: ahead.principal }).decision).toBe("allow");
});

test.each([
  [{ go: {} }, "allowed"],
  [{ go: { size: { max: 5 } } }, "depends"],
  [{ stop: {} }, "denied"],
])("a delegation of %j", (tools, standing) => {
  const { engine } = drive("tool go { effect read, args { size: Int } }\npermit p tool go");
  const hop = { from: "alice", to: "bot", scope: [], tools };
  const ahead = {
    agent: { id: "bot" },
    principal: { id: "alice" },
    delegation: { chain: [hop] },
    tool: { name: "go" },
  };
  expect(foreseenBy(engine, ahead).standing).toBe(standing);
});

test("asking ahead leaves nothing behind", () => {
  const driver = drive(POLICY);
  const ahead = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: "look" } };
  for (let at = 0; at < 10; at += 1) {
    driver.engine.foresee(ahead);
    driver.engine.preview(ahead);
  }
  expect(driver.call("look").decision).toBe("allow");
  for (let at = 0; at < 2; at += 1) driver.call("look");
  expect(foreseenBy(driver.engine, ahead)).toMatchObject({ standing: "denied", code: "forbidden" });
});

test("arguments are for the call itself", () => {
  const answer = drive(POLICY).engine.foresee({
    agent: { id: "bot" },
    tool: { name: "look", args: {} },
  });
  expect(answer).toMatchObject({ kind: "malformed", faults: [{ at: "/tool/args" }] });
});

test("where values come from is known ahead, with what the person wrote, and that is not kept", () => {
  const driver = drive(`label untrusted
    tool look { effect read, yields untrusted }
    tool pay { effect write, args { note: String? } }
    principal { account: String }
    permit looking tool look
    permit paying tool pay when has principal and user in origin(principal.account)`);
  const more = { principal: { id: "alice", account: "GB29-1234" } };
  driver.ok(driver.call("look", {}, more), "hello");
  const ahead = { agent: { id: "bot" }, session: { id: "s" }, tool: { name: "pay" }, ...more };
  const asked = { ...ahead, intent: { instruction: "pay to GB29-1234 please" } };
  const standing = (request: Json) => foreseenBy(driver.engine, request).standing;
  expect([standing(ahead), standing(asked), standing(ahead)]).toEqual([
    "denied",
    "allowed",
    "denied",
  ]);
  expect(decidedBy(driver.engine, asked)).toBe("allow");
  expect(driver.call("pay", {}, more).decision).toBe("deny");
  expect(driver.call("pay", {}, { ...more, intent: asked.intent }).decision).toBe("allow");
});

test("what could not be found out for a fault is said of no call", () => {
  const failing = createEngine({
    program: programOf(POLICY),
    digest: "sha256:test",
    evaluator: {
      get fuel(): never {
        throw new StateUnavailable("out of reach");
      },
    } as unknown as Evaluator,
  });
  const ahead = { agent: { id: "bot" }, tool: { name: "look" } };
  expect(foreseenBy(failing, ahead)).toMatchObject({
    standing: "depends",
    because: "what is remembered of earlier calls is out of reach",
  });
});
