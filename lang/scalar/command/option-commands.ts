/** Commands that stand in a program's options. */
import type { CommandOptions } from "../programs/options.ts";
import { placed, UNKNOWN_WORD } from "./found.ts";
import { valueOfOption } from "./line.ts";
import type { Call } from "./scope.ts";
import type { Walk } from "./walk.ts";

/** `-x`, `-Hx`, `--exec`: its value is what follows. */
function endsWithOption(text: string, words: readonly string[]): boolean {
  const letter = /^-[^-]/.test(text) ? `-${text.slice(-1)}` : text;
  return words.includes(letter) || words.includes(text);
}

/** `rsync -e 'ssh -i key'`, `rg --pre=unzip`, `fd -x rm {} ;` */
export function followOptions(
  walk: Walk,
  options: CommandOptions | undefined,
  { args, scope }: Pick<Call, "args" | "scope">,
): void {
  if (options === undefined) return;
  const { texts = [], joined = [], words = [] } = options;
  let own = 0;
  args.forEach((word, at) => {
    if (at < own) return;
    const value =
      valueOfOption(word, texts, args[at + 1]) ?? valueOfOption(word, joined, undefined);
    if (value !== undefined) walk.inner(value, scope);
    const first = valueOfOption(word, words, undefined);
    if (first === undefined && !endsWithOption(word.text, words)) return;
    const end = args.findIndex((other, index) => index > at && other.text === ";");
    // Options in there are those of the command.
    own = end < 0 ? args.length : end;
    const command = [...(first === undefined ? [] : [first]), ...args.slice(at + 1, own)];
    // What is found stands at the end where no braces say where.
    walk.run([...command.map((one) => placed(one, "{}")), UNKNOWN_WORD], scope);
  });
}
