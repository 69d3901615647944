/** Real modules with a fault: some bytes, or whole sections, are other than OPA wrote them. */
import type { Random } from "../../differential/random.ts";
import { leb } from "./assemble.ts";

interface Section {
  readonly id: number;
  /** Of the number before it; then of its contents, and behind them. */
  readonly begin: number;
  readonly start: number;
  readonly end: number;
}

const ELEMENTS = 9;
const EXPORTS = 7;
const CODE = 10;
const DATA = 11;

/** A module that can be changed many times: where its sections and functions are is looked up once. */
export function mutantsOf(wasm: Uint8Array): (random: Random) => Uint8Array {
  const sections = sectionsOf(wasm);
  const bodies = bodiesOf(wasm, sections);
  return (random) => {
    const kind = random.below(KINDS.length + 2);
    if (kind === KINDS.length) return exchanged(wasm, bodies, random);
    if (kind === KINDS.length + 1) return rearranged(wasm, sections, random);
    // A copy: `slice` of a Buffer is none.
    const bytes = new Uint8Array(wasm);
    KINDS[kind]?.(bytes, sections, random);
    return bytes;
  };
}

type Change = (bytes: Uint8Array, sections: readonly Section[], random: Random) => void;

const KINDS: readonly Change[] = [
  // Anything, anywhere.
  (bytes, _, random) => {
    for (let count = 1 + random.below(4); count > 0; count -= 1) {
      bytes[random.below(bytes.length)] = random.below(256);
    }
  },
  within(DATA, 8),
  within(EXPORTS, 1),
  within(ELEMENTS, 2),
  // What stays within the rules more often than not: other constants, comparisons, sums, branches.
  instruction(
    (byte) => byte === 0x41,
    1,
    (byte, random) => (byte & 0x80) | random.below(0x80),
  ),
  instruction(
    (byte) => byte >= 0x46 && byte <= 0x4f,
    0,
    (_, random) => 0x46 + random.below(10),
  ),
  instruction(
    (byte) => byte >= 0x6a && byte <= 0x78,
    0,
    (_, random) => 0x6a + random.below(15),
  ),
  instruction(
    (byte) => byte === 0x0c || byte === 0x0d,
    1,
    (_, random) => random.below(4),
  ),
  instruction(
    (byte) => byte === 0x10,
    1,
    (byte, random) => (byte & 0x80) | random.below(0x80),
  ),
  instruction(
    (byte) => byte === 0x02 || byte === 0x03,
    0,
    (byte) => byte ^ 1,
  ),
];

function within(id: number, most: number): Change {
  return (bytes, sections, random) => {
    for (let count = 1 + random.below(most); count > 0; count -= 1) {
      bytes[placeIn(id, sections, random)] = random.below(256);
    }
  };
}

/** Looks for a byte that is probably this instruction, and changes what stands `behind` it. */
function instruction(
  is: (byte: number) => boolean,
  behind: 0 | 1,
  change: (byte: number, random: Random) => number,
): Change {
  return (bytes, sections, random) => {
    let at = placeIn(CODE, sections, random);
    while (at < bytes.length - 2 && !is(bytes[at] ?? 0)) at += 1;
    bytes[at + behind] = change(bytes[at + behind] ?? 0, random);
  };
}

/** Half of all near the end, where OPA puts what is of this policy, behind what every module has. */
function placeIn(id: number, sections: readonly Section[], random: Random): number {
  const { start = 0, end = 0 } = sections.find((one) => one.id === id) ?? {};
  const length = random.chance(0.5) ? end - start : Math.ceil((end - start) / 16);
  return end - 1 - random.below(length);
}

/** Two functions with each other's bodies. */
function exchanged(
  wasm: Uint8Array,
  bodies: readonly (readonly [number, number])[],
  random: Random,
): Uint8Array {
  const one = random.below(bodies.length);
  const other = random.below(bodies.length);
  const [first, second] = [bodies[Math.min(one, other)], bodies[Math.max(one, other)]];
  if (first === undefined || second === undefined || first === second) return new Uint8Array(wasm);
  return Buffer.concat([
    wasm.subarray(0, first[0]),
    wasm.subarray(...second),
    wasm.subarray(first[1], second[0]),
    wasm.subarray(...first),
    wasm.subarray(second[1]),
  ]);
}

/** A section left out, doubled, put elsewhere, cut, or of another kind. */
function rearranged(wasm: Uint8Array, sections: readonly Section[], random: Random): Uint8Array {
  const parts = sections.map(({ id, begin, start, end }) => ({
    id,
    whole: wasm.subarray(begin, end),
    content: wasm.subarray(start, end),
  }));
  const at = random.below(parts.length);
  const { id = 0, content = wasm } = parts[at] ?? {};
  const whole = (kind: number, bytes: Uint8Array) =>
    Buffer.concat([Uint8Array.from([kind, ...leb(bytes.length)]), bytes]);
  const pieces = parts.map((part) => part.whole);
  switch (random.below(5)) {
    case 0:
      pieces.splice(at, 1);
      break;
    case 1:
      pieces.splice(at, 0, whole(id, content));
      break;
    case 2:
      pieces.splice(random.below(pieces.length), 0, ...pieces.splice(at, 1));
      break;
    case 3:
      pieces[at] = whole(id, content.subarray(0, random.below(content.length + 1)));
      break;
    default:
      pieces[at] = whole(random.below(14), content);
  }
  return Buffer.concat([wasm.subarray(0, 8), ...pieces]);
}

function sectionsOf(wasm: Uint8Array): readonly Section[] {
  const sections: Section[] = [];
  for (let begin = 8; begin < wasm.length; ) {
    const [length, start] = numberAt(wasm, begin + 1);
    sections.push({ id: wasm[begin] ?? 0, begin, start, end: start + length });
    begin = start + length;
  }
  return sections;
}

function bodiesOf(wasm: Uint8Array, sections: readonly Section[]): readonly [number, number][] {
  const code = sections.find(({ id }) => id === CODE);
  if (code === undefined) return [];
  const [count, first] = numberAt(wasm, code.start);
  const bodies: [number, number][] = [];
  for (let at = first; bodies.length < count; ) {
    const [length, start] = numberAt(wasm, at);
    bodies.push([at, start + length]);
    at = start + length;
  }
  return bodies;
}

/** Unsigned LEB128, and where it ends. */
function numberAt(wasm: Uint8Array, from: number): readonly [value: number, behind: number] {
  let value = 0;
  for (let at = from, scale = 1; ; at += 1, scale *= 128) {
    const byte = wasm[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
  }
}
