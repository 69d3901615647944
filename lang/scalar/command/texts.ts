/** Programs that give a text to a shell. */
import type { Options } from "../programs/options.ts";
import { fixedWord, type Word } from "../shell/tree.ts";
import { ELSEWHERE } from "./folders.ts";
import { noteHostList } from "./hosts.ts";
import { followShellInput } from "./interpreters.ts";
import { after, hasLetter, isOption, valueOfOption } from "./line.ts";
import { apart, type Call, type Scope } from "./scope.ts";
import type { Walk } from "./walk.ts";

const WATCH: Options = {
  flags: "bcCdegprtvwx",
  values: "nq",
  longFlags: ["beep", "color", "differences", "errexit", "chgexit", "precise", "no-title", "exec"],
  longValues: ["interval"],
};

const SSH: Options = { flags: "1246AaCfGgKkMNnqsTtVvXxYy", values: "BbcDEeFIiJLlmOopPQRSWw" };

/** Words that a program joins with blanks and gives to a shell. */
export function followJoined(walk: Walk, words: readonly Word[], scope: Scope): void {
  if (words.length === 0) return;
  const uncertain = words.find((word) => !word.fixed);
  const text = words.map((word) => word.text).join(" ");
  const runs = words.flatMap((word) => word.runs);
  walk.inner(
    { ...fixedWord(text), ...(uncertain ? { fixed: false, expandsAt: 0 } : {}), runs },
    scope,
  );
}

/** What stands behind `-c`. */
export function followTextOption(walk: Walk, call: Call): void {
  const { args } = call;
  // `su -`, `runuser -l`: at the home of another.
  const logsIn = args.some(
    ({ text }) => text === "-" || hasLetter(text, "l") || /^--lo/.test(text),
  );
  const scope = apart(call.scope, logsIn ? [ELSEWHERE] : call.scope.shell.folders);
  const texts = args.flatMap((word, at) => {
    const text = valueOfOption(word, ["-c", "--command", "--session-command"], args[at + 1]);
    return text === undefined ? [] : [text];
  });
  for (const text of texts) walk.inner(text, scope);
  if (texts.length === 0) followShellInput(walk, { scope });
}

/** `su -s program`: it stands for the shell. */
export function followSu(walk: Walk, call: Call): void {
  followTextOption(walk, call);
  call.args.forEach((word, at) => {
    const shell = valueOfOption(word, ["-s", "--shell"], call.args[at + 1]);
    if (shell !== undefined) walk.run([shell], apart(call.scope));
  });
}

/** `sg group text`, or a text behind `-c`. */
export function followSg(walk: Walk, call: Call): void {
  const [group, ...words] = call.args;
  const isBare = group !== undefined && words.length > 0 && words[0]?.text !== "-c";
  if (isBare) followJoined(walk, words, call.scope);
  else followTextOption(walk, call);
}

/** `runuser -u name program`, or a text behind `-c`. */
export function followRunuser(walk: Walk, call: Call): void {
  const { args, scope } = call;
  const at = args.findIndex(({ text }) => /^(?:-u|--user$)/.test(text));
  if (at < 0) {
    followTextOption(walk, call);
    return;
  }
  const from = /^(?:-u|--user)$/.test(args[at]?.text ?? "") ? at + 2 : at + 1;
  const rest = args.slice(from);
  const first = rest.findIndex((word) => !isOption(word));
  if (first >= 0) walk.run(rest.slice(first), apart(scope));
}

/** `-o setting`, of ssh and of those that start it. */
export function followSshSettings(walk: Walk, { args, scope }: Call): void {
  args.forEach((word, at) => {
    const setting = valueOfOption(word, ["-o"], args[at + 1]);
    const [start, name] = /^\s*(\w+)[\s=]+/.exec(setting?.text ?? "") ?? [];
    if (setting === undefined || start === undefined || name === undefined) return;
    const value = after(setting, start.length);
    if (/^(?:Proxy|Local|KnownHosts)Command$/i.test(name)) walk.inner(value, scope);
    if (/^(?:HostName|ProxyJump)$/i.test(name)) noteHostList(walk, unquoted(value));
  });
}

/** `"host"`, as a setting may be written. */
function unquoted(word: Word): Word {
  return word.text.startsWith('"')
    ? after({ ...word, text: word.text.replace(/"\s*$/, "") }, 1)
    : word;
}

export function followSsh(walk: Walk, call: Call): void {
  const { args, scope } = call;
  followSshSettings(walk, call);
  const remote = args.slice(walk.afterOptions(args, SSH) + 1);
  // A text for the other host's shell, in a folder that is not known here.
  const inside = apart(scope, [ELSEWHERE]);
  if (remote.length > 0) followJoined(walk, remote, inside);
  else followShellInput(walk, { scope: inside });
}

/** `eval word …` */
export function followEval(walk: Walk, { args, scope }: Call): void {
  followJoined(walk, afterDashes(args), scope);
}

/** `watch -n 1 word …` */
export function followWatch(walk: Walk, { args, scope }: Call): void {
  followJoined(walk, args.slice(walk.afterOptions(args, WATCH)), apart(scope));
}

/** `trap text signal` */
export function followTrap(walk: Walk, { args, scope }: Call): void {
  const [action, signal] = afterDashes(args);
  if (action === undefined || signal === undefined) return;
  const { input } = scope;
  walk.later(scope, (there) => walk.inner(action, { ...there, input }));
}

function afterDashes(args: readonly Word[]): readonly Word[] {
  return args[0]?.text === "--" ? args.slice(1) : args;
}

/** `alias "name=text"`: it is read where it is called, and given what is there to read. */
export function followAlias(walk: Walk, { args, scope }: Call): void {
  for (const word of args) {
    const equals = word.text.indexOf("=");
    if (equals > 0) walk.later(scope, (there) => walk.inner(after(word, equals + 1), there));
  }
}

/** `-e program` or `-c text`: what a connection is given to. */
export function followNetcat(walk: Walk, { args, scope }: Call): void {
  args.forEach((word, at) => {
    const next = args[at + 1];
    const joined = /^--(?:sh-)?exec=/.exec(word.text);
    if (joined !== null) walk.inner(after(word, joined[0].length), scope);
    else if (/^(?:-[a-zA-Z]*[ec]|--(?:sh-)?exec)$/.test(word.text) && next) walk.inner(next, scope);
  });
}
