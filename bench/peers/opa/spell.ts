/** Writes `rules-20.rego`: the workload's first twenty rules, as rules. */
import { type BenchRule, type Condition, makeWorkload } from "../../workload.ts";

const HEAD = `# Written by spell.ts.
package bench

import rego.v1
`;

const TAIL = `default decision := {"allow": false, "reasons": []}

decision := {"allow": false, "reasons": forbids} if count(forbids) > 0

decision := {"allow": true, "reasons": permits} if {
	count(forbids) == 0
	count(permits) > 0
}
`;

process.stdout.write([HEAD, ...makeWorkload(20, 0).rules.map(spellRule), TAIL].join("\n"));

function spellRule({ effect, name, group, tools, resource, when }: BenchRule): string {
  const lines = [
    ...(tools === undefined
      ? []
      : [`input.tool in {${tools.map((tool) => `"${tool}"`).join(", ")}}`]),
    ...(group === undefined ? [] : [`"${group}" in input.groups`]),
    ...(resource === undefined ? [] : [`input.resource == "${resource}"`]),
    ...when.map(spellCondition),
  ];
  return `${effect}s contains "${name}" if {\n${lines.map((line) => `\t${line}`).join("\n")}\n}\n`;
}

function spellCondition(condition: Condition): string {
  if (condition.read === "clearance") return "input.sensitivity <= input.clearance";
  return `input.${condition.read} ${condition.op} ${condition.value}`;
}
