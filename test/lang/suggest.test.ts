import { expect, test } from "vitest";
import { suggest } from "../../lang/suggest.ts";

test.each([
  ["ammount", ["to", "amount"], "amount"],
  ["permt", ["permit", "forbid"], "permit"],
  ["ab", ["ac", "xy"], "ac"],
  ["i", ["if", "in"], undefined],
  ["f", ["c"], undefined],
  ["recipient", ["amount"], undefined],
])("%s of %j is taken for %s", (word, candidates, meant) => {
  expect(suggest(word, candidates)).toBe(meant);
});
