/** What shells are told of `writ`, so that they complete its commands and options. */
import { COMMON_OPTIONS, type Command, type Option } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

export type Described = Pick<Command, "name" | "summary" | "options" | "words">;

/** The script that a shell reads. */
export function completionFor(shell: Shell, commands: readonly Described[]): string {
  return SPELLED[shell](commands);
}

const SPELLED: Readonly<Record<Shell, (commands: readonly Described[]) => string>> = {
  bash: spellBash,
  zsh: spellZsh,
  fish: spellFish,
};

/** Of options whose values are few words. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  color: ["auto", "always", "never"],
};

function optionsOf({ options }: Described): readonly Option[] {
  return [...options, ...COMMON_OPTIONS];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Where nothing is found, bash completes names of files. */
function spellBash(commands: readonly Described[]): string {
  const cases = commands.map((command) => {
    const options = optionsOf(command).map(({ name }) => `--${name}`);
    const { name, words = [] } = command;
    return `    ${name}) options=${quoted(options.join(" "))} words=${quoted(words.join(" "))} ;;`;
  });
  const choices = Object.entries(CHOICES).map(
    ([name, words]) => `    --${name}) found=${quoted(words.join(" "))} ;;`,
  );
  const names = commands.map(({ name }) => name).join(" ");
  return `# Completion of writ for bash: source <(writ completion bash)
_writ() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} options= words= found=
  case \${COMP_WORDS[1]} in
${cases.join("\n")}
  esac
  case $before in
${choices.join("\n")}
    *)
      if [ "$COMP_CWORD" -eq 1 ]; then found=${quoted(`${names} --help --version`)}
      elif [[ $word == -* ]]; then found=$options
      elif [ "$COMP_CWORD" -eq 2 ]; then found=$words
      fi ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$found" -- "$word")
}
complete -o default -o bashdefault -F _writ writ
`;
}

function spellZsh(commands: readonly Described[]): string {
  const names = commands.map(({ name, summary }) => quoted(`${name}:${summary}`));
  const cases = commands.map((command) => {
    const { name, words = [] } = command;
    const first = words.length === 0 ? [] : [quoted(`1:what:(${words.join(" ")})`)];
    const all = [...optionsOf(command).flatMap(zshOption), ...first, "'*:file:_files'"];
    return `    ${name}) _arguments -s ${all.join(" \\\n        ")} ;;`;
  });
  return `#compdef writ
# Completion of writ for zsh: source <(writ completion zsh)
_writ() {
  if (( CURRENT == 2 )); then
    local -a commands=(${names.join("\n      ")})
    _describe -t commands command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join("\n")}
  esac
}
compdef _writ writ
`;
}

function zshOption({ name, short, value, repeatable = false, help }: Option): readonly string[] {
  const told = `[${help.replace(/[[\]\\:]/g, "\\$&")}]`;
  const choices = CHOICES[name];
  const values = choices === undefined ? "_files" : `(${choices.join(" ")})`;
  const taken = value === undefined ? "" : `:${value}:${values}`;
  const often = repeatable ? "*" : "";
  const spellings = [`--${name}${value === undefined ? "" : "="}`, ...(short ? [`-${short}`] : [])];
  return spellings.map((spelling) => quoted(`${often}${spelling}${told}${taken}`));
}

function spellFish(commands: readonly Described[]): string {
  const lines = commands.flatMap((command) => {
    const { name, summary, words = [] } = command;
    const behind = `complete -c writ -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c writ -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}`,
      ...(words.length === 0 ? [] : [`${behind} -a ${quoted(words.join(" "))}`]),
      ...optionsOf(command).map((option) => `${behind} ${fishOption(option)}`),
    ];
  });
  return `# Completion of writ for fish: writ completion fish | source\n${lines.join("\n")}\n`;
}

function fishOption({ name, short, value, help }: Option): string {
  const choices = CHOICES[name];
  const values = choices === undefined ? "" : ` -f -a ${quoted(choices.join(" "))}`;
  const taken = value === undefined ? "" : ` -r${values}`;
  return `-l ${name}${short === undefined ? "" : ` -s ${short}`}${taken} -d ${fishQuoted(help)}`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
