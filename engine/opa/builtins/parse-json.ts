/** JSON in a text that a policy was given, as OPA reads it: of two members of one name the last counts. Pure. */
import { Malformed, parseRego, type Rego } from "../rego.ts";
import { fail } from "./builtin.ts";

export function parseJson(text: string): Rego {
  try {
    // The reader of values takes more than JSON; whole numbers of any size come through it.
    JSON.parse(text);
    return parseRego(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Malformed) return fail("no JSON");
    throw error;
  }
}
