/** One form of texts, so that what looks alike is the same (SPEC §7.5). Pure. */
import { isList, isMap, isSet, NULL, type Value } from "../../value.ts";

/** One form for what looks alike: NFC, blanks single, case folded. */
export function normalise(text: string): string {
  return spaced(text).toLowerCase();
}

export function spaced(text: string): string {
  return text.normalize("NFC").replace(/\s+/g, " ").trim();
}

/** People forget the blank behind a full stop: `to ann@acme.example.Then call her`. */
export function withBlanks(text: string): string {
  return text.replace(/(?<=[\p{Ll}\d][.!?])(?=\p{Lu}\p{Ll})/gu, " ");
}

/** The texts of all scalars in a value; of a list that stands in it many times, once. */
export function textsIn(
  value: Value | undefined,
  form = normalise,
  visited = new Set<object>(),
): readonly string[] {
  if (value === undefined || value === NULL || typeof value === "boolean") return [];
  if (typeof value === "number") return [String(value)];
  if (typeof value === "string") return [form(value)];
  if (visited.has(value)) return [];
  visited.add(value);
  const inner: readonly (Value | undefined)[] = isList(value)
    ? value
    : [...(isSet(value) || isMap(value) ? value.values() : Object.values(value))];
  return inner.flatMap((item) => textsIn(item, form, visited));
}
