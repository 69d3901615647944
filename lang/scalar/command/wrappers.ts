/** Programs that run the command line behind their own arguments: `sudo`, `env`, `timeout`. */
import type { Wrapper } from "../programs/wrappers.ts";
import type { Word } from "../shell/tree.ts";
import { noteFiles } from "./files.ts";
import { ELSEWHERE, either } from "./folders.ts";
import { noteHosts } from "./hosts.ts";
import { followShellInput } from "./interpreters.ts";
import { after, hasLetter, isOption, optionLength, valueOfOption } from "./line.ts";
import { apart, type Call, NOTHING, OF_CALLER, type Scope } from "./scope.ts";
import { followJoined } from "./texts.ts";
import { noteEnvironment } from "./variables.ts";
import type { Walk } from "./walk.ts";

/** Wrappers that stay in the shell, so that a `cd` through them counts. */
const INSIDE_SHELL: ReadonlySet<string> = new Set(["builtin", "command", "time"]);

/** Options whose value is a text, split into words or run by a shell. */
const TEXT_OPTIONS: ReadonlyMap<string, RegExp> = new Map([
  ["env", /^(?:-\w*S|--split-string)/],
  ["flock", /^(?:-c|--command)/],
]);

export function followWrapper(walk: Walk, wrapper: Wrapper, call: Call): void {
  const { program, args, scope } = call;
  const at = commandStart(walk, wrapper, call);
  const own = args.slice(0, at);
  noteFiles(walk, { program, args: own, scope });
  noteHosts(walk, { program, args: own, scope });
  const inside = INSIDE_SHELL.has(program)
    ? scope
    : apart(scope, foldersInside(walk, wrapper, { program, args: own, scope }));
  const asked = wrapper.asks;
  if (asked !== undefined && own.some((word) => hasLetter(word.text, asked))) return;
  const text = own.findIndex((word) => TEXT_OPTIONS.get(program)?.test(word.text));
  const rest = args.slice(at);
  if (text >= 0) followJoined(walk, [...textOf(own.slice(text)), ...rest], inside);
  else if (rest.length > 0) walk.run(rest, inside);
  else if (program === "exec" && ![NOTHING, OF_CALLER].includes(scope.input)) walk.parsed = false;
  // A shell with other rights: `sudo -s`.
  else if (program === "sudo") followShellInput(walk, { scope: inside });
}

/** The folders that the command may be run in: `env -C folder`, `sudo -i`. */
function foldersInside(
  walk: Walk,
  wrapper: Wrapper,
  { args: own, scope }: Call,
): Scope["shell"]["folders"] {
  const { folderOptions = [], leaves = [] } = wrapper;
  if (leaves === "always") return [ELSEWHERE];
  let { folders } = scope.shell;
  own.forEach((word, at) => {
    const folder = valueOfOption(word, folderOptions, own[at + 1]);
    if (folder !== undefined) folders = either(folders, walk.places(folder, scope));
    if (leaves.some((name) => endsWithOption(word.text, name))) folders = [ELSEWHERE];
  });
  return folders;
}

/** `-i` among the letters of `-ni`, or a long name that may be cut short. */
function endsWithOption(text: string, name: string): boolean {
  const [given = ""] = text.split("=", 1);
  if (name.startsWith("--")) return given.length > 2 && name.startsWith(given);
  return hasLetter(text, name.charAt(1));
}

/** Where the command begins that a wrapper runs: after its options, assignments and operands. */
function commandStart(walk: Walk, wrapper: Wrapper, { program, args, scope }: Call): number {
  let at = 0;
  let operands = wrapper.operands ?? 0;
  let options = true;
  for (let word = args[at]; word !== undefined; word = args[at]) {
    if (options && (isOption(word) || (program === "env" && word.text === "-"))) {
      const length = lengthOf(word, program, wrapper);
      if (length === 0) walk.parsed = false;
      if (word.text === "--") options = false;
      at += Math.max(length, 1);
    } else if (wrapper.assigns && /^[^=/]+=/.test(word.text)) {
      noteEnvironment(walk, word, scope);
      at += 1;
    } else if (operands > 0) {
      if (word.expandsAt !== undefined) walk.parsed = false;
      operands -= 1;
      at += 1;
    } else {
      break;
    }
  }
  return Math.min(at, args.length);
}

/** How many words an option takes with its value; 0 when it is not known. */
function lengthOf(word: Word, program: string, wrapper: Wrapper): 0 | 1 | 2 {
  if (!TEXT_OPTIONS.get(program)?.test(word.text)) return optionLength(word, wrapper);
  return /^-(?:\w*[Sc])$|^--[a-z-]+$/.test(word.text) ? 2 : 1;
}

/** The text of `env -S 'text'`, `flock file -c 'text'`, in the option's word or behind it. */
function textOf([option, next]: readonly Word[]): readonly Word[] {
  const joined = /^(?:-\w*?[Sc]|--[a-z-]+=)(?=.)/s.exec(option?.text ?? "");
  const text = option === undefined || joined === null ? next : after(option, joined[0].length);
  return text === undefined ? [] : [text];
}
