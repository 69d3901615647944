/** Options of `writ replay` that are numbers. */
import { type Input, Misuse } from "../command.ts";

export function percentGiven(name: string, { values }: Input): number | undefined {
  const given = values.get(name);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (given.trim() !== "" && number >= 0 && number <= 100) return number;
  throw new Misuse(`\`--${name}\` is a number from 0 to 100, not ${JSON.stringify(given)}`);
}

const LISTED = 20;

export function limitOf({ values }: Input, otherwise = LISTED): number {
  const given = values.get("limit");
  const number = given === undefined ? otherwise : Number(given);
  if (!Number.isInteger(number) || number < 0) {
    throw new Misuse(`\`--limit\` is a whole number, not ${JSON.stringify(given)}`);
  }
  return number === 0 ? Number.POSITIVE_INFINITY : number;
}
