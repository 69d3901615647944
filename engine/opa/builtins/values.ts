/** Values made of values: `object.subset`, `json.patch`, `json.marshal_with_options` and `graph.reachable_paths`. Pure. */
import {
  compareRego,
  equalRego,
  isRegoArray,
  type Rego,
  RegoObject,
  RegoSet,
  spellRego,
} from "../rego.ts";
import {
  arrayOf,
  type Builtin,
  booleanOf,
  bounded,
  elementsOf,
  fail,
  objectOf,
  textOf,
} from "./builtin.ts";
import { patched } from "./patch.ts";

export const VALUES: readonly (readonly [string, Builtin])[] = [
  ["object.subset", ([whole, part]) => isSubset(whole ?? null, part ?? null)],
  ["json.patch", ([document, steps]) => patched(document ?? null, arrayOf(steps))],
  ["json.marshal_with_options", ([value, options]) => marshal(value ?? null, objectOf(options))],
  ["graph.reachable_paths", ([graph, from]) => reachablePaths(objectOf(graph), elementsOf(from))],
];

function isSubset(whole: Rego, part: Rego): boolean {
  if (whole instanceof RegoObject && part instanceof RegoObject) return hasMembers(whole, part);
  if (whole instanceof RegoSet && part instanceof RegoSet) return hasElements(whole, part);
  if (isRegoArray(whole) && part instanceof RegoSet) return hasAsMany(whole, part);
  if (isRegoArray(whole) && isRegoArray(part)) return hasRun(whole, part);
  return fail("both must be objects, sets or arrays");
}

function hasMembers(whole: RegoObject, part: RegoObject): boolean {
  return [...part.members.values()].every(([key, value]) => {
    const there = whole.get(key);
    if (there === undefined) return false;
    return equalRego(there, value) || (areAlike(there, value) && isSubset(there, value));
  });
}

function areAlike(a: Rego, b: Rego): boolean {
  return (
    (a instanceof RegoObject && b instanceof RegoObject) ||
    (a instanceof RegoSet && b instanceof RegoSet) ||
    (isRegoArray(a) && isRegoArray(b))
  );
}

function hasElements(whole: RegoSet, part: RegoSet): boolean {
  return [...part.elements.keys()].every((key) => whole.elements.has(key));
}

/** As OPA counts: what stands twice in the array counts twice, and an empty one holds not even an empty set. */
function hasAsMany(whole: readonly Rego[], part: RegoSet): boolean {
  let missing = part.elements.size;
  return whole.some((one) => {
    if (part.has(one)) missing -= 1;
    return missing === 0;
  });
}

/** All of it in one row. */
function hasRun(whole: readonly Rego[], part: readonly Rego[]): boolean {
  bounded((whole.length - part.length + 1) * part.length);
  const [all, sought] = [whole.map(spellRego), part.map(spellRego)];
  return (
    all.some(
      (_, at) => at + sought.length <= all.length && sought.every((one, i) => one === all[at + i]),
    ) || sought.length === 0
  );
}

function marshal(value: Rego, options: RegoObject): string {
  const { prefix, indent, pretty } = layoutOf(options);
  const json = jsonText(value, pretty ? indent : "", pretty ? prefix : "", pretty ? "\n" : "", 0);
  return pretty ? `${prefix}${json}` : json;
}

function layoutOf(options: RegoObject) {
  const known = ["prefix", "indent", "pretty"];
  for (const [key] of options.members.values()) {
    if (typeof key !== "string" || !known.includes(key)) fail("no such option");
  }
  const [prefix, indent, pretty] = known.map((name) => options.get(name));
  return {
    prefix: prefix === undefined ? "" : textOf(prefix),
    indent: indent === undefined ? "\t" : textOf(indent),
    // Saying how to lay it out asks for it.
    pretty: pretty === undefined ? prefix !== undefined || indent !== undefined : booleanOf(pretty),
  };
}

/** JSON as Go writes it: members in order, and on lines of their own where `line` says so. */
function jsonText(
  value: Rego,
  indent: string,
  prefix: string,
  line: string,
  depth: number,
): string {
  const inside = line === "" ? "" : `${line}${prefix}${indent.repeat(depth + 1)}`;
  const close = line === "" ? "" : `${line}${prefix}${indent.repeat(depth)}`;
  const items = isRegoArray(value) ? value : value instanceof RegoSet ? value.sorted() : undefined;
  const rest = (one: Rego) => jsonText(one, indent, prefix, line, depth + 1);
  if (items !== undefined) {
    return items.length === 0
      ? "[]"
      : `[${items.map((one) => inside + rest(one)).join(",")}${close}]`;
  }
  if (!(value instanceof RegoObject)) return escapeHtml(spellRego(value));
  const members = namedMembers(value).map(
    ([name, one]) =>
      `${inside}${escapeHtml(JSON.stringify(name))}:${line === "" ? "" : " "}${rest(one)}`,
  );
  return members.length === 0 ? "{}" : `{${members.join(",")}${close}}`;
}

/** By names, whatever the keys were. */
function namedMembers(value: RegoObject): readonly (readonly [string, Rego])[] {
  return [...value.members.values()]
    .map(([key, one]) => [typeof key === "string" ? key : spellRego(key), one] as const)
    .sort(([a], [b]) => compareRego(a, b));
}

/** Go's writer of JSON keeps these out of web pages. */
function escapeHtml(text: string): string {
  return text.replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Every way from each of `from` to where it ends, or would come back to itself; the first step may come back at once. */
function reachablePaths(graph: RegoObject, from: readonly Rego[]): Rego {
  const paths: Rego[] = [];
  let steps = 0;
  const follow = (node: Rego, before: readonly Rego[]) => {
    steps += before.length;
    bounded(steps);
    const edges = graph.get(node);
    if (edges === undefined) {
      paths.push(before);
      return;
    }
    const path = [...before, node];
    const next = neighboursOf(edges);
    if (next.length === 0) paths.push(path);
    for (const neighbour of next) {
      if (path.some((seen) => equalRego(seen, neighbour))) paths.push(path);
      else follow(neighbour, path);
    }
  };
  for (const node of from) {
    const edges = graph.get(node);
    if (edges === undefined) continue;
    const next = neighboursOf(edges);
    if (next.length === 0) paths.push([node]);
    for (const neighbour of next) follow(neighbour, [node]);
  }
  return new RegoSet(paths);
}

function neighboursOf(edges: Rego): readonly Rego[] {
  return isRegoArray(edges) || edges instanceof RegoSet ? elementsOf(edges) : [];
}
