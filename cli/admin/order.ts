/** What every order of an operator says: who gives it, and why. */
import { userInfo } from "node:os";
import { type Input, Misuse, type Option } from "../command.ts";

export const ORDER_OPTIONS: readonly Option[] = [
  { name: "because", value: "TEXT", help: "the reason of a change" },
  { name: "operator", value: "NAME", help: "who orders it (your name on this machine)" },
];

export function orderedBy(input: Input): { readonly operator: string; readonly because: string } {
  const because = input.values.get("because");
  if (because === undefined || because === "") {
    throw new Misuse("a change needs a reason", `\`--because "why"\`: it is recorded`);
  }
  return { operator: operatorIn(input), because };
}

/** As they call themselves. */
export function operatorIn({ values }: Input): string {
  return values.get("operator") ?? userInfo().username;
}
