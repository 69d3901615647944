/**
 * Which rules can apply, so that the cost of a decision follows those and not the rules there are. Rules are
 * told apart by tool, then by whatever clause splits those of one tool best, again and again, until few
 * are left. A rule without the clause stands beside those with it, so each rule is in one place for each
 * value its clause lists, and a request visits the places of its own values.
 */
import type { Expr, Guard, Program, RootName, Rule } from "../../lang/ir.ts";
import type { Facts } from "../facts.ts";
import type { Roots } from "../request.ts";
import type { Value } from "../value.ts";
import type { Hit } from "./evaluator.ts";

/** What a visit adds to. */
export interface Collected {
  permits: readonly Hit[];
  forbids: readonly Hit[];
  holds: readonly Hit[];
  obliges: readonly Hit[];
  uncertain: boolean;
}

export type Visit = (roots: Roots, facts: Facts, collected: Collected) => void;

/** Makes the visit of a few rules, of which each clause in `decided` is known to hold. */
export type MakeLeaf = (rules: readonly number[], decided: ReadonlySet<keyof Guard>) => Visit;

export interface Place {
  readonly visit: Visit;
  /** More than one leaf may be visited: then hits are neither sorted nor distinct. */
  readonly mixed: boolean;
  /** Behind it, and not built yet, though there is much to build. */
  readonly large: readonly Branch[];
}

export interface RuleIndex {
  /** Places by tool; those without any rule are missing. Each is built when a request first needs it. */
  placeOf(tool: number): Place | undefined;
  /** Builds what would take long when a request first needs it. Each step is short. */
  warmUp(): Steps<void>;
}

/** What is built bit by bit: at once where a request waits for it, and else with others in between. */
type Steps<Built> = Generator<undefined, Built, undefined>;

function finished<Built>(steps: Steps<Built>): Built {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** So few rules are tried one after another. */
const LEAF_RULES = 12;

/** Where nothing tells rules apart, so many are compiled into one function. */
const CHUNK_RULES = 24;

/** A rule of many tools is built for each of them: so many in all, before anybody asks for one. */
const WARM_RULES_MOST = 40_000;

export function indexRules(program: Program, leaf: MakeLeaf): RuleIndex {
  const { byTool, anyTool } = groupByTool(program);
  const places: (Place | undefined)[] = [];
  // Few rules for any tool are compiled with those of each tool; many are kept once, for all tools.
  const isShared = anyTool.length > LEAF_RULES;
  let shared: Place | undefined;
  function* build(rules: readonly number[]): Steps<Place | undefined> {
    return rules.length === 0 ? undefined : yield* place(program.rules, rules, leaf);
  }
  const rulesOf = (tool: number): readonly number[] => {
    const own = byTool[tool] ?? [];
    return isShared ? own : [...own, ...anyTool].sort((a, b) => a - b);
  };
  function* buildFor(tool: number): Steps<Place | undefined> {
    if (isShared) shared ??= yield* build(anyTool);
    const own = yield* build(rulesOf(tool));
    places[tool] = shared === undefined ? own : both(shared, own);
    return places[tool];
  }
  return {
    placeOf: (tool) => places[tool] ?? finished(buildFor(tool)),
    *warmUp() {
      if (isShared) {
        shared ??= yield* build(anyTool);
        yield* buildBehind(shared);
      }
      let left = WARM_RULES_MOST;
      for (const tool of byTool.keys()) {
        const count = rulesOf(tool).length;
        if (count <= CHUNK_RULES || count > left) continue;
        left -= count;
        yield* buildBehind(yield* buildFor(tool));
      }
    },
  };
}

function* buildBehind(built: Place | undefined): Steps<void> {
  for (const one of built?.large ?? []) yield* buildBehind(yield* one.build());
}

function both(shared: Place, own: Place | undefined): Place {
  if (own === undefined) return shared;
  const visit: Visit = (roots, facts, collected) => {
    shared.visit(roots, facts, collected);
    own.visit(roots, facts, collected);
  };
  return { visit, mixed: true, large: own.large };
}

function groupByTool({ tools, rules }: Program): {
  readonly byTool: readonly (readonly number[])[];
  readonly anyTool: readonly number[];
} {
  const byTool: number[][] = tools.map(() => []);
  const anyTool: number[] = [];
  rules.forEach(({ guard }, index) => {
    if (guard.tools === undefined) anyTool.push(index);
    else for (const tool of new Set(guard.tools)) byTool[tool]?.push(index);
  });
  return { byTool, anyTool };
}

/** `tried` are dimensions already split by: rules that list several values may still be together. */
function* place(
  all: readonly Rule[],
  rules: readonly number[],
  leaf: MakeLeaf,
  tried: readonly Dimension[] = [],
): Steps<Place> {
  const split = rules.length <= LEAF_RULES ? undefined : yield* bestSplit(all, rules, tried);
  if (split === undefined) {
    return { visit: yield* chunks(rules, leaf, clausesOf(tried)), mixed: false, large: [] };
  }
  const below = [...tried, split.dimension];
  const byValue = new Map<Value, Branch>();
  const large: Branch[] = [];
  for (const [value, chosen] of split.byValue) {
    const one = branch(() => place(all, chosen, leaf, below));
    byValue.set(value, one);
    if (chosen.length > CHUNK_RULES) large.push(one);
  }
  // Where what a condition reads is absent, each rule with it may apply: all are tried, and not value by value.
  const told = [...new Set([...split.byValue.values()].flat())].sort((a, b) => a - b);
  const absent = branch(() => place(all, told, leaf, below));
  if (split.dimension.clause === undefined && told.length > CHUNK_RULES) large.push(absent);
  // Rules without the clause are not decided by it: what was tried on the way to them holds, no more.
  const others = split.rest.length === 0 ? undefined : yield* place(all, split.rest, leaf, tried);
  const visit = split.dimension.visit({ byValue, absent, rest: others?.visit });
  return { visit, mixed: true, large: [...large, ...(others?.large ?? [])] };
}

function clausesOf(tried: readonly Dimension[]): ReadonlySet<keyof Guard> {
  return new Set([
    "tools",
    ...tried.flatMap(({ clause }) => (clause === undefined ? [] : [clause])),
  ]);
}

/** What stands behind one value; `visit` is made when it is first needed, and then stands there itself. */
interface Branch {
  visit: Visit;
  build(): Steps<Place>;
}

function branch(steps: () => Steps<Place>): Branch {
  const made: Branch = {
    visit(roots, facts, collected) {
      finished(made.build());
      made.visit(roots, facts, collected);
    },
    *build() {
      const built = yield* steps();
      made.visit = built.visit;
      return built;
    },
  };
  return made;
}

function* chunks(
  rules: readonly number[],
  leaf: MakeLeaf,
  decided: ReadonlySet<keyof Guard>,
): Steps<Visit> {
  const visits: Visit[] = [];
  for (let from = 0; from < rules.length; from += CHUNK_RULES) {
    visits.push(leaf(rules.slice(from, from + CHUNK_RULES), decided));
    yield;
  }
  const [only] = visits;
  if (only !== undefined && visits.length === 1) return only;
  return (roots, facts, collected) => {
    for (const visit of visits) visit(roots, facts, collected);
  };
}

/** A way to tell rules apart. */
interface Dimension {
  readonly key: string;
  /** The clause that holds of every rule reached by one of its values; missing for a condition. */
  readonly clause?: keyof Guard;
  /** What it must be for the rule to apply; `undefined`: anything. */
  values(rule: Rule): readonly Value[] | undefined;
  visit(parts: SplitVisits): Visit;
}

interface SplitVisits {
  readonly byValue: ReadonlyMap<Value, Branch>;
  /** All that are in `byValue`. */
  readonly absent: Branch;
  readonly rest: Visit | undefined;
}

interface Split {
  readonly dimension: Dimension;
  readonly byValue: ReadonlyMap<Value, readonly number[]>;
  readonly rest: readonly number[];
}

/** The dimension that leaves the fewest rules to try, if it leaves less than three in four. */
function* bestSplit(
  all: readonly Rule[],
  rules: readonly number[],
  tried: readonly Dimension[],
): Steps<Split | undefined> {
  let best: Split | undefined;
  let least = rules.length * 0.75;
  for (const dimension of [...CLAUSES, ...equalityDimensions(all, rules)]) {
    if (tried.some(({ key }) => key === dimension.key)) continue;
    const split = splitBy(dimension, all, rules);
    const cost = expectedRules(split);
    if (cost < least) [best, least] = [split, cost];
    yield;
  }
  return best;
}

function splitBy(dimension: Dimension, all: readonly Rule[], rules: readonly number[]): Split {
  const byValue = new Map<Value, number[]>();
  const rest: number[] = [];
  for (const index of rules) {
    const rule = all[index];
    const values = rule === undefined ? undefined : dimension.values(rule);
    if (values === undefined) rest.push(index);
    else for (const value of new Set(values)) listAt(byValue, value).push(index);
  }
  return { dimension, byValue, rest };
}

function listAt(lists: Map<Value, number[]>, value: Value): number[] {
  const known = lists.get(value);
  if (known !== undefined) return known;
  const made: number[] = [];
  lists.set(value, made);
  return made;
}

/** For a request that meets each value as often as there are rules for it. */
function expectedRules({ byValue, rest }: Split): number {
  let [sum, squares] = [0, 0];
  for (const { length } of byValue.values()) {
    sum += length;
    squares += length * length;
  }
  return rest.length + (sum === 0 ? 0 : squares / sum);
}

const CLAUSES: readonly Dimension[] = [
  {
    key: "agentGroups",
    clause: "agentGroups",
    values: (rule) => rule.guard.agentGroups,
    visit: visitEach((roots) => roots.agent.groups),
  },
  {
    key: "principalGroups",
    clause: "principalGroups",
    values: (rule) => rule.guard.principalGroups,
    visit: visitEach((roots) => roots.principal?.groups),
  },
  {
    key: "resources",
    clause: "resources",
    values: (rule) => rule.guard.resources,
    visit: visitOne((roots) => roots.resource?.type),
  },
  {
    key: "purposes",
    clause: "purposes",
    values: (rule) => rule.guard.purposes,
    visit: visitPurposes,
  },
  {
    key: "tasks",
    clause: "tasks",
    values: (rule) => rule.guard.tasks,
    visit: visitOne((roots) => roots.intent.task),
  },
  {
    key: "agentKinds",
    clause: "agentKinds",
    values: (rule) => rule.guard.agentKinds,
    visit: visitOne((roots) => roots.agent.kind),
  },
  {
    key: "principalKinds",
    clause: "principalKinds",
    values: (rule) => rule.guard.principalKinds,
    visit: visitOne((roots) => roots.principal?.kind),
  },
];

function visitOne(read: (roots: Roots) => Value | undefined): Dimension["visit"] {
  return ({ byValue, rest }) =>
    (roots, facts, collected) => {
      const value = read(roots);
      if (value !== undefined) byValue.get(value)?.visit(roots, facts, collected);
      rest?.(roots, facts, collected);
    };
}

function visitEach(read: (roots: Roots) => Value | undefined): Dimension["visit"] {
  return ({ byValue, rest }) =>
    (roots, facts, collected) => {
      const values = read(roots) as ReadonlySet<Value> | undefined;
      if (values !== undefined) {
        for (const value of values) byValue.get(value)?.visit(roots, facts, collected);
      }
      rest?.(roots, facts, collected);
    };
}

/** A purpose is within itself and within each purpose above it. */
function visitPurposes({ byValue, rest }: SplitVisits): Visit {
  const branchesOf = new Map<string, readonly Branch[]>();
  return (roots, facts, collected) => {
    const purpose = roots.intent.purpose as string | undefined;
    if (purpose !== undefined) {
      let branches = branchesOf.get(purpose);
      if (branches === undefined) {
        branches = branchesAbove(purpose, byValue);
        // Requests name declared purposes, of which there are few.
        if (branches.length > 0) branchesOf.set(purpose, branches);
      }
      for (const one of branches) one.visit(roots, facts, collected);
    }
    rest?.(roots, facts, collected);
  };
}

function branchesAbove(purpose: string, byValue: ReadonlyMap<Value, Branch>): readonly Branch[] {
  const own = byValue.get(purpose);
  const dot = purpose.lastIndexOf(".");
  const above = dot < 0 ? [] : branchesAbove(purpose.slice(0, dot), byValue);
  return own === undefined ? above : [own, ...above];
}

/** Conditions such as `args.account == "a-17"`: a rule that asks for another value cannot apply. */
function equalityDimensions(all: readonly Rule[], rules: readonly number[]): readonly Dimension[] {
  const dimensions = new Map<string, Dimension>();
  for (const index of rules) {
    for (const { root, name } of equalities(all[index])) {
      const key = `${root}.${name}`;
      if (!dimensions.has(key)) dimensions.set(key, equalityDimension(root, name));
    }
  }
  return [...dimensions.values()];
}

function equalityDimension(root: RootName, name: string): Dimension {
  return {
    key: `${root}.${name}`,
    values: (rule) =>
      equalities(rule).find((one) => one.root === root && one.name === name)?.values,
    visit:
      ({ byValue, absent, rest }) =>
      (roots, facts, collected) => {
        const value = roots[root]?.[name];
        // Absent makes each of these conditions unknown, not false.
        if (value === undefined) absent.visit(roots, facts, collected);
        else byValue.get(value)?.visit(roots, facts, collected);
        rest?.(roots, facts, collected);
      },
  };
}

interface Equality {
  readonly root: RootName;
  readonly name: string;
  readonly values: readonly Value[];
}

function equalities(rule: Rule | undefined): readonly Equality[] {
  return rule === undefined ? [] : rule.conditions.flatMap(equalitiesOf);
}

function equalitiesOf(expr: Expr): readonly Equality[] {
  if (expr.kind === "and") return [...equalitiesOf(expr.left), ...equalitiesOf(expr.right)];
  if (expr.kind !== "equal") return [];
  return [...equality(expr.left, expr.right), ...equality(expr.right, expr.left)];
}

function equality(read: Expr, wanted: Expr): readonly Equality[] {
  if (read.kind !== "attribute" || read.of.kind !== "root" || wanted.kind !== "const") return [];
  if (typeof wanted.value !== "string") return [];
  return [{ root: read.of.name, name: read.name, values: [wanted.value] }];
}
