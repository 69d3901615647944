/** Counters and latches that a policy declares late are given what the audit log knows of the time before (SPEC §7.9). */
import { randomUUID } from "node:crypto";
import {
  createReadStream,
  existsSync,
  type ReadStream,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import type { ActivePolicy, OperatedService } from "../../engine/active.ts";
import { nameFile, rotatedAmong, rotatedFile } from "../../engine/audit/files.ts";
import { History } from "../../engine/audit/history.ts";
import { isMissing, messageOf } from "../../engine/fault.ts";
import { parseJsonText } from "../../engine/json-text.ts";
import type { Backfill } from "../../engine/state/past-uses.ts";
import { type Late, StateUnavailable } from "../../engine/state/store.ts";
import type { Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import { type Input, type Io, Misuse } from "../command.ts";
import { createFile } from "../whole-file.ts";
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
  let newest: ActivePolicy | undefined;
  const fill = async (policy: ActivePolicy) => {
    const engine = engines.get(policy.program);
    if (engine?.backfill === undefined) return;
    const late = await fillAll(policy, engine.backfill, log, () => policy === newest);
    if (late === undefined) return;
    const counters = spellLate(policy.program, "counters", late, engine.backfill);
    const latches = spellLate(policy.program, "latches", late, engine.backfill);
    tell({ counters, latches }, input, io);
  };
  return {
    know: (program, engine) => void engines.set(program, engine),
    onSwap(policy) {
      newest = policy;
      running = running
        .then(() => fill(policy))
        .catch((fault: unknown) => {
          io.err(
            `counters and latches could not be filled from the audit log: ${messageOf(fault)}\n`,
          );
        });
    },
    settled: () => running,
  };
}

const TRIES_MOST = 5;
const TRY_AGAIN_MS = 500;

/**
 * What was late before. Where state is out of reach for a moment, what was begun is not done twice. Once another policy
 * decides, nothing is given to this one: it would count as in force again.
 */
async function fillAll(
  policy: ActivePolicy,
  backfill: Backfill,
  log: ServedAudit["log"],
  isInForce: () => boolean,
): Promise<Late | undefined> {
  let late: Late | undefined;
  for (let tries = 1; ; tries++) {
    try {
      if (!isInForce()) return undefined;
      const missing = await backfill.missing();
      late ??= backfill.since();
      if (missing === undefined || log === undefined) return late;
      await log.written();
      const history = new History({ ...policy, ...missing });
      const fromMs = missing.latches.size > 0 ? 0 : missing.fromMs;
      await readAll(history, log.path, fromMs);
      const past = history.past();
      if (!isInForce()) return undefined;
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
  if (!existsSync(file)) createFile(file, `${randomUUID()}\n`, 0o600, file);
  const name = readFileSync(file, "utf8").trim();
  if (/^[0-9a-f-]{36}$/.test(name)) return name;
  throw new Misuse(`${file} does not name a log`, "remove it: what was recorded is counted anew");
}

/** Of the files of a log those that were written to since, oldest first. */
export async function readAll(
  history: Pick<History, "add">,
  path: string,
  fromMs: number,
): Promise<void> {
  const { rotated, current } = await filesOf(path);
  try {
    for (const file of rotated) {
      if (statSync(file).mtimeMs >= fromMs) await readInto(history, createReadStream(file));
    }
    if (current !== undefined) await readInto(history, current.createReadStream());
  } finally {
    await current?.close();
  }
}

/** The current file is opened at once: it may be rotated while older ones are read, and another has its name then. */
async function filesOf(path: string) {
  for (;;) {
    const before = rotatedOf(path);
    const current = await openIfThere(path);
    const rotated = rotatedOf(path);
    if (rotated.length === before.length) return { rotated, current };
    await current?.close();
  }
}

function rotatedOf(path: string): readonly string[] {
  const numbers = rotatedAmong(readdirSync(dirname(path)), path);
  return numbers.map((number) => rotatedFile(path, number));
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Line by line, between which decisions are made. What is no record yet is one that is being written. */
async function readInto(history: Pick<History, "add">, input: ReadStream): Promise<void> {
  for await (const line of createInterface({ input })) {
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
    return parseJsonText(line) as ParsedLine;
  } catch {
    return undefined;
  }
}

interface ToldLate {
  readonly name: string;
  /** Missing where it knows all by now. */
  readonly since: string | undefined;
}

function spellLate(
  program: Program,
  kind: keyof Late,
  late: Late,
  backfill: Backfill,
): readonly ToldLate[] {
  const still = backfill.since()?.[kind];
  return [...late[kind].keys()].map((index) => {
    const sinceMs = still?.get(index);
    const since = sinceMs === undefined ? undefined : spellTime(sinceMs);
    return { name: program[kind][index]?.name ?? "", since };
  });
}

function tell(
  { counters, latches }: Readonly<Record<keyof Late, readonly ToldLate[]>>,
  { json }: Input,
  io: Io,
): void {
  if (json) {
    const told = {
      counters: counters.map(({ name, since }) => ({ counter: name, since })),
      latches: latches.map(({ name, since }) => ({ latch: name, since })),
    };
    io.out(`${JSON.stringify({ event: "declared_late", ...told })}\n`);
    return;
  }
  for (const { name, since } of counters) {
    const what =
      since === undefined
        ? "counts all of its window, from the audit log"
        : `counts since ${since}: requests before are not in the audit log (\`--audit-requests\`), or none that this policy knows`;
    io.err(`counter \`${name}\` is new, and ${what}\n`);
  }
  for (const { name, since } of latches) {
    const what =
      since === undefined
        ? "is as the audit log has it"
        : `knows nothing of what was decided before ${since}`;
    io.err(`latch \`${name}\` is new, and ${what}\n`);
  }
}
