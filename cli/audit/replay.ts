import { type RecordedDecision, SKIPS, type Skip } from "../../engine/audit/again.ts";
import { type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { count, painter, printable } from "../terminal.ts";
import { openDecider } from "./decider.ts";
import { readLog, warnOf } from "./reading.ts";

interface Differing {
  readonly id: string;
  readonly at: unknown;
  readonly differences: readonly { member: string; recorded: unknown; again: unknown }[];
}

/** Every recorded decision of the policy, made again. */
export async function replay(input: Input, io: Io): Promise<ExitCode> {
  const [, policyPath, file] = input.positionals;
  if (policyPath === undefined) {
    throw new Misuse("which policy decided is missing", "`writ audit replay POLICY [FILE]`");
  }
  const decider = await openDecider(policyPath, input, io);
  if (decider === undefined) return 1;
  const differing: Differing[] = [];
  const skipped = new Map<Skip, number>();
  let same = 0;
  const verification = await readLog(file, input, io, (record) => {
    if (record.kind !== "decision") return;
    const decided = record as unknown as RecordedDecision;
    const result = decider.again(decided);
    if (result.kind === "same") same += 1;
    else if (result.kind === "differs") {
      differing.push({ id: decided.id, at: record.at, differences: result.differences });
    } else skipped.set(result.why, (skipped.get(result.why) ?? 0) + 1);
  });
  const { ok, findings } = verification;
  // Nothing decided again is nothing found out.
  const isVain = same + differing.length === 0 && skipped.size > 0;
  const isFine = ok && differing.length === 0 && !isVain;
  if (input.json) {
    const all = {
      ok: isFine,
      policy: decider.digest,
      same,
      differing,
      findings,
    };
    io.out(`${JSON.stringify({ ...all, skipped: Object.fromEntries(skipped) }, null, 2)}\n`);
  } else {
    show({ same, differing, skipped }, io);
    warnOf(verification, io);
  }
  return isFine ? 0 : 1;
}

function show(
  {
    same,
    differing,
    skipped,
  }: {
    readonly same: number;
    readonly differing: readonly Differing[];
    readonly skipped: ReadonlyMap<Skip, number>;
  },
  io: Io,
): void {
  const paint = painter(io);
  for (const { id, at, differences } of differing) {
    io.out(`${paint("red", "✗")} ${printable(id)} ${printable(String(at))}\n`);
    for (const { member, recorded, again } of differences) {
      io.out(`    ${member}: ${spell(recorded)}, and now ${spell(again)}\n`);
    }
  }
  const total = same + differing.length;
  const said = `${count(total, "decision")} made again, ${differing.length} otherwise`;
  io.out(`${differing.length === 0 && total > 0 ? `${paint("green", "✓")} ` : ""}${said}\n`);
  for (const [why, number] of skipped) io.out(`  ${number} not: ${SKIPS[why]}\n`);
}

function spell(value: unknown): string {
  return value === undefined ? "nothing" : printable(JSON.stringify(value));
}
