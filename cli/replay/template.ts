import {
  type Documents,
  fill as fillTemplate,
  select as selectAll,
  TemplateFault,
} from "../../engine/template.ts";
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";

/** `fill` and `select` of `engine/template.ts`: a template that is wrong is the user's to repair. */
export function fill(template: Json, documents: Documents): Json | undefined {
  return orMisuse(() => fillTemplate(template, documents));
}

export function select(document: Json | undefined, path: Json): Json[] {
  return orMisuse(() => selectAll(document, path));
}

function orMisuse<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (fault) {
    if (fault instanceof TemplateFault) throw new Misuse(fault.message, fault.help);
    throw fault;
  }
}
