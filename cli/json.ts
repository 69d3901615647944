import type { Json } from "../lang/type.ts";

export interface JsonObject {
  readonly [name: string]: Json;
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
