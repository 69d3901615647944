import type { Command, ExitCode, Input, Io } from "../command.ts";
import { type Configured, configure } from "../serve/config.ts";
import { SERVE_OPTIONS } from "../serve/options.ts";
import { unsafeIn } from "../serve/unsafe.ts";
import { CONTROL_COUNT, weaknessesIn } from "../serve/weakened.ts";
import { count, painter, table } from "../terminal.ts";

export const command: Command = {
  name: "doctor",
  summary: "name every control of a service that is weaker than it could be",
  usage: "[options of writ serve] [POLICY]",
  description: [
    "Takes what `writ serve` would be told, from the command line, the environment and the file of --config, opens nothing, and names every control that is weakened, with what would strengthen it; and what `writ serve` would refuse to start with. Run it as the user, and in the directory, of the service.",
    "Whether to live with a weakness is yours to say: a service on one machine, asked by one program, needs less than one for a company.",
    "Exits with 1 where there is anything to name. With --json, one document: `refused`, `weakened`, and in `settings` where each setting was found, without its value.",
    "Examples:\n  writ doctor --config /etc/writ/writ.yaml\n  writ doctor --allow-remote --host 0.0.0.0 policies/payments",
  ],
  options: SERVE_OPTIONS,
  positionals: { least: 0, most: 1 },
  run: doctor,
};

async function doctor(given: Input, io: Io): Promise<ExitCode> {
  const configured = configure(SERVE_OPTIONS, given, io);
  // The file itself is one of the things that are looked at.
  const file = given.values.get("config");
  const { input } = configured;
  const values = file === undefined ? input.values : new Map([...input.values, ["config", file]]);
  const refused = unsafeIn(input, io);
  const weakened = weaknessesIn({ ...configured, input: { ...input, values } }, io);
  const isFine = refused.length + weakened.length === 0;
  if (given.json || input.json) {
    const settings = Object.fromEntries(configured.origins);
    const checked = CONTROL_COUNT;
    io.out(`${JSON.stringify({ ok: isFine, refused, weakened, checked, settings }, null, 2)}\n`);
  } else io.out(report(configured, { refused, weakened }, io));
  return isFine ? 0 : 1;
}

interface Found {
  readonly refused: ReturnType<typeof unsafeIn>;
  readonly weakened: ReturnType<typeof weaknessesIn>;
}

function report({ origins }: Configured, { refused, weakened }: Found, io: Io): string {
  const paint = painter(io);
  const refusals = refused.map(
    ({ because, help }) => `${paint("red", "refused")}  ${because}\n         ${help}\n`,
  );
  const rows = weakened.flatMap((one) => [
    [paint("yellow", one.control), one.weakened],
    ["", paint("dim", one.advice)],
  ]);
  const told = count(origins.size, "setting");
  const checked = `${told}, ${count(CONTROL_COUNT, "check")}`;
  const summary =
    refused.length + weakened.length === 0
      ? `${paint("green", "nothing is weakened")} (${checked})\n`
      : `${weakened.length} weakened, ${refused.length} refused (${checked})\n`;
  return `${refusals.join("")}${rows.length === 0 ? "" : table(rows)}${summary}`;
}
