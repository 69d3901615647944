/**
 * What is shared by all that follows what a program does: what was found so far, and the ways into what it runs. To
 * follow is to look at what may be run; to note is to keep what stands there.
 */
import type { Options } from "../programs/options.ts";
import type { Word } from "../shell/tree.ts";
import { ELSEWHERE, either, places } from "./folders.ts";
import { canonicalHost } from "./host-names.ts";
import { isOption, optionLength } from "./line.ts";
import { apart, OF_CALLER, type Scope } from "./scope.ts";

/** What is known of one text. Each member is the attribute of that name; `commandAttributes` documents them. */
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

/** Characters of scripts with values in them, together: so that the whole stays linear. */
const INSERTED_CHARS_MAX = 1_000_000;

/** No file: nothing, or a stream the program has anyhow. */
const OWN_STREAM = /^\/dev\/(?:null|stdin|stdout|stderr|tty|fd\/\d)$/;

/** Invariant: whatever is not followed clears `parsed`. */
export abstract class Walk {
  parsed = true;
  pipesToInterpreter = false;
  inlineCode = false;
  privileged = false;
  /** Numbers, names or indexes are evaluated that the text does not show. */
  evaluates = false;
  /** Text that such an evaluation would run stands in it, or may be what it gives a variable. */
  carriesCode = false;
  /** Values that the text gives to variables. */
  readonly given: string[] = [];
  /** Scripts of sed and awk in which such a value may stand; they are read again with each. */
  readonly inserted: { readonly text: string; read(script: string): void }[] = [];
  /** A value that begins with a dash may be given to a variable. */
  givesOption = false;
  /** What is so where a quoted `"$x"` is an option. */
  readonly ifOption: (() => void)[] = [];
  /** Commands that were read twice, since their beginning is not certain. */
  runnersInDoubt = 0;
  /** A function, an alias or a trap changes the folder, and may be run anywhere behind this. */
  movesLater = false;
  readonly programs = new Set<string>();
  readonly commands: Invocation[] = [];
  readonly paths = new Set<string>();
  readonly reads = new Set<string>();
  readonly writes = new Set<string>();
  readonly deletes = new Set<string>();
  readonly hosts = new Set<string>();
  readonly variables = new Set<string>();
  /** A pattern may stand for names that begin with a dot: `shopt -s dotglob`. */
  hidden = false;
  /** Names of functions that the text defines. */
  readonly functions = new Set<string>();
  /** Variables that the text makes arrays. */
  readonly arrays = new Set<string>();

  /** One command line: words after expansion of braces, the first of them the program. */
  abstract run(words: readonly Word[], scope: Scope): void;

  /** Text that a shell is given: `sh -c`, `eval`, `trap`. */
  abstract inner(word: Word, scope: Scope): void;

  /** What is run to expand a word. */
  abstract substitutions(word: Word, scope: Scope): void;

  /** What can be told only when all of the text was read. */
  protected settle(): void {
    if (this.givesOption) for (const note of this.ifOption) note();
    let chars = 0;
    for (const { text, read } of this.inserted) {
      for (const value of new Set(this.given)) {
        chars += text.length + value.length;
        if (chars > INSERTED_CHARS_MAX) this.parsed = false;
        else read(text.replace(/\$(?:\w+|\{[^}]*\})/g, () => value));
      }
    }
  }

  /** A word that a variable may come to hold. */
  gives({ text }: Word): void {
    this.given.push(text);
    if (text.startsWith("-")) this.givesOption = true;
  }

  /** What is read here and run later: of the caller's input, and a `cd` in it counts then. */
  later(
    scope: Scope,
    read: (there: Scope) => void,
    // A `cd` may have come between.
    folders = either(scope.shell.folders, [ELSEWHERE]),
  ): void {
    const there = { ...apart(scope, folders), input: OF_CALLER };
    read(there);
    if (there.shell.folders !== folders) this.movesLater = true;
  }

  /** A program, or a text of one, that holds an expansion: it is read as far as it stands there. */
  runsComputed(word: Word): void {
    this.parsed = false;
    if (word.runs.length > 0) this.pipesToInterpreter = true;
  }

  /** Index of the first word that is neither an option nor the value of one. */
  afterOptions(args: readonly Word[], options: Options): number {
    let at = 0;
    for (let word = args[at]; word !== undefined && isOption(word); word = args[at]) {
      const length = optionLength(word, options);
      if (length === 0) this.parsed = false;
      at += Math.max(1, length);
      if (word.text === "--") break;
    }
    return at;
  }

  /** Where a word leads, as far as the text tells. */
  places(word: Word, scope: Scope): readonly string[] {
    const here = places(word, scope);
    const moved = word.text.startsWith("~")
      ? this.variables.has("HOME")
      : this.movesLater && !word.text.startsWith("/");
    return moved ? [...here, ELSEWHERE] : here;
  }

  /** A word that names a file, among those that are read, written, deleted or only named. */
  file(into: Set<string>, word: Word, scope: Scope): void {
    const places = this.places(word, scope);
    // `?env` as `.?env`, and `a/*` as `a/.*`.
    const dotted = word.fixed || !this.hidden ? [] : places.map(withDots);
    for (const place of [...places, ...dotted]) {
      if (OWN_STREAM.test(place)) continue;
      into.add(place);
      this.paths.add(place);
    }
  }

  /** A host as a text names it; nothing where it names none. */
  host(name: string): void {
    if (name !== "") this.hosts.add(canonicalHost(name));
  }
}

/** A path whose patterns stand for hidden names. */
function withDots(path: string): string {
  return path.replace(/(^|\/)(?=[*?[])/g, "$1.");
}
