/**
 * What `writ build` writes and an engine loads (SPEC §11): a program as canonical JSON, with the digest of what
 * it means, and the tests that must hold of it. Pure.
 */
import { type Expr, IR_VERSION, type Program } from "../lang/ir.ts";
import type { TestCase } from "../lang/testing.ts";
import { canonicalJson, digestOf } from "./canonical-json.ts";
import { faultOfProgram, faultOfTests } from "./ir-shape.ts";

export const BUNDLE_FORMAT = "writ.bundle";

export interface Bundle {
  readonly format: typeof BUNDLE_FORMAT;
  /** Of the IR in it. */
  readonly version: { readonly major: number; readonly minor: number };
  readonly digest: string;
  readonly program: Program;
  readonly tests?: readonly TestCase[];
  /** What its maker calls this state of the sources: a commit, a release. */
  readonly revision?: string;
}

export type LoadedProgram =
  | { readonly ok: true; readonly program: Program; readonly digest: string }
  | { readonly ok: false; readonly why: string };

export type LoadedBundle =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly why: string };

export interface BundleParts {
  readonly program: Program;
  readonly tests?: readonly TestCase[];
  readonly revision?: string;
}

export function makeBundle({ program, tests, revision }: BundleParts): Bundle {
  return {
    format: BUNDLE_FORMAT,
    version: program.version,
    digest: digestOfProgram(program),
    program,
    ...(tests === undefined ? {} : { tests }),
    ...(revision === undefined ? {} : { revision }),
  };
}

/** Canonical JSON: the same bundle is the same bytes, on every machine. */
export function serializeBundle(bundle: Bundle): string {
  return canonicalJson(bundle);
}

export function serializeProgram(program: Program): string {
  return canonicalJson(program);
}

/**
 * `sha256:…` over what a program means: two programs of one digest decide every request alike. Where things
 * stand in the text (`at`, `places`, `sources`) is left out, so that comments and layout change nothing; the
 * order of declarations is not, since indexes rest on it.
 */
export function digestOfProgram(program: Program): string {
  const { places: _places, sources: _sources, ...meaning } = program;
  return digestOf(withoutPlaces(meaning));
}

/** What `serializeBundle` wrote, read again: nothing in it is believed. */
export function loadBundle(json: unknown): LoadedBundle {
  if (!isObject(json)) return { ok: false, why: "it is no bundle: a JSON object is expected" };
  if (json.format !== BUNDLE_FORMAT) {
    return { ok: false, why: `it is no bundle: its \`format\` is not "${BUNDLE_FORMAT}"` };
  }
  const version = refuseVersion(json.version);
  if (version !== undefined) return { ok: false, why: version };
  const unknown = Object.keys(json).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) return { ok: false, why: `it has an unknown member \`${unknown}\`` };
  const loaded = loadProgram(json.program);
  if (!loaded.ok) return loaded;
  const { program, digest } = loaded;
  if (json.digest !== digest) {
    return { ok: false, why: `its digest is not that of its program: it is ${digest}` };
  }
  if (json.revision !== undefined && typeof json.revision !== "string") {
    return { ok: false, why: "its `revision` is no text" };
  }
  const fault = json.tests === undefined ? undefined : faultOfTests(json.tests, program);
  if (fault !== undefined) return { ok: false, why: `its tests cannot be read: ${fault}` };
  const tests = json.tests as readonly TestCase[] | undefined;
  const { revision } = json;
  return {
    ok: true,
    bundle: {
      format: BUNDLE_FORMAT,
      version: program.version,
      digest,
      program,
      ...(tests === undefined ? {} : { tests }),
      ...(revision === undefined ? {} : { revision }),
    },
  };
}

/** A program as IR in JSON, with the digest it has. */
export function loadProgram(json: unknown): LoadedProgram {
  if (!isObject(json) || json.format !== "writ.ir") {
    return { ok: false, why: 'it holds no program: a `format` of "writ.ir" is expected' };
  }
  const version = refuseVersion(json.version);
  if (version !== undefined) return { ok: false, why: version };
  const fault = faultOfProgram(json) ?? faultOfReferences(json as unknown as Program);
  if (fault !== undefined) return { ok: false, why: `its program cannot be read: ${fault}` };
  const program = json as unknown as Program;
  return { ok: true, program, digest: digestOfProgram(program) };
}

const MEMBERS = ["format", "version", "digest", "program", "tests", "revision"];

function refuseVersion(version: unknown): string | undefined {
  const { major, minor } = isObject(version) ? version : {};
  if (typeof major !== "number" || typeof minor !== "number") return "its `version` cannot be read";
  const ours = IR_VERSION;
  if (major > ours.major) {
    return `built by a newer Writ (IR ${major}.${minor}); this one reads ${ours.major}.x`;
  }
  if (major < ours.major) {
    return `built by an older Writ (IR ${major}.${minor}); this one reads ${ours.major}.x: build it again`;
  }
  if (minor > ours.minor) {
    return `built by a newer Writ (IR ${major}.${minor}); this one reads up to ${ours.major}.${ours.minor}`;
  }
  return undefined;
}

/** What single nodes cannot tell: functions end, and locals are bound where they are read. */
function faultOfReferences(program: Program): string | undefined {
  const done = new Set<number>();
  const open = new Set<number>();
  const ends = (index: number): boolean => {
    if (done.has(index)) return true;
    if (open.has(index)) return false;
    open.add(index);
    const all = calleesOf(program.functions[index]?.body).every(ends);
    done.add(index);
    return all;
  };
  const endless = program.functions.findIndex((_, index) => !ends(index));
  if (endless >= 0) return `/functions/${endless} calls itself, perhaps through others`;
  const owners = { functions: program.functions, rules: program.rules, nevers: program.nevers };
  for (const [of, list] of Object.entries({
    ...owners,
    counters: program.counters,
    latches: program.latches,
    tasks: program.tasks,
  })) {
    const unbound = list.findIndex((owner) => !bindsItsLocals(owner));
    if (unbound >= 0) return `/${of}/${unbound} reads a local that it does not bind`;
  }
  return undefined;
}

function calleesOf(node: unknown): number[] {
  return [...nodesIn(node)].flatMap((inner) =>
    inner.kind === "call" && typeof inner.function === "number" ? [inner.function] : [],
  );
}

function bindsItsLocals(owner: object): boolean {
  const bound = new Set<number>("params" in owner ? (owner.params as number[]) : []);
  const read = new Set<number>();
  for (const node of nodesIn(owner)) {
    if (typeof node.id !== "number") continue;
    if (node.kind === "local") read.add(node.id);
    else bound.add(node.id);
  }
  return [...read].every((id) => bound.has(id));
}

type Node = Partial<Record<"kind" | "id" | "function", unknown>>;

/** Every object under `root` but the values of constants, the root itself first. */
function* nodesIn(root: unknown): Generator<Node> {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== "object" || node === null) continue;
    if (!Array.isArray(node)) yield node as Node;
    if (!isConstant(node)) for (const inner of Object.values(node)) waiting.push(inner);
  }
}

/** JSON without places. Data that policies hold may have members called `at`; those are meant. */
function withoutPlaces(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutPlaces);
  if (!isObject(node)) return node;
  if (isConstant(node)) return Object.fromEntries(Object.entries(node).filter(notPlace));
  return Object.fromEntries(
    Object.entries(node)
      .filter(notPlace)
      .map(([name, inner]) => [name, name === "default" ? inner : withoutPlaces(inner)]),
  );
}

function notPlace([name]: readonly [string, unknown]): boolean {
  return name !== "at";
}

/** Nodes whose `value` is data. */
function isConstant(node: object): boolean {
  const { kind, type } = node as Partial<Extract<Expr, { kind: "const" }>>;
  return kind === "const" || (type as unknown) === "custom";
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
