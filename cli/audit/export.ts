import { cloudEventOf } from "../../engine/audit/ocsf.ts";
import { type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { readLog, warnOf } from "./reading.ts";

/** One CloudEvent a line. */
export async function exportEvents(input: Input, io: Io): Promise<ExitCode> {
  const [, file] = input.positionals;
  const format = input.values.get("format") ?? "ocsf";
  if (format !== "ocsf") throw new Misuse(`there is no format \`${format}\``, "`--format ocsf`");
  let source = "urn:writ:audit";
  const verification = await readLog(file, input, io, (record) => {
    if (record.kind === "opened")
      source = `urn:writ:audit:${encodeURIComponent(String(record.origin))}`;
    const event = cloudEventOf(record, source);
    if (event !== undefined) io.out(`${JSON.stringify(event)}\n`);
  });
  return warnOf(verification, io) ? 0 : 1;
}
