/** Where a log is taken up when the service starts: after its last whole line (SPEC §14.3). */
import { BEGINNING, type Head } from "./chain.ts";
import type { Disk } from "./disk.ts";
import { checkpointFile, rotatedAmong, rotatedFile } from "./files.ts";
import { readCheckpoint, type Verifier } from "./note.ts";
import { isOf, type Walk, walk } from "./walk.ts";

export interface Recovered {
  readonly head: Head;
  /** Of the current file, in bytes. */
  readonly size: number;
  /** Lines that a checkpoint in the current file speaks of. */
  readonly covered: number;
  /** What a crash left behind the last line, to be cut. */
  readonly torn?: Buffer;
  /** Number of the latest rotated file; 0 where there is none. */
  readonly rotated: number;
  /** The current file is still to be begun. */
  readonly begins: boolean;
}

/** The log is not what its last checkpoint or its own lines say: nobody but a person can tell what to do. */
export class LogDamaged extends Error {}

export async function recover(
  disk: Disk,
  path: string,
  verifiers: readonly Verifier[],
): Promise<Recovered> {
  const rotated = rotatedAmong(await disk.beside(path), path).at(-1) ?? 0;
  const note = (await disk.read(checkpointFile(path)))?.toString("utf8", 1);
  const current = await disk.read(path);
  const isBegun = current !== undefined && beginsWithLine(current);
  const name = isBegun || rotated === 0 ? path : rotatedFile(path, rotated);
  const bytes = isBegun ? current : rotated === 0 ? undefined : await disk.read(name);
  const found = take(bytes, name, note, verifiers);
  if (isBegun) return { ...found, rotated, begins: false };
  if (found.torn !== undefined) throw new LogDamaged(`${name} ends within a line`);
  const { head, covered } = found;
  // A file of which not even the first line is whole was never begun.
  const torn = current !== undefined && current.length > 1 ? { torn: current.subarray(1) } : {};
  return { head, size: 0, covered, rotated, begins: true, ...torn };
}

const LINE_END = 10;

/** What was never written of one is missing, or zeros. */
function beginsWithLine(bytes: Buffer): boolean {
  const end = bytes.indexOf(LINE_END, 1);
  return end > 0 && !bytes.subarray(1, end).includes(0);
}

function take(
  bytes: Buffer | undefined,
  name: string,
  note: string | undefined,
  verifiers: readonly Verifier[],
): Pick<Walk, "head" | "size" | "covered" | "torn"> {
  const last = note === undefined ? undefined : readCheckpoint(note, verifiers);
  if (last?.ok === false) throw new LogDamaged(`the checkpoint beside ${name}: ${last.why}`);
  let isMet = last === undefined;
  const onHead = (head: Head) => {
    if (last !== undefined && isOf(last.checkpoint, head.tree)) isMet = true;
  };
  // Signed by a key that is no longer used, checkpoints still tell how many lines there were.
  const found = walk({ bytes: bytes ?? Buffer.alloc(0), verifiers: [], onHead });
  if (found.broken !== undefined) {
    throw new LogDamaged(`${name}, line ${found.lineCount + 1}: ${found.broken}`);
  }
  // A file that has just been begun stands behind the last checkpoint of the one before.
  if (!isMet && last !== undefined && last.checkpoint.size >= found.start.tree.size) {
    const { size } = last.checkpoint;
    throw new LogDamaged(
      `${name} does not hold the ${size} lines that its last checkpoint speaks of`,
    );
  }
  return found.lineCount === 0 ? { ...found, head: BEGINNING } : found;
}
