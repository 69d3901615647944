/** `net.cidr_*` but those in the modules themselves; nothing here looks up a name. Pure. */
import { isRegoArray, type Rego, RegoObject, RegoSet } from "../rego.ts";
import { type Builtin, bounded, elementsOf, fail, textOf } from "./builtin.ts";

export const NET: readonly (readonly [string, Builtin])[] = [
  ["net.cidr_is_valid", ([text]) => typeof text === "string" && rangeOf(text) !== undefined],
  ["net.cidr_expand", ([text]) => expanded(cidr(text))],
  ["net.cidr_merge", ([all]) => merged(elementsOf(all).map(networkOf))],
  ["net.cidr_contains_matches", ([whole, parts]) => containsMatches(whole ?? null, parts ?? null)],
];

/** The first 96 bits of what maps version 4. */
const MAPPED = 0xffffn;

/** Addresses from `first` to `last`, as numbers of 32 or 128 bits. */
interface Range {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

function rangeOf(text: string): Range | undefined {
  const [, address = "", size = ""] = /^([^/]+)\/([0-9]+)$/.exec(text) ?? [];
  const parsed = addressOf(address);
  const prefix = Number(size);
  if (parsed === undefined || size === "" || prefix > parsed.bits) return undefined;
  const rest = (1n << BigInt(parsed.bits - prefix)) - 1n;
  const first = parsed.value & ~rest;
  return folded({ bits: parsed.bits, first, last: first | rest });
}

/** What maps version 4 into version 6 is of version 4, as Go has it: `::ffff:10.0.0.1` is in `10.0.0.0/8`. */
function folded(range: Range): Range {
  const { bits, first, last } = range;
  if (bits === 32 || first >> 32n !== MAPPED || last >> 32n !== MAPPED) return range;
  return { bits: 32, first: first & 0xffffffffn, last: last & 0xffffffffn };
}

function addressOf(text: string): { readonly bits: 32 | 128; readonly value: bigint } | undefined {
  if (!text.includes(":")) {
    const value = fourOf(text);
    return value === undefined ? undefined : { bits: 32, value };
  }
  const value = sixOf(text);
  return value === undefined ? undefined : { bits: 128, value };
}

function fourOf(text: string): bigint | undefined {
  const parts = text.split(".");
  const isSpelled = parts.every(
    (part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256,
  );
  if (parts.length !== 4 || !isSpelled) return undefined;
  return parts.reduce((value, part) => value * 256n + BigInt(part), 0n);
}

/** The address as one number; `undefined` for what is none of version 6. */
export function sixOf(text: string): bigint | undefined {
  const [, head = text, tail] = /^(.*):([0-9.]*\.[0-9.]*)$/.exec(text) ?? [];
  const four = tail === undefined ? undefined : fourOf(tail);
  if (tail !== undefined && four === undefined) return undefined;
  const last =
    four === undefined ? "" : `:${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  const halves = `${head}${last}`.split("::");
  if (halves.length > 2) return undefined;
  const [left = [], right = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array<string>(missing).fill("0"), ...right];
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

function spellAddress(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((at) => (value >> at) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((value >> BigInt(112 - at * 16)) & 0xffffn).toString(16),
  );
  return shortened(groups);
}

/** The longest run of zeros, the first of equal ones, as `::` (RFC 5952). */
function shortened(groups: readonly string[]): string {
  const runs = groups.map((_, at) => {
    const end = groups.findIndex((group, index) => index >= at && group !== "0");
    return (end < 0 ? groups.length : end) - at;
  });
  const longest = Math.max(...runs);
  if (longest < 2) return groups.join(":");
  const at = runs.indexOf(longest);
  return `${groups.slice(0, at).join(":")}::${groups.slice(at + longest).join(":")}`;
}

function cidr(text: Rego | undefined): Range {
  return rangeOf(textOf(text)) ?? fail("no range of addresses");
}

function cidrOrAddress(value: Rego): Range {
  const text = textOf(value);
  const range = rangeOf(text);
  if (range !== undefined) return range;
  const address = addressOf(text) ?? fail("no address");
  return folded({ bits: address.bits, first: address.value, last: address.value });
}

/** An address by itself stands for its network of old: of class A, B or C. */
function networkOf(value: Rego): Range {
  const text = textOf(value);
  const range = rangeOf(text);
  if (range !== undefined) return range;
  const address = addressOf(text);
  if (address === undefined || address.bits === 128)
    return fail("a range of addresses is expected");
  const first = Number(address.value >> 24n);
  if (first >= 224) fail("the address is of no class");
  return cidr(`${text}/${first < 128 ? 8 : first < 192 ? 16 : 24}`);
}

function expanded({ bits, first, last }: Range): Rego {
  const count = last - first + 1n;
  bounded(Number(count));
  return new RegoSet(
    Array.from({ length: Number(count) }, (_, index) => spellAddress(first + BigInt(index), bits)),
  );
}

function merged(ranges: readonly Range[]): Rego {
  const sorted = ranges.toSorted((a, b) =>
    a.bits !== b.bits ? a.bits - b.bits : a.first < b.first ? -1 : a.first > b.first ? 1 : 0,
  );
  const joined: Range[] = [];
  for (const range of sorted) {
    const before = joined.at(-1);
    if (before === undefined || before.bits !== range.bits || range.first > before.last + 1n) {
      joined.push(range);
    } else if (range.last > before.last) joined.splice(-1, 1, { ...before, last: range.last });
  }
  return new RegoSet(joined.flatMap(blocksOf));
}

/** The fewest ranges that have a prefix each. */
function blocksOf({ bits, first, last }: Range): readonly string[] {
  const blocks: string[] = [];
  for (let at = first; at <= last; ) {
    let size = 0;
    while (
      size < bits &&
      at % (1n << BigInt(size + 1)) === 0n &&
      at + (1n << BigInt(size + 1)) - 1n <= last
    ) {
      size += 1;
    }
    blocks.push(`${spellAddress(at, bits)}/${bits - size}`);
    at += 1n << BigInt(size);
  }
  return blocks;
}

/** Pairs of what names a range and what names a range or address within it. */
function containsMatches(whole: Rego, parts: Rego): Rego {
  const [all, sought] = [namedIn(whole), namedIn(parts)];
  bounded(all.length * sought.length);
  const pairs = all.flatMap(([name, range]) =>
    sought.flatMap(([part, inside]) =>
      holds(cidr(range), cidrOrAddress(inside)) ? [[name, part]] : [],
    ),
  );
  return new RegoSet(pairs);
}

function holds(whole: Range, part: Range): boolean {
  return whole.bits === part.bits && whole.first <= part.first && part.last <= whole.last;
}

/** A text by itself, an element of an array by its index, of a set by itself, of an object by its key; nothing of all else. */
function namedIn(value: Rego): readonly (readonly [name: Rego, range: Rego])[] {
  if (typeof value === "string") return [[value, value]];
  if (isRegoArray(value)) return value.map((item, index) => [index, rangeIn(item)]);
  if (value instanceof RegoSet) return value.sorted().map((item) => [item, rangeIn(item)]);
  if (value instanceof RegoObject) return value.sorted().map(([key, item]) => [key, rangeIn(item)]);
  return [];
}

/** The range itself, or the first of an array. */
function rangeIn(item: Rego): Rego {
  if (typeof item === "string") return item;
  return (isRegoArray(item) ? item[0] : undefined) ?? fail("a range of addresses is expected");
}
