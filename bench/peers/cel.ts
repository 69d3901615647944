/** CEL decides one expression; which of them to ask, and what they mean together, is the host's code. */
import { parse } from "@marcbachmann/cel-js";
import { type BenchEngine, loaded } from "../engine.ts";
import type { BenchRequest, BenchRule, Condition } from "../workload.ts";

export const cel: BenchEngine = {
  name: "cel",
  title: "CEL (@marcbachmann/cel-js)",
  reasons: "all rules",
  how: "an expression for each rule, parsed before; rules indexed by tool and group, and effects combined, by hand",
  load: ({ rules }) => {
    const ready = rules.map((rule) => ({
      name: rule.name,
      effect: rule.effect,
      applies: parse(spellRule(rule)),
    }));
    const everyone = ready.filter((_, index) => rules[index]?.group === undefined);
    const byTool = new Map<string, Map<string, Ready[]>>();
    for (const [index, one] of ready.entries()) {
      const { tools = [], group = "" } = rules[index] as BenchRule;
      for (const tool of tools) {
        const groups = byTool.get(tool) ?? new Map<string, Ready[]>();
        byTool.set(tool, groups);
        groups.set(group, [...(groups.get(group) ?? []), one]);
      }
    }
    return loaded({
      prepare: celRequest,
      decide: (request: CelRequest): CelDecision => {
        const found: Found = { permits: [], forbids: [] };
        collect(everyone, request, found);
        const groups = byTool.get(request.tool);
        if (groups !== undefined) {
          for (const group of request.agent.groups) collect(groups.get(group), request, found);
        }
        const allowed = found.forbids.length === 0 && found.permits.length > 0;
        return { allowed, reasons: allowed ? found.permits : found.forbids };
      },
      read: ({ allowed, reasons }) => ({ allowed, reasons: [...reasons].sort() }),
    });
  },
};

interface Ready {
  readonly name: string;
  readonly effect: "permit" | "forbid";
  applies(request: CelRequest): unknown;
}

interface Found {
  readonly permits: string[];
  readonly forbids: string[];
}

interface CelDecision {
  readonly allowed: boolean;
  readonly reasons: readonly string[];
}

function collect(rules: readonly Ready[] | undefined, request: CelRequest, found: Found): void {
  if (rules === undefined) return;
  for (const rule of rules) {
    if (rule.applies(request) === true) found[`${rule.effect}s`].push(rule.name);
  }
}

/** Numbers are doubles here: its integers would be `BigInt`s, and slower. */
interface CelRequest {
  readonly tool: string;
  readonly agent: { readonly groups: readonly string[]; readonly clearance: number };
  readonly resource: { readonly type: string; readonly sensitivity: number };
  readonly depth: number;
  readonly amount: number;
  readonly calls: number;
}

function celRequest({ agent, tool, resource, depth, amount = 0, calls }: BenchRequest): CelRequest {
  return { tool, agent, resource, depth, amount, calls };
}

/** Tool and group are what the rules were found by. */
function spellRule({ resource, when }: BenchRule): string {
  const ofResource = resource === undefined ? [] : [`resource.type == "${resource}"`];
  return [...ofResource, ...when.map(spellCondition)].join(" && ");
}

function spellCondition(condition: Condition): string {
  if (condition.read === "clearance") return "resource.sensitivity <= agent.clearance";
  const read = condition.read === "sensitivity" ? "resource.sensitivity" : condition.read;
  return `${read} ${condition.op} ${condition.value}.0`;
}
