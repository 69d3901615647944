/** CASL keeps an ability for each kind of subject: the rules of its groups, with its clearance filled in. */
import { AbilityBuilder, createMongoAbility, type MongoAbility, subject } from "@casl/ability";
import { type BenchEngine, loaded } from "../engine.ts";
import type { BenchRequest, BenchRule, Condition, Workload } from "../workload.ts";

export const casl: BenchEngine = {
  name: "casl",
  title: "CASL",
  reasons: "none",
  how: "an ability cached for each set of groups and clearance; everything a rule reads is put on the resource",
  load: (workload) => {
    const abilities = new Map<string, MongoAbility>();
    return loaded({
      prepare: (request) => caslRequest(request, workload),
      decide: ({ key, agent, tool, target }: CaslRequest) => {
        let ability = abilities.get(key);
        if (ability === undefined) {
          ability = abilityOf(agent, workload.rules);
          abilities.set(key, ability);
        }
        return ability.can(tool, target);
      },
      read: (allowed: boolean) => ({ allowed }),
    });
  },
};

interface CaslRequest {
  readonly key: string;
  readonly agent: BenchRequest["agent"];
  readonly tool: string;
  readonly target: ReturnType<typeof subject>;
}

function caslRequest(request: BenchRequest, _: Workload): CaslRequest {
  const { agent, tool, resource, depth, amount = 0, calls } = request;
  const key = `${agent.clearance} ${agent.groups.join(" ")}`;
  return {
    key,
    agent,
    tool,
    target: subject(resource.type, { ...resource, depth, amount, calls }),
  };
}

/** Later rules win, so what forbids comes last. */
function abilityOf(agent: BenchRequest["agent"], rules: readonly BenchRule[]): MongoAbility {
  const { can, cannot, build } = new AbilityBuilder(createMongoAbility);
  const own = rules.filter(({ group }) => group === undefined || agent.groups.includes(group));
  for (const rule of own.filter(({ effect }) => effect === "permit")) {
    can([...(rule.tools ?? ["manage"])], rule.resource ?? "all", conditionsOf(rule, agent));
  }
  for (const rule of own.filter(({ effect }) => effect === "forbid")) {
    cannot([...(rule.tools ?? ["manage"])], rule.resource ?? "all", conditionsOf(rule, agent));
  }
  return build();
}

const OPERATORS = { "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte" } as const;

function conditionsOf({ when }: BenchRule, agent: BenchRequest["agent"]): object {
  const conditions: Record<string, Record<string, number>> = {};
  for (const condition of when) {
    const [name, operator, value] = spellCondition(condition, agent);
    conditions[name] = { ...conditions[name], [operator]: value };
  }
  return conditions;
}

function spellCondition(
  condition: Condition,
  { clearance }: BenchRequest["agent"],
): readonly [string, string, number] {
  if (condition.read === "clearance") return ["sensitivity", "$lte", clearance];
  return [condition.read, OPERATORS[condition.op], condition.value];
}
