/** What a command line would run, read, write, delete and reach, told from its parsed text. */
import { canonicalHost, hostsOfOperand, hostsOfUrls } from "./command-hosts.ts";
import {
  after,
  awkFiles,
  hasLetter,
  isOption,
  optionLength,
  picked,
  placed,
  plusAsMinus,
  readLine,
  replacement,
  type ScriptFiles,
  sedFiles,
  sedRuns,
  shellOptionLength,
  valueOfOption,
} from "./command-line.ts";
import {
  type GitSetting,
  hostOfRepository,
  placesOf,
  readGit,
  repositoriesIn,
  settingIn,
  settingsOf,
} from "./git-line.ts";
import { parsePath } from "./path.ts";
import {
  ALIASES,
  COMMAND_OPTIONS,
  COMMAND_VARIABLES,
  type CommandOptions,
  EDITOR_COMMANDS,
  FILE_USES,
  type FileUse,
  GIT_COMMAND_OPTIONS,
  GIT_COMMAND_SETTING,
  GIT_COMMAND_TEXTS,
  GIT_INCLUDE,
  GIT_VARIABLE,
  HOST_USES,
  type HostUse,
  type Interpreter,
  interpreterNamed,
  LOADER,
  OPAQUE,
  type Operands,
  type Options,
  PRIVILEGED,
  PROXY_VARIABLE,
  RUNNERS,
  SHELLS,
  TEXT_ONLY,
  WRAPPERS,
  type Wrapper,
  XARGS,
} from "./programs.ts";
import { readShell } from "./shell/read.ts";
import {
  type Command,
  fixedWord,
  type List,
  type Redirect,
  type Script,
  SHELL_CHARS_MAX,
  SHELL_DEPTH_MAX,
  type Word,
} from "./shell/tree.ts";

/** What is known of one text. Each member is the attribute of that name; `ATTRIBUTES` documents them. */
export interface ParsedCommand {
  readonly parsed: boolean;
  readonly programs: ReadonlySet<string>;
  readonly commands: readonly Invocation[];
  readonly paths: ReadonlySet<string>;
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  readonly deletes: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
  readonly pipesToInterpreter: boolean;
  readonly inlineCode: boolean;
  readonly privileged: boolean;
}

export interface Invocation {
  readonly program: string;
  readonly args: readonly string[];
}

/** A path in one of these is the system's own program, so that its base name says all. */
const SYSTEM_FOLDER = /^(?:\/usr(?:\/local)?)?\/s?bin\/[^/]+$/;

/** What a shell or interpreter may be told to read its program from, when that is its input. */
const INPUT_FILE = /^(?:-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/(?:self|\$\$)\/fd\/0)$/;

/** What was opened in ways that are not followed. */
const OPEN_FILE = /^\/(?:dev\/fd|proc\/[^/]+\/fd)\//;

/** No file: nothing, or a stream the program has anyhow. */
const OWN_STREAM = /^\/dev\/(?:null|stdin|stdout|stderr|tty|fd\/\d)$/;

/** Stands for every place that only running the text would tell: within no other folder. */
const ELSEWHERE = "/";

/** More folders than this after uncertain `cd`s are taken for anywhere. */
const FOLDERS_MAX = 4;

/** And from so many `cd`s on nobody would follow: each folder is as long as those before it together. */
const FOLDER_CHANGES_MAX = 64;

/** Texts within texts, together: so that the whole stays linear. */
const INNER_CHARS_MAX = 4 * SHELL_CHARS_MAX;

/** What a command's input is: nothing known, a text that stands here, or what another program writes. */
type Input =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly word: Word }
  | { readonly kind: "computed" };

/** Folders a shell may be in; `undefined` is where the text starts. `cd` changes it for what follows. */
interface Shell {
  folders: readonly (string | undefined)[];
}

interface Scope {
  readonly shell: Shell;
  readonly input: Input;
  readonly depth: number;
}

const NOTHING: Input = { kind: "none" };

const COMPUTED: Input = { kind: "computed" };

/** What a function or alias is given to read where it is called. */
const OF_CALLER: Input = { kind: "computed" };

/** Collects while it walks. Invariant: whatever is not followed clears `parsed`. */
export class Analysis {
  private parsed = true;
  private pipesToInterpreter = false;
  private inlineCode = false;
  private privileged = false;
  private innerChars = 0;
  /** Numbers, names or indexes are evaluated that the text does not show. */
  private evaluates = false;
  /** Text that such an evaluation would run stands in it, or may be what it gives a variable. */
  private carriesCode = false;
  private folderChanges = 0;
  private runnersInDoubt = 0;
  private readonly programs = new Set<string>();
  private readonly commands: Invocation[] = [];
  private readonly paths = new Set<string>();
  private readonly reads = new Set<string>();
  private readonly writes = new Set<string>();
  private readonly deletes = new Set<string>();
  private readonly hosts = new Set<string>();
  private readonly variables = new Set<string>();
  private readonly arrays = new Set<string>();

  of(text: string): ParsedCommand {
    this.script(readShell(text), { shell: { folders: [undefined] }, input: NOTHING, depth: 0 });
    // `x='a[$(rm)]'; echo $((x))`: arithmetic runs what a variable's text holds.
    if (this.evaluates && this.carriesCode) this.parsed = false;
    const { programs, commands, paths, reads, writes, deletes, hosts, variables } = this;
    const { parsed, pipesToInterpreter, inlineCode, privileged } = this;
    const sets = { programs, commands, paths, reads, writes, deletes, hosts, variables };
    return { parsed, ...sets, pipesToInterpreter, inlineCode, privileged };
  }

  /** Text that a shell is given: `sh -c`, `eval`, `trap`. */
  private inner(word: Word, scope: Scope): void {
    this.innerChars += word.text.length;
    if (word.expandsAt !== undefined) this.runsComputed(word);
    if (scope.depth >= SHELL_DEPTH_MAX || this.innerChars > INNER_CHARS_MAX) {
      this.parsed = false;
      return;
    }
    this.script(readShell(word.text, scope.depth + 1), { ...scope, depth: scope.depth + 1 });
  }

  private script({ list, sound, evaluates, carriesCode }: Script, scope: Scope): void {
    if (!sound) this.parsed = false;
    if (evaluates) this.evaluates = true;
    if (carriesCode) this.carriesCode = true;
    this.list(list, scope);
  }

  /** A program text that holds an expansion: it is read as far as it stands there. */
  private runsComputed(word: Word): void {
    this.parsed = false;
    if (word.runs.length > 0) this.pipesToInterpreter = true;
  }

  private list(list: List, scope: Scope): void {
    const { shell } = scope;
    const before = shell.folders;
    list.forEach((item, index) => {
      // After `;` or `||` a `cd` may have failed.
      if (index > 0 && item.after !== "&&") shell.folders = either(before, shell.folders);
      item.pipeline.forEach((command, at) => {
        const input = at > 0 ? COMPUTED : scope.input;
        this.command(command, item.pipeline.length > 1 ? { ...apart(scope), input } : scope);
      });
    });
    if (list.length > 1) shell.folders = either(before, shell.folders);
  }

  private command(command: Command, scope: Scope): void {
    this.assigned(command, scope);
    for (const word of command.words) this.substitutions(word, scope);
    for (const redirect of command.redirects) this.redirect(redirect, scope);
    const inside = { ...scope, input: inputOf(command.redirects, scope) };
    if (command.kind === "simple") this.run(command.words, inside);
    else if (command.shell === "same") this.bodies(command.bodies, inside);
    else if (command.shell === "own") this.bodies(command.bodies, apart(inside));
    // Where a function is called, and what it is given to read, is told by nothing here.
    else this.bodies(command.bodies, { ...apart(inside, [ELSEWHERE]), input: OF_CALLER });
  }

  private bodies(bodies: readonly List[], scope: Scope): void {
    for (const body of bodies) {
      const before = scope.shell.folders;
      this.list(body, scope);
      scope.shell.folders = either(before, scope.shell.folders);
    }
  }

  private assigned(command: Command, scope: Scope): void {
    const [first, ...words] = command.kind === "simple" ? command.words : [];
    const alias = first?.text === "alias";
    // `declare -n x=PATH`: whatever is given to x is given to PATH.
    const isReference = words.some(({ text }) => /^-\w*n/.test(text));
    for (const { name, values } of command.assignments) {
      this.variables.add(name);
      if (REBINDS.has(name)) this.parsed = false;
      for (const value of values) {
        this.substitutions(value, scope);
        if (!isPlain(value)) this.carriesCode = true;
        if (PROMPTS.test(name) && /[$`]/.test(value.text)) this.parsed = false;
        if (isReference) this.variables.add(value.text);
        this.mentioned(value, scope);
        this.redirected(name, value);
        if (alias) this.inner(value, { ...scope, input: OF_CALLER });
        else if (COMMAND_VARIABLES.has(name)) this.inner(value, scope);
      }
    }
    this.declared(command, first?.text ?? "", words);
  }

  /**
   * `declare -a a=$b` reads the value of b as a shell reads `a=(…)`, and so does `declare a=$b` where a is an array; a
   * number is evaluated as it is given.
   */
  private declared({ assignments }: Command, program: string, args: readonly Word[]): void {
    for (const { name, isArray } of assignments) {
      if (isArray) this.arrays.add(name);
      if (NUMBERS.has(name)) this.evaluates = true;
    }
    if (!DECLARES.has(program)) return;
    const makesArray = args.some(({ text }) => hasLetter(text, "aA"));
    const isArray = (name: string) => makesArray || this.arrays.has(name);
    for (const { name, values, isArray: isList } of assignments) {
      const [value] = values;
      if (isList || value === undefined || !isArray(name)) continue;
      if (value.expandsAt !== undefined) this.evaluates = true;
      if (isArrayText(value)) this.parsed = false;
    }
    for (const word of args) {
      const [, name = ""] = /^(\w+)\+?=/.exec(word.text) ?? [];
      if (word.expandsAt !== undefined && isArray(name)) this.evaluates = true;
    }
  }

  private substitutions(word: Word, scope: Scope): void {
    for (const [, name = ""] of word.text.matchAll(GIVEN_BY_EXPANSION)) this.variables.add(name);
    for (const { list, form } of word.runs) {
      const input = form === "output" ? COMPUTED : scope.input;
      this.list(list, { ...apart(scope), input });
    }
  }

  private redirect(redirect: Redirect, scope: Scope): void {
    const { op, target } = redirect;
    this.substitutions(target, scope);
    if (redirect.body !== undefined) this.substitutions(redirect.body, scope);
    if (op === "<<" || op === "<<-" || op === "<<<" || isDescriptor(redirect)) return;
    if (target.runs.some((run) => run.form !== "value")) return;
    const socket = /^\/dev\/(?:tcp|udp)\/([^/]+)/.exec(target.text);
    if (socket?.[1] !== undefined) this.host(socket[1]);
    if (op.startsWith("<")) this.file(this.reads, target, scope);
    if (op.includes(">")) this.file(this.writes, target, scope);
  }

  /** One command line: words after expansion of braces, the first of them the program. */
  private run(words: readonly Word[], scope: Scope): void {
    const [first, ...args] = words;
    if (first === undefined) return;
    const program = this.program(first);
    this.commands.push({ program, args: args.map((word) => word.text) });
    if (!first.fixed) {
      this.parsed = false;
      if (first.runs.length > 0) this.pipesToInterpreter = true;
    }
    // `{,} x` starts x.
    if (first.text === "") this.parsed = false;
    if (EVALUATES.has(program) && args.some(isLoaded)) this.parsed = false;
    if (DECLARES.has(program) && args.some(isArrayText)) this.parsed = false;
    if (evaluatesArguments(program, args)) this.evaluates = true;
    if (READS_VALUES.has(program)) this.carriesCode = true;
    if (scope.depth >= SHELL_DEPTH_MAX) this.parsed = false;
    else this.runsOthers(program, args, { ...scope, depth: scope.depth + 1 });
    if (program === "cd" || program === "pushd") this.changeFolder(args, scope);
  }

  private program(word: Word): string {
    const base = word.text.slice(word.text.lastIndexOf("/") + 1);
    const program = ALIASES.get(base) ?? base;
    this.programs.add(program);
    if (base !== word.text && !SYSTEM_FOLDER.test(word.text)) this.programs.add(word.text);
    if (PRIVILEGED.has(program)) this.privileged = true;
    if (OPAQUE.has(program) || LOADER.test(program)) this.parsed = false;
    return program;
  }

  /** What the program itself runs, as far as its arguments say so. */
  private runsOthers(program: string, args: readonly Word[], scope: Scope): void {
    const wrapper = WRAPPERS.get(program);
    const shell = SHELLS.get(program);
    const interpreter = interpreterNamed(program);
    if (wrapper !== undefined) {
      this.wrapped(program, wrapper, args, scope);
      return;
    }
    if (program === "xargs") {
      this.xargs(args, scope);
      return;
    }
    this.files(program, args, scope);
    this.urls(program, args);
    this.optionCommands(COMMAND_OPTIONS.get(program), args, scope);
    const commands = EDITOR_COMMANDS.get(program);
    if (args.some((word) => commands?.test(word.text))) this.inlineCode = true;
    if (shell !== undefined) this.shell(shell, args, scope);
    else if (interpreter !== undefined) this.interpreter(interpreter, args, scope);
    else this.special(program, args, scope);
  }

  /** `rsync -e 'ssh -i key'`, `rg --pre=unzip`, `fd -x rm {} ;` */
  private optionCommands(
    options: CommandOptions | undefined,
    args: readonly Word[],
    scope: Scope,
  ): void {
    if (options === undefined) return;
    const { texts = [], joined = [], words = [] } = options;
    let own = 0;
    args.forEach((word, at) => {
      if (at < own) return;
      const value =
        valueOfOption(word, texts, args[at + 1]) ?? valueOfOption(word, joined, undefined);
      if (value !== undefined) this.inner(value, scope);
      if (!words.includes(word.text)) return;
      const end = args.findIndex((other, index) => index > at && other.text === ";");
      // Options in there are those of the command.
      own = end < 0 ? args.length : end;
      const command = args.slice(at + 1, own);
      // What is found stands at the end where no braces say where.
      this.run([...command.map((one) => placed(one, "{}")), UNKNOWN_WORD], scope);
    });
  }

  private special(program: string, args: readonly Word[], scope: Scope): void {
    switch (program) {
      case "find":
        this.find(args, scope);
        return;
      case "eval":
        this.joined(args[0]?.text === "--" ? args.slice(1) : args, scope);
        return;
      case "watch":
        this.joined(args.slice(this.afterOptions(args, WATCH)), apart(scope));
        return;
      case "ssh":
        this.ssh(args, scope);
        return;
      case "runuser":
      case "sg":
        if (!this.withoutText(program, args, scope)) this.textOption(args, scope);
        return;
      case "su":
      case "script":
        this.textOption(args, scope);
        return;
      case "ed":
      case "ex":
      case "vi":
      case "vim":
        if (scope.input.kind === "text") this.inlineCode = true;
        return;
      case "make":
        this.make(args);
        return;
      case "trap":
        this.trap(args[0]?.text === "--" ? args.slice(1) : args, scope);
        return;
      case "jobs":
        if (args[0] !== undefined && hasLetter(args[0].text, "x")) this.run(args.slice(1), scope);
        return;
      case "printf":
        this.printed(args);
        return;
      case "alias":
        for (const word of args) this.alias(word, scope);
        return;
      case "git":
        this.git(args, scope);
        return;
      case "nc":
      case "ncat":
      case "netcat":
        this.netcat(args, scope);
        return;
      case "tar":
        this.tar(args, scope);
        return;
      case "awk":
      case "gawk":
      case "mawk":
      case "nawk":
        this.awk(args);
        for (const { text } of args) this.scripted(awkFiles(text), scope);
        return;
      case "sed":
        this.sed(args, scope);
        return;
      case "source":
        if (args[0] !== undefined) this.sourced(args[0], scope);
        return;
      case "hash":
        if (args.some((word) => !word.fixed || word.text.startsWith("-p"))) this.parsed = false;
        return;
      case "at":
      case "batch":
        this.fromInput(true, scope);
        return;
      case "crontab":
        this.fromInput(false, scope);
        return;
      case "read":
      case "mapfile":
      case "readarray":
        this.namedByInput(scope);
        this.named(args);
        return;
      case "export":
      case "getopts":
        this.named(args);
        return;
      case "capsh":
        this.textOption(args, scope);
        return;
      case "screen":
      case "tmux":
        // Whatever they are told beyond that is a command line for a shell, or keys for one.
        if (args.some((word) => !isOption(word) && !LOOKS_ONLY.has(word.text))) this.parsed = false;
        return;
      default:
        this.runner(program, args, scope);
    }
  }

  private named(args: readonly Word[]): void {
    for (const { text } of args) if (/^[A-Za-z_]\w*$/.test(text)) this.variables.add(text);
  }

  /** A text that stands here, and is taken apart into names. */
  private namedByInput({ input, ...scope }: Scope): void {
    if (input.kind !== "text") return;
    for (const name of input.word.text.split(/\s+/)) {
      this.mentioned(fixedWord(name), { ...scope, input: NOTHING });
    }
  }

  /**
   * `uv run x`, `bundle exec x`: the program behind options that are not known. What stands behind one of them is its value,
   * or the program: both are looked at.
   */
  private runner(program: string, args: readonly Word[], scope: Scope): void {
    const subs = RUNNERS.get(program);
    const sub = args.findIndex(({ text }) => subs?.includes(text));
    if (subs === undefined || (subs.length > 0 && sub < 0)) return;
    const rest = args.slice(sub + 1);
    const operands = rest.flatMap((word, at) => (isOption(word) ? [] : [at]));
    const [first, second] = operands;
    if (first === undefined) return;
    this.run(rest.slice(first), apart(scope));
    const before = rest[first - 1]?.text ?? "--";
    const isFlag = before.includes("=") || RUNNER_FLAG.test(before);
    if (isFlag || second === undefined) return;
    this.runnersInDoubt += 1;
    if (this.runnersInDoubt > RUNNERS_IN_DOUBT_MAX) this.parsed = false;
    else this.run(rest.slice(second), apart(scope));
  }

  private trap([action, signal]: readonly Word[], scope: Scope): void {
    if (action !== undefined && signal !== undefined) this.inner(action, scope);
  }

  /** `printf -v name …` gives the name a value that it makes. */
  private printed(args: readonly Word[]): void {
    const [option, name] = args;
    if (option === undefined || !option.text.startsWith("-v")) return;
    this.carriesCode = true;
    const named = option.text.length > 2 ? after(option, 2) : name;
    this.variables.add(named?.text ?? "");
    // Its index is evaluated: `printf -v "$1"` given `a[$(rm)]`.
    if (named?.expandsAt !== undefined) this.evaluates = true;
  }

  private wrapped(program: string, wrapper: Wrapper, args: readonly Word[], scope: Scope): void {
    const at = this.wrapperEnd(program, wrapper, args, scope);
    const own = args.slice(0, at);
    this.files(program, own, scope);
    this.urls(program, own);
    const inside = INSIDE_SHELL.has(program) ? scope : apart(scope);
    const asked = wrapper.asks;
    if (asked !== undefined && own.some((word) => hasLetter(word.text, asked))) return;
    const text = own.findIndex((word) => TEXT_OPTIONS.get(program)?.test(word.text));
    const rest = args.slice(at);
    if (text >= 0) this.splitText(own.slice(text), rest, inside);
    else if (rest.length > 0) this.run(rest, inside);
    else if (program === "exec" && ![NOTHING, OF_CALLER].includes(scope.input)) this.parsed = false;
    // A shell with other rights: `sudo -s`.
    else if (program === "sudo") this.fromInput(true, inside);
  }

  /** Where the command begins that a wrapper runs: after its options, assignments and operands. */
  private wrapperEnd(
    program: string,
    wrapper: Wrapper,
    args: readonly Word[],
    scope: Scope,
  ): number {
    let at = 0;
    let operands = wrapper.operands ?? 0;
    let options = true;
    for (let word = args[at]; word !== undefined; word = args[at]) {
      if (options && (isOption(word) || (program === "env" && word.text === "-"))) {
        const text = TEXT_OPTIONS.get(program)?.test(word.text) === true;
        const length = text
          ? /^-(?:\w*[Sc])$|^--[a-z-]+$/.test(word.text)
            ? 2
            : 1
          : optionLength(word, wrapper);
        if (length === 0) this.parsed = false;
        if (word.text === "--") options = false;
        at += Math.max(length, 1);
      } else if (wrapper.assigns && /^[^=/]+=/.test(word.text)) {
        this.environment(word, scope);
        at += 1;
      } else if (operands > 0) {
        if (word.expandsAt !== undefined) this.parsed = false;
        operands -= 1;
        at += 1;
      } else {
        break;
      }
    }
    return Math.min(at, args.length);
  }

  /** `env -S 'text'`, `flock file -c 'text'`: the option, its text, and words that follow it. */
  private splitText(option: readonly Word[], rest: readonly Word[], scope: Scope): void {
    const [first, second] = option;
    if (first === undefined) return;
    const joined = /^(?:-\w*?[Sc]|--[a-z-]+=)(?=.)/s.exec(first.text);
    const text = joined === null ? second : after(first, joined[0].length);
    this.joined([...(text === undefined ? [] : [text]), ...rest], scope);
  }

  /** `NAME=value` among the arguments of `env` or `sudo`. */
  private environment(word: Word, scope: Scope): void {
    const equals = word.text.indexOf("=");
    const name = word.text.slice(0, equals);
    this.variables.add(name);
    if (!isPlain(after(word, equals + 1))) this.carriesCode = true;
    if (PROMPTS.test(name) && /[$`]/.test(word.text)) this.parsed = false;
    if (word.expandsAt !== undefined && word.expandsAt < equals) this.parsed = false;
    // A function for a bash started below: `BASH_FUNC_ls%%=() { …; }`.
    if (!/^[A-Za-z_]\w*$/.test(name)) this.parsed = false;
    if (COMMAND_VARIABLES.has(name)) this.inner(after(word, equals + 1), scope);
    this.mentioned(after(word, equals + 1), scope);
    this.redirected(name, after(word, equals + 1));
  }

  /** Every connection goes to the host of such a variable, and git by what another names. */
  private redirected(name: string, value: Word): void {
    if (GIT_VARIABLE.test(name) && value.text !== "/dev/null") this.parsed = false;
    if (!PROXY_VARIABLE.test(name)) return;
    this.urlsIn(value);
    this.hostOf(value, "url");
  }

  private shell(options: Options, args: readonly Word[], outside: Scope): void {
    const scope = apart(outside);
    let at = 0;
    let text = false;
    let input = false;
    for (let word = args[at]; word !== undefined; word = args[at]) {
      if (!isOption(word) && !/^\+[a-zA-Z]/.test(word.text)) break;
      // An expansion may stand for `-c`.
      if (word.expandsAt !== undefined) this.parsed = false;
      // What an interactive shell reads first.
      const first = valueOfOption(word, ["--rcfile", "--init-file"], args[at + 1]);
      if (first !== undefined && first.runs.length > 0) this.runsComputed(first);
      if (hasLetter(word.text, "c")) text = true;
      if (hasLetter(word.text, "s")) input = true;
      const skip = shellOptionLength(/^\+/.test(word.text) ? plusAsMinus(word) : word, options);
      if (skip === 0) this.parsed = false;
      at += Math.max(skip, 1);
      if (word.text === "--") break;
    }
    const operand = args[at];
    if (operand !== undefined && operand.expandsAt !== undefined && !text)
      this.uncertainScript(operand);
    if (text && operand !== undefined) this.inner(operand, scope);
    else if (operand === undefined || input || INPUT_FILE.test(operand.text))
      this.fromInput(true, scope);
    else if (OPEN_FILE.test(operand.text)) this.parsed = false;
  }

  /** A script file that is named, or made, only at run time. */
  private uncertainScript(word: Word): void {
    if (word.expandsAt === 0) this.parsed = false;
    if (word.runs.length > 0) this.runsComputed(word);
  }

  /** An interpreter that reads its program from its input. */
  private fromInput(isShell: boolean, scope: Scope): void {
    const { input } = scope;
    if (input.kind === "computed") {
      this.parsed = false;
      this.pipesToInterpreter = true;
    } else if (input.kind === "text") {
      if (isShell) this.inner(input.word, { ...scope, input: NOTHING });
      else this.inlineCode = true;
    }
  }

  private interpreter(interpreter: Interpreter, args: readonly Word[], scope: Scope): void {
    const { inline, inlineWords = [], values, longValues = [], modules = "" } = interpreter;
    let at = 0;
    for (let word = args[at]; word !== undefined && isOption(word); word = args[at]) {
      at += 1;
      if (word.text === "--") break;
      const name = word.text.replace(/=.*$/s, "");
      if (inlineWords.includes(name) || inline.some((letter) => hasLetter(word.text, letter))) {
        this.inlineCode = true;
        return;
      }
      if (modules !== "" && hasLetter(word.text, modules)) return;
      const last = word.text.slice(-1);
      const takesNext = word.text.startsWith("--")
        ? longValues.includes(word.text.slice(2))
        : word.text.length === 2 && values.includes(last);
      if (takesNext) at += 1;
    }
    const operand = args[at];
    if (operand === undefined || INPUT_FILE.test(operand.text)) this.fromInput(false, scope);
    else if (inlineWords.includes(operand.text)) this.inlineCode = true;
    else if (operand.expandsAt !== undefined) this.uncertainScript(operand);
  }

  private xargs(args: readonly Word[], scope: Scope): void {
    const at = this.afterOptions(args, XARGS);
    this.files("xargs", args.slice(0, at), scope);
    const replaced = replacement(args.slice(0, at));
    const words = args.slice(at);
    if (words.length === 0) return;
    const command = words.map((word) => placed(word, replaced));
    this.namedByInput(scope);
    // Without -I what is read stands at the end.
    if (replaced === undefined) command.push(UNKNOWN_WORD);
    this.run(command, { ...scope, input: NOTHING });
  }

  private find(args: readonly Word[], scope: Scope): void {
    const start = args.findIndex(
      (word) => /^[-(!,]/.test(word.text) && !/^-[HLPO]/.test(word.text),
    );
    const roots = args.slice(0, start < 0 ? args.length : start).filter((word) => !isOption(word));
    const places = roots.length > 0 ? roots : [fixedWord(".")];
    for (const root of places) this.file(this.reads, root, scope);
    for (let at = Math.max(start, 0); at < args.length; at += 1) {
      const test = args[at]?.text ?? "";
      if (test === "-delete") for (const root of places) this.file(this.deletes, root, scope);
      const target = args[at + 1];
      if (/^-f(?:print[0f]?|ls)$/.test(test) && target) this.file(this.writes, target, scope);
      if (/^-(?:exec|ok)(?:dir)?$/.test(test)) at = this.executed(args, at + 1, places, scope);
    }
  }

  /** `-exec … ;` or `-exec … {} +`; gives where it ends. */
  private executed(
    args: readonly Word[],
    from: number,
    places: readonly Word[],
    scope: Scope,
  ): number {
    let end = from;
    while (end < args.length && !this.endsExec(args, end)) end += 1;
    if (end >= args.length) this.parsed = false;
    // One place stands for what is found below it; of several, none does.
    const found = places.length === 1 && places[0]?.fixed ? places[0].text : undefined;
    const words = args.slice(from, end).map((word, at) => {
      if (word.text === "{}" && at > 0)
        return found === undefined ? UNKNOWN_WORD : fixedWord(`${found}/*`);
      return placed(word, "{}");
    });
    this.run(words, scope);
    return end;
  }

  private endsExec(args: readonly Word[], at: number): boolean {
    const text = args[at]?.text;
    return text === ";" || (text === "+" && args[at - 1]?.text === "{}");
  }

  /** Index of the first word that is neither an option nor the value of one. */
  private afterOptions(args: readonly Word[], options: Options): number {
    let at = 0;
    for (let word = args[at]; word !== undefined && isOption(word); word = args[at]) {
      const length = optionLength(word, options);
      if (length === 0) this.parsed = false;
      at += Math.max(1, length);
      if (word.text === "--") break;
    }
    return at;
  }

  /** Words that a program joins with blanks and gives to a shell. */
  private joined(words: readonly Word[], scope: Scope): void {
    if (words.length === 0) return;
    const uncertain = words.find((word) => !word.fixed);
    const text = words.map((word) => word.text).join(" ");
    const runs = words.flatMap((word) => word.runs);
    this.inner(
      { ...fixedWord(text), ...(uncertain ? { fixed: false, expandsAt: 0 } : {}), runs },
      scope,
    );
  }

  /** What stands behind `-c`. */
  private textOption(args: readonly Word[], scope: Scope): void {
    const at = args.findIndex((word) => /^(?:-\w*c|--(?:session-)?command)$/.test(word.text));
    const text = args[at + 1];
    const joined = args.find((word) => /^--(?:session-)?command=/.test(word.text));
    if (at >= 0 && text !== undefined) this.inner(text, scope);
    else if (joined !== undefined) this.inner(after(joined, joined.text.indexOf("=") + 1), scope);
    else this.fromInput(true, scope);
  }

  private ssh(args: readonly Word[], scope: Scope): void {
    for (const [index, word] of args.entries()) {
      const option = /^-o(.*)$/s.exec(word.text);
      if (option === null) continue;
      const setting = option[1] === "" ? (args[index + 1]?.text ?? "") : (option[1] ?? "");
      const command = /^\s*(?:Proxy|Local|KnownHosts)Command[\s=]+(.*)$/is.exec(setting)?.[1];
      if (command !== undefined) this.inner(fixedWord(command), scope);
    }
    const remote = args.slice(this.afterOptions(args, SSH) + 1);
    // A text for the other host's shell, in a folder that is not known here.
    const inside = apart(scope, [ELSEWHERE]);
    if (remote.length > 0) this.joined(remote, inside);
    else this.fromInput(true, inside);
  }

  private alias(word: Word, scope: Scope): void {
    const equals = word.text.indexOf("=");
    // It is read where it is called, and given what is there to read.
    if (equals > 0) this.inner(after(word, equals + 1), { ...scope, input: OF_CALLER });
  }

  private git(words: readonly Word[], scope: Scope): void {
    words.forEach((word, at) => {
      const next = words[at + 1];
      const setting = word.text === "-c" ? next : valueOfOption(word, ["--config"], next);
      if (setting !== undefined) this.gitSetting(settingIn(setting), scope);
      if (/^ext::/.test(word.text)) this.inner(after(word, 5), scope);
    });
    this.optionCommands(GIT_COMMAND_TEXTS, words, scope);
    const line = readGit(words);
    if (!line.sound) this.parsed = false;
    const { sub, args } = line;
    const [verb] = args;
    this.optionCommands(GIT_COMMAND_OPTIONS.get(sub), args, scope);
    if (sub === "bisect" && verb?.text === "run") this.run(args.slice(1), scope);
    if (sub === "submodule" && args.some(({ text }) => text === "foreach")) {
      const from = args.findIndex(({ text }) => text === "foreach") + 1;
      this.joined(
        args.slice(from).filter((word) => !isOption(word)),
        scope,
      );
    }
    if (sub === "config") for (const one of settingsOf(args)) this.gitSetting(one, scope);
    if (sub === "filter-branch") this.parsed = false;
    const withUser = words.filter(({ text }) => /^[\w.+-]+@[\w.-]+:/.test(text));
    for (const { text } of [...repositoriesIn(line), ...withUser]) this.repository(text);
  }

  private gitSetting(setting: GitSetting, scope: Scope): void {
    const { key, value } = setting;
    // What an expansion stands for may be another setting.
    if (/[$`]/.test(key) || GIT_INCLUDE.test(key)) this.parsed = false;
    if (GIT_COMMAND_SETTING.test(key)) this.gitCommand(value, scope);
    for (const place of placesOf(setting)) this.repository(place);
  }

  /** `host:path`, or a URL with or without its scheme. */
  private repository(text: string): void {
    if (text.includes("://")) for (const host of hostsOfUrls(text)) this.host(host);
    else this.host(hostOfRepository(text) ?? "");
  }

  /** `!text` is for a shell; else a git alias is a subcommand, and other settings name a program. */
  private gitCommand(word: Word, scope: Scope): void {
    this.inner(word.text.startsWith("!") ? after(word, 1) : word, scope);
  }

  /** `-e program` or `-c text`: what a connection is given to. */
  private netcat(args: readonly Word[], scope: Scope): void {
    args.forEach((word, at) => {
      const next = args[at + 1];
      const joined = /^--(?:sh-)?exec=/.exec(word.text);
      if (joined !== null) this.inner(after(word, joined[0].length), scope);
      else if (/^(?:-[a-zA-Z]*[ec]|--(?:sh-)?exec)$/.test(word.text) && next)
        this.inner(next, scope);
    });
  }

  private tar(args: readonly Word[], scope: Scope): void {
    for (const word of args) {
      const [action] = /^--checkpoint-a[a-z]*=exec=/.exec(word.text) ?? [];
      if (action !== undefined) this.inner(after(word, action.length), scope);
      else if (/^--checkpoint-a[a-z]*$/.test(word.text)) this.parsed = false;
    }
    // `cIf program`: letters without a dash take the words behind them in turn.
    if (/^\w*[IF]/.test(args[0]?.text ?? "")) this.parsed = false;
    this.archived(args, scope);
  }

  /** What tar makes: an archive, or what was in one. */
  private archived(args: readonly Word[], scope: Scope): void {
    const [bundle, file] = args;
    const letters = args.map(({ text }, at) => (at === 0 ? text.replace(/^(?!-)/, "-") : text));
    const has = (wanted: string, words: RegExp) =>
      letters.some((text) => hasLetter(text, wanted) || words.test(text));
    const creates = has("cru", /^--(?:create|append|update)$/);
    const extracts = has("x", /^--(?:extract|get)$/);
    if (creates && /^\w*f$/.test(bundle?.text ?? "") && file) this.file(this.writes, file, scope);
    args.forEach((word, at) => {
      const made = creates ? valueOfOption(word, ["-f", "--file"], args[at + 1]) : undefined;
      const into = extracts ? valueOfOption(word, ["-C", "--directory"], args[at + 1]) : undefined;
      for (const one of [made, into]) if (one !== undefined) this.file(this.writes, one, scope);
    });
  }

  /** awk starts programs by `system(…)`, by pipes and by `getline`. */
  private awk(args: readonly Word[]): void {
    for (const { text } of args) {
      if (/system\s*\(|@load|[^|]\|\s*(?:&|"|getline|[A-Za-z_])/.test(text)) {
        this.parsed = false;
        this.inlineCode = true;
      }
    }
  }

  /** `runuser -u name program`, `sg group text`: `false` where a text stands behind `-c`. */
  private withoutText(program: string, args: readonly Word[], scope: Scope): boolean {
    const [group, ...words] = args;
    if (program === "sg") {
      if (group === undefined || words.length === 0 || words[0]?.text === "-c") return false;
      this.joined(words, scope);
      return true;
    }
    const at = args.findIndex(({ text }) => /^(?:-u|--user$)/.test(text));
    if (at < 0) return false;
    const from = /^(?:-u|--user)$/.test(args[at]?.text ?? "") ? at + 2 : at + 1;
    const rest = args.slice(from);
    const first = rest.findIndex((word) => !isOption(word));
    if (first >= 0) this.run(rest.slice(first), apart(scope));
    return true;
  }

  /** Scripts stand behind `-e`, or are the first operand; a file of one may be made as it runs. */
  private sed(args: readonly Word[], scope: Scope): void {
    const { options, operands } = readLine(args, FILE_USES.get("sed") ?? {});
    const given = options.filter(({ name }) => /^(?:e|f|expression|file)$/.test(name));
    for (const { name, value } of given) if (name.startsWith("f")) this.uncertainScript(value);
    const scripts = given.flatMap(({ name, value }) => (name.startsWith("e") ? [value] : []));
    for (const { text } of given.length === 0 ? operands.slice(0, 1) : scripts) {
      if (sedRuns(text)) this.parsed = false;
      this.scripted(sedFiles(text), scope);
    }
  }

  /** Text that it reads as a Makefile. */
  private make(args: readonly Word[]): void {
    args.forEach((word, at) => {
      const file = valueOfOption(word, ["-f", "--file", "--makefile"], args[at + 1]);
      if (file !== undefined) this.uncertainScript(file);
      if (valueOfOption(word, ["-E", "--eval"], args[at + 1]) !== undefined) this.inlineCode = true;
    });
  }

  private scripted(files: ScriptFiles, scope: Scope): void {
    for (const name of files.reads) this.file(this.reads, fixedWord(name), scope);
    for (const name of files.writes) this.file(this.writes, fixedWord(name), scope);
  }

  private sourced(word: Word, scope: Scope): void {
    if (word.runs.some((run) => run.form === "input")) this.runsComputed(word);
    else if (INPUT_FILE.test(word.text)) this.fromInput(true, scope);
    else if (OPEN_FILE.test(word.text)) this.parsed = false;
  }

  private changeFolder(args: readonly Word[], scope: Scope): void {
    const target = args.find((word) => !isOption(word)) ?? fixedWord("~");
    this.folderChanges += 1;
    const few = this.folderChanges <= FOLDER_CHANGES_MAX;
    const certain = few && target.fixed && !args.some((word) => word.text === "-");
    scope.shell.folders = certain ? this.places(target, scope) : [ELSEWHERE];
  }

  private files(program: string, args: readonly Word[], scope: Scope): void {
    for (const word of args) this.mentioned(word, scope);
    const use = FILE_USES.get(program);
    if (use !== undefined) this.used(program, use, args, scope);
    if (program === "dd") this.dd(args, scope);
  }

  /** A word that may name a file: itself, and what stands behind `=` in an option. */
  private mentioned(word: Word, scope: Scope): void {
    if (word.text === "" || word.text === "--") return;
    if (!isOption(word)) {
      // Text that is no path at all is not mentioned: `echo "a\\nb"`.
      if (/^[./~]/.test(word.text) || word.expandsAt !== undefined || parsePath(word.text).ok) {
        this.file(this.paths, word, scope);
      }
      return;
    }
    const equals = word.text.indexOf("=");
    if (equals > 0) this.file(this.paths, after(word, equals + 1), scope);
  }

  private used(program: string, use: FileUse, args: readonly Word[], scope: Scope): void {
    const line = readLine(args, use);
    for (const { name, value } of line.options) {
      if (use.readOptions?.includes(name)) this.file(this.reads, value, scope);
      if (use.writeOptions?.includes(name)) this.file(this.writes, value, scope);
    }
    const pick = (which: Operands | undefined) => picked(line, which, REMOTE_FILES.has(program));
    for (const word of pick(use.reads)) this.file(this.reads, word, scope);
    for (const word of pick(use.writes)) this.file(this.writes, word, scope);
    for (const word of pick(use.deletes)) this.file(this.deletes, word, scope);
    const inPlace = IN_PLACE.get(program);
    if (inPlace !== undefined && args.some((word) => inPlace.test(word.text))) {
      for (const word of pick(use.reads ?? "all")) this.file(this.writes, word, scope);
    }
  }

  private dd(args: readonly Word[], scope: Scope): void {
    for (const word of args) {
      if (word.text.startsWith("of=")) this.file(this.writes, after(word, 3), scope);
      if (word.text.startsWith("if=")) this.file(this.reads, after(word, 3), scope);
    }
  }

  private file(into: Set<string>, word: Word, scope: Scope): void {
    for (const place of this.places(word, scope)) {
      if (OWN_STREAM.test(place)) continue;
      into.add(place);
      this.paths.add(place);
    }
  }

  /** Where a word leads, in canonical form, from each folder the shell may be in. */
  private places(word: Word, scope: Scope): readonly string[] {
    const rooted = /^[/~]/.test(word.text);
    const folders = rooted ? [undefined] : scope.shell.folders;
    const places = folders.map((folder) => {
      const path = parsePath(folder === undefined ? word.text : `${folder}/${word.text}`);
      return path.ok ? path.value : ELSEWHERE;
    });
    return word.expandsAt === undefined ? places : [...places, ELSEWHERE];
  }

  private urls(program: string, args: readonly Word[]): void {
    if (!TEXT_ONLY.has(program)) for (const word of args) this.urlsIn(word);
    const use = HOST_USES.get(program);
    if (use === undefined) return;
    const line = readLine(args, use);
    for (const { name, value } of line.options) {
      if (use.hostOptions?.includes(name)) this.hostOf(value, "url");
      if (use.listOptions?.includes(name)) this.hosts.add(`@${value.text}`);
    }
    for (const word of use.first ? line.operands.slice(0, 1) : line.operands) {
      this.hostOf(word, use.form);
    }
  }

  private urlsIn(word: Word): void {
    for (const host of hostsOfUrls(word.text)) this.host(host);
  }

  private hostOf(word: Word, form: HostUse["form"]): void {
    const { text } = word;
    if (text.includes("://")) return;
    if (form !== "remote") {
      for (const host of hostsOfOperand(text)) this.host(host);
      return;
    }
    const host = text.slice(0, Math.max(text.indexOf(":"), 0));
    if (/^[^/]+$/.test(host)) for (const one of hostsOfOperand(host)) this.host(one);
    else if (word.expandsAt === 0) this.host(text);
  }

  private host(name: string): void {
    if (name !== "") this.hosts.add(canonicalHost(name));
  }
}

const WATCH: Options = {
  flags: "bcCdegprtvwx",
  values: "nq",
  longFlags: ["beep", "color", "differences", "errexit", "chgexit", "precise", "no-title", "exec"],
  longValues: ["interval"],
};

/** What xargs or `find -exec` puts in: known only at run time. */
const UNKNOWN_WORD: Word = { text: "{}", fixed: false, expandsAt: 0, runs: [] };

/** Wrappers that stay in the shell, so that a `cd` through them counts. */
const INSIDE_SHELL: ReadonlySet<string> = new Set(["builtin", "command", "time"]);

/** Options whose value is a text, split into words or run by a shell. */
const TEXT_OPTIONS: ReadonlyMap<string, RegExp> = new Map([
  ["env", /^(?:-\w*S|--split-string)/],
  ["flock", /^(?:-c|--command)/],
]);

/** Each is read twice, and what it runs may be one again: so many would take twice the time of one less. */
const RUNNERS_IN_DOUBT_MAX = 8;

/** Options of those that run others which take no value. */
const RUNNER_FLAG = /^--$|^--?(?:y(?:es)?|q(?:uiet)?|silent|locked|frozen|isolated|no-[a-z-]+)$/;

/** Options by which these write what they read. */
const IN_PLACE: ReadonlyMap<string, RegExp> = new Map([
  ["sed", /^(?:-[nErsuz]*i|--i)/],
  ["awk", /^inplace$|=inplace$/],
  ["gawk", /^inplace$|=inplace$/],
  ["perl", /^-[0-9lnpswWtTaF]*i/],
  ["ruby", /^-[0-9lnpswWaF]*i/],
]);

/** What `tmux` and `screen` do without running anything. */
const LOOKS_ONLY: ReadonlySet<string> = new Set(["ls", "list-sessions", "info", "kill-session"]);

/** Builtins that evaluate an index in a variable's name, and with it what `$(…)` stands in that. */
const EVALUATES: ReadonlySet<string> = new Set([
  ...["declare", "export", "let", "local", "mapfile", "printf", "read", "readarray", "readonly"],
  ...["test", "typeset", "unset", "wait"],
]);

/** Those of them that read a text `a=(…)` as a shell does, quoted as well. */
const DECLARES: ReadonlySet<string> = new Set([
  ...["declare", "export", "local", "readonly", "typeset"],
]);

/** Variables that are numbers wherever a shell starts. */
const NUMBERS: ReadonlySet<string> = new Set([
  ...["EPOCHREALTIME", "EPOCHSECONDS", "HISTCMD", "LINENO", "OPTIND", "RANDOM", "SECONDS"],
  "SRANDOM",
]);

/** Builtins that give variables what they read: whatever it is. */
const READS_VALUES: ReadonlySet<string> = new Set(["mapfile", "read", "readarray"]);

/** What a shell calls by another name from then on. */
const REBINDS: ReadonlySet<string> = new Set(["BASH_ALIASES", "BASH_CMDS"]);

/** Expanded, substitutions and all, whenever a shell shows them: `PS4` after `set -x`. */
const PROMPTS = /^PS\d$/;

/** `${x:=y}` gives x its value. */
const GIVEN_BY_EXPANSION = /\$\{(\w+):?=/g;

const NUMBERS_OR_NAMES = /^[-+]\w*[in]/;

/** Whether a builtin evaluates arithmetic or indexes that stand in its arguments, or shows a prompt. */
function evaluatesArguments(program: string, args: readonly Word[]): boolean {
  const has = (pattern: RegExp) => args.some(({ text }) => pattern.test(text));
  if (program === "let") return true;
  if (program === "set" || SHELLS.has(program)) return has(/^-\w*x|^xtrace$/);
  if (program === "test") return has(/^-[vR]$/);
  return EVALUATES.has(program) && (has(/\[/) || has(NUMBERS_OR_NAMES));
}

/** Programs for which `host:path` is a file of another host. */
const REMOTE_FILES: ReadonlySet<string> = new Set(["rsync", "scp"]);

const SSH: Options = { flags: "1246AaCfGgKkMNnqsTtVvXxYy", values: "BbcDEeFIiJLlmOopPQRSWw" };

/** The same scope in a shell of its own, perhaps in other folders. */
function apart(scope: Scope, folders = scope.shell.folders): Scope {
  return { ...scope, shell: { folders } };
}

/** Quoted text that would be a substitution if it were evaluated as an index: `'a[$(rm)]'`. */
function isLoaded({ text, runs }: Word): boolean {
  return runs.length === 0 && text.includes("[") && /\$\(|`/.test(text);
}

/** Quoted text of an array that runs something as it is read: `'a=($(rm))'`, or its value. */
function isArrayText({ text, runs }: Word): boolean {
  return runs.length === 0 && /^(?:[^=]+=)?\(/.test(text) && /[$`<>]/.test(text);
}

/** A value that is shown whole, and runs nothing wherever it is evaluated. */
function isPlain({ text, runs, fixed, expandsAt }: Word): boolean {
  if (runs.length > 0 || (!fixed && expandsAt === undefined)) return false;
  return !/[$`[({\\]/.test(text.replace(PLAIN_EXPANSION, ""));
}

/** `$x`, `${x}`, `$((…))` */
const PLAIN_EXPANSION = /\$(?:\w+|[@*#?$!-]|\{\w+\}|\(\([\w\s+*/%<>=!&|?:,$-]*\)\))/g;

function either(
  one: readonly (string | undefined)[],
  other: readonly (string | undefined)[],
): readonly (string | undefined)[] {
  if (one === other) return one;
  const both = [...new Set([...one, ...other])];
  return both.length > FOLDERS_MAX ? [ELSEWHERE] : both;
}

function isDescriptor({ op, target }: Redirect): boolean {
  return (op === ">&" || op === "<&") && /^\d*-?$/.test(target.text);
}

/** The input of a command or of everything in a compound one: the last redirection of it counts. */
function inputOf(redirects: readonly Redirect[], scope: Scope): Input {
  let { input } = scope;
  for (const { fd, op, target, body } of redirects) {
    if (!op.startsWith("<") || (fd !== undefined && fd !== "0")) continue;
    if (body !== undefined) input = { kind: "text", word: body };
    else if (op === "<<<") input = { kind: "text", word: target };
    else if (target.runs.length > 0 || (op === "<&" && target.text !== "-")) input = COMPUTED;
    else input = NOTHING;
  }
  return input;
}
