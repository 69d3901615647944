/**
 * Frames: what turns changed, one after the other in a file. Its room is used again: what was written there
 * before has lower numbers.
 *
 *   4 bytes   a mark: CRC-32 of what the file begins with
 *   4 bytes   CRC-32 of what follows
 *   8 bytes   the number of the turn, one more than that of the turn before
 *   4 bytes   how many bytes follow
 *             what was packed
 *
 * What a file begins with is known to nobody who asks. So no text of a request can be taken for a frame where what is
 * left of older ones is looked through for newer ones.
 */
import { crc32 } from "node:zlib";

const CHECKED = 8;
/** Bytes before what was packed. */
export const FRAME_HEAD = 20;

export interface Frame {
  readonly number: number;
  readonly packed: Buffer;
}

/** Of the frames of a file that begins with `header`. */
export function markOf(header: Buffer): Buffer {
  const mark = Buffer.alloc(4);
  mark.writeUInt32BE(crc32(header));
  return mark;
}

/** Makes a frame of bytes of which the first `FRAME_HEAD` are free. */
export function seal(bytes: Buffer, number: number, mark: Buffer): void {
  mark.copy(bytes);
  bytes.writeDoubleBE(number, 8);
  bytes.writeUInt32BE(bytes.length - FRAME_HEAD, 16);
  bytes.writeUInt32BE(crc32(bytes.subarray(CHECKED)), 4);
}

/** What was written is not what is there, and not only its end is missing. */
export class FramesBroken extends Error {}

/**
 * The frames behind a header of `start` bytes, as far as their numbers are in sequence. What is cut off at the end was
 * being written when the process ended, and was acknowledged to nobody; throws `FramesBroken` where a later frame
 * follows on it. Nobody asks any more for those up to number `settled`.
 */
export function framesIn(bytes: Buffer, start: number, settled: number): readonly Frame[] {
  const frames: Frame[] = [];
  const mark = markOf(bytes.subarray(0, start));
  let newest: number | undefined;
  let at = start;
  for (;;) {
    const frame = frameAt(bytes, at, mark);
    if (frame === undefined || frame.number !== (newest ?? frame.number - 1) + 1) break;
    frames.push(frame);
    newest = frame.number;
    at += FRAME_HEAD + frame.packed.length;
  }
  for (let next = bytes.indexOf(mark, at); next >= 0; next = bytes.indexOf(mark, next + 1)) {
    if ((frameAt(bytes, next, mark)?.number ?? 0) > Math.max(newest ?? 0, settled))
      throw new FramesBroken();
  }
  return frames;
}

/** Missing where there is no whole one. */
function frameAt(bytes: Buffer, at: number, mark: Buffer): Frame | undefined {
  if (at + FRAME_HEAD > bytes.length || mark.compare(bytes, at, at + 4) !== 0) return undefined;
  const start = at + FRAME_HEAD;
  const end = start + bytes.readUInt32BE(at + 16);
  if (end > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + CHECKED, end)) !== bytes.readUInt32BE(at + 4)) return undefined;
  return { number: bytes.readDoubleBE(at + 8), packed: bytes.subarray(start, end) };
}
