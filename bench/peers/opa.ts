/** Rego compiled to Wasm: the request is serialised for each call and parsed inside. */
import { readFileSync } from "node:fs";
import { loadPolicy } from "@open-policy-agent/opa-wasm";
import { type BenchEngine, type Loaded, loaded } from "../engine.ts";
import type { BenchRequest, BenchRule, Condition } from "../workload.ts";

export const opaRules: BenchEngine = {
  name: "opa-rules",
  title: "OPA (opa-wasm), rules as rules",
  reasons: "all rules",
  how: "a Rego rule for each rule; compiled before, for 20 rules only",
  ruleCountMost: 20,
  load: () => load("rules-20.wasm", undefined),
};

export const opaData: BenchEngine = {
  name: "opa-data",
  title: "OPA (opa-wasm), rules as data",
  reasons: "all rules",
  how: "one Rego module over a document of rules, indexed by tool and group by hand",
  load: ({ rules }) => load("data.wasm", documentOf(rules)),
};

async function load(module: string, data: object | undefined): Promise<Loaded> {
  const wasm = readFileSync(new URL(`opa/${module}`, import.meta.url));
  const policy = await loadPolicy(wasm);
  if (data !== undefined) policy.setData(data);
  return loaded({
    prepare: opaInput,
    decide: (input: OpaInput): OpaResult => policy.evaluate(input),
    read: ([answer]) => {
      if (answer === undefined) throw new Error("OPA gave no result");
      return { allowed: answer.result.allow, reasons: [...answer.result.reasons].sort() };
    },
  });
}

type OpaResult = readonly {
  readonly result: { readonly allow: boolean; readonly reasons: readonly string[] };
}[];

export interface OpaInput {
  readonly tool: string;
  readonly groups: readonly string[];
  readonly clearance: number;
  readonly resource: string;
  readonly sensitivity: number;
  readonly depth: number;
  readonly amount: number;
  readonly calls: number;
}

export function opaInput({
  agent,
  tool,
  resource,
  depth,
  amount = 0,
  calls,
}: BenchRequest): OpaInput {
  return {
    tool,
    groups: agent.groups,
    clearance: agent.clearance,
    resource: resource.type,
    sensitivity: resource.sensitivity,
    depth,
    amount,
    calls,
  };
}

function documentOf(rules: readonly BenchRule[]): object {
  const byTool: Record<string, Record<string, object[]>> = {};
  const everyone: object[] = [];
  for (const rule of rules) {
    if (rule.group === undefined) everyone.push(rowOf(rule));
    for (const tool of rule.tools ?? []) {
      byTool[tool] ??= {};
      const groups = byTool[tool];
      groups[rule.group ?? ""] = [...(groups[rule.group ?? ""] ?? []), rowOf(rule)];
    }
  }
  return { rules: byTool, everyone };
}

/** Every number is whole, so a bound of its own says `<` and `>`. */
function rowOf(rule: BenchRule): object {
  const { name, effect, resource = "" } = rule;
  const row: Record<string, unknown> = {
    name,
    effect,
    resource,
    cleared: rule.when.some(({ read }) => read === "clearance"),
    sensitivity_least: 0,
  };
  for (const read of ["depth", "amount", "calls"]) {
    row[`${read}_least`] = 0;
    row[`${read}_most`] = 1_000_000;
  }
  for (const condition of rule.when) {
    if (condition.read === "clearance") continue;
    const [bound, value] = boundOf(condition);
    row[`${condition.read}_${bound}`] = value;
  }
  return row;
}

function boundOf(
  condition: Exclude<Condition, { read: "clearance" }>,
): readonly ["least" | "most", number] {
  switch (condition.op) {
    case "<":
      return ["most", condition.value - 1];
    case "<=":
      return ["most", condition.value];
    case ">":
      return ["least", condition.value + 1];
    case ">=":
      return ["least", condition.value];
  }
}
