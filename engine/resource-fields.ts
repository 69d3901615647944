/** What a resource of every policy has (SPEC §4.4), beside the attributes that are declared. */
import type { Program } from "../lang/ir.ts";
import type { Field, Type } from "../lang/type.ts";

export const STRINGS_OF_LABELS: Type = { kind: "Set", of: { kind: "Label" } };

/** `sensitivity` is there wherever the policy has that level, and highest where nobody says. */
export function resourceFields(program: Program, declared: readonly Field[]): readonly Field[] {
  const fields: Field[] = [
    { name: "labels", type: STRINGS_OF_LABELS, default: [] },
    { name: "tenant", type: { kind: "Optional", of: { kind: "String" } } },
  ];
  const level = program.levels.find(({ name }) => name === "Sensitivity");
  if (level !== undefined) {
    const top = level.values.at(-1) ?? "";
    fields.push({ name: "sensitivity", type: { kind: "Level", name: level.name }, default: top });
  }
  return withDeclared(fields, declared);
}

/** Built-in attributes that declared ones do not replace, and those. */
export function withDeclared(
  builtIn: readonly Field[],
  declared: readonly Field[],
): readonly Field[] {
  const own = builtIn.filter(({ name }) => !declared.some((other) => other.name === name));
  return [...own, ...declared];
}
