/**
 * The type `Command` (SPEC §4.3): text for a POSIX shell or bash, and what can be told of it before it runs.
 *
 * What is told is of the text: every program that the shell itself would start, through the wrappers and
 * options that the tables in `programs/` know. What a program then does by its own means (a Makefile's recipes, a git
 * hook, a script file, code given to another interpreter) is not in it. Where the text hides something,
 * `parsed` is false, and the other attributes hold what was found all the same.
 */
import { DECISION_STEPS_MAX } from "../limits.ts";
import type { Type } from "../type.ts";
import { type RecordValue, record, type Value } from "../value.ts";
import { Analysis } from "./command/analysis.ts";
import type { ParsedCommand } from "./command/walk.ts";

export interface CommandAttribute {
  readonly type: Type;
  /** SPEC's sentence. */
  readonly doc: string;
  get(text: string): Value;
}

const BOOL: Type = { kind: "Bool" };

const STRINGS: Type = { kind: "Set", of: { kind: "String" } };

const PATHS: Type = { kind: "Set", of: { kind: "Path" } };

const COMMANDS: Type = {
  kind: "List",
  of: {
    kind: "Record",
    fields: [
      { name: "program", type: { kind: "String" } },
      { name: "args", type: { kind: "List", of: { kind: "String" } } },
    ],
    open: false,
  },
};

/** The attributes of `Command`, by name, in the order SPEC lists them. */
export const commandAttributes: Readonly<Record<string, CommandAttribute>> = {
  parsed: {
    type: BOOL,
    doc: "every program that the shell would start stands in `programs`; false where text is computed and then run (`eval`, `$x -rf`, `… | sh`) or may be run by being evaluated (`[[ 'a[$(x)]' -eq 1 ]]`), where quotes or brackets do not match, and for what is not understood",
    get: (text) => parseCommand(text).parsed,
  },
  programs: {
    type: STRINGS,
    doc: "base names of all programs that would run, in every branch, pipe, substitution and text within the text, through `sudo`, `env`, `timeout`, `xargs`, `find -exec`, `sh -c` and the like, these included; one that is called by a path outside the system's folders stands with that path too",
    get: (text) => parseCommand(text).programs,
  },
  commands: {
    type: COMMANDS,
    doc: "the same programs, one entry for each place, in order of the text, with their arguments after quotes are removed; an expansion stands as written (`$x`)",
    get: invocations,
  },
  paths: {
    type: PATHS,
    doc: "every path that the text may name: targets of redirections, arguments of any program (what stands in one behind `=`, `@`, `file:` or an option's letter too), values of variables and words of loops, after each certain `cd`; what is known only at run time is seen from `/`, and where an unquoted `$x` may hold options (a quoted one, where the text gives some variable a value that begins with `-`), `/` is all that they may name; a pattern stands as written (`/etc/pass*`): ask for what is `within` the folders that are allowed, and of those that are not for what `reaches` them; `/dev/null` and a program's own streams are left out, here and below",
    get: (text) => parseCommand(text).paths,
  },
  reads: {
    type: PATHS,
    doc: "what redirections read, and the operands of programs known to read them (`cat`, `grep`, `cp` …)",
    get: (text) => parseCommand(text).reads,
  },
  writes: {
    type: PATHS,
    doc: "what redirections write, and what programs known to write do (`tee`, `cp`, `mv`, `dd`, `sed -i`, `mkdir`, `chmod`, `curl -o`, `tar`, `git` …); the folder where they would make files by names that others give (`curl -O`, `unzip`, `git pull`)",
    get: (text) => parseCommand(text).writes,
  },
  deletes: {
    type: PATHS,
    doc: "what `rm`, `rmdir`, `unlink`, `shred`, `mv` (its sources), `find -delete` (where it looks), `git clean` and `git rm`, `gzip` and the like remove",
    get: (text) => parseCommand(text).deletes,
  },
  hosts: {
    type: STRINGS,
    doc: "hosts of URLs in arguments, of operands of programs that connect (`curl`, `wget`, `git`, `ssh`, `scp`, `nc` …), of proxies in variables (`https_proxy=…`) and of `/dev/tcp`; both, where programs read one URL differently; lower case, without port; one known only at run time as written (`$host`; `@list` of `wget -i list`)",
    get: (text) => parseCommand(text).hosts,
  },
  variables: {
    type: STRINGS,
    doc: "names that the text gives values to (`LD_PRELOAD=x ls`, `export PATH=…`, `read x`)",
    get: (text) => parseCommand(text).variables,
  },
  pipes_to_interpreter: {
    type: BOOL,
    doc: 'a shell or another interpreter is given a program that is computed as it runs: `curl … | sh`, `sh <(…)`, `eval "$(…)"`; `parsed` is then false',
    get: (text) => parseCommand(text).pipesToInterpreter,
  },
  inline_code: {
    type: BOOL,
    doc: "an interpreter other than a shell is given code in the text (`python -c`, `perl -e`, `node <<EOF`): what it does is not seen",
    get: (text) => parseCommand(text).inlineCode,
  },
  privileged: {
    type: BOOL,
    doc: "something runs through `sudo`, `doas`, `su`, `pkexec` or the like",
    get: (text) => parseCommand(text).privileged,
  },
};

/** Of an analysis (SPEC §5.3): some microsecond for a character, and a few for any text. */
export function analysisSteps(text: string): number {
  return 50 + 10 * text.length;
}

interface Kept {
  readonly command: ParsedCommand;
  invocations?: readonly RecordValue[];
}

const kept = new Map<string, Kept>();
let keptSteps = 0;

/**
 * Never fails; time is linear in the text. As many answers are kept as one decision may ask for: its rules ask for
 * several attributes of several texts, and pay for each text once.
 */
export function parseCommand(text: string): ParsedCommand {
  return analysed(text).command;
}

function analysed(text: string): Kept {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const made: Kept = { command: new Analysis().of(text) };
  const steps = analysisSteps(text);
  if (keptSteps + steps > DECISION_STEPS_MAX) {
    kept.clear();
    keptSteps = 0;
  }
  kept.set(text, made);
  keptSteps += steps;
  return made;
}

function invocations(text: string): readonly RecordValue[] {
  const found = analysed(text);
  found.invocations ??= found.command.commands.map(({ program, args }) =>
    record({ program, args }),
  );
  return found.invocations;
}
