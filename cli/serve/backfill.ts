/**
 * Counters that a policy declares late are given what the audit log knows of the time before (SPEC §7.9); of latches it is
 * said that they know nothing of it.
 */
import { randomUUID } from "node:crypto";
import {
  createReadStream,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { ActivePolicy, OperatedService } from "../../engine/active.ts";
import { nameFile, rotatedAmong, rotatedFile } from "../../engine/audit/files.ts";
import { History } from "../../engine/audit/history.ts";
import { messageOf } from "../../engine/fault.ts";
import type { Backfill } from "../../engine/state/past-uses.ts";
import { type Late, StateUnavailable } from "../../engine/state/store.ts";
import type { Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import { type Input, type Io, Misuse } from "../command.ts";
import type { ServedAudit } from "./audit.ts";

export interface ServedBackfill {
  /** Which engine decides by a program. */
  know(program: Program, engine: OperatedService): void;
  /** Begins once the policy decides; what is decided meanwhile is counted as ever. */
  onSwap(policy: ActivePolicy): void;
  /** Resolves when all that has begun is done. */
  settled(): Promise<void>;
}

/** `log` is missing where nothing is recorded. */
export function openBackfill(log: ServedAudit["log"], input: Input, io: Io): ServedBackfill {
  const engines = new WeakMap<Program, OperatedService>();
  let running = Promise.resolve();
  const fill = async (policy: ActivePolicy) => {
    const engine = engines.get(policy.program);
    if (engine?.backfill === undefined) return;
    const late = await fillAll(policy, engine.backfill, log);
    const { counters = NONE, latches = NONE } = engine.backfill.since() ?? {};
    if (late.size + latches.size > 0)
      tell(spellLate(policy, late, { counters, latches }), input, io);
  };
  return {
    know: (program, engine) => void engines.set(program, engine),
    onSwap(policy) {
      running = running
        .then(() => fill(policy))
        .catch((fault: unknown) => {
          io.err(`counters could not be filled from the audit log: ${messageOf(fault)}\n`);
        });
    },
    settled: () => running,
  };
}

const TRIES_MOST = 5;
const TRY_AGAIN_MS = 500;

const NONE: ReadonlyMap<number, number> = new Map();

/** Which counters were late before. Where state is out of reach for a moment, what was begun is not done twice. */
async function fillAll(
  policy: ActivePolicy,
  backfill: Backfill,
  log: ServedAudit["log"],
): Promise<ReadonlySet<number>> {
  const late = new Set<number>();
  for (let tries = 1; ; tries++) {
    try {
      const missing = await backfill.missing();
      for (const index of backfill.since()?.counters.keys() ?? NONE.keys()) late.add(index);
      if (missing === undefined || log === undefined) return late;
      await log.written();
      const history = new History({ ...policy, ...missing });
      for (const file of filesOf(log.path, missing.fromMs)) await readInto(history, file);
      const past = history.past();
      if (past !== undefined) await backfill.fill(past);
      return late;
    } catch (fault) {
      if (!(fault instanceof StateUnavailable) || tries === TRIES_MOST) throw fault;
      await pause(TRY_AGAIN_MS);
    }
  }
}

/** Made where it has none. Whoever shares state knows by it whose decisions were counted. */
export function logNameOf(path: string): string {
  const file = nameFile(path);
  if (!existsSync(file)) writeFileSync(file, `${randomUUID()}\n`, { mode: 0o600, flag: "wx" });
  const name = readFileSync(file, "utf8").trim();
  if (/^[0-9a-f-]{36}$/.test(name)) return name;
  throw new Misuse(`${file} does not name a log`, "remove it: what was recorded is counted anew");
}

/** Those that were written to since; oldest first. */
function filesOf(path: string, fromMs: number): readonly string[] {
  const rotated = rotatedAmong(readdirSync(dirname(path)), path);
  const files = [...rotated.map((number) => rotatedFile(path, number)), path];
  return files.filter((file) => existsSync(file) && statSync(file).mtimeMs >= fromMs);
}

/** Line by line, between which decisions are made. What is no record yet is one that is being written. */
async function readInto(history: History, file: string): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const parsed = parsedLine(line);
    if (parsed !== undefined) history.add(parsed.record, parsed.n);
  }
}

interface ParsedLine {
  readonly n: number;
  readonly record: Parameters<History["add"]>[0];
}

function parsedLine(line: string): ParsedLine | undefined {
  try {
    // A decoded boundary: a line that the log wrote.
    return JSON.parse(line) as ParsedLine;
  } catch {
    return undefined;
  }
}

interface ToldLate {
  /** Without `since`, those that know all by now. */
  readonly counters: readonly { readonly counter: string; readonly since: string | undefined }[];
  readonly latches: readonly { readonly latch: string; readonly since: string }[];
}

function spellLate(
  { program }: ActivePolicy,
  counters: ReadonlySet<number>,
  still: Late,
): ToldLate {
  return {
    counters: [...counters].map((index) => {
      const sinceMs = still.counters.get(index);
      const since = sinceMs === undefined ? undefined : spellTime(sinceMs);
      return { counter: program.counters[index]?.name ?? "", since };
    }),
    latches: [...still.latches].map(([index, sinceMs]) => ({
      latch: program.latches[index]?.name ?? "",
      since: spellTime(sinceMs),
    })),
  };
}

function tell(late: ToldLate, { json }: Input, io: Io): void {
  if (json) {
    io.out(`${JSON.stringify({ event: "declared_late", ...late })}\n`);
    return;
  }
  for (const { counter, since } of late.counters) {
    const what =
      since === undefined
        ? "counts all of its window, from the audit log"
        : `counts since ${since}: requests before are not in the audit log (\`--audit-requests\`)`;
    io.err(`counter \`${counter}\` is new, and ${what}\n`);
  }
  for (const { latch, since } of late.latches) {
    io.err(`latch \`${latch}\` is new, and knows nothing of what was decided before ${since}\n`);
  }
}
