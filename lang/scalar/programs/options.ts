/** How programs read their options: what the tables of this folder have in common. */

/** How a program reads its options. An option in neither list makes the command line not understood. */
export interface Options {
  /** Letters that stand alone, and letters that take a value. */
  readonly flags: string;
  readonly values: string;
  /** Long options without their dashes, in the same two kinds. */
  readonly longFlags?: readonly string[];
  readonly longValues?: readonly string[];
  /** Letters whose value stands in the same word or not at all. */
  readonly joined?: string;
}

/** Options by which a program is told to run another. */
export interface CommandOptions {
  /** Their value is a command, as one text. */
  readonly texts?: readonly string[];
  /** The same, where the value stands in the same word or not at all. */
  readonly joined?: readonly string[];
  /** The words behind them, up to a `;`, are one. */
  readonly words?: readonly string[];
}
