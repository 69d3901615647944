/** What a command of `writ` is; `main.ts` finds it by name, reads its options and turns its answer into an exit code. */

export interface Command {
  readonly name: string;
  /** One line for `writ --help`. */
  readonly summary: string;
  /** What stands after the name: `[options] POLICY`. */
  readonly usage: string;
  /** Paragraphs of `writ NAME --help`, examples last. */
  readonly description: readonly string[];
  readonly options: readonly Option[];
  /** Of which one may stand first, for shells to complete; missing = it is a file, or a name. */
  readonly words?: readonly string[];
  /** How many words that are no options it takes. */
  readonly positionals: { readonly least: number; readonly most: number };
  run(input: Input, io: Io): Promise<ExitCode>;
}

/** `--name VALUE` when `value` names what is wanted, else a flag; every command also has `--json`, `--color`, `--help`. */
export interface Option {
  readonly name: string;
  readonly short?: string;
  readonly value?: string;
  readonly repeatable?: boolean;
  /** Of the environment, where `WRIT_` and the name in capitals means something else. */
  readonly variable?: string;
  /** What it is listed under by `--help`. */
  readonly heading?: string;
  readonly help: string;
}

/** What every command takes besides its own. */
export const COMMON_OPTIONS: readonly Option[] = [
  { name: "json", help: "print one JSON document, and nothing else, on standard output" },
  { name: "color", value: "WHEN", help: "colour: auto (on a terminal), always or never" },
  { name: "help", short: "h", help: "say how the command is used" },
];

export interface Input {
  readonly positionals: readonly string[];
  /** Last value of each option that takes one. */
  readonly values: ReadonlyMap<string, string>;
  /** Every value of repeatable options. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly flags: ReadonlySet<string>;
  readonly json: boolean;
}

/** The world a command may touch besides files: replaced in tests. */
export interface Io {
  /** Text on standard output, as is. */
  out(text: string): void;
  /** What is read byte by byte, as a bundle is: as is, but for a terminal. */
  data(text: string): void;
  /** Text on standard error, as is: progress and complaints. */
  err(text: string): void;
  readonly color: boolean;
  /** Whether progress may be drawn on standard error. */
  readonly interactive: boolean;
  /** Missing where standard output is no terminal, or there are no keys to be pressed. */
  readonly screen?: Screen;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: () => Promise<Uint8Array>;
  /** Resolves when the user wants to stop (SIGINT, SIGTERM). */
  readonly stopped: Promise<void>;
  /** Every command there is. */
  readonly commands: () => Promise<readonly Command[]>;
}

/** A terminal that is drawn on. */
export interface Screen {
  size(): { readonly columns: number; readonly rows: number };
  /** Takes keys one by one, unechoed, until what it gives back is called; Ctrl-C is a key too. */
  onKey(listener: (key: string) => void): () => void;
}

/** 0 fine · 1 findings (errors in a policy, failing tests, a denial that `--expect` did not want) · 2 misuse. */
export type ExitCode = 0 | 1 | 2;

/** Thrown for misuse: `main.ts` prints the message and what to do, and exits with 2. */
export class Misuse extends Error {
  readonly help: string | undefined;

  constructor(message: string, help?: string) {
    super(message);
    this.help = help;
  }
}
