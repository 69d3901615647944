/**
 * One agent policy at any size, and requests for it, as plain data that every engine is given in its own
 * form. Twenty rules are one team's; more rules are more teams. Five teams share eight tools, so that with
 * many rules neither the tool alone nor the group alone says which few of them could apply.
 */
import { createRandom, type Random } from "./random.ts";

export interface Workload {
  readonly rules: readonly BenchRule[];
  readonly requests: readonly BenchRequest[];
  /** What each request is answered, by the definition in this file. */
  readonly expected: readonly Expected[];
  readonly tools: readonly BenchTool[];
  readonly resources: readonly string[];
}

export interface BenchTool {
  readonly name: string;
  readonly effect: "read" | "write" | "send" | "delete";
  readonly hasAmount: boolean;
}

export interface BenchRule {
  readonly name: string;
  readonly effect: "permit" | "forbid";
  /** Missing, like `tools` and `resource`, in the one rule that is for everyone. */
  readonly group?: string;
  readonly tools?: readonly string[];
  readonly resource?: string;
  /** All must be true. */
  readonly when: readonly Condition[];
}

export type Condition =
  | { readonly read: "depth"; readonly op: "<=" | ">"; readonly value: number }
  /** The resource's sensitivity is at most the agent's clearance. */
  | { readonly read: "clearance" }
  | { readonly read: "sensitivity"; readonly op: ">="; readonly value: number }
  | { readonly read: "amount"; readonly op: "<=" | ">"; readonly value: number }
  | { readonly read: "calls"; readonly op: "<" | ">"; readonly value: number };

export interface BenchRequest {
  readonly agent: {
    readonly id: string;
    readonly groups: readonly string[];
    readonly clearance: number;
  };
  readonly tool: string;
  readonly amount?: number;
  readonly resource: { readonly type: string; readonly id: string; readonly sensitivity: number };
  readonly depth: number;
  readonly session: string;
  /** How often the session has called before, in the counter's window. */
  readonly calls: number;
}

export interface Expected {
  readonly allowed: boolean;
  /** Names of all rules that determined it, sorted. */
  readonly reasons: readonly string[];
}

export const SENSITIVITIES = ["public", "internal", "confidential", "restricted"] as const;
export const RESOURCES = ["account", "mailbox", "document"] as const;
const RULES_OF_TEAM = 20;
const TEAMS_OF_DEPARTMENT = 5;

/** With this seed each of the first twenty rules determines an answer. */
export function makeWorkload(ruleCount: number, requestCount = 200, seed = 4): Workload {
  const teams = Array.from({ length: ruleCount / RULES_OF_TEAM }, (_, team) => team);
  const rules = teams.flatMap(rulesOfTeam);
  const departments = Math.ceil(teams.length / TEAMS_OF_DEPARTMENT);
  const tools = Array.from({ length: departments }, (_, department) =>
    TOOLS.map((tool) => ({ ...tool, name: named(tool.name, department) })),
  ).flat();
  const requests = makeRequests(rules, teams.length, requestCount, createRandom(seed));
  return {
    rules,
    requests,
    expected: requests.map((request) => expectedFor(rules, request)),
    tools,
    resources: RESOURCES,
  };
}

/** What the policy means: any forbid that applies denies, else any permit that applies allows. */
export function expectedFor(rules: readonly BenchRule[], request: BenchRequest): Expected {
  const applying = rules.filter((rule) => applies(rule, request));
  const forbids = applying.filter((rule) => rule.effect === "forbid");
  const allowed = forbids.length === 0 && applying.length > 0;
  const determining = allowed ? applying : forbids;
  return { allowed, reasons: determining.map((rule) => rule.name).sort() };
}

function applies(rule: BenchRule, request: BenchRequest): boolean {
  if (rule.group !== undefined && !request.agent.groups.includes(rule.group)) return false;
  if (rule.tools !== undefined && !rule.tools.includes(request.tool)) return false;
  if (rule.resource !== undefined && rule.resource !== request.resource.type) return false;
  return rule.when.every((condition) => holds(condition, request));
}

function holds(condition: Condition, request: BenchRequest): boolean {
  switch (condition.read) {
    case "clearance":
      return request.resource.sensitivity <= request.agent.clearance;
    case "sensitivity":
      return request.resource.sensitivity >= condition.value;
    case "depth":
      return compare(request.depth, condition.op, condition.value);
    case "amount":
      return compare(request.amount ?? 0, condition.op, condition.value);
    case "calls":
      return compare(request.calls, condition.op, condition.value);
  }
}

function compare(left: number, op: "<" | "<=" | ">", right: number): boolean {
  if (op === "<") return left < right;
  return op === "<=" ? left <= right : left > right;
}

// ── Rules ──────────────────────────────────────────────────────────────────────────────────────────────────

const TOOLS: readonly BenchTool[] = [
  { name: "get_balance", effect: "read", hasAmount: false },
  { name: "get_transactions", effect: "read", hasAmount: false },
  { name: "read_email", effect: "read", hasAmount: false },
  { name: "read_file", effect: "read", hasAmount: false },
  { name: "send_money", effect: "write", hasAmount: true },
  { name: "update_record", effect: "write", hasAmount: true },
  { name: "send_email", effect: "send", hasAmount: false },
  { name: "delete_file", effect: "delete", hasAmount: false },
];

const CLEARED: Condition = { read: "clearance" };
const depth = (op: "<=" | ">", value: number): Condition => ({ read: "depth", op, value });
const amount = (op: "<=" | ">", value: number): Condition => ({ read: "amount", op, value });
const calls = (op: "<" | ">", value: number): Condition => ({ read: "calls", op, value });
const atLeast = (value: number): Condition => ({ read: "sensitivity", op: ">=", value });

type Row = readonly [
  effect: "permit" | "forbid",
  name: string,
  group: string,
  tools: readonly string[],
  resource: string,
  ...when: Condition[],
];

/** `bench/peers/hand-written.ts` says the same by hand. */
const TEAM: readonly Row[] = [
  [
    "permit",
    "assistant_accounts",
    "assistants",
    ["get_balance", "get_transactions"],
    "account",
    depth("<=", 2),
    CLEARED,
  ],
  ["permit", "assistant_mail", "assistants", ["read_email"], "mailbox", depth("<=", 2), CLEARED],
  ["permit", "assistant_files", "assistants", ["read_file"], "document", depth("<=", 1), CLEARED],
  [
    "permit",
    "assistant_sends",
    "assistants",
    ["send_email"],
    "mailbox",
    depth("<=", 1),
    CLEARED,
    calls("<", 100),
  ],
  [
    "permit",
    "teller_accounts",
    "tellers",
    ["get_balance", "get_transactions"],
    "account",
    depth("<=", 3),
    CLEARED,
  ],
  [
    "permit",
    "teller_pays",
    "tellers",
    ["send_money"],
    "account",
    depth("<=", 2),
    CLEARED,
    amount("<=", 500),
  ],
  ["permit", "teller_records", "tellers", ["update_record"], "account", depth("<=", 1), CLEARED],
  [
    "permit",
    "auditor_accounts",
    "auditors",
    ["get_balance", "get_transactions"],
    "account",
    depth("<=", 2),
  ],
  ["permit", "auditor_mail", "auditors", ["read_email"], "mailbox", depth("<=", 0), CLEARED],
  ["permit", "auditor_files", "auditors", ["read_file"], "document", depth("<=", 2)],
  ["permit", "operator_files", "operators", ["read_file"], "document", depth("<=", 3), CLEARED],
  ["permit", "operator_deletes", "operators", ["delete_file"], "document", depth("<=", 0), CLEARED],
  [
    "permit",
    "operator_records",
    "operators",
    ["update_record"],
    "account",
    depth("<=", 2),
    CLEARED,
    amount("<=", 1000),
  ],
  [
    "permit",
    "operator_sends",
    "operators",
    ["send_email"],
    "mailbox",
    depth("<=", 2),
    calls("<", 50),
  ],
  ["forbid", "far_payment", "tellers", ["send_money"], "account", depth(">", 1), amount(">", 200)],
  ["forbid", "secret_by_mail", "assistants", ["send_email"], "mailbox", atLeast(2)],
  ["forbid", "secret_far_away", "auditors", ["read_file"], "document", depth(">", 1), atLeast(3)],
  ["forbid", "many_deletes", "operators", ["delete_file"], "document", calls(">", 20)],
  ["forbid", "large_record", "tellers", ["update_record"], "account", amount(">", 300)],
  ["forbid", "mail_far_away", "assistants", ["read_email"], "mailbox", depth(">", 1), atLeast(2)],
];

/** The first team's last rule is everyone's. */
const RUNAWAY: BenchRule = { name: "runaway", effect: "forbid", when: [calls(">", 400)] };

function rulesOfTeam(team: number): BenchRule[] {
  const department = Math.floor(team / TEAMS_OF_DEPARTMENT);
  const rules = TEAM.map(([effect, name, group, tools, resource, ...when]) => ({
    effect,
    name: named(name, team),
    group: named(group, team),
    tools: tools.map((tool) => named(tool, department)),
    resource,
    when,
  }));
  return team === 0 ? [...rules.slice(0, -1), RUNAWAY] : rules;
}

/** The first team reads like a policy somebody wrote. */
function named(name: string, at: number): string {
  return at === 0 ? name : `${name}_${at}`;
}

// ── Requests ───────────────────────────────────────────────────────────────────────────────────────────────

/** Half of them allowed. Most are for what the agent's group may do at all: those reach conditions. */
function makeRequests(
  rules: readonly BenchRule[],
  teamCount: number,
  count: number,
  random: Random,
): BenchRequest[] {
  const made: BenchRequest[] = [];
  const wanted = { allowed: Math.ceil(count / 2), denied: Math.floor(count / 2) };
  while (made.length < count) {
    const team = random.below(teamCount);
    const request = randomRequest(made.length, team, random);
    const ofTeam = team === 0 ? rules.slice(0, RULES_OF_TEAM) : [...rulesOfTeam(team), RUNAWAY];
    const answer = expectedFor(ofTeam, request).allowed ? "allowed" : "denied";
    if (wanted[answer] === 0) continue;
    wanted[answer] -= 1;
    made.push(request);
  }
  return made;
}

function randomRequest(at: number, team: number, random: Random): BenchRequest {
  const department = Math.floor(team / TEAMS_OF_DEPARTMENT);
  const [, , group, tools, resource] = random.pick(TEAM);
  const isFitting = random.chance(0.85);
  const tool = isFitting ? random.pick(tools) : random.pick(TOOLS).name;
  const type = isFitting || random.chance(0.5) ? resource : random.pick(RESOURCES);
  const hasAmount = TOOLS.some((one) => one.name === tool && one.hasAmount);
  return {
    agent: {
      id: `spiffe://bank.example/agent/${named(group, team)}/${random.below(50)}`,
      groups: ["staff", named(group, team)],
      clearance: random.below(SENSITIVITIES.length),
    },
    tool: named(tool, department),
    ...(hasAmount ? { amount: 1 + random.below(600) } : {}),
    resource: { type, id: `${type}-${random.below(1_000)}`, sensitivity: random.below(4) },
    depth: random.pick([0, 0, 1, 1, 1, 2, 2, 3]),
    session: `session-${at}`,
    calls: random.chance(0.05) ? 401 + random.below(50) : random.below(110),
  };
}
