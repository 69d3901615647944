import { exportEvents } from "../audit/export.ts";
import { makeKey } from "../audit/key.ts";
import { READING_OPTIONS, USUAL_LOG } from "../audit/reading.ts";
import { replay } from "../audit/replay.ts";
import { show } from "../audit/show.ts";
import { verify } from "../audit/verify.ts";
import {
  type Command,
  type ExitCode,
  type Input,
  type Io,
  Misuse,
  type Option,
} from "../command.ts";
import { REGO_OPTIONS } from "../rego.ts";

interface Subcommand {
  readonly run: (input: Input, io: Io) => Promise<ExitCode>;
  readonly options: readonly Option[];
  /** Words behind its name, at most. */
  readonly most: number;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  verify: { run: verify, options: READING_OPTIONS, most: 1 },
  show: {
    run: show,
    options: [
      ...READING_OPTIONS,
      { name: "principal", value: "ID", help: "show what was done for this person" },
      { name: "agent", value: "ID", help: "show what this agent did, or passed on" },
      { name: "session", value: "ID", help: "show one session" },
      { name: "tool", value: "NAME", help: "show calls of one tool" },
      {
        name: "call",
        value: "ID",
        help: "show one call, or the decision of that id, and on what grounds",
      },
      { name: "decision", value: "WHAT", help: "show allow, deny or hold" },
      {
        name: "since",
        value: "WHEN",
        help: "show what was decided since a time, or for a span (24h)",
      },
      { name: "limit", value: "N", help: "show so many at most, the latest (1000; 0 is all)" },
    ],
    most: 1,
  },
  replay: { run: replay, options: [...READING_OPTIONS, ...REGO_OPTIONS], most: 2 },
  export: {
    run: exportEvents,
    options: [...READING_OPTIONS, { name: "format", value: "NAME", help: "export as ocsf" }],
    most: 1,
  },
  key: {
    run: makeKey,
    options: [{ name: "name", value: "NAME", help: "what the key is called (writ-audit-…)" }],
    most: 1,
  },
};

export const command: Command = {
  name: "audit",
  summary: "verify, read and export what a service recorded",
  usage: "[options] verify|show|replay|export|key …",
  description: [
    `Reads the log that \`writ serve\` writes, ${USUAL_LOG} unless FILE names another, with what was rotated out of it. Whatever is shown was verified on the way; where the log cannot be believed, that is said, and the exit code is 1, as it is where \`show --call\` finds no such call.`,
    [
      "verify [FILE]          finds what was changed, added, left out or cut, in every file of it",
      "show [FILE]            who did this: from the person over each agent to the call",
      "replay POLICY [FILE]   decides it again, and lists what comes out otherwise",
      "export [FILE]          OCSF API Activity, each in a CloudEvent on a line",
      "key [FILE]             makes a key that checkpoints are signed with",
      "",
    ].join("\n"),
    "A log alone cannot show that its end is missing, nor that somebody with the key wrote it anew: keep `audit.jsonl.checkpoint` elsewhere from time to time, and name it with --anchor.",
    "Examples:\n  writ audit verify --key audit.key.pub --anchor kept/audit.checkpoint\n  writ audit show --principal alice --decision allow --since 24h\n  writ audit show --call c-81\n  writ audit replay policies/payments",
  ],
  options: distinct(Object.values(SUBCOMMANDS).flatMap(({ options }) => options)),
  words: Object.keys(SUBCOMMANDS),
  positionals: { least: 1, most: 3 },
  run: audit,
};

function distinct(options: readonly Option[]): readonly Option[] {
  return [...new Map(options.map((option) => [option.name, option])).values()];
}

async function audit(input: Input, io: Io): Promise<ExitCode> {
  const [name = "", ...words] = input.positionals;
  const found = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (found === undefined) {
    throw new Misuse(
      `\`writ audit\` does not \`${name}\``,
      `it does ${Object.keys(SUBCOMMANDS).join(", ")}`,
    );
  }
  if (words.length > found.most) throw new Misuse(`\`${words[found.most]}\` is one too many`);
  const taken = new Set(found.options.map((option) => option.name));
  const given = [...input.values.keys(), ...input.lists.keys(), ...input.flags];
  const foreign = given.find(
    (one) => !taken.has(one) && command.options.some((option) => option.name === one),
  );
  if (foreign !== undefined) throw new Misuse(`\`writ audit ${name}\` takes no \`--${foreign}\``);
  return found.run(input, io);
}
