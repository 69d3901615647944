/** Reading JSON that this program once wrote: what is not as it was written is damaged, and says so. */
import type { Json } from "../../lang/type.ts";
import type { Scalar } from "../value.ts";

/** What was stored is not what was written: thrown, since nothing can be decided on it. */
export class StateUnreadable extends Error {}

export type JsonObject = { readonly [name: string]: Json };

export function isArray(json: Json | undefined): json is readonly Json[] {
  return Array.isArray(json);
}

export function objectOf(json: Json | undefined): JsonObject {
  if (typeof json !== "object" || json === null || isArray(json)) {
    return unreadable("an object", json);
  }
  return json;
}

export function listOf(json: Json | undefined): readonly Json[] {
  return isArray(json) ? json : unreadable("a list", json);
}

export function memberAt(json: Json, index: number): Json {
  return listOf(json)[index] ?? null;
}

export function textAt(json: Json, index: number): string {
  return textOf(memberAt(json, index));
}

export function textOf(json: Json | undefined): string {
  return typeof json === "string" ? json : unreadable("a text", json);
}

export function numberOf(json: Json | undefined): number {
  return typeof json === "number" ? json : unreadable("a number", json);
}

export function scalarOf(json: Json): Scalar {
  return json === null || typeof json === "object" ? unreadable("a simple value", json) : json;
}

export function unreadable(wanted: string, found: Json | undefined): never {
  throw new StateUnreadable(`${wanted} was stored here, and there is ${kindOf(found)}`);
}

/** Never the value itself: it may be a secret of the person's. */
function kindOf(found: Json | undefined): string {
  if (found === undefined || found === null) return "nothing";
  return isArray(found) ? "a list" : `a ${typeof found}`;
}
