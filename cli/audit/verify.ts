import { isAbsolute, relative } from "node:path";
import type { ExitCode, Input, Io } from "../command.ts";
import { count, painter } from "../terminal.ts";
import { readLog, spellFinding } from "./reading.ts";

export async function verify(input: Input, io: Io): Promise<ExitCode> {
  const [, file] = input.positionals;
  const { verifiers, ...verification } = await readLog(file, input, io);
  const { ok, records, first, files, checkpoints, signed, uncovered, findings } = verification;
  const keys = verifiers.map(({ text }) => text);
  if (input.json) {
    io.out(`${JSON.stringify({ ...verification, keys }, null, 2)}\n`);
    return ok ? 0 : 1;
  }
  const paint = painter(io);
  const near = (name: string) => (isAbsolute(name) ? relative(io.cwd, name) : name);
  const shown = files.map(near);
  for (const { file: name, ...finding } of findings) {
    io.out(`${paint("red", "✗")} ${spellFinding({ file: near(name), ...finding })}\n`);
  }
  const begin = first === 0 ? "" : `, from record ${first} on`;
  const said = `${count(records, "record")} in ${shown.length === 1 ? shown[0] : count(shown.length, "file")}${begin}`;
  io.out(ok ? `${paint("green", "✓")} ${said}: nothing was changed\n` : `${said}\n`);
  io.out(`${signatures(keys, { checkpoints, signed })}\n`);
  if (ok && uncovered > 0) {
    io.out(
      `the last ${count(uncovered, "record")} ${uncovered === 1 ? "waits" : "wait"} for the next checkpoint\n`,
    );
  }
  return ok ? 0 : 1;
}

function signatures(
  keys: readonly string[],
  { checkpoints, signed }: { readonly checkpoints: number; readonly signed: number },
): string {
  if (keys.length > 0)
    return `${signed} of ${count(checkpoints, "checkpoint")} signed by ${keys.join(", ")}`;
  return `${count(checkpoints, "checkpoint")}, signatures not looked at: whoever can write the log could have written it anew (\`writ audit key\`, \`--key\`)`;
}
