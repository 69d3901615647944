/**
 * Flow typing (SPEC §5.2): what is known to hold where an expression stands, because a condition before it
 * was true or false. What is known is named by `knownKey`.
 */
import type { Expr } from "./ir.ts";

export interface Known {
  /** What is present, by key. */
  readonly present: ReadonlySet<string>;
  /** Tools the request can still be a call of (indexes, ascending); undefined = any. */
  readonly tools?: readonly number[];
  /** Resource types the request's resource can still have; undefined = any, and perhaps none at all. */
  readonly resources?: readonly string[];
}

export const NOTHING: Known = { present: new Set() };

/** Both hold. */
export function both(a: Known, b: Known): Known {
  if (a === NOTHING) return b;
  if (b === NOTHING) return a;
  const tools = a.tools && b.tools ? meet(a.tools, b.tools) : (a.tools ?? b.tools);
  const resources =
    a.resources && b.resources
      ? a.resources.filter((name) => b.resources?.includes(name))
      : (a.resources ?? b.resources);
  return {
    present: b.present.size === 0 ? a.present : new Set([...a.present, ...b.present]),
    ...(tools === undefined ? {} : { tools }),
    ...(resources === undefined ? {} : { resources }),
  };
}

/** One of them holds: only what both say. */
export function either(a: Known, b: Known): Known {
  const present = new Set([...a.present].filter((path) => b.present.has(path)));
  const tools = a.tools && b.tools && union(a.tools, b.tools);
  const resources = join(a.resources, b.resources);
  return {
    present,
    ...(tools === undefined ? {} : { tools }),
    ...(resources === undefined ? {} : { resources }),
  };
}

export function presence(...paths: readonly string[]): Known {
  return { present: new Set(paths) };
}

/** The path of an expression and of everything it is inside of: none of that can be absent where it is there. */
export function presenceOf(expr: Expr): Known {
  const paths: string[] = [];
  for (let inner: Expr | undefined = expr; inner !== undefined; ) {
    paths.push(knownKey(inner));
    inner = inner.kind === "attribute" || inner.kind === "index" ? inner.of : undefined;
  }
  return presence(...paths);
}

/**
 * How an expression is named among what is known. Nothing changes while one decision is made, so two expressions
 * that say the same are the same value, whatever they are.
 */
export function knownKey(expr: Expr): string {
  return pathKey(expr) ?? JSON.stringify(expr, withoutPlace);
}

/** A table that is written out may have a member `at`, which is no place. */
function withoutPlace(this: unknown, name: string, value: unknown): unknown {
  if (name === "at") return undefined;
  return name === "value" && isConstant(this) ? JSON.stringify(value) : value;
}

function isConstant(node: unknown): boolean {
  return typeof node === "object" && node !== null && "kind" in node && node.kind === "const";
}

/** How a path is named; undefined for what is no path. */
export function pathKey(expr: Expr): string | undefined {
  switch (expr.kind) {
    case "root":
      return expr.name;
    case "local":
      return `#${expr.id}`;
    case "attribute": {
      const of = pathKey(expr.of);
      return of === undefined ? undefined : `${of}.${expr.name}`;
    }
    case "index": {
      const of = pathKey(expr.of);
      const index =
        expr.index.kind === "const" ? JSON.stringify(expr.index.value) : pathKey(expr.index);
      return of === undefined || index === undefined ? undefined : `${of}[${index}]`;
    }
    default:
      return undefined;
  }
}

/** Tools that are in one of the lists; all three are ascending. */
function union(a: readonly number[], b: readonly number[]): readonly number[] {
  const found: number[] = [];
  let at = 0;
  for (const tool of a) {
    for (let next = b[at]; next !== undefined && next <= tool; next = b[++at]) {
      if (next < tool) found.push(next);
    }
    found.push(tool);
  }
  return found.concat(b.slice(at));
}

/** Tools that are in both lists; all three are ascending. */
export function meet(a: readonly number[], b: readonly number[]): readonly number[] {
  if (a === b) return a;
  const found: number[] = [];
  let at = 0;
  for (const tool of a) {
    while ((b[at] ?? Number.POSITIVE_INFINITY) < tool) at++;
    if (b[at] === tool) found.push(tool);
  }
  return found;
}

function join<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): T[] | undefined {
  return a === undefined || b === undefined ? undefined : [...new Set([...a, ...b])];
}
