/** Cedar's own evaluator in Wasm: policies are parsed before, requests cross the boundary as JSON. */
import {
  type AuthorizationAnswer,
  preparsePolicySet,
  type StatefulAuthorizationCall,
  statefulIsAuthorized,
} from "@cedar-policy/cedar-wasm/nodejs";
import { type BenchEngine, loaded } from "../engine.ts";
import type { BenchRequest, BenchRule, Condition } from "../workload.ts";

export const cedar: BenchEngine = {
  name: "cedar",
  title: "Cedar (cedar-wasm)",
  reasons: "all rules",
  how: "one policy set, parsed before",
  load: ({ rules }) => {
    const id = `bench-${rules.length}`;
    preparse(id, rules);
    return loaded({ ...FORMS, prepare: (request) => cedarCall(request, id) });
  },
};

export const cedarSliced: BenchEngine = {
  name: "cedar-sliced",
  title: "Cedar (cedar-wasm), sliced by hand",
  reasons: "all rules",
  how: "a policy set for each tool, parsed before; the host picks it",
  load: ({ rules, tools }) => {
    const everyone = rules.filter((rule) => rule.tools === undefined);
    const byTool = new Map(tools.map(({ name }) => [name, [...everyone]]));
    for (const rule of rules) {
      for (const tool of rule.tools ?? []) byTool.get(tool)?.push(rule);
    }
    const idOf = (tool: string) => `bench-${rules.length}-${tool}`;
    for (const [tool, own] of byTool) preparse(idOf(tool), own);
    return loaded({ ...FORMS, prepare: (request) => cedarCall(request, idOf(request.tool)) });
  },
};

const FORMS = {
  decide: (call: StatefulAuthorizationCall) => statefulIsAuthorized(call),
  read: (answer: AuthorizationAnswer) => {
    if (answer.type !== "success") throw new Error(JSON.stringify(answer.errors));
    const { decision, diagnostics } = answer.response;
    if (diagnostics.errors.length > 0) throw new Error(JSON.stringify(diagnostics.errors));
    return { allowed: decision === "allow", reasons: [...diagnostics.reason].sort() };
  },
};

function preparse(id: string, rules: readonly BenchRule[]): void {
  const staticPolicies = Object.fromEntries(rules.map((rule) => [rule.name, spellRule(rule)]));
  const parsed = preparsePolicySet(id, { staticPolicies });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed.errors));
}

function cedarCall(request: BenchRequest, policySet: string): StatefulAuthorizationCall {
  const { agent, tool, resource, depth, amount = 0, calls } = request;
  const principal = { type: "Agent", id: agent.id };
  const target = { type: resource.type, id: resource.id };
  const groups = agent.groups.map((id) => ({ type: "Group", id }));
  return {
    principal,
    action: { type: "Action", id: tool },
    resource: target,
    context: { depth, amount, calls },
    preparsedPolicySetId: policySet,
    entities: [
      { uid: principal, attrs: { clearance: agent.clearance }, parents: groups },
      { uid: target, attrs: { sensitivity: resource.sensitivity }, parents: [] },
    ],
  };
}

function spellRule({ effect, group, tools, resource, when }: BenchRule): string {
  const principal = group === undefined ? "principal" : `principal in Group::"${group}"`;
  const actions = tools?.map((tool) => `Action::"${tool}"`).join(", ");
  const action = actions === undefined ? "action" : `action in [${actions}]`;
  const target = resource === undefined ? "resource" : `resource is ${resource}`;
  const conditions = when.map(spellCondition).join(" && ");
  return `${effect}(${principal}, ${action}, ${target}) when { ${conditions} };`;
}

function spellCondition(condition: Condition): string {
  if (condition.read === "clearance") return "resource.sensitivity <= principal.clearance";
  const read =
    condition.read === "sensitivity" ? "resource.sensitivity" : `context.${condition.read}`;
  return `${read} ${condition.op} ${condition.value}`;
}
