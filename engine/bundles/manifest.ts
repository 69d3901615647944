/** What a signed bundle says of itself (SPEC §11.5). Pure. */
import { parseTime } from "../../lang/scalar/time.ts";
import { readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import { isObject } from "../value-reader.ts";

export const MANIFEST_FORMAT = "writ.manifest";

/** Parts stand in this order; a reader knows no others. */
export const PART_NAMES = ["program", "tests", "sources"] as const;
export type PartName = (typeof PART_NAMES)[number];

export interface Manifest {
  readonly format: typeof MANIFEST_FORMAT;
  /** Of the IR in `program`. */
  readonly version: { readonly major: number; readonly minor: number };
  readonly package: string;
  /** Of what the program means (SPEC §11.2). */
  readonly digest: string;
  /** Grows with every bundle of a package: an older one never replaces a newer one. */
  readonly serial: number;
  /** What its maker calls this state of the sources. */
  readonly revision?: string;
  /** RFC 3339. */
  readonly created: string;
  /** RFC 3339; after it, and a grace that whoever serves it has set, nothing is decided by it. */
  readonly expires?: string;
  readonly parts: readonly Part[];
}

export interface Part {
  readonly name: PartName;
  readonly bytes: number;
  /** `sha256:…` of the part's bytes. */
  readonly digest: string;
}

export type ManifestReading =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly why: string };

/** A manifest of three parts has some 900 bytes, and names of packages and revisions are short. */
export const MANIFEST_BYTES_MAX = 16 * 1024;

/** Longer than a commit and a sentence, or a path in a package. */
const SHOWN_CHARS_MAX = 500;
const PACKAGE_CHARS_MAX = 512;

const LIMITS: JsonLimits = {
  byteCount: MANIFEST_BYTES_MAX,
  depth: 4,
  memberCount: 16,
  valueCount: 64,
};

/** `bytes` are believed to come from whoever signed them, and still not to be well formed. */
export function readManifest(bytes: Uint8Array, partsBytesMax: number): ManifestReading {
  const reading = readJson(bytes, LIMITS);
  if (!reading.ok) return refuse(`is not strict JSON: ${reading.fault.message}`);
  const json: unknown = reading.value;
  if (!isObject(json) || json.format !== MANIFEST_FORMAT) {
    return refuse(`has not the \`format\` "${MANIFEST_FORMAT}"`);
  }
  const unknown = Object.keys(json).find((name) => !Object.hasOwn(MEMBERS, name));
  if (unknown !== undefined) return refuse(`has an unknown member ${JSON.stringify(unknown)}`);
  const wrong = Object.entries(MEMBERS).find(([name, isValid]) => !isValid(json[name]));
  if (wrong !== undefined) return refuse(`has a \`${wrong[0]}\` that cannot be read`);
  const manifest = json as unknown as Manifest;
  const fault = faultOfParts(manifest.parts, partsBytesMax);
  return fault === undefined ? { ok: true, manifest } : refuse(fault);
}

const MEMBERS: Readonly<Record<keyof Manifest, (value: unknown) => boolean>> = {
  format: (value) => value === MANIFEST_FORMAT,
  version: (value) =>
    isObject(value) &&
    Object.keys(value).length === 2 &&
    isCount(value.major) &&
    isCount(value.minor),
  package: (value) =>
    typeof value === "string" &&
    value.length <= PACKAGE_CHARS_MAX &&
    /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(value),
  digest: isDigest,
  serial: (value) => isCount(value) && value > 0,
  revision: (value) => value === undefined || isShowable(value),
  created: isTime,
  expires: (value) => value === undefined || isTime(value),
  parts: (value) => Array.isArray(value) && value.every(isPart),
};

/** Text that decisions and logs show: none that hides, moves or reorders what is around it. */
export function isShowable(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= SHOWN_CHARS_MAX &&
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(value)
  );
}

function faultOfParts(parts: readonly Part[], partsBytesMax: number): string | undefined {
  const order = parts.map(({ name }) => PART_NAMES.indexOf(name));
  if (order.some((at, index) => index > 0 && at <= (order[index - 1] ?? 0))) {
    return "has parts twice or out of order";
  }
  if (parts[0]?.name !== "program") return "has no program";
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  return total > partsBytesMax ? `has parts of more than ${partsBytesMax} bytes` : undefined;
}

function isPart(value: unknown): value is Part {
  return (
    isObject(value) &&
    Object.keys(value).every((name) => name === "name" || name === "bytes" || name === "digest") &&
    PART_NAMES.some((name) => name === value.name) &&
    isCount(value.bytes) &&
    isDigest(value.digest)
  );
}

function isDigest(value: unknown): boolean {
  return typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value);
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && parseTime(value).ok;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function refuse(why: string): ManifestReading {
  return { ok: false, why: `its manifest ${why}` };
}
