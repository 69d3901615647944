/** Whether a log is what was written (SPEC §14.5): every line, every file, every checkpoint. */
import type { Head } from "./chain.ts";
import type { Disk } from "./disk.ts";
import { checkpointFile, rotatedAmong, rotatedFile } from "./files.ts";
import { readCheckpoint, type Verifier } from "./note.ts";
import { isOf, type Walk, walk } from "./walk.ts";

export interface VerifyParts {
  readonly disk: Disk;
  readonly path: string;
  /** Of whom checkpoints must be signed; none = signatures are not asked for. */
  readonly verifiers: readonly Verifier[];
  /** Checkpoints of this log that were kept elsewhere. */
  readonly anchors: readonly Anchor[];
  /** The log is being written: its end may be ahead of its last checkpoint. */
  readonly live: boolean;
  /** Called with each record that follows from the ones before, as JSON; what it throws is found wrong with the line. */
  readonly onRecord?: (json: string) => void;
}

export interface Anchor {
  /** What people call it. */
  readonly name: string;
  readonly note: string;
}

export interface Verification {
  readonly ok: boolean;
  readonly files: readonly string[];
  readonly records: number;
  /** Of the first one: above 0 where older files are kept elsewhere. */
  readonly first: number;
  readonly checkpoints: number;
  readonly signed: number;
  /** At the end, without a checkpoint over them. */
  readonly uncovered: number;
  readonly findings: readonly Finding[];
}

export interface Finding {
  readonly file: string;
  /** From 1; missing where it is about the whole. */
  readonly line?: number;
  readonly what: string;
}

/** Stops at the first line that does not follow: nothing after it can be told. */
export async function verifyLog(parts: VerifyParts): Promise<Verification> {
  const { disk, path } = parts;
  const anchors = [...(await anchorBeside(parts)), ...parts.anchors];
  const seen = lookFor(anchors, parts.verifiers);
  const findings: Finding[] = [...seen.findings];
  const walks: Walk[] = [];
  const files = await filesOf(disk, path, findings);
  for (const file of files) {
    const bytes = (await disk.read(file)) ?? Buffer.alloc(0);
    const from = walks.at(-1)?.head;
    const { verifiers } = parts;
    const signedBefore = walks.some(({ signedCount }) => signedCount > 0);
    const walked = walk({ bytes, from, verifiers, signedBefore, ...listeners(parts, seen) });
    walks.push(walked);
    const wrong = wrongIn(walked, file, { isLast: file === path, live: parts.live });
    if (wrong !== undefined) findings.push(wrong);
    if (wrong !== undefined && walked.broken !== undefined) break;
  }
  const summary = summaryOf(walks, parts);
  if (!findings.some(({ line }) => line !== undefined)) {
    findings.push(...seen.missing(summary.size), ...tailOf(summary, parts));
  }
  const { size: _size, ...shown } = summary;
  return { ok: findings.length === 0, files, ...shown, findings };
}

async function anchorBeside({ disk, path }: VerifyParts): Promise<readonly Anchor[]> {
  const name = checkpointFile(path);
  const note = (await disk.read(name))?.toString("utf8", 1);
  return note === undefined ? [] : [{ name, note }];
}

async function filesOf(disk: Disk, path: string, findings: Finding[]): Promise<readonly string[]> {
  const numbers = rotatedAmong(await disk.beside(path), path);
  for (const [at, number] of numbers.entries()) {
    const before = numbers[at - 1];
    if (before === undefined || number === before + 1) continue;
    findings.push({ file: rotatedFile(path, before + 1), what: "the file is missing" });
  }
  return [...numbers.map((number) => rotatedFile(path, number)), path];
}

interface Sought {
  readonly findings: readonly Finding[];
  met(head: Head): void;
  checkpointOf(size: number): void;
  /** What was not met in a log of so many lines. */
  missing(size: number): readonly Finding[];
}

/** An anchor is met where the log had its root, and has the line of that very checkpoint behind it. */
function lookFor(anchors: readonly Anchor[], verifiers: readonly Verifier[]): Sought {
  const findings: Finding[] = [];
  const wanted = anchors.flatMap(({ name, note }) => {
    const read = readCheckpoint(note, verifiers);
    if (!read.ok)
      findings.push({ file: name, what: `the checkpoint cannot be believed: ${read.why}` });
    else if (verifiers.length > 0 && !read.signed) {
      findings.push({ file: name, what: "the checkpoint is not signed by the key" });
    } else return [{ name, checkpoint: read.checkpoint, isMet: false, hasLine: false }];
    return [];
  });
  return {
    findings,
    met: (head) => {
      for (const one of wanted) if (isOf(one.checkpoint, head.tree)) one.isMet = true;
    },
    checkpointOf: (size) => {
      for (const one of wanted) if (one.checkpoint.size === size) one.hasLine = true;
    },
    missing: (size) =>
      wanted.flatMap(({ name, checkpoint, isMet, hasLine }) => {
        if (isMet && hasLine) return [];
        const lines = `${checkpoint.size} lines and its own`;
        const what =
          size <= checkpoint.size
            ? `it speaks of ${lines}, and the log has ${size}: its end was cut`
            : "the log is another one: it was written anew, or never had this checkpoint";
        return [{ file: name, what }];
      }),
  };
}

function listeners({ onRecord }: VerifyParts, seen: Sought) {
  return {
    onHead: seen.met,
    onCheckpoint: seen.checkpointOf,
    ...(onRecord === undefined ? {} : { onRecord }),
  };
}

const LINE_END = 10;

function wrongIn(
  { broken, torn, lineCount }: Walk,
  file: string,
  { isLast, live }: { readonly isLast: boolean; readonly live: boolean },
): Finding | undefined {
  const line = lineCount + 1;
  if (broken !== undefined) return { file, line, what: broken };
  if (torn === undefined || torn.length === 0) return undefined;
  // What is being written is one line; what a crash left behind lines was cut before more was written.
  if (isLast && live && !torn.includes(LINE_END)) return undefined;
  return { file, line, what: `${torn.length} bytes are no whole line` };
}

function summaryOf(walks: readonly Walk[], { verifiers }: VerifyParts) {
  const first = walks[0]?.start.tree.size ?? 0;
  const size = walks.at(-1)?.head.tree.size ?? 0;
  const covered = Math.max(first, ...walks.map((one) => one.covered));
  const checkpoints = sum(walks.map((one) => one.checkpointCount));
  const signed = sum(walks.map((one) => one.signedCount));
  const counted = verifiers.length === 0 ? checkpoints : signed;
  // The last checkpoint is not over itself, and signs itself.
  const uncovered = Math.max(0, size - covered - (counted > 0 ? 1 : 0));
  return { records: size - first, size, first, checkpoints, signed, uncovered };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function tailOf(
  { uncovered, checkpoints, signed }: Pick<Verification, "uncovered" | "checkpoints" | "signed">,
  { path, verifiers, live }: VerifyParts,
): readonly Finding[] {
  if (uncovered === 0 || verifiers.length === 0) return [];
  if (checkpoints > 0 && signed === 0) {
    return [{ file: path, what: "no checkpoint in it is signed by the key" }];
  }
  if (live) return [];
  const [last, after] =
    uncovered === 1
      ? ["the last record has", "it"]
      : [`the last ${uncovered} records have`, "them"];
  const what = `${last} no checkpoint after ${after}: whoever can write the file may have added what stands there, unless a service is writing it (\`--live\`)`;
  return [{ file: path, what }];
}
