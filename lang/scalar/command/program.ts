/** What a program runs by itself, as far as its arguments say so. */
import { COMMAND_OPTIONS } from "../programs/command-options.ts";
import { EDITOR_COMMANDS, interpreterNamed, SHELLS } from "../programs/interpreters.ts";
import { WRAPPERS } from "../programs/wrappers.ts";
import type { Word } from "../shell/tree.ts";
import { noteFiles } from "./files.ts";
import { followFind, followXargs } from "./found.ts";
import { followGit } from "./git.ts";
import { noteHosts } from "./hosts.ts";
import {
  followCodeInput,
  followEditor,
  followInterpreter,
  followMake,
  followShell,
  followShellInput,
  followSource,
} from "./interpreters.ts";
import { hasLetter, isOption } from "./line.ts";
import { followOptions } from "./option-commands.ts";
import { followRunner } from "./runners.ts";
import { apart, type Call } from "./scope.ts";
import { followAwk, followSed } from "./scripts.ts";
import { followSqlite } from "./sqlite.ts";
import { followTar } from "./tar.ts";
import {
  followAlias,
  followEval,
  followNetcat,
  followRunuser,
  followSg,
  followSsh,
  followSshSettings,
  followSu,
  followTextOption,
  followTrap,
  followWatch,
} from "./texts.ts";
import { followPrintf, noteNames, noteNamesRead } from "./variables.ts";
import type { Walk } from "./walk.ts";
import { followWrapper } from "./wrappers.ts";

/** What `tmux` and `screen` do without running anything. */
const LOOKS_ONLY: ReadonlySet<string> = new Set(["ls", "list-sessions", "info", "kill-session"]);

/** And these, which are followed in ways of their own. */
const RUNS_BY_OPTION: ReadonlySet<string> = new Set(["find", "sftp", "ssh"]);

type Follow = (walk: Walk, call: Call) => void;

/** Programs that take their arguments in a way of their own. */
const FOLLOWS: ReadonlyMap<string, Follow> = new Map<string, Follow>([
  ["alias", followAlias],
  ["at", followShellInput],
  ["awk", followAwk],
  ["batch", followShellInput],
  ["capsh", followTextOption],
  ["crontab", followCodeInput],
  ["ed", followEditor],
  ["eval", followEval],
  ["ex", followEditor],
  ["export", noteNames],
  ["find", followFind],
  ["gawk", followAwk],
  ["getopts", noteNames],
  ["git", followGit],
  ["hash", followHash],
  ["jobs", followJobs],
  ["make", followMake],
  ["mapfile", noteNamesRead],
  ["mawk", followAwk],
  ["nawk", followAwk],
  ["nc", followNetcat],
  ["ncat", followNetcat],
  ["netcat", followNetcat],
  ["printf", followPrintf],
  ["read", noteNamesRead],
  ["readarray", noteNamesRead],
  ["runuser", followRunuser],
  ["scp", followSshSettings],
  ["screen", followTerminal],
  ["script", followTextOption],
  ["sed", followSed],
  ["sftp", followSshSettings],
  ["sg", followSg],
  ["source", followSource],
  ["sqlite3", followSqlite],
  ["ssh", followSsh],
  ["su", followSu],
  ["tar", followTar],
  ["tmux", followTerminal],
  ["trap", followTrap],
  ["vi", followEditor],
  ["vim", followEditor],
  ["watch", followWatch],
]);

/** Builtins that run text or a command in the shell itself, so that a `cd` in it counts. */
const IN_SHELL: ReadonlySet<string> = new Set([
  ...["builtin", "command", "eval", "jobs", "mapfile", "readarray", "source", "time"],
]);

export function followProgram(walk: Walk, given: Call): void {
  const { program, args } = given;
  const call = IN_SHELL.has(program) ? given : { ...given, scope: apart(given.scope) };
  const wrapper = WRAPPERS.get(program);
  if (wrapper !== undefined) followWrapper(walk, wrapper, call);
  else if (program === "xargs") followXargs(walk, call);
  else {
    noteFiles(walk, call);
    noteHosts(walk, call);
    followOptions(walk, COMMAND_OPTIONS.get(program), call);
    if (COMMAND_OPTIONS.has(program) || RUNS_BY_OPTION.has(program)) noteOptionsInDoubt(walk, args);
    const commands = EDITOR_COMMANDS.get(program);
    if (args.some((word) => commands?.test(word.text))) walk.inlineCode = true;
    followArguments(walk, call);
  }
}

/** `find $x`, `tar cf a $x`: a word that is split may hold an option by which a program is run. */
function noteOptionsInDoubt(walk: Walk, args: readonly Word[]): void {
  const dashes = args.findIndex(({ text }) => text === "--");
  const before = dashes < 0 ? args : args.slice(0, dashes);
  if (before.some(({ splits }) => splits)) walk.parsed = false;
  if (!before.some(({ expandsAt }) => expandsAt === 0)) return;
  walk.ifOption.push(() => {
    walk.parsed = false;
  });
}

function followArguments(walk: Walk, call: Call): void {
  const shell = SHELLS.get(call.program);
  const interpreter = interpreterNamed(call.program);
  const follow = FOLLOWS.get(call.program) ?? followRunner;
  if (shell !== undefined) followShell(walk, shell, call);
  else if (interpreter !== undefined) followInterpreter(walk, interpreter, call);
  else follow(walk, call);
}

/** `jobs -x program …` */
function followJobs(walk: Walk, { args, scope }: Call): void {
  const [option, ...command] = args;
  if (option !== undefined && hasLetter(option.text, "x")) walk.run(command, scope);
}

/** `hash -p path name`: what is called by that name from then on. */
function followHash(walk: Walk, { args }: Call): void {
  if (args.some((word) => !word.fixed || word.text.startsWith("-p"))) walk.parsed = false;
}

/** Whatever they are told beyond looking is a command line for a shell, or keys for one. */
function followTerminal(walk: Walk, { args }: Call): void {
  if (args.some((word) => !isOption(word) && !LOOKS_ONLY.has(word.text))) walk.parsed = false;
}
