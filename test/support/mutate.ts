/** Texts that are nearly policies: a few tokens left out, doubled, exchanged or replaced by others of the text. */
import { type Random, randomFrom } from "../differential/random.ts";

const TOKEN = /"(?:[^"\\\n]|\\.)*"|[A-Za-z0-9_.]+|[^\sA-Za-z0-9_"]+|\s+/g;

export function changed(text: string, seed: number): string {
  const random = randomFrom(seed * 7 + 3);
  const tokens = text.match(TOKEN) ?? [];
  for (let count = 1 + random.below(3); count > 0; count--) change(tokens, random);
  return tokens.join("");
}

function change(tokens: string[], random: Random): void {
  const at = visible(tokens, random);
  const other = visible(tokens, random);
  const [here = "", there = ""] = [tokens[at], tokens[other]];
  switch (random.below(10)) {
    case 0:
      tokens.splice(at, 1);
      return;
    case 1:
      tokens.splice(at, 0, here, " ");
      return;
    case 2:
      tokens[at] = there;
      tokens[other] = here;
      return;
    default: {
      // One of its own kind has the best chance to pass.
      const alike = tokens.filter((token) => kindOf(token) === kindOf(here));
      tokens[at] = random.pick(alike);
    }
  }
}

function visible(tokens: readonly string[], random: Random): number {
  for (;;) {
    const at = random.below(tokens.length);
    if (tokens[at]?.trim() !== "") return at;
  }
}

function kindOf(token: string): string {
  if (/^[A-Z]/.test(token)) return "type";
  if (/^[a-z]\w*$/.test(token)) return "word";
  if (/^[a-z]/.test(token)) return "path";
  return /^\d/.test(token) ? "number" : token.charAt(0) === '"' ? "text" : "sign";
}
