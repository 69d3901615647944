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
}

/** So few rules are tried one after another. */
const LEAF_RULES = 12;

/** Where nothing tells rules apart, so many are compiled into one function. */
const CHUNK_RULES = 24;

/** Places by tool; those without any rule are missing. Each is built when a request first needs it. */
export function indexRules(program: Program, leaf: MakeLeaf): (tool: number) => Place | undefined {
  const { byTool, anyTool } = groupByTool(program);
  const build = (rules: readonly number[]): Place | undefined =>
    rules.length === 0 ? undefined : place(program.rules, rules, leaf);
  const places: (Place | undefined)[] = [];
  // Few rules for any tool are compiled with those of each tool; many are kept once, for all tools.
  const isShared = anyTool.length > LEAF_RULES;
  let shared: Place | undefined;
  return (tool) => {
    const known = places[tool];
    if (known !== undefined) return known;
    const own = byTool[tool] ?? [];
    if (isShared) shared ??= build(anyTool);
    const built =
      shared === undefined
        ? build([...own, ...anyTool].sort((a, b) => a - b))
        : both(shared, build(own));
    places[tool] = built;
    return built;
  };
}

function both(shared: Place, own: Place | undefined): Place {
  if (own === undefined) return shared;
  const visit: Visit = (roots, facts, collected) => {
    shared.visit(roots, facts, collected);
    own.visit(roots, facts, collected);
  };
  return { visit, mixed: true };
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
function place(
  all: readonly Rule[],
  rules: readonly number[],
  leaf: MakeLeaf,
  tried: readonly Dimension[] = [],
): Place {
  const split = rules.length <= LEAF_RULES ? undefined : bestSplit(all, rules, tried);
  if (split === undefined) return { visit: chunks(rules, leaf, clausesOf(tried)), mixed: false };
  const below = [...tried, split.dimension];
  const byValue = new Map<Value, Branch>();
  for (const [value, chosen] of split.byValue) {
    byValue.set(
      value,
      branch(() => place(all, chosen, leaf, below).visit),
    );
  }
  // Rules without the clause are not decided by it: what was tried on the way to them holds, no more.
  const others = split.rest.length === 0 ? undefined : place(all, split.rest, leaf, tried).visit;
  return { visit: split.dimension.visit(byValue, others), mixed: true };
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
}

function branch(make: () => Visit): Branch {
  const made: Branch = {
    visit(roots, facts, collected) {
      made.visit = make();
      made.visit(roots, facts, collected);
    },
  };
  return made;
}

/** A visit that is made when it is first needed. */
export function deferred(make: () => Visit): Visit {
  let made: Visit | undefined;
  return (roots, facts, collected) => {
    made ??= make();
    made(roots, facts, collected);
  };
}

function chunks(
  rules: readonly number[],
  leaf: MakeLeaf,
  decided: ReadonlySet<keyof Guard>,
): Visit {
  if (rules.length <= CHUNK_RULES) return leaf(rules, decided);
  const visits: Visit[] = [];
  for (let from = 0; from < rules.length; from += CHUNK_RULES) {
    visits.push(leaf(rules.slice(from, from + CHUNK_RULES), decided));
  }
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
  visit(byValue: ReadonlyMap<Value, Branch>, rest: Visit | undefined): Visit;
}

interface Split {
  readonly dimension: Dimension;
  readonly byValue: ReadonlyMap<Value, readonly number[]>;
  readonly rest: readonly number[];
}

/** The dimension that leaves the fewest rules to try, if it leaves less than three in four. */
function bestSplit(
  all: readonly Rule[],
  rules: readonly number[],
  tried: readonly Dimension[],
): Split | undefined {
  let best: Split | undefined;
  let least = rules.length * 0.75;
  for (const dimension of [...CLAUSES, ...equalityDimensions(all, rules)]) {
    if (tried.some(({ key }) => key === dimension.key)) continue;
    const split = splitBy(dimension, all, rules);
    const cost = expectedRules(split);
    if (cost < least) [best, least] = [split, cost];
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
  return (byValue, rest) => (roots, facts, collected) => {
    const value = read(roots);
    if (value !== undefined) byValue.get(value)?.visit(roots, facts, collected);
    rest?.(roots, facts, collected);
  };
}

function visitEach(read: (roots: Roots) => Value | undefined): Dimension["visit"] {
  return (byValue, rest) => (roots, facts, collected) => {
    const values = read(roots) as ReadonlySet<Value> | undefined;
    if (values !== undefined) {
      for (const value of values) byValue.get(value)?.visit(roots, facts, collected);
    }
    rest?.(roots, facts, collected);
  };
}

/** A purpose is within itself and within each purpose above it. */
function visitPurposes(byValue: ReadonlyMap<Value, Branch>, rest: Visit | undefined): Visit {
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
    visit: (byValue, rest) => (roots, facts, collected) => {
      const value = roots[root]?.[name];
      // Absent makes each of these conditions unknown, not false.
      if (value === undefined)
        for (const one of byValue.values()) one.visit(roots, facts, collected);
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
