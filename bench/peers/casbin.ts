/** casbin runs its matcher for each line of policy. */
import { newEnforcer, newModelFromString, StringAdapter } from "casbin";
import { type BenchEngine, loaded } from "../engine.ts";
import type { BenchRequest, BenchRule, Condition, Workload } from "../workload.ts";

export const casbin: BenchEngine = {
  name: "casbin",
  title: "casbin",
  reasons: "one rule",
  how: "one line for each rule and tool, its bounds as columns; a synchronous enforcer with `enforceExSync`",
  load: async ({ rules }: Workload) => {
    const lines = rules.flatMap(linesOf).join("\n");
    const enforcer = await newEnforcer(newModelFromString(MODEL), new StringAdapter(lines));
    enforcer.enableLog(false);
    await enforcer.addFunction("has", (groups: readonly string[], group: string) =>
      groups.includes(group),
    );
    return loaded({
      prepare: casbinRequest,
      decide: (request: CasbinRequest) => enforcer.enforceExSync(request, request.tool),
      read: ([allowed]: [boolean, string[]]) => ({ allowed }),
    });
  },
};

const MODEL = `
[request_definition]
r = sub, act
[policy_definition]
p = group, act, type, depth_least, depth_most, secrecy_least, cleared, amount_least, amount_most, calls_least, calls_most, eft, name
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = (p.act == r.act || p.act == '*') && (p.group == '*' || has(r.sub.groups, p.group)) && (p.type == '*' || p.type == r.sub.type) && r.sub.depth >= p.depth_least && r.sub.depth <= p.depth_most && r.sub.sensitivity >= p.secrecy_least && (p.cleared == 'no' || r.sub.sensitivity <= r.sub.clearance) && r.sub.amount >= p.amount_least && r.sub.amount <= p.amount_most && r.sub.calls >= p.calls_least && r.sub.calls <= p.calls_most
`;

interface CasbinRequest {
  readonly tool: string;
  readonly groups: readonly string[];
  readonly clearance: number;
  readonly type: string;
  readonly sensitivity: number;
  readonly depth: number;
  readonly amount: number;
  readonly calls: number;
}

function casbinRequest({ agent, tool, resource, depth, amount = 0, calls }: BenchRequest) {
  const { groups, clearance } = agent;
  const { type, sensitivity } = resource;
  return { tool, groups, clearance, type, sensitivity, depth, amount, calls };
}

/** Every number is whole, so a bound of its own says `<` and `>`. */
function linesOf(rule: BenchRule): string[] {
  const least = (read: Condition["read"]) => boundOf(rule, read, [">", ">="]) ?? 0;
  const most = (read: Condition["read"]) => boundOf(rule, read, ["<", "<="]) ?? 1_000_000;
  const cleared = rule.when.some(({ read }) => read === "clearance") ? "yes" : "no";
  return (rule.tools ?? ["*"]).map((tool) =>
    [
      "p",
      rule.group ?? "*",
      tool,
      rule.resource ?? "*",
      least("depth"),
      most("depth"),
      least("sensitivity"),
      cleared,
      least("amount"),
      most("amount"),
      least("calls"),
      most("calls"),
      rule.effect === "permit" ? "allow" : "deny",
      rule.name,
    ].join(", "),
  );
}

function boundOf(
  { when }: BenchRule,
  read: Condition["read"],
  ops: readonly string[],
): number | undefined {
  for (const condition of when) {
    if (condition.read !== read || condition.read === "clearance") continue;
    if (!ops.includes(condition.op)) continue;
    if (condition.op === ">") return condition.value + 1;
    return condition.op === "<" ? condition.value - 1 : condition.value;
  }
  return undefined;
}
