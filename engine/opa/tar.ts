/**
 * Plain files of a tar archive (POSIX ustar, and of pax the long names that Go writes). Strict, where libraries
 * mend: what is not of the format, is no plain file, or could be read as two different archives is refused. Pure.
 */

export interface TarFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** Why an archive is refused, as what follows `the archive`. */
export class TarRefused extends Error {}

const BLOCK = 512;

export function readTar(bytes: Uint8Array): readonly TarFile[] {
  // A Buffer's slices are views, which would keep the whole archive alive.
  const archive = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const files: TarFile[] = [];
  let longName: string | undefined;
  for (let at = 0; at < archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return endOf(archive.subarray(at), files);
    if (header.length < BLOCK || !hasChecksum(header)) throw new TarRefused("has a broken header");
    const size = octal(header, 124, 12);
    const data = archive.slice(at + BLOCK, at + BLOCK + size);
    if (data.length < size) throw new TarRefused("ends within a file");
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === "0" || type === "\0") files.push({ name: longName ?? nameOf(header), data });
    else if (type !== "x" && type !== "5") {
      throw new TarRefused("holds something other than plain files");
    }
    // Behind the header of a directory some readers go on at once.
    if (type === "5" && size > 0) throw new TarRefused("has a directory of a size of its own");
    longName = type === "x" ? paxPath(data) : undefined;
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  // Some writers leave the empty blocks out; that nothing is cut off is for the compression to say.
  return files;
}

/** Behind the end nothing may stand that another reader would go on with. */
function endOf(rest: Uint8Array, files: readonly TarFile[]): readonly TarFile[] {
  if (rest.some((byte) => byte !== 0)) throw new TarRefused("goes on behind its end");
  return files;
}

/** The sum of the header's bytes, its own place counted as blanks. */
function hasChecksum(header: Uint8Array): boolean {
  const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  return octal(header, 148, 8) === sum;
}

function octal(header: Uint8Array, at: number, length: number): number {
  const text = textAt(header, at, length).trim();
  if (!/^[0-7]{1,11}$/.test(text)) throw new TarRefused("has a broken header");
  return Number.parseInt(text, 8);
}

function nameOf(header: Uint8Array): string {
  // GNU's own headers say `ustar ` there, and have times in the place of a prefix.
  const prefix = textAt(header, 257, 6) === "ustar" ? textAt(header, 345, 155) : "";
  const name = textAt(header, 0, 100);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Up to the first zero. */
function textAt(bytes: Uint8Array, at: number, length: number): string {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return decode(end < 0 ? field : field.subarray(0, end));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TarRefused("has a name that is not UTF-8");
  }
}

/** As Go's reader: whoever writes more than names and times into one means no good. */
const PAX_BYTES_MAX = 1024 * 1024;

/** `<length> path=<name>\n`, one record after the other; what makes a file other than it lies there is not taken. */
function paxPath(data: Uint8Array): string | undefined {
  if (data.length > PAX_BYTES_MAX) throw new TarRefused("has a broken header");
  let path: string | undefined;
  for (let at = 0; at < data.length; ) {
    const [sign = "", digits = ""] =
      /^([1-9][0-9]{0,6}) /.exec(Buffer.from(data.subarray(at, at + 8)).toString("latin1")) ?? [];
    const end = at + Number(digits);
    const record = data.subarray(at + sign.length, end);
    const equals = record.indexOf(EQUALS);
    if (digits === "" || end > data.length || equals < 1 || data[end - 1] !== NEWLINE) {
      throw new TarRefused("has a broken header");
    }
    const key = decode(record.subarray(0, equals));
    if (key === "size" || key.startsWith("GNU.sparse.")) {
      throw new TarRefused("has files of a size of their own");
    }
    if (key === "path") path = decode(record.subarray(equals + 1, -1));
    at = end;
  }
  return path;
}

const EQUALS = 0x3d;
const NEWLINE = 0x0a;
