/** PEP profiles (SPEC §9.3): a rule that reads what an enforcement point cannot supply would never fire there. */
import type * as ast from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Expr, Program, Rule, StepDecl } from "./ir.ts";
import { pathKey } from "./known.ts";
import type { Span } from "./source.ts";

/** What a kind of enforcement point lacks: dotted paths of the request, or `outcome`. */
export interface Pep {
  readonly name: string;
  readonly lacks: readonly string[];
}

export function pepOf(item: ast.Pep): Pep {
  return { name: item.name.text, lacks: item.lacks.map((name) => name.text) };
}

/** One diagnostic for each thing a rule, invariant, counter, latch or task reads and the PEP lacks. */
export function checkPep(program: Program, pep: Pep): Diagnostic[] {
  const found: Diagnostic[] = [];
  const owners = [
    ...program.rules,
    ...program.nevers,
    ...program.counters,
    ...program.latches,
    ...program.tasks,
  ];
  for (const owner of owners) {
    const all = [
      ...("guard" in owner ? guardReads(owner) : []),
      ...reads(owner, program, owner.at),
    ];
    for (const { path, at } of all) {
      const lacking = pep.lacks.find((lack) => path === lack || path.startsWith(`${lack}.`));
      if (lacking === undefined) continue;
      found.push({
        code: "E229",
        span: spanOf(program, at),
        message: `\`${owner.name}\` reads \`${path}\`, which \`${pep.name}\` cannot supply`,
      });
    }
  }
  return found;
}

interface Read {
  readonly path: string;
  readonly at: number;
}

/** What its clauses ask, by the members of a guard. */
const ASKED: ReadonlyMap<string, string> = new Map([
  ["agentGroups", "agent.groups"],
  ["agentKinds", "agent.kind"],
  ["principalGroups", "principal.groups"],
  ["principalKinds", "principal.kind"],
  ["resources", "resource.type"],
  ["purposes", "intent.purpose"],
  ["tasks", "intent.task"],
]);

function guardReads({ guard, at }: Rule): Read[] {
  return Object.keys(guard).flatMap((name) => {
    const path = ASKED.get(name);
    return path === undefined ? [] : [{ path, at }];
  });
}

/** `around` is the place of what it stands in, for what has none itself. */
function reads(node: unknown, program: Program, around: number): Read[] {
  if (typeof node !== "object" || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((inner) => reads(inner, program, around));
  const expr = node as Partial<Expr> & Part;
  const own: Read[] = [];
  const at = expr.at ?? around;
  if (expr.base === "completed") own.push({ path: "outcome", at });
  for (const { argument } of expr.binds ?? []) own.push({ path: `args.${argument}`, at });
  switch (expr.kind) {
    case "const":
      return [];
    case "attribute":
    case "root": {
      const path = pathKey(expr as Expr);
      return path === undefined
        ? reads((expr as { of?: unknown }).of, program, at)
        : [{ path, at }];
    }
    case "origin":
      own.push({ path: "outcome", at });
      break;
    case "counter":
      if (program.counters[expr.counter ?? -1]?.calls.base === "completed")
        own.push({ path: "outcome", at });
      break;
    case "latch":
      if (program.latches[expr.latch ?? -1]?.calls.base === "completed")
        own.push({ path: "outcome", at });
      break;
    case "call":
      own.push(...reads(program.functions[expr.function ?? -1]?.body, program, at));
  }
  return [...own, ...Object.values(node).flatMap((inner) => reads(inner, program, at))];
}

/** What parts that are no expressions hold: calls of a counter, a step of a task. */
interface Part {
  readonly base?: unknown;
  readonly binds?: StepDecl["binds"];
  readonly at?: number;
}

export function spanOf(program: Program, at: number): Span {
  const [file = 0, start = 0, end = 0] = program.places.slice(at * 5, at * 5 + 3);
  return { file, start, end };
}
