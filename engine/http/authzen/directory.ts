/** Who and what the operator tells of: the candidates of searches, and where properties come from (SPEC §12.9). */
import { isObject, type Problem, report, wrong } from "../../value-reader.ts";
import { checkMembers } from "../members.ts";
import {
  type Action,
  type Entity,
  type Properties,
  readAction,
  readEntity,
  type Tuple,
} from "./entities.ts";

export interface Directory {
  readonly subjects: readonly Entity[];
  readonly resources: readonly Entity[];
  readonly actions: readonly Action[];
}

/**
 * Adds the properties that the operator tells of subjects and resources, which nobody who asks can change. Those
 * of an action say how it is meant, and are the asker's.
 */
export type Complete = (tuple: Tuple) => Tuple;

export function completeFrom(directory: Directory | undefined): Complete {
  if (directory === undefined) return (tuple) => tuple;
  const subjects = propertiesBy(directory.subjects);
  const resources = propertiesBy(directory.resources);
  return (tuple) => ({
    ...tuple,
    subject: withProperties(tuple.subject, subjects.get(keyOf(tuple.subject))),
    resource: withProperties(tuple.resource, resources.get(keyOf(tuple.resource))),
  });
}

function keyOf({ type, id }: Entity): string {
  return JSON.stringify([type, id]);
}

function propertiesBy(entities: readonly Entity[]): ReadonlyMap<string, Properties | undefined> {
  return new Map(entities.map((entity) => [keyOf(entity), entity.properties]));
}

function withProperties(entity: Entity, told: Properties | undefined): Entity {
  if (told === undefined) return entity;
  return { ...entity, properties: { ...entity.properties, ...told } };
}

export function readDirectory(json: unknown, problems: Problem[]): Directory | undefined {
  if (json === undefined) return undefined;
  if (!isObject(json)) return wrong(problems, "/entities", "an object", json);
  checkMembers(json, ["subjects", "resources", "actions"], "/entities", problems);
  const entity = (item: unknown, at: string) => {
    checkMembers(item, ["type", "id", "properties"], at, problems);
    return readEntity(item, at, problems);
  };
  const action = (item: unknown, at: string) => {
    checkMembers(item, ["name", "properties"], at, problems);
    return readAction(item, at, problems);
  };
  return {
    subjects: readList(json.subjects, "/entities/subjects", entity, keyOf, problems),
    resources: readList(json.resources, "/entities/resources", entity, keyOf, problems),
    actions: readList(json.actions, "/entities/actions", action, ({ name }) => name, problems),
  };
}

/** Each is told of once, or it would depend on the order what is so. */
function readList<Part>(
  json: unknown,
  at: string,
  read: (item: unknown, at: string) => Part | undefined,
  key: (part: Part) => string,
  problems: Problem[],
): readonly Part[] {
  if (json === undefined) return [];
  if (!Array.isArray(json)) return wrong(problems, at, "a list", json) ?? [];
  const seen = new Set<string>();
  return json.flatMap((item, index) => {
    const part = read(item, `${at}/${index}`);
    if (part === undefined) return [];
    if (seen.has(key(part))) report(problems, `${at}/${index}`, "is told of a second time");
    seen.add(key(part));
    return [part];
  });
}
