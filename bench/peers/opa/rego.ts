/** The workload as Rego, a rule for each rule and tool: comparing with one constant is what OPA's index knows. */
import type { BenchRule, Condition } from "../../workload.ts";

export function regoOf(rules: readonly BenchRule[]): string {
  const bodies = rules.flatMap(({ tools, ...rule }) =>
    tools === undefined ? [spellRule(rule)] : tools.map((tool) => spellRule(rule, tool)),
  );
  return [HEAD, ...bodies, TAIL].join("\n");
}

const HEAD = `package bench

import rego.v1
`;

const TAIL = `default decision := {"allow": false, "reasons": []}

decision := {"allow": false, "reasons": forbids} if count(forbids) > 0

decision := {"allow": true, "reasons": permits} if {
	count(forbids) == 0
	count(permits) > 0
}
`;

function spellRule(
  { effect, name, group, resource, when }: Omit<BenchRule, "tools">,
  tool?: string,
): string {
  const lines = [
    ...(tool === undefined ? [] : [`input.tool == "${tool}"`]),
    ...(resource === undefined ? [] : [`input.resource == "${resource}"`]),
    ...(group === undefined ? [] : [`"${group}" in input.groups`]),
    ...when.map(spellCondition),
  ];
  return `${effect}s contains "${name}" if {\n${lines.map((line) => `\t${line}`).join("\n")}\n}\n`;
}

function spellCondition(condition: Condition): string {
  if (condition.read === "clearance") return "input.sensitivity <= input.clearance";
  return `input.${condition.read} ${condition.op} ${condition.value}`;
}
