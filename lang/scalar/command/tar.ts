/** What tar runs, and what it writes. */
import { after, hasLetter, valueOfOption } from "./line.ts";
import type { Call } from "./scope.ts";
import type { Walk } from "./walk.ts";

export function followTar(walk: Walk, call: Call): void {
  const { args, scope } = call;
  for (const word of args) {
    const [action] = /^--checkpoint-a[a-z]*=exec=/.exec(word.text) ?? [];
    if (action !== undefined) walk.inner(after(word, action.length), scope);
    else if (/^--checkpoint-a[a-z]*$/.test(word.text)) walk.parsed = false;
  }
  // `cIf program`: letters without a dash take the words behind them in turn.
  if (/^\w*[IF]/.test(args[0]?.text ?? "")) walk.parsed = false;
  noteArchive(walk, call);
}

/** What tar makes: an archive, or what was in one. */
function noteArchive(walk: Walk, { args, scope }: Call): void {
  const [bundle, file] = args;
  const letters = args.map(({ text }, at) => (at === 0 ? text.replace(/^(?!-)/, "-") : text));
  const has = (wanted: string, words: RegExp) =>
    letters.some((text) => hasLetter(text, wanted) || words.test(text));
  const creates = has("cru", /^--(?:create|append|update)$/);
  const extracts = has("x", /^--(?:extract|get)$/);
  if (creates && /^\w*f$/.test(bundle?.text ?? "") && file) walk.file(walk.writes, file, scope);
  args.forEach((word, at) => {
    const made = creates ? valueOfOption(word, ["-f", "--file"], args[at + 1]) : undefined;
    const into = extracts ? valueOfOption(word, ["-C", "--directory"], args[at + 1]) : undefined;
    for (const one of [made, into]) if (one !== undefined) walk.file(walk.writes, one, scope);
  });
}
