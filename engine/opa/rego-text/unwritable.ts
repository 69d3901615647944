/** What Rego cannot say, thrown to the rule in which it stands. */
export class Unwritable extends Error {
  /** Index into `Program.places`. */
  readonly at: number;
  /** What the author can do. */
  readonly help: string;

  constructor(at: number, message: string, help: string) {
    super(message);
    this.at = at;
    this.help = help;
  }
}
