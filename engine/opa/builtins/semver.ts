/** `semver.*`: versions by Semantic Versioning 2.0.0, with a `v` before them where somebody wrote one, as OPA takes them. Pure. */
import { type Builtin, fail, textOf } from "./builtin.ts";

export const SEMVER: readonly (readonly [string, Builtin])[] = [
  ["semver.is_valid", ([text]) => typeof text === "string" && versionOf(text) !== undefined],
  ["semver.compare", ([one, other]) => compare(orFail(textOf(one)), orFail(textOf(other)))],
];

interface Version {
  readonly numbers: readonly bigint[];
  /** Empty for a release. What stands behind `+` orders nothing. */
  readonly before: readonly string[];
}

const NUMBER = "(0|[1-9][0-9]{0,18})";
const IDENTIFIER = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
const VERSION = new RegExp(
  `^v?${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

const NUMBER_MOST = 2n ** 63n - 1n;

function versionOf(text: string): Version | undefined {
  const [, major, minor, patch, before] = VERSION.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  const numbers = [major, minor, patch].map(BigInt);
  if (numbers.some((number) => number > NUMBER_MOST)) return undefined;
  return { numbers, before: before?.split(".") ?? [] };
}

function orFail(text: string): Version {
  return versionOf(text) ?? fail("no semantic version");
}

/** −1, 0 or 1. */
function compare(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const order = sign(number, b.numbers[index] ?? 0n);
    if (order !== 0) return order;
  }
  // A release is above what came before it.
  if (a.before.length === 0 || b.before.length === 0) return sign(b.before.length, a.before.length);
  for (const [index, one] of a.before.entries()) {
    const other = b.before[index];
    const order = other === undefined ? 1 : compareIdentifiers(one, other);
    if (order !== 0) return order;
  }
  return a.before.length < b.before.length ? -1 : 0;
}

/** Numbers by size and below words; words by their ASCII. */
function compareIdentifiers(a: string, b: string): number {
  const [isNumber, isOther] = [/^[0-9]+$/.test(a), /^[0-9]+$/.test(b)];
  if (isNumber && isOther) return sign(BigInt(a), BigInt(b));
  return isNumber === isOther ? sign(a, b) : isNumber ? -1 : 1;
}

function sign<T extends string | number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
