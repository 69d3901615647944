/**
 * Rules asked one request: generated code beside a function written by hand, for 20 to 10,000 rules spread
 * over tools, groups, resource types or purposes. Steers `engine/evaluate`; `node bench/evaluate-micro.ts`.
 */
import { generateEvaluator } from "../engine/evaluate/javascript.ts";
import type { Facts } from "../engine/facts.ts";
import type { DecisionRequest } from "../engine/request.ts";
import { record, type Value } from "../engine/value.ts";
import type { Expr, Guard, Program, Rule } from "../lang/ir.ts";
import type { Type } from "../lang/type.ts";

type Spread = "tools" | "groups" | "resources" | "purposes";

const INT: Type = { kind: "Int" };
const constant = (value: number): Expr => ({ kind: "const", type: INT, value, at: 0 });
const read = (root: "agent" | "args" | "delegation" | "resource", name: string): Expr => ({
  kind: "attribute",
  of: { kind: "root", name: root, at: 0 },
  name,
  at: 0,
});
const atMost = (left: Expr, right: Expr): Expr => ({ kind: "less", op: "<=", left, right, at: 0 });

interface Setting {
  readonly tool: number;
  readonly group: string;
  readonly type: string;
  readonly purpose: string;
  readonly depth: number;
  readonly amount: number;
  readonly calls: number;
}

/** About four rules can apply to one request, however many there are. */
function settingsOf(ruleCount: number, spread: Spread): readonly Setting[] {
  const places = ruleCount / 4;
  return Array.from({ length: ruleCount }, (_, at) => {
    const place = Math.floor(at / 4);
    return {
      tool: spread === "tools" ? place : Math.floor((place * 5) / places),
      group: spread === "groups" ? `g${place % (places / 5)}` : `g${at % 2}`,
      type: spread === "resources" ? `t${place % (places / 5)}` : `t${at % 2}`,
      purpose: spread === "purposes" ? `p${place % (places / 5)}` : "p0",
      depth: 1 + (at % 3),
      amount: 100 * (1 + (at % 7)),
      calls: 50 + (at % 5),
    };
  });
}

function programOf(settings: readonly Setting[]): Program {
  const tools = Math.max(...settings.map((one) => one.tool)) + 1;
  return {
    format: "writ.ir",
    version: { major: 1, minor: 0 },
    package: "bench",
    packages: ["bench"],
    levels: [],
    purposes: [...new Set(settings.map((one) => one.purpose))],
    labels: [],
    tools: Array.from({ length: tools }, (_, at) => ({
      name: `tool${at}`,
      wire: `tool${at}`,
      effect: "write",
      args: [],
      open: false,
      yields: [],
      scope: [],
    })),
    resources: [],
    principal: [],
    agent: [],
    session: [],
    environment: [],
    functions: [],
    modules: [],
    counters: [
      {
        name: "calls",
        op: "count",
        type: "Int",
        calls: { base: "attempts" },
        per: [read("agent", "id")],
        at: 0,
      },
    ],
    latches: [],
    tasks: [],
    rules: settings.map(ruleOf),
    nevers: [],
    readsOrigin: false,
    sources: [],
    places: [],
  };
}

function ruleOf(one: Setting, at: number): Rule {
  const guard: Guard = {
    tools: [one.tool],
    agentGroups: [one.group],
    resources: [one.type],
    purposes: [one.purpose],
  };
  return {
    name: `r${at}`,
    package: "bench",
    effect: at % 5 === 0 ? "forbid" : "permit",
    guard,
    lets: [],
    conditions: [
      atMost(read("delegation", "depth"), constant(one.depth)),
      atMost(read("resource", "sensitivity"), read("agent", "clearance")),
      atMost(read("args", "amount"), constant(one.amount)),
      atMost({ kind: "counter", counter: 0, at: 0 }, constant(one.calls)),
    ],
    obligations: [],
    interrupt: false,
    tags: [],
    at: 0,
  };
}

function requestsOf(settings: readonly Setting[]): readonly DecisionRequest[] {
  return Array.from({ length: 200 }, (_, at) => {
    const one = settings[(at * 7919) % settings.length];
    if (one === undefined) throw new Error("no setting");
    const party = { id: `a${at % 50}`, kind: "human" };
    return {
      tool: one.tool,
      roots: {
        agent: record({ ...party, groups: new Set([one.group, "all"]), clearance: at % 4 }),
        principal: record({ ...party, groups: new Set<string>() }),
        delegation: record({ depth: 1 + (at % 3), verified: true }),
        intent: record({ purpose: one.purpose, source: "user" }),
        tool: record({ name: "t", effect: "write" }),
        args: record({ amount: (at * 37) % 500, to: "x" }),
        resource: record({ type: one.type, id: "r", sensitivity: (at * 3) % 4 }),
        session: record({ id: `s${at}` }),
        environment: record({ now: at }),
      },
    };
  });
}

const used = new Map<string, number>(Array.from({ length: 50 }, (_, at) => [`sa${at}`, at]));
const facts: Facts = {
  nowMs: 0,
  counter: (_index, key) => used.get(key) ?? 0,
  latch: () => false,
  origin: () => new Set<string>(),
};

/** What somebody would write who knows that these are all the rules: the same answer, nothing unknown. */
function writtenByHand(settings: readonly Setting[]) {
  const byTool = new Map<
    number,
    (Setting & { readonly index: number; readonly forbid: boolean })[]
  >();
  settings.forEach((one, index) => {
    const known = byTool.get(one.tool) ?? [];
    byTool.set(one.tool, [...known, { ...one, index, forbid: index % 5 === 0 }]);
  });
  return ({ tool, roots }: DecisionRequest) => {
    const [permits, forbids]: [number[], number[]] = [[], []];
    const groups = roots.agent.groups as ReadonlySet<Value>;
    for (const one of byTool.get(tool) ?? []) {
      if (!groups.has(one.group)) continue;
      if (roots.resource?.type !== one.type) continue;
      if (roots.intent.purpose !== one.purpose) continue;
      if (Number(roots.delegation?.depth) > one.depth) continue;
      if (Number(roots.resource.sensitivity) > Number(roots.agent.clearance)) continue;
      if (Number(roots.args.amount) > one.amount) continue;
      if (Number(facts.counter(0, `s${String(roots.agent.id)}`)) > one.calls) continue;
      (one.forbid ? forbids : permits).push(one.index);
    }
    return { permits, forbids };
  };
}

/** The best of several rounds: nanoseconds a call. */
function measure(ask: (request: DecisionRequest) => unknown, requests: readonly DecisionRequest[]) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 40; round++) {
    const started = process.hrtime.bigint();
    for (let left = 100; left > 0; left--) for (const request of requests) sink = ask(request);
    const took = Number(process.hrtime.bigint() - started) / (100 * requests.length);
    if (took < best) best = took;
  }
  return best;
}
let sink: unknown;

function report(what: string, nanoseconds: number, note = ""): void {
  console.log(`${what.padEnd(44)} ${nanoseconds.toFixed(0).padStart(6)} ns  ${note}`);
}

for (const spread of ["tools", "groups", "resources", "purposes"] as const) {
  for (const ruleCount of [20, 1_000, 10_000]) {
    const settings = settingsOf(ruleCount, spread);
    const requests = requestsOf(settings);
    if (ruleCount === 20) {
      report(`by hand, 20 rules over ${spread}`, measure(writtenByHand(settings), requests));
    }
    const program = programOf(settings);
    const started = performance.now();
    const evaluator = generateEvaluator(program);
    for (const request of requests) evaluator.rules(request, facts);
    const loaded = performance.now() - started;
    const took = measure((request) => evaluator.rules(request, facts), requests);
    report(
      `generated, ${ruleCount} rules over ${spread}`,
      took,
      `first 200: ${loaded.toFixed(0)} ms`,
    );
  }
}
if (sink === undefined) process.exitCode = 1;
