/** A Wasm module as a list of sections, taken apart and put together (WebAssembly core specification, §5.5). Pure. */
import { Reader } from "../reader.ts";

export interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

/** Section numbers, in the order they must stand in; data count (12) stands before code. */
export const SECTION = {
  type: 1,
  import: 2,
  function: 3,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  dataCount: 12,
  code: 10,
  data: 11,
} as const;

const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Custom sections, which mean nothing, are left out. */
export function sectionsOf(bytes: Uint8Array): readonly Section[] {
  if (!HEADER.every((byte, at) => bytes[at] === byte)) throw new Error("it is no Wasm module");
  const reader = new Reader(bytes, HEADER.length);
  const sections: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    const body = bytesOf(reader);
    if (id !== 0) sections.push({ id, body });
  }
  return sections;
}

export function moduleOf(sections: readonly Section[]): Uint8Array {
  const sorted = sections.toSorted((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id));
  return concat([HEADER, ...sorted.flatMap(({ id, body }) => [Uint8Array.of(id), sized(body)])]);
}

/** A length, and as many bytes. */
export function bytesOf(reader: Reader): Uint8Array {
  const length = reader.u32();
  const from = reader.position;
  reader.skip(length);
  return reader.bytes.subarray(from, reader.position);
}

/** Each item of a vector, `pass`ed over and kept as it stands. */
export function itemsOf(
  body: Uint8Array | undefined,
  pass: (reader: Reader) => void,
): readonly Uint8Array[] {
  if (body === undefined) return [];
  const reader = new Reader(body);
  return Array.from({ length: reader.u32() }, () => {
    const from = reader.position;
    pass(reader);
    return reader.bytes.subarray(from, reader.position);
  });
}

/** Unsigned LEB128. */
export function number(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** `i32.const`, whose operand is signed LEB128. */
export function constant(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    const low = rest & 127;
    const last = rest >> 7 === ((low & 64) === 0 ? 0 : -1);
    bytes.push(last ? low : low | 128);
    if (last) return Uint8Array.from([0x41, ...bytes]);
  }
}

export function text(value: string): Uint8Array {
  return sized(new TextEncoder().encode(value));
}

export function sized(body: Uint8Array): Uint8Array {
  return concat([number(body.length), body]);
}

/** A vector: how many, then each. */
export function vector(items: readonly Uint8Array[]): Uint8Array {
  return concat([number(items.length), ...items]);
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const made = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    made.set(piece, at);
    at += piece.length;
  }
  return made;
}
