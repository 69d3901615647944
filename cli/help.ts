import { COMMON_OPTIONS, type Command, type Option } from "./command.ts";
import { GROUPS, REGISTRY } from "./registry.ts";
import { indent, type Paint, table, wrap } from "./terminal.ts";

const COLUMNS = 90;

/** So that summaries of all groups stand below each other. */
const NAME_COLUMNS = Math.max(...REGISTRY.map(({ name }) => name.length));

export function mainHelp(paint: Paint): string {
  const groups = Object.entries(GROUPS).map(([group, title]) => {
    const rows = REGISTRY.filter((entry) => entry.group === group).map((entry) => [
      `  ${paint("cyan", entry.name.padEnd(NAME_COLUMNS))}`,
      entry.summary,
    ]);
    return `${paint("bold", title)}\n${table(rows)}`;
  });
  return [
    "usage: writ COMMAND [options] …\n",
    `${wrap("Writ decides whether an AI agent may make a call: this agent, for this person, with this tool, on this resource, for this purpose, after what it has already done. Policies are text, and their tests ship with them.", COLUMNS)}\n`,
    ...groups,
    `${paint("bold", "Exit codes")}\n${table([
      ["  0", "all is well"],
      ["  1", "something was found: an error in a policy, a failing test, a decision not expected"],
      ["  2", "the command could not do its work: wrong options, no such file, a bug in writ"],
    ])}`,
    `${paint("bold", "Examples")}\n${indent(
      [
        "writ init mypolicy && writ test mypolicy",
        "writ explain mypolicy mypolicy/request.json",
        "writ serve mypolicy",
        "",
      ].join("\n"),
      "  ",
    )}`,
    "writ COMMAND --help says more of each; writ --version which writ this is.\n",
  ].join("\n");
}

export function commandHelp(command: Command, paint: Paint): string {
  return [
    `usage: writ ${command.name} ${command.usage}\n`,
    ...command.description.map(paragraph),
    ...optionsByHeading([...command.options, ...COMMON_OPTIONS], paint),
  ].join("\n");
}

/** What has no heading of its own comes last, where a terminal shows it. */
function optionsByHeading(options: readonly Option[], paint: Paint): readonly string[] {
  const headings = new Set(options.flatMap(({ heading }) => heading ?? []));
  const columns = Math.max(...options.map((option) => spell(option).length));
  return [...headings, undefined].map((heading) => {
    const rows = options
      .filter((option) => option.heading === heading)
      .flatMap((option) => optionRows(option, columns, paint));
    return `${paint("bold", heading ?? "Options")}\n${table(rows)}`;
  });
}

function optionRows(option: Option, columns: number, paint: Paint): readonly string[][] {
  const name = `  ${paint("cyan", spell(option).padEnd(columns))}`;
  const help = option.repeatable ? `${option.help} (repeatable)` : option.help;
  const [first = "", ...more] = wrap(help, COLUMNS - columns - 4).split("\n");
  return [[name, first], ...more.map((line) => ["", line])];
}

/** Text runs on; what has line breaks of its own is left as it is. */
function paragraph(text: string): string {
  return `${text.includes("\n") ? text.replace(/\n$/, "") : wrap(text, COLUMNS)}\n`;
}

function spell({ name, short, value }: Option): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`;
  return short === undefined ? long : `-${short}, ${long}`;
}
