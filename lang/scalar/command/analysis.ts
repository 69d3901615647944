/**
 * What a command line would run, read, write, delete and reach, told from its parsed text: its commands one after the
 * other, and from each the way into what its program runs (`program.ts`).
 */
import { ALIASES, LOADER, OPAQUE, PRIVILEGED } from "../programs/names.ts";
import { readShell } from "../shell/read.ts";
import {
  type Command,
  fixedWord,
  type List,
  type Script,
  SHELL_CHARS_MAX,
  SHELL_DEPTH_MAX,
  type Word,
} from "../shell/tree.ts";
import { noteEvaluation } from "./evaluated.ts";
import { ELSEWHERE, either } from "./folders.ts";
import { isOption } from "./line.ts";
import { followProgram } from "./program.ts";
import { inputOf, noteRedirect } from "./redirections.ts";
import { apart, COMPUTED, NOTHING, type Scope } from "./scope.ts";
import { noteArgumentsGiven, noteAssignments } from "./variables.ts";
import { type ParsedCommand, Walk } from "./walk.ts";

/** A path in one of these is the system's own program, so that its base name says all. */
const SYSTEM_FOLDER = /^(?:\/usr(?:\/local)?)?\/s?bin\/[^/]+$/;

const CHANGES_FOLDER: ReadonlySet<string> = new Set(["cd", "chdir", "popd", "pushd"]);

/** And from so many `cd`s on nobody would follow: each folder is as long as those before it together. */
const FOLDER_CHANGES_MAX = 64;

/** Texts within texts, together: so that the whole stays linear. */
const INNER_CHARS_MAX = 4 * SHELL_CHARS_MAX;

/** What has patterns stand for names that begin with a dot, wherever it stands in the text. */
const HIDDEN_NAMES = /dotglob|globdots|GLOBIGNORE/i;

/** `${x:=y}` gives x its value. */
const GIVEN_BY_EXPANSION = /\$\{(\w+):?=/g;

type Compound = Extract<Command, { kind: "compound" }>;

/** Collects while it walks. */
export class Analysis extends Walk {
  private innerChars = 0;
  private folderChanges = 0;

  of(text: string): ParsedCommand {
    this.hidden = HIDDEN_NAMES.test(text);
    this.script(readShell(text), { shell: { folders: [undefined] }, input: NOTHING, depth: 0 });
    this.settle();
    // `x='a[$(rm)]'; echo $((x))`: arithmetic runs what a variable's text holds.
    if (this.evaluates && this.carriesCode) this.parsed = false;
    const { programs, commands, paths, reads, writes, deletes, hosts, variables } = this;
    const { parsed, pipesToInterpreter, inlineCode, privileged } = this;
    const sets = { programs, commands, paths, reads, writes, deletes, hosts, variables };
    return { parsed, ...sets, pipesToInterpreter, inlineCode, privileged };
  }

  inner(word: Word, scope: Scope): void {
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

  private list(list: List, scope: Scope): void {
    const { shell } = scope;
    // Wherever one of them left the shell: at `;` or `||` any `cd` before may have been the first to fail.
    let left = shell.folders;
    list.forEach((item, index) => {
      if (index > 0 && item.after !== "&&") shell.folders = left;
      const before = shell.folders;
      item.pipeline.forEach((command, at) => {
        const input = at > 0 ? COMPUTED : scope.input;
        this.command(command, item.pipeline.length > 1 ? { ...apart(scope), input } : scope);
      });
      // `! cd x && …` goes on where the `cd` failed, and `a || cd x && …` where a did not.
      if (item.negated || item.after === "||") shell.folders = either(before, shell.folders);
      left = either(left, shell.folders);
    });
    if (list.length > 1) shell.folders = left;
  }

  private command(command: Command, scope: Scope): void {
    noteAssignments(this, command, scope);
    for (const word of command.words) this.substitutions(word, scope);
    for (const redirect of command.redirects) noteRedirect(this, redirect, scope);
    const inside = { ...scope, input: inputOf(command.redirects, scope) };
    if (command.kind === "simple") this.run(command.words, inside);
    else if (command.repeats) this.loop(command.bodies, inside);
    else if (command.shell === "same") this.bodies(command.bodies, inside);
    else if (command.shell === "own") this.bodies(command.bodies, apart(inside));
    else this.functionBody(command, inside);
  }

  /** Where a function is called, and what it is given to read, is told by nothing here. */
  private functionBody({ name, bodies }: Compound, scope: Scope): void {
    if (name !== undefined) this.functions.add(name);
    this.later(scope, (there) => this.bodies(bodies, there), [ELSEWHERE]);
  }

  /** Where a round of it leaves the folder is where the next one begins. */
  private loop(bodies: readonly List[], scope: Scope): void {
    const before = scope.shell.folders;
    this.bodies(bodies, scope);
    if (scope.shell.folders === before) return;
    for (const found of [this.paths, this.reads, this.writes, this.deletes]) {
      if (found.size > 0) found.add(ELSEWHERE);
    }
  }

  private bodies(bodies: readonly List[], scope: Scope): void {
    for (const body of bodies) {
      const before = scope.shell.folders;
      this.list(body, scope);
      scope.shell.folders = either(before, scope.shell.folders);
    }
  }

  substitutions(word: Word, scope: Scope): void {
    for (const [, name = ""] of word.text.matchAll(GIVEN_BY_EXPANSION)) this.variables.add(name);
    for (const { list, form } of word.runs) {
      const input = form === "output" ? COMPUTED : scope.input;
      this.list(list, { ...apart(scope), input });
    }
  }

  run(words: readonly Word[], scope: Scope): void {
    const [first, ...args] = words;
    if (first === undefined) return;
    const program = this.program(first);
    this.commands.push({ program, args: args.map((word) => word.text) });
    if (!first.fixed) this.runsComputed(first);
    // `{,} x` starts x.
    if (first.text === "") this.parsed = false;
    noteEvaluation(this, program, args);
    noteArgumentsGiven(this, program, args);
    if (args.some((word) => HIDDEN_NAMES.test(word.text))) this.hidden = true;
    if (scope.depth >= SHELL_DEPTH_MAX) this.parsed = false;
    else followProgram(this, { program, args, scope: { ...scope, depth: scope.depth + 1 } });
    if (CHANGES_FOLDER.has(program)) this.changeFolder(program, args, scope);
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

  private changeFolder(program: string, args: readonly Word[], scope: Scope): void {
    const dashes = args.findIndex(({ text }) => text === "--");
    const named = dashes < 0 ? args.find((word) => !isOption(word)) : args[dashes + 1];
    const target = named ?? fixedWord("~");
    this.folderChanges += 1;
    const few = this.folderChanges <= FOLDER_CHANGES_MAX;
    // Without a name, or with a number or `-n`, the stack says where to.
    const stacked =
      program === "popd" ||
      (program === "pushd" && (named === undefined || args.some(({ text }) => /^[+-]/.test(text))));
    const goesBack = args.some((word) => word.text === "-") || this.variables.has("CDPATH");
    const certain = few && target.fixed && !stacked && !goesBack;
    scope.shell.folders = certain ? this.places(target, scope) : [ELSEWHERE];
  }
}
