/**
 * The instructions of a function, walked to find what goes beyond WebAssembly 1.0: nothing is run or typed,
 * which V8 does when it compiles. What is not on the list is refused, so that a feature nobody had thought of
 * when this was written is refused too. Pure.
 */
import { MODULE_LIMITS } from "./limits.ts";
import { type Reader, Refused } from "./reader.ts";

/** Passes one expression, up to the `end` that closes it. */
export function skipInstructions(reader: Reader): void {
  let depth = 1;
  while (depth > 0) {
    const opcode = reader.byte();
    if (opcode === 0x0b) depth -= 1;
    else if (opcode >= 0x02 && opcode <= 0x04) {
      skipBlockType(reader);
      depth += 1;
      if (depth > MODULE_LIMITS.blockDepth) {
        throw new Refused(`blocks stand more than ${MODULE_LIMITS.blockDepth} deep in each other`);
      }
    } else skipImmediates(opcode, reader);
  }
}

/** Empty or one value; blocks with types of their own came after 1.0. */
function skipBlockType(reader: Reader): void {
  const type = reader.byte();
  if (type !== 0x40 && (type < 0x7c || type > 0x7f)) {
    throw new Refused("a block has more than one value (multi-value)");
  }
}

function skipImmediates(opcode: number, reader: Reader): void {
  switch (opcode) {
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x10: // call
      reader.u32();
      return;
    case 0x0e: // br_table
      for (let left = reader.u32() + 1; left > 0; left -= 1) reader.u32();
      return;
    case 0x11: // call_indirect
      reader.u32();
      if (reader.byte() !== 0) throw new Refused("it calls through a second table");
      return;
    case 0x3f: // memory.size
    case 0x40: // memory.grow
      if (reader.byte() !== 0) throw new Refused("it uses a second memory");
      return;
    case 0x41:
      reader.skipSigned(32);
      return;
    case 0x42:
      reader.skipSigned(64);
      return;
    case 0x43:
      reader.skip(4);
      return;
    case 0x44:
      reader.skip(8);
      return;
    case 0xfc:
      skipSaturating(reader.u32());
      return;
    default:
      skipPlain(opcode, reader);
  }
}

function skipPlain(opcode: number, reader: Reader): void {
  if (opcode >= 0x20 && opcode <= 0x24)
    reader.u32(); // locals and globals
  else if (opcode >= 0x28 && opcode <= 0x3e) skipMemoryArgument(reader);
  else if (!isPlain(opcode)) {
    throw new Refused(`it uses ${featureOf(opcode)}, beyond WebAssembly 1.0`);
  }
}

/** The sixth bit of an alignment names a memory in the multi-memory proposal. */
function skipMemoryArgument(reader: Reader): void {
  if (reader.u32() > 3) throw new Refused("an alignment is no alignment");
  reader.u32();
}

/** Instructions without anything behind them: control, `drop`, `select`, numbers, sign extension. */
function isPlain(opcode: number): boolean {
  return (
    opcode <= 0x01 ||
    opcode === 0x05 ||
    opcode === 0x0f ||
    opcode === 0x1a ||
    opcode === 0x1b ||
    (opcode >= 0x45 && opcode <= 0xc4)
  );
}

/** Of the many behind this prefix, conversions that saturate: what compilers write and nothing else. */
function skipSaturating(opcode: number): void {
  if (opcode <= 7) return;
  const feature = opcode <= 14 ? "bulk memory" : "instructions on tables";
  throw new Refused(`it uses ${feature}, beyond WebAssembly 1.0`);
}

function featureOf(opcode: number): string {
  if (opcode === 0xfd) return "SIMD";
  if (opcode === 0xfe) return "threads";
  if (opcode === 0xfb) return "garbage collection";
  if (opcode >= 0xd0 && opcode <= 0xd6) return "reference types";
  if (opcode === 0x12 || opcode === 0x13) return "tail calls";
  if ((opcode >= 0x06 && opcode <= 0x0a) || opcode === 0x18 || opcode === 0x19 || opcode === 0x1f) {
    return "exceptions";
  }
  return `the instruction 0x${opcode.toString(16)}`;
}
