/** PEP profiles (SPEC §9.3): a rule that reads what an enforcement point cannot supply would never fire there. */
import type * as ast from "./ast.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Expr, Program } from "./ir.ts";
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
    for (const { path, at } of reads(owner, program)) {
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

function reads(node: unknown, program: Program): Read[] {
  if (typeof node !== "object" || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((inner) => reads(inner, program));
  const expr = node as Partial<Expr> & { base?: unknown; at?: number };
  const own: Read[] = [];
  if (expr.base === "completed") own.push({ path: "outcome", at: expr.at ?? 0 });
  switch (expr.kind) {
    case "attribute":
    case "root": {
      const path = pathKey(expr as Expr);
      return path === undefined
        ? reads((expr as { of?: unknown }).of, program)
        : [{ path, at: expr.at ?? 0 }];
    }
    case "origin":
      own.push({ path: "outcome", at: expr.at ?? 0 });
      break;
    case "counter":
      if (program.counters[expr.counter ?? -1]?.calls.base === "completed")
        own.push({ path: "outcome", at: expr.at ?? 0 });
      break;
    case "latch":
      if (program.latches[expr.latch ?? -1]?.calls.base === "completed")
        own.push({ path: "outcome", at: expr.at ?? 0 });
      break;
    case "call":
      own.push(...reads(program.functions[expr.function ?? -1]?.body, program));
  }
  return [...own, ...Object.values(node).flatMap((inner) => reads(inner, program))];
}

export function spanOf(program: Program, at: number): Span {
  const [file = 0, start = 0, end = 0] = program.places.slice(at * 5, at * 5 + 3);
  return { file, start, end };
}
