/** The policy as people write it in Writ: a file for each department. */
import type { SourceFile } from "../../lang/source.ts";
import { type BenchRule, type Condition, SENSITIVITIES, type Workload } from "../workload.ts";

const RULES_OF_FILE = 500;

export function writSources(workload: Workload): readonly SourceFile[] {
  const rules: SourceFile[] = [];
  for (let from = 0; from < workload.rules.length; from += RULES_OF_FILE) {
    const chunk = workload.rules.slice(from, from + RULES_OF_FILE).map(spellRule);
    rules.push({
      path: `rules-${rules.length}.writ`,
      text: `package bench\n\n${chunk.join("\n\n")}\n`,
    });
  }
  return [{ path: "vocabulary.writ", text: vocabulary(workload) }, ...rules];
}

function vocabulary({ tools, resources }: Workload): string {
  const declared = tools.map(({ name, effect, hasAmount }) => {
    const args = hasAmount ? ", args { amount: Decimal }" : "";
    return `tool ${name} { effect ${effect}${args} }`;
  });
  return [
    "package bench\n",
    `level Sensitivity = ${SENSITIVITIES.join(" < ")}`,
    ...declared,
    ...resources.map((name) => `resource ${name} {}`),
    "agent { clearance: Sensitivity = public }",
    "counter calls = count attempts per session within 10s\n",
  ].join("\n");
}

function spellRule({ effect, name, group, tools, resource, when }: BenchRule): string {
  return [
    `${effect} ${name}`,
    ...(group === undefined ? [] : [`  agent in group "${group}"`]),
    ...(tools === undefined ? [] : [`  tool ${tools.join(", ")}`]),
    ...(resource === undefined ? [] : [`  resource ${resource}`]),
    `  when ${when.map(spellCondition).join(" and ")}`,
  ].join("\n");
}

function spellCondition(condition: Condition): string {
  switch (condition.read) {
    case "clearance":
      return "resource.sensitivity <= agent.clearance";
    case "sensitivity":
      return `resource.sensitivity >= ${SENSITIVITIES[condition.value]}`;
    case "depth":
      return `delegation.depth ${condition.op} ${condition.value}`;
    case "amount":
      return `args.amount ${condition.op} ${condition.value}`;
    case "calls":
      return `calls ${condition.op} ${condition.value}`;
  }
}
