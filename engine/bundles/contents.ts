/** What is in the parts of a signed bundle: program, tests and sources, each as canonical JSON. Pure. */
import { IR_VERSION, type Program } from "../../lang/ir.ts";
import type { SourceFile } from "../../lang/source.ts";
import type { TestCase } from "../../lang/testing.ts";
import { digestOfProgram, loadProgram } from "../bundle.ts";
import { canonicalJson } from "../canonical-json.ts";
import { faultOfTests } from "../ir-shape.ts";
import { type JsonValue, readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import type { SigningKey, VerifyingKey } from "../signing-key.ts";
import { isObject } from "../value-reader.ts";
import { isShowable, type Manifest, type PartName } from "./manifest.ts";
import { type Refusal, refuse } from "./refusal.ts";
import {
  type Opening,
  openSigned,
  openUnverified,
  SIGNED_BYTES_MAX,
  writeSigned,
} from "./signed.ts";

export interface Contents {
  readonly program: Program;
  /** Missing where they were not run when it was built. */
  readonly tests?: readonly TestCase[] | undefined;
  /** For explanations: the texts that places of the program lead to. */
  readonly sources?: readonly SourceFile[] | undefined;
}

export interface Making extends Contents {
  readonly serial: number;
  readonly revision?: string | undefined;
  readonly createdMs: number;
  readonly expiresMs?: number | undefined;
  readonly keys: readonly SigningKey[];
}

export function makeSignedBundle(making: Making): Uint8Array {
  const { program, tests, sources, revision, expiresMs } = making;
  const parts = Object.entries({ program, tests, sources }).flatMap(([name, value]) =>
    value === undefined ? [] : [[name as PartName, Buffer.from(canonicalJson(value))] as const],
  );
  const manifest = {
    version: program.version,
    package: program.package,
    digest: digestOfProgram(program),
    serial: making.serial,
    created: new Date(making.createdMs).toISOString(),
    ...(revision === undefined ? {} : { revision }),
    ...(expiresMs === undefined ? {} : { expires: new Date(expiresMs).toISOString() }),
  };
  return writeSigned({ manifest, parts: new Map(parts), keys: making.keys });
}

export type SignedReading =
  | {
      readonly ok: true;
      readonly manifest: Manifest;
      readonly manifestDigest: string;
      readonly keyId: string;
      readonly contents: Contents;
    }
  | Refusal;

/** Everything that can be known of a bundle from its bytes; nothing in it is believed before it was verified. */
export function readSignedBundle(bytes: Uint8Array, keys: readonly VerifyingKey[]): SignedReading {
  return readOpened(openSigned(bytes, keys));
}

/** For commands that look at a bundle and serve nobody: whole, and signed by whoever. */
export function readUnverified(bytes: Uint8Array): SignedReading {
  return readOpened(openUnverified(bytes));
}

function readOpened(opened: Opening): SignedReading {
  if (!opened.ok) return opened;
  const { manifest, manifestDigest, keyId, parts } = opened;
  const version = faultOfVersion(manifest);
  if (version !== undefined) return refuse("newer_version", version);
  const json = new Map<PartName, JsonValue>();
  for (const [name, part] of parts) {
    const reading = readJson(part, PART_LIMITS);
    if (!reading.ok) {
      return refuse("malformed", `its ${name} is not strict JSON: ${reading.fault.message}`);
    }
    json.set(name, reading.value);
  }
  const contents = readContents(json, manifest);
  if (!contents.ok) return contents;
  return { ok: true, manifest, manifestDigest, keyId, contents: contents.contents };
}

/** Of one part. Depth: three levels of JSON for each of the nodes that the IR allows within each other. */
const PART_LIMITS: JsonLimits = {
  byteCount: SIGNED_BYTES_MAX,
  depth: 2_500,
  memberCount: 5_000_000,
  valueCount: 10_000_000,
};

/** Said by the manifest already, so that it is told apart from what is broken. */
function faultOfVersion({ version: { major, minor } }: Manifest): string | undefined {
  const { major: ours, minor: upTo } = IR_VERSION;
  if (major === ours && minor <= upTo) return undefined;
  return `it holds IR ${major}.${minor}, and this Writ reads ${ours}.0 to ${ours}.${upTo}`;
}

function readContents(
  json: ReadonlyMap<PartName, JsonValue>,
  manifest: Manifest,
): { readonly ok: true; readonly contents: Contents } | Refusal {
  const loaded = loadProgram(json.get("program"));
  if (!loaded.ok) return refuse("no_program", loaded.why);
  const { program, digest } = loaded;
  if (digest !== manifest.digest) {
    return refuse("wrong_digest", `its manifest names another program than it holds: ${digest}`);
  }
  if (program.package !== manifest.package) {
    return refuse("malformed", "its manifest names another package than its program");
  }
  if (!program.sources.every(isShowable)) {
    return refuse("malformed", "a name of its sources holds what cannot be shown");
  }
  const tests = json.get("tests");
  const sources = json.get("sources");
  const fault = tests === undefined ? undefined : faultOfTests(tests, program);
  if (fault !== undefined) return refuse("malformed", `its tests cannot be read: ${fault}`);
  if (sources !== undefined && !areSourcesOf(program, sources)) {
    return refuse("malformed", "its sources are not those of its program");
  }
  return {
    ok: true,
    contents: {
      program,
      tests: tests as readonly TestCase[] | undefined,
      sources: sources as readonly SourceFile[] | undefined,
    },
  };
}

/** One text for each name in `program.sources`, in the same order; names lead nowhere and open nothing. */
function areSourcesOf({ sources: names }: Program, sources: JsonValue): boolean {
  return (
    Array.isArray(sources) &&
    sources.length === names.length &&
    sources.every(
      (source, index) =>
        isObject(source) &&
        Object.keys(source).length === 2 &&
        source.path === names[index] &&
        typeof source.text === "string",
    )
  );
}
