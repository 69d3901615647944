/** Words of a command line → a command, run → an exit code. Every way a command can go wrong ends here. */
import { parseArgs } from "node:util";
import { messageOf } from "../engine/fault.ts";
import { didYouMean } from "../lang/suggest.ts";
import {
  COMMON_OPTIONS,
  type Command,
  type ExitCode,
  type Input,
  type Io,
  Misuse,
  type Option,
} from "./command.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { REGISTRY } from "./registry.ts";
import { painter, printableLines, withoutHidden, withoutHiddenBeyondAscii } from "./terminal.ts";

/** What `Io` is made from once `--color` is known. */
export interface World extends Omit<Io, "color" | "data" | "commands"> {
  readonly version: string;
  /** Both standard output and standard error are terminals. */
  readonly terminal: boolean;
}

export async function run(words: readonly string[], world: World): Promise<ExitCode> {
  const plain = { json: false, name: "writ" };
  const [first, ...rest] = words;
  try {
    if (first === undefined || first === "--help" || first === "-h" || first === "help") {
      return await help(rest[0], world);
    }
    if (first === "--version" || first === "-V") {
      world.out(`writ ${world.version}\n`);
      return 0;
    }
    return await runCommand(await load(first), rest, world);
  } catch (error) {
    return complain(error, plain, world);
  }
}

async function help(name: string | undefined, world: World): Promise<ExitCode> {
  const paint = painter({ color: colorFor("auto", world) });
  world.out(name === undefined ? mainHelp(paint) : commandHelp(await load(name), paint));
  return 0;
}

async function load(name: string): Promise<Command> {
  const entry = REGISTRY.find((candidate) => candidate.name === name);
  if (entry !== undefined) return (await entry.load()).command;
  const isOption = name.startsWith("-");
  const known = ELSEWHERE.get(name);
  const elsewhere = known && `it is \`writ ${known}\``;
  const { help } = didYouMean(name, isOption ? [] : REGISTRY.map((candidate) => candidate.name));
  throw new Misuse(
    isOption ? `the name of a command comes before \`${name}\`` : `there is no command \`${name}\``,
    elsewhere ?? help ?? "see `writ --help`",
  );
}

/** What commands of other tools are called here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["compile", "build"],
  ["coverage", "test --coverage"],
  ["diff", "replay --against"],
  ["eval", "decide"],
  ["format", "fmt"],
  ["lint", "check"],
  ["new", "init"],
  ["run", "serve"],
  ["verify", "audit verify"],
  ["version", "--version"],
]);

async function runCommand(
  command: Command,
  words: readonly string[],
  world: World,
): Promise<ExitCode> {
  // Known before anything is parsed, so that even a misspelt option is complained of in JSON.
  const manner = { json: words.includes("--json"), name: `writ ${command.name}` };
  try {
    const { input, color, wantsHelp } = readWords(command, words);
    const io = ioOf(world, colorFor(color, world));
    if (wantsHelp) {
      io.out(commandHelp(command, painter(io)));
      return 0;
    }
    return await command.run(input, io);
  } catch (error) {
    return complain(error, manner, world);
  }
}

/** `stopped` is asked for only by commands that wait: having been asked, Ctrl-C no longer ends the process. */
function ioOf(world: World, color: boolean): Io {
  const out = (text: string) =>
    world.out(world.screen === undefined ? withoutHidden(text) : withoutHiddenBeyondAscii(text));
  const isShown = world.terminal || world.screen !== undefined;
  return {
    out,
    data: isShown ? out : world.out,
    err: (text) => world.err(withoutHidden(text)),
    color,
    interactive: world.interactive,
    ...(world.screen === undefined ? {} : { screen: world.screen }),
    cwd: world.cwd,
    env: world.env,
    stdin: world.stdin,
    commands: () => Promise.all(REGISTRY.map(async (entry) => (await entry.load()).command)),
    get stopped() {
      return world.stopped;
    },
  };
}

interface Words {
  readonly input: Input;
  readonly color: string;
  readonly wantsHelp: boolean;
}

function readWords(command: Command, words: readonly string[]): Words {
  const options = [...command.options, ...COMMON_OPTIONS];
  const { values, positionals } = parseWords(command, options, words);
  const wantsHelp = values.help === true;
  const { least, most } = command.positionals;
  const usage = `usage: writ ${command.name} ${command.usage}`;
  if (!wantsHelp && positionals.length < least) {
    throw new Misuse(`${missing(command.usage, positionals.length)} is missing`, usage);
  }
  if (!wantsHelp && positionals.length > most) {
    throw new Misuse(`\`${positionals[most]}\` is one too many`, usage);
  }
  const color = String(values.color ?? "auto");
  if (!["auto", "always", "never"].includes(color)) {
    throw new Misuse(`\`--color\` is auto, always or never, not \`${color}\``);
  }
  const entries = Object.entries(values);
  const input: Input = {
    positionals,
    values: new Map(entries.flatMap(([name, value]) => lastText(name, value))),
    lists: new Map(
      entries.flatMap(([name, value]) =>
        Array.isArray(value) ? [[name, value.map(String)] as const] : [],
      ),
    ),
    flags: new Set(entries.flatMap(([name, value]) => (value === true ? [name] : []))),
    json: values.json === true,
  };
  return { input, color, wantsHelp };
}

/** What stands at `at` in the first form that a usage has: `POLICY`, or words to be written as they are. */
function missing(usage: string, at: number): string {
  const [form = ""] = usage.replace("[options] ", "").split(" | ");
  const word = form.split(" ")[at]?.replace("…", "") ?? "";
  return /^[A-Z]+$/.test(word) ? word : `\`${word}\``;
}

function lastText(name: string, value: unknown): (readonly [string, string])[] {
  const last: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof last === "string" ? [[name, last]] : [];
}

function parseWords(command: Command, options: readonly Option[], words: readonly string[]) {
  const known = Object.fromEntries(
    options.map(({ name, short, value, repeatable = false }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: repeatable,
        ...(short === undefined ? {} : { short }),
      },
    ]),
  );
  try {
    return parseArgs({ args: [...words], options: known, strict: true, allowPositionals: true });
  } catch (error) {
    throw misuseOf(error, command, options, words);
  }
}

/** `parseArgs` says what is wrong in the words of a library. */
function misuseOf(
  error: unknown,
  command: Command,
  options: readonly Option[],
  words: readonly string[],
): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const message = error instanceof Error ? error.message : "";
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") {
    const [, unknown = ""] = /'(-[^']*)'/.exec(message) ?? [];
    const names = options.map(({ name }) => name);
    const near = didYouMean(unknown.replace(/^-+/, ""), names).help;
    return new Misuse(
      `there is no option \`${unknown}\``,
      near === undefined
        ? `see \`writ ${command.name} --help\``
        : near.replace(/`([^`]+)`/, "`--$1`"),
    );
  }
  if (code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
    const wrong = options.find(({ name }) => message.includes(`--${name}`));
    if (wrong?.value !== undefined) {
      return new Misuse(`\`--${wrong.name}\` needs a value: \`--${wrong.name} ${wrong.value}\``);
    }
    const word = words.find((candidate) => candidate.startsWith(`--${wrong?.name}=`));
    return new Misuse(`\`${word ?? message}\`: \`--${wrong?.name}\` takes no value`);
  }
  return error;
}

function colorFor(wanted: string, { terminal, env }: World): boolean {
  if (wanted !== "auto") return wanted === "always";
  // https://no-color.org: any value but the empty one.
  if ((env.NO_COLOR ?? "") !== "") return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return terminal && env.TERM !== "dumb";
}

interface Manner {
  readonly json: boolean;
  readonly name: string;
}

function complain(error: unknown, { json, name }: Manner, world: World): ExitCode {
  const isMisuse = error instanceof Misuse || isOfSystem(error);
  const text = messageOf(error);
  const message = isMisuse ? text : `this is a bug in writ: ${text}`;
  const bugHelp = isMisuse ? undefined : "please report it, with what `WRIT_DEBUG=1` prints";
  const help = error instanceof Misuse ? error.help : bugHelp;
  if (json) {
    const kind = isMisuse ? "misuse" : "bug";
    const answer = { ok: false, error: { kind, message, ...(help === undefined ? {} : { help }) } };
    world.out(withoutHidden(`${JSON.stringify(answer, null, 2)}\n`));
  } else {
    // What is quoted may be anybody's: a member of a request, a word of the command line.
    const said = `${name}: ${message}\n${help === undefined ? "" : `  ${help}\n`}`;
    world.err(printableLines(said));
  }
  if (!(error instanceof Misuse) && (world.env.WRIT_DEBUG ?? "") !== "" && error instanceof Error) {
    world.err(`${error.stack}\n`);
  }
  return 2;
}

/** A file or connection that the system does not let us have, for a reason that nobody told better. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && "code" in error;
}
