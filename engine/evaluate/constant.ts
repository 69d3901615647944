import type { Json, Type } from "../../lang/type.ts";
import { record } from "../../lang/value.ts";
import type { Scalar, Value } from "../value.ts";

/** The run-time value that a `const` node holds in its JSON form. */
export function constantValue(type: Type, json: Json): Value {
  switch (type.kind) {
    case "Optional":
      return constantValue(type.of, json);
    case "Set":
      return new Set(
        (json as readonly Json[]).map((item) => constantValue(type.of, item) as Scalar),
      );
    case "List":
      return (json as readonly Json[]).map((item) => constantValue(type.of, item));
    case "Map":
      return new Map(
        Object.entries(json as object).map(([key, item]) => [key, constantValue(type.of, item)]),
      );
    case "Record": {
      const members = json as { readonly [key: string]: Json };
      const values = type.fields.flatMap((field) => {
        const member = Object.hasOwn(members, field.name) ? members[field.name] : undefined;
        return member === undefined || member === null
          ? []
          : [[field.name, constantValue(field.type, member)] as const];
      });
      return record(Object.fromEntries(values));
    }
    default:
      return json as Value;
  }
}
