import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { completionFor, SHELLS } from "../completion.ts";

export const command: Command = {
  name: "completion",
  summary: "let your shell complete commands and options",
  usage: "[options] bash|zsh|fish",
  description: [
    "Prints a script for the shell: its words are those of `writ --help` and of each command's `--help`. Read it where your shell starts.",
    "Examples:\n  source <(writ completion bash)      # in ~/.bashrc\n  source <(writ completion zsh)       # in ~/.zshrc, behind compinit\n  writ completion fish | source       # in ~/.config/fish/config.fish",
  ],
  options: [],
  words: SHELLS,
  positionals: { least: 1, most: 1 },
  run: completion,
};

async function completion({ positionals, json }: Input, io: Io): Promise<ExitCode> {
  const [given = ""] = positionals;
  const shell = SHELLS.find((one) => one === given);
  if (shell === undefined)
    throw new Misuse(`\`${given}\` is no shell that is known`, SHELLS.join(", "));
  const script = completionFor(shell, await io.commands());
  if (json) io.out(`${JSON.stringify({ shell, script }, null, 2)}\n`);
  else io.data(script);
  return 0;
}
