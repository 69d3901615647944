/** What the author wrote, for explanations. Pure. */
import type { Program } from "../../lang/ir.ts";
import { lex } from "../../lang/lex.ts";
import { keyword } from "../../lang/tokens.ts";

/** What stands at a place (an index of `Program.places`); `undefined` where only the program is at hand. */
export interface Texts {
  /** On one line, without comments. */
  at(place: number): string | undefined;
  /** Whether it is the condition of an `unless`. */
  isUnless(place: number): boolean;
  /** Whether the rule whose name stands there says `tool effect …`. */
  isByEffect(place: number): boolean;
}

export function textsOf(program: Program, sources: readonly { readonly text: string }[]): Texts {
  const unless = new Map<number, ReadonlySet<number>>();
  const byEffect = new Map<number, ReadonlySet<number>>();
  const unlessIn = (file: number): ReadonlySet<number> => {
    const known = unless.get(file) ?? afterUnless(sources[file]?.text ?? "");
    unless.set(file, known);
    return known;
  };
  const byEffectIn = (file: number): ReadonlySet<number> => {
    const known = byEffect.get(file) ?? namesByEffect(sources[file]?.text ?? "");
    byEffect.set(file, known);
    return known;
  };
  const spanOf = (place: number) => program.places.slice(place * 5, place * 5 + 3);
  return {
    at(place) {
      const [file = 0, start = 0, end = 0] = spanOf(place);
      const text = sources[file]?.text ?? "";
      return text === "" ? undefined : onOneLine(text.slice(start, end));
    },
    isUnless(place) {
      const [file = 0, start = 0] = spanOf(place);
      return unlessIn(file).has(start);
    },
    isByEffect(place) {
      const [file = 0, start = 0] = spanOf(place);
      return byEffectIn(file).has(start);
    },
  };
}

/** Strings are as they are: what stands in them is no comment. */
function onOneLine(text: string): string {
  return text.replace(STRING_OR_GAP, (found) => (found.startsWith('"') ? found : " ")).trim();
}

const STRING_OR_GAP = /"(?:[^"\\]|\\.)*"|(?:\s|\/\/[^\r\n]*)+/g;

/** Where what follows the word begins. */
function afterUnless(text: string): ReadonlySet<number> {
  const { tokens } = lex(text, 0, () => {});
  return new Set(
    tokens.flatMap(({ startOffset }, at) =>
      tokens[at - 1]?.tokenType === keyword.unless ? [startOffset] : [],
    ),
  );
}

const RULES = new Set([keyword.permit, keyword.forbid, keyword.hold, keyword.oblige]);

/** Where the names of rules begin that select tools by `tool effect …`. */
function namesByEffect(text: string): ReadonlySet<number> {
  const { tokens } = lex(text, 0, () => {});
  const names = new Set<number>();
  let name = 0;
  for (const [at, { tokenType }] of tokens.entries()) {
    const before = tokens[at - 1]?.tokenType;
    if (RULES.has(tokenType)) name = tokens[at + 1]?.startOffset ?? 0;
    if (tokenType === keyword.effect && before === keyword.tool) names.add(name);
  }
  return names;
}
