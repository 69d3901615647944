/** Lines of one file of a log, each followed from the one before (SPEC §14.2). Pure. */
import { messageOf } from "../fault.ts";
import { parseJsonText } from "../json-text.ts";
import { BEGINNING, follow, type Head } from "./chain.ts";
import { rootOf, type Tree } from "./merkle.ts";
import { type Checkpoint, readCheckpoint, type Verifier } from "./note.ts";

export interface Walk {
  /** Before the first line. */
  readonly start: Head;
  /** After the last line that follows. */
  readonly head: Head;
  /** Of the lines that follow, in bytes. */
  readonly size: number;
  readonly lineCount: number;
  /** Lines that some checkpoint speaks of. */
  readonly covered: number;
  /** Signed ones, and all. */
  readonly signedCount: number;
  readonly checkpointCount: number;
  /** Why the next line does not follow; missing at the end. */
  readonly broken?: string;
  /** Bytes that no line end follows, or that were never written: what a crash leaves. */
  readonly torn?: Buffer;
}

export interface WalkParts {
  /** Behind one line end. */
  readonly bytes: Buffer;
  /** Missing at the first file there is: then its first line says where it goes on. */
  readonly from?: Head | undefined;
  readonly verifiers: readonly Verifier[];
  /** A checkpoint in a file before was signed by one of them. */
  readonly signedBefore?: boolean;
  /** Called with each record's text where it is wanted; throws where that is no record it knows. */
  readonly onRecord?: ((json: string, line: number) => void) | undefined;
  /** Called where the tree has the size that somebody asked for. */
  readonly onHead?: ((head: Head) => void) | undefined;
  /** Called with the size that a checkpoint in the log speaks of. */
  readonly onCheckpoint?: ((size: number) => void) | undefined;
}

const LINE_END = 10;

export function walk(parts: WalkParts): Walk {
  const { bytes, from, verifiers, signedBefore = false, onRecord, onHead, onCheckpoint } = parts;
  const start = from ?? startOf(bytes);
  let head = start;
  const done = { start, size: 0, lineCount: 0, covered: 0, signedCount: 0, checkpointCount: 0 };
  for (let at = 0; at + 1 < bytes.length; ) {
    const end = bytes.indexOf(LINE_END, at + 1);
    if (end < 0) return { ...done, head, torn: bytes.subarray(at + 1) };
    const framed = bytes.subarray(at, end);
    const followed = follow(head, framed);
    if (!followed.ok) {
      const rest = bytes.subarray(at + 1);
      // A page that was never written is zeros; nobody who changes a line leaves them.
      if (rest.includes(0)) return { ...done, head, torn: rest };
      return { ...done, head, broken: followed.why };
    }
    const mayBeBare = verifiers.length === 0 || !(signedBefore || done.signedCount > 0);
    const checked = checkpointAt(framed, followed.record, head, { verifiers, mayBeBare });
    if (typeof checked === "string") return { ...done, head, broken: checked };
    if (checked !== undefined) {
      if (verifiers.length === 0 || checked.signed) done.covered = checked.checkpoint.size;
      done.checkpointCount += 1;
      if (checked.signed) done.signedCount += 1;
      onCheckpoint?.(checked.checkpoint.size);
    }
    if (onRecord !== undefined) {
      const json = framed.toString("utf8", followed.record, framed.length - 1);
      const unreadable = whyUnreadable(() => onRecord(json, done.lineCount + 1));
      if (unreadable !== undefined) return { ...done, head, broken: unreadable };
    }
    head = followed.head;
    onHead?.(head);
    done.size = end;
    done.lineCount += 1;
    at = end;
  }
  return { ...done, head };
}

/** Whoever can write a line can write one that follows, and is no record. */
function whyUnreadable(read: () => void): string | undefined {
  try {
    read();
    return undefined;
  } catch (fault) {
    return `it follows, and is no record that Writ writes (${messageOf(fault)})`;
  }
}

const CHECKPOINT = '{"checkpoint":';

interface Believed {
  readonly verifiers: readonly Verifier[];
  /** Of a time before there was a key: then it is covered by the first that is signed, as any line is. */
  readonly mayBeBare: boolean;
}

/** What a checkpoint in the log says, where the line is one; why it is wrong, where it is. */
function checkpointAt(
  framed: Buffer,
  record: number,
  { tree }: Head,
  { verifiers, mayBeBare }: Believed,
) {
  // Most lines are none, and are told by one letter.
  if (framed[record + 2] !== CHECKPOINT.charCodeAt(2)) return undefined;
  const start = framed.toString("latin1", record, record + CHECKPOINT.length);
  if (start !== CHECKPOINT) return undefined;
  const read = readCheckpoint(
    noteIn(framed.toString("utf8", record, framed.length - 1)),
    verifiers,
  );
  if (!read.ok) return `the checkpoint cannot be believed: ${read.why}`;
  if (!isOf(read.checkpoint, tree)) return "the checkpoint is not of the lines before it";
  if (verifiers.length > 0 && !read.signed && !(mayBeBare && read.bare)) {
    return "the checkpoint is not signed by the key";
  }
  return read;
}

/** Whoever can write a line can write what is no JSON. */
function noteIn(record: string): string {
  try {
    return String((parseJsonText(record) as { checkpoint?: unknown }).checkpoint);
  } catch {
    return "";
  }
}

export function isOf({ size, root }: Checkpoint, tree: Tree): boolean {
  return size === tree.size && root.equals(rootOf(tree));
}

/** Of a record that goes on where a rotated file ended. */
export interface Continued {
  readonly kind: "continued";
  readonly at: string;
  /** Of the last line before, in hex. */
  readonly hash: string;
  readonly size: number;
  /** Of the tree over all lines before, each in hex. */
  readonly roots: readonly string[];
}

export function continuedFrom({ hash, tree }: Head, at: string): Continued {
  return { kind: "continued", at, hash, size: tree.size, roots: tree.roots };
}

const FIRST =
  /^\{"hash":"[0-9a-f]{64}","n":[1-9]\d*,"record":(\{"at":"[^"]*","hash":"[0-9a-f]{64}","kind":"continued","roots":\["[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*\],"size":\d+\})\}$/;

/** A file that does not begin the log says where it goes on; its own hash covers that. */
function startOf(bytes: Buffer): Head {
  const end = bytes.indexOf(LINE_END, 1);
  const found = FIRST.exec(
    bytes.toString("latin1", 1, Math.min(end < 0 ? bytes.length : end, 8_192)),
  );
  if (found === null) return BEGINNING;
  const { hash, size, roots } = parseJsonText(found[1] ?? "") as Continued;
  return { hash, tree: { size, roots } };
}
