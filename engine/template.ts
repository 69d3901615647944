/**
 * How requests are made from what others say: recorded traces, AuthZEN's subjects and resources, headers. A value
 * `{ "$from": DOCUMENT, … }` stands for a part of one of the documents at hand; all else stands for itself.
 */
import type { Json } from "../lang/type.ts";

interface JsonObject {
  readonly [name: string]: Json;
}

/** A template that means nothing; never a fault of what it is filled with. */
export class TemplateFault extends Error {
  readonly help: string;

  constructor(message: string, help: string = WORDS) {
    super(message);
    this.help = help;
  }
}

const WORDS =
  "templates are `$from` (beside it `path` or `paths`, `else`, `map`, `drop`), `$merge` and, in a record, `$when`: docs/replay.md";

export type Documents = Readonly<Record<string, Json | undefined>>;

/** Throws `TemplateFault` where the template is wrong; `undefined` where there is no such value. */
export function fill(template: Json, documents: Documents): Json | undefined {
  if (Array.isArray(template)) {
    return template.flatMap((item) => {
      const value = fill(item, documents);
      return value === undefined ? [] : [value];
    });
  }
  if (!isObject(template)) return template;
  if ("$from" in template) return taken(template, documents);
  if ("$merge" in template) return merged(template, documents);
  const { $when, ...members } = template;
  if ($when !== undefined && fill($when, documents) === undefined) return undefined;
  const made: Record<string, Json> = {};
  for (const [name, inner] of Object.entries(members)) {
    if (name.startsWith("$")) throw new TemplateFault(`\`${name}\` means nothing in a template`);
    const value = fill(inner, documents);
    if (value !== undefined) made[name] = value;
  }
  return made;
}

/**
 * `path`: the one value there, or the first that is there of several; `paths`: every value there is. `map` gives
 * a text another value, or none (null); what it does not name, and whatever is no text, is `else`, and without that stays.
 */
function taken(template: JsonObject, documents: Documents): Json | undefined {
  const { $from, path, paths, map, drop, else: otherwise, ...rest } = template;
  checkRest(rest, "$from");
  if (typeof $from !== "string" || !(($from as string) in documents)) {
    const known = Object.keys(documents).join(", ");
    throw new TemplateFault(
      `there is no document ${JSON.stringify($from)} to take from`,
      `there is ${known}`,
    );
  }
  const document = documents[$from];
  if (paths !== undefined) return everything(document, paths);
  const found = first(document, path ?? "");
  if (found === undefined || found === null) return otherwise;
  if (drop !== undefined && isObject(found)) {
    const names = Array.isArray(drop) ? drop : [drop];
    return Object.fromEntries(Object.entries(found).filter(([name]) => !names.includes(name)));
  }
  if (!isObject(map)) return found;
  if (typeof found === "string" && Object.hasOwn(map, found)) return map[found] ?? undefined;
  return otherwise ?? found;
}

/** Finds what is wrong with a template before there is anything to fill it with. */
export function checkTemplate(template: Json, names: readonly string[]): void {
  const empty = Object.fromEntries(names.map((name) => [name, undefined]));
  if (Array.isArray(template)) for (const item of template) checkTemplate(item, names);
  if (!isObject(template)) return;
  if ("$from" in template) {
    fill(template, empty);
    return;
  }
  if ("$merge" in template) fill(template, empty);
  for (const [name, inner] of Object.entries(template)) {
    if (name.startsWith("$") && name !== "$when" && name !== "$merge") {
      throw new TemplateFault(`\`${name}\` means nothing in a template`);
    }
    checkTemplate(inner, names);
  }
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function first(document: Json | undefined, path: Json): Json | undefined {
  for (const one of Array.isArray(path) ? path : [path]) {
    const [found] = select(document, one);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

/** Without repetition, in the order found. */
function everything(document: Json | undefined, paths: Json): Json {
  const found = (Array.isArray(paths) ? paths : [paths]).flatMap((path) => select(document, path));
  const kept = new Map(
    found.filter((value) => value !== null).map((value) => [JSON.stringify(value), value]),
  );
  return [...kept.values()];
}

function checkRest(rest: JsonObject, word: string): void {
  const [unknown] = Object.keys(rest);
  if (unknown === undefined) return;
  throw new TemplateFault(`\`${unknown}\` means nothing beside \`${word}\``);
}

function merged({ $merge: parts, ...rest }: JsonObject, documents: Documents): Json {
  checkRest(rest, "$merge");
  if (!Array.isArray(parts)) throw new TemplateFault("`$merge` takes a list");
  return Object.assign({}, ...parts.map((part) => fill(part, documents) ?? {}));
}

/**
 * A JSON pointer in which `*` stands for every member or element, `*[name=value]` for those with that member,
 * and a last step `{key}` for the names of the members.
 */
export function select(document: Json | undefined, path: Json): Json[] {
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) {
    throw new TemplateFault(`${JSON.stringify(path)} is no path`, "such as `/accounts/*/iban`");
  }
  const steps = path.split("/").slice(1);
  let found: Json[] = document === undefined ? [] : [document];
  for (const step of steps) found = found.flatMap((value) => follow(value, step));
  return found;
}

/** Of what has one spelling alone: a list or a record is none that a filter names. */
function spelled(value: Json | undefined): string | undefined {
  return typeof value === "object" && value !== null ? undefined : String(value);
}

function follow(value: Json, step: string): Json[] {
  const filter = /^\*(?:\[([^=\]]+)=([^\]]*)\])?$/.exec(step);
  if (filter !== null) {
    const [, name, wanted] = filter;
    const all = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    if (name === undefined) return all;
    return all.filter(
      (item) => isObject(item) && Object.hasOwn(item, name) && spelled(item[name]) === wanted,
    );
  }
  if (step === "{key}") return isObject(value) ? Object.keys(value) : [];
  const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
  if (Array.isArray(value)) {
    const item: Json | undefined = value[Number(name)];
    return item === undefined ? [] : [item];
  }
  if (!isObject(value) || !Object.hasOwn(value, name)) return [];
  const member = value[name];
  return member === undefined ? [] : [member];
}
