/** What of an evaluation an approval is bound to (ARAP, Authorization-Relevant Context and Binding Token Integrity). Pure. */
import { createHash } from "node:crypto";
import type { Json } from "../../../lang/type.ts";
import { canonicalJson } from "../../canonical-json.ts";
import { isObject } from "../../value-reader.ts";
import type { Entity, Properties, Tuple } from "./entities.ts";

/** Members of the context that requests are made from; of a context that is taken whole, every one. */
export type ContextMembers = ReadonlySet<string> | "every";

/** The one member that is never part of what is asked. */
export const REFERENCE = "approval";

/** What templates take from `context`. */
export function contextMembersOf(templates: readonly Json[]): ContextMembers {
  const members = new Set<string>();
  for (const path of templates.flatMap(pathsIn)) {
    const [, step = "*"] = path.split("/");
    if (step.startsWith("*") || step.startsWith("{")) return "every";
    members.add(step.replaceAll("~1", "/").replaceAll("~0", "~"));
  }
  return members;
}

function pathsIn(template: Json): readonly string[] {
  if (Array.isArray(template)) return template.flatMap(pathsIn);
  if (!isObject(template)) return [];
  const { $from, path, paths } = template;
  const inner = Object.values(template as Readonly<Record<string, Json>>).flatMap(pathsIn);
  if ($from !== "context") return inner;
  const taken = [paths ?? path ?? ""].flat();
  return [...inner, ...taken.filter((one) => typeof one === "string")];
}

/** Those of this very context. */
export function membersIn(context: Properties | undefined, wanted: ContextMembers) {
  const names = wanted === "every" ? Object.keys(context ?? {}) : [...wanted];
  return names.filter((name) => name !== REFERENCE).sort();
}

export interface Bound {
  readonly hash: string;
  readonly actorHash?: string;
}

/** Of the subject without `properties.act`, which may stand in `client.actor` as well, and has a hash of its own. */
export function boundBy(tuple: Tuple, members: readonly string[]): Bound {
  const { action, resource, context: given = {} } = tuple;
  const context = Object.fromEntries(
    members.flatMap((name) => (Object.hasOwn(given, name) ? [[name, given[name]]] : [])),
  );
  const { act, subject } = withoutActor(tuple.subject);
  const hash = hashOf({ subject, resource, action, context });
  return act === undefined ? { hash } : { hash, actorHash: hashOf(act) };
}

/** A subject whose only property was its actor has none without it. */
function withoutActor({ properties = {}, ...subject }: Entity): {
  readonly act: Json | undefined;
  readonly subject: Entity;
} {
  const { act, ...rest } = properties;
  const bare = Object.keys(rest).length === 0;
  return { act, subject: bare ? subject : { ...subject, properties: rest } };
}

function hashOf(json: unknown): string {
  return createHash("sha256").update(canonicalJson(json)).digest("base64url");
}
