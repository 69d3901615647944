/** The parts of an AuthZEN request (Authorization API 1.0, §5); members that it does not name are ignored. */
import type { Json } from "../../../lang/type.ts";
import { isObject, type Problem, report, wrong } from "../../value-reader.ts";

export interface Properties {
  readonly [name: string]: Json;
}

export interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties?: Properties;
}

export interface Action {
  readonly name: string;
  readonly properties?: Properties;
}

export interface Tuple {
  readonly subject: Entity;
  readonly action: Action;
  readonly resource: Entity;
  readonly context?: Properties;
}

/** Of a body that is a mapping of names: its parts, which are read one by one. */
export type Parts = Readonly<Record<string, unknown>>;

export function readTuple(given: Parts, problems: Problem[]): Tuple | undefined {
  const subject = readEntity(given.subject, "/subject", problems);
  const action = readAction(given.action, "/action", problems);
  const resource = readEntity(given.resource, "/resource", problems);
  const context = readProperties(given.context, "/context", problems);
  if (subject === undefined || action === undefined || resource === undefined) return undefined;
  return { subject, action, resource, ...(context === undefined ? {} : { context }) };
}

export function readEntity(json: unknown, at: string, problems: Problem[]): Entity | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const type = readText(json.type, `${at}/type`, problems);
  const id = readText(json.id, `${at}/id`, problems);
  const properties = readProperties(json.properties, `${at}/properties`, problems);
  if (type === undefined || id === undefined) return undefined;
  return { type, id, ...(properties === undefined ? {} : { properties }) };
}

export function readAction(json: unknown, at: string, problems: Problem[]): Action | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const name = readText(json.name, `${at}/name`, problems);
  const properties = readProperties(json.properties, `${at}/properties`, problems);
  if (name === undefined) return undefined;
  return { name, ...(properties === undefined ? {} : { properties }) };
}

/** What is searched for: an id in it means nothing. */
export function readType(json: unknown, at: string, problems: Problem[]): string | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  return readText(json.type, `${at}/type`, problems);
}

export function readProperties(
  json: unknown,
  at: string,
  problems: Problem[],
): Properties | undefined {
  if (json === undefined) return undefined;
  return isObject(json) ? (json as Properties) : wrong(problems, at, "an object", json);
}

function readText(json: unknown, at: string, problems: Problem[]): string | undefined {
  if (typeof json !== "string") return wrong(problems, at, "text", json);
  return json === "" ? report(problems, at, "is empty") : json;
}
