/** The body of an order: who orders what of which session, and why. */
import type { JsonValue } from "../../json.ts";
import {
  below,
  isObject,
  onlyMembers,
  type Problem,
  readId,
  report,
  wrong,
} from "../../value-reader.ts";
import type { Action } from "./admin.ts";

export interface Order {
  readonly session: string;
  readonly label?: string | undefined;
  readonly operator: string;
  readonly because: string;
}

/** Characters of a reason, and of a name. */
const BECAUSE_MOST = 500;
const OPERATOR_MOST = 128;

export function readOrder(
  input: JsonValue,
  action: Action,
  problems: Problem[],
): Order | undefined {
  if (!isObject(input)) return wrong(problems, "", "an object", input);
  const members = ["session", "operator", "because", ...(action === "declassify" ? ["label"] : [])];
  for (const name of Object.keys(input)) {
    if (!members.includes(name)) report(problems, below("", name), "is no member of this order");
  }
  const session = readId(input.session, "/session", problems);
  const label = action === "declassify" ? readId(input.label, "/label", problems) : undefined;
  const why = readWhy(input, problems);
  return session === undefined || why === undefined ? undefined : { session, label, ...why };
}

/** What an order may say beside who gives it, and why. */
export function readMembers(
  input: JsonValue,
  names: readonly string[],
  problems: Problem[],
): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(input)) return wrong(problems, "", "an object", input);
  return onlyMembers(input, [...names, "operator", "because"], "", problems);
}

/** Who orders something, and why: of every order. */
export function readWhy(
  given: Readonly<Record<string, unknown>>,
  problems: Problem[],
): Pick<Order, "operator" | "because"> | undefined {
  const operator = readShort(given.operator, "/operator", OPERATOR_MOST, problems);
  const because = readShort(given.because, "/because", BECAUSE_MOST, problems);
  return operator === undefined || because === undefined ? undefined : { operator, because };
}

/** As an id is read: no character that people cannot see stands in a record. */
function readShort(
  json: unknown,
  at: string,
  most: number,
  problems: Problem[],
): string | undefined {
  if (typeof json !== "string" || json === "") return wrong(problems, at, "a text", json);
  if (json.length > most) return report(problems, at, `is longer than ${most}`);
  return readId(json, at, problems);
}
