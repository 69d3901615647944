/** What a program runs by itself, as far as its arguments say so. */
import { COMMAND_OPTIONS } from "../programs/command-options.ts";
import { EDITOR_COMMANDS, interpreterNamed, SHELLS } from "../programs/interpreters.ts";
import { WRAPPERS } from "../programs/wrappers.ts";
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
import type { Call } from "./scope.ts";
import { followAwk, followSed } from "./scripts.ts";
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
  ["ssh", followSsh],
  ["su", followSu],
  ["tar", followTar],
  ["tmux", followTerminal],
  ["trap", followTrap],
  ["vi", followEditor],
  ["vim", followEditor],
  ["watch", followWatch],
]);

export function followProgram(walk: Walk, call: Call): void {
  const { program, args } = call;
  const wrapper = WRAPPERS.get(program);
  if (wrapper !== undefined) followWrapper(walk, wrapper, call);
  else if (program === "xargs") followXargs(walk, call);
  else {
    noteFiles(walk, call);
    noteHosts(walk, call);
    followOptions(walk, COMMAND_OPTIONS.get(program), call);
    const commands = EDITOR_COMMANDS.get(program);
    if (args.some((word) => commands?.test(word.text))) walk.inlineCode = true;
    followArguments(walk, call);
  }
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
