import { type Parsed, parsed, refused } from "./parsed.ts";

const V4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9a-f]{1,4}$/i;
const PREFIX = /^(0|[1-9]\d{0,2})$/;
const MAPPED = 0xffffn << 32n;

interface Address {
  readonly bits: 32 | 128;
  readonly number: bigint;
}

/**
 * An address in canonical form (SPEC §4.3): four decimals, or RFC 5952 for version 6; one that maps
 * version 4 becomes version 4, so that a range of one form cannot be left by writing the other. Octal and
 * short forms and zones are refused.
 */
export function parseIp(text: string): Parsed<string> {
  const address = readAddress(text);
  return address === undefined ? refused("is not an IP address") : parsed(write(fold(address)));
}

/** `10.0.0.0/8`: an address whose bits beyond the prefix are zero, and the prefix. */
export function parseCidr(text: string): Parsed<string> {
  const range = readRange(text);
  if (range === undefined) return refused("is not a range of IP addresses");
  if (range.first.number % range.size !== 0n) return refused("has bits set beyond its prefix");
  return parsed(`${write(range.first)}/${range.prefix}`);
}

/** `inner` an address or a range, `outer` a range, all canonical. Never true across versions. */
export function ipWithin(inner: string, outer: string): boolean {
  const range = readRange(outer);
  const part = inner.includes("/") ? readRange(inner) : rangeOf(readAddress(inner));
  if (range === undefined || part === undefined) return false;
  const offset = part.first.number - range.first.number;
  return part.first.bits === range.first.bits && offset >= 0n && offset + part.size <= range.size;
}

interface Range {
  readonly first: Address;
  readonly prefix: number;
  /** How many addresses. */
  readonly size: bigint;
}

function rangeOf(first: Address | undefined): Range | undefined {
  return first && { first, prefix: first.bits, size: 1n };
}

function readRange(text: string): Range | undefined {
  const slash = text.indexOf("/");
  const written = readAddress(text.slice(0, Math.max(slash, 0)));
  const prefixText = text.slice(slash + 1);
  if (written === undefined || !PREFIX.test(prefixText)) return undefined;
  if (Number(prefixText) > written.bits) return undefined;
  // `::ffff:10.0.0.0/104` is `10.0.0.0/8`; a shorter prefix reaches beyond what is mapped.
  const first = Number(prefixText) >= 96 ? fold(written) : written;
  const prefix = Number(prefixText) - (written.bits - first.bits);
  return { first, prefix, size: 1n << BigInt(first.bits - prefix) };
}

function readAddress(text: string): Address | undefined {
  const v4 = readV4(text);
  if (v4 !== undefined) return { bits: 32, number: v4 };
  const v6 = readV6(text);
  return v6 === undefined ? undefined : { bits: 128, number: v6 };
}

function readV4(text: string): bigint | undefined {
  const octets = V4.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
}

function readV6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(readGroups);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const written = head.length + (tail?.length ?? 0);
  if (halves.length === 1 ? written !== 8 : written > 7) return undefined;
  // Only the last group of the address may be written as version 4.
  if (halves.length === 2 && (halves[0] ?? "").includes(".")) return undefined;
  const groups = [...head, ...new Array<number>(8 - written).fill(0), ...(tail ?? [])];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
}

function readGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const v4 = index === parts.length - 1 ? readV4(part) : undefined;
    if (v4 !== undefined) groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

function fold(address: Address): Address {
  if (address.bits === 32 || address.number >> 32n !== MAPPED >> 32n) return address;
  return { bits: 32, number: address.number & 0xffffffffn };
}

function write({ bits, number }: Address): string {
  const width = bits === 32 ? 8 : 16;
  const parts: number[] = [];
  for (let shift = bits - width; shift >= 0; shift -= width) {
    parts.push(Number((number >> BigInt(shift)) & ((1n << BigInt(width)) - 1n)));
  }
  return bits === 32 ? parts.join(".") : writeV6(parts);
}

/** RFC 5952: the longest run of two or more zero groups, the first of equals, is `::`. */
function writeV6(groups: readonly number[]): string {
  let [from, length] = [0, 0];
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > length) [from, length] = [start, end - start];
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, from).join(":")}::${hex.slice(from + length).join(":")}`;
}
