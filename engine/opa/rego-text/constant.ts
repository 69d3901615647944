import type { Program } from "../../../lang/ir.ts";
import { spellDecimal } from "../../../lang/scalar/decimal.ts";
import type { Json, Type } from "../../../lang/type.ts";
import { memberOf, setOf } from "./names.ts";
import type { Readers } from "./readers.ts";

/** A constant as the author means it: `dec(12.50)`, `levels.Sensitivity.internal`. */
export function constant(value: Json, type: Type, program: Program, readers: Readers): string {
  switch (type.kind) {
    case "Decimal":
      return `${readers.use("dec")}(${spellDecimal(Number(value))})`;
    case "Level": {
      const names = program.levels.find(({ name }) => name === type.name)?.values ?? [];
      return memberOf(memberOf("levels", type.name), names[Number(value)] ?? "");
    }
    case "Set":
      return setOf(
        (value as readonly Json[]).map((item) => constant(item, type.of, program, readers)),
      );
    case "List":
      return `[${(value as readonly Json[]).map((item) => constant(item, type.of, program, readers)).join(", ")}]`;
    case "Optional":
      return constant(value, type.of, program, readers);
    default:
      return JSON.stringify(value);
  }
}
