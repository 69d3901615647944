/** The files commands read: packages with what they use, compiled policies, requests. The only place here that meets the disk. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import {
  basename,
  dirname,
  isAbsolute,
  join,
  relative,
  resolve as resolvePath,
  sep,
} from "node:path";
import { BUNDLE_FORMAT, loadBundle, loadProgram } from "../engine/bundle.ts";
import { readUnverified } from "../engine/bundles/contents.ts";
import { systemCode } from "../engine/fault.ts";
import { type Compilation, compile } from "../lang/compile.ts";
import { hasErrors } from "../lang/diagnostic.ts";
import type { Program } from "../lang/ir.ts";
import { SOURCE_CHARS_MAX } from "../lang/limits.ts";
import type { PackageSource, Resolve } from "../lang/package.ts";
import type { Pep } from "../lang/pep.ts";
import type { SourceFile } from "../lang/source.ts";
import type { TestCase } from "../lang/testing.ts";
import { type Io, Misuse } from "./command.ts";
import { type DiagnosticJson, diagnosticsJson, renderDiagnostics } from "./diagnostics.ts";
import { parseJson } from "./documents.ts";
import { moduleResolver } from "./modules.ts";

/** A UTF-8 character takes at most 3 bytes for each UTF-16 unit: what is longer is too long for the language as well. */
const SOURCE_BYTES_MAX = 3 * SOURCE_CHARS_MAX;

/** Files of one package: more are a mistaken directory. */
const PACKAGE_FILES_MAX = 1_000;

/** A bundle is generated, and has room for policies larger than people write. */
const BUNDLE_BYTES_MAX = 64 * 1024 * 1024;

const EXTENSION = ".writ";

/** As `opa build` names what it makes. */
export function isOpaFile(path: string): boolean {
  return /\.(?:tar\.gz|tgz)$/.test(path);
}

/** Of what `writ build --sign` writes. */
export const SIGNED_EXTENSION = ".writb";

function whatInstead(path: string): string {
  if (path.endsWith(".rego")) {
    return "`opa build -t wasm -e PACKAGE/RULE FILE` makes a bundle of it, which is taken";
  }
  if (path.endsWith(".json") || path.endsWith(SIGNED_EXTENSION)) {
    return "name what it was built of: that was checked when it was built";
  }
  return "name a directory of `.writ` files, or one such file";
}

export interface LoadedPackage {
  readonly root: PackageSource;
  /** Finds what a `use` names, seen from the directory of the package that says so. */
  readonly resolve: Resolve;
}

/**
 * The package at `path`, a directory of `.writ` files or one such file. Files are called by their path seen
 * from the package's directory, so that a policy compiles to the same IR wherever it lies.
 */
export function loadPackage(path: string, cwd = "."): LoadedPackage {
  const real = realPath(resolvePath(cwd, path));
  if (real === undefined) throw new Misuse(`there is no ${quote(path)}`);
  const isDirectory = statSync(real).isDirectory();
  if (!isDirectory && isOpaFile(real)) {
    throw new Misuse(
      `${quote(path)} is a bundle of OPA's, and holds no rules of Writ's`,
      "`writ check`, `test`, `decide`, `explain`, `replay` and `serve` take one; a policy imports it with `import rego`",
    );
  }
  if (!isDirectory && !real.endsWith(EXTENSION)) {
    throw new Misuse(`${quote(path)} is no policy`, whatInstead(real));
  }
  const directory = isDirectory ? real : dirname(real);
  const root = isDirectory
    ? readDirectory(directory, directory)
    : { directory, files: [readSource(real, basename(real))] };
  if (root.files.length === 0) {
    throw new Misuse(`there are no \`.writ\` files in ${quote(path)}`);
  }
  return { root, resolve: (from, used) => resolveUse(directory, from, used) };
}

/** A policy that has compiled, or was loaded from what `writ build` wrote. */
export interface Policy {
  readonly program: Program;
  readonly tests: readonly TestCase[];
  /** It was built without its tests. */
  readonly lacksTests?: boolean;
  readonly peps: readonly Pep[];
  /** Files by the names in `program.sources`; their text is missing from a bundle. */
  readonly sources: readonly SourceFile[];
  /** The same, called as seen from where the command runs: for messages. */
  readonly shown: readonly SourceFile[];
  /** What people call it: the path as given. */
  readonly path: string;
}

interface LoadingOptions {
  readonly json?: boolean;
  /** What else is printed of errors: for machines, beside what people read. */
  readonly report?: ((found: readonly DiagnosticJson[]) => string) | undefined;
}

/**
 * The policy at `path`: a package, or the `.json` or `.writb` that `writ build` makes of one. When it has errors they are
 * printed (on standard error; as one JSON document on standard output where `json`), and there is no policy.
 */
export async function loadPolicy(
  path: string,
  io: Io,
  { json = false, report }: LoadingOptions = {},
): Promise<Policy | undefined> {
  if (path.endsWith(".json")) return loadBuilt(path, io);
  if (path.endsWith(SIGNED_EXTENSION)) return loadSigned(path, io);
  const compiled = compilePackage(path, io);
  if (compiled.program !== undefined && !hasErrors(compiled.diagnostics)) {
    return { ...compiled, program: compiled.program, path };
  }
  if (json)
    io.out(`${JSON.stringify({ ok: false, diagnostics: diagnosticsJson(compiled) }, null, 2)}\n`);
  else io.err(renderDiagnostics(compiled, io));
  if (!json && report !== undefined) io.out(report(diagnosticsJson(compiled)));
  return undefined;
}

/** What the compiler says of the package at `path`; its sources are called as seen from where the command runs. */
export function compilePackage(
  path: string,
  io: Io,
): Compilation & { readonly shown: readonly SourceFile[] } {
  const { root, resolve } = loadPackage(path, io.cwd);
  const compiled = compile(root, resolve, moduleResolver(root.directory, readBytes));
  const base = statSync(resolvePath(io.cwd, path)).isDirectory() ? path : dirname(path);
  const shown = compiled.sources.map((source) => ({ ...source, path: join(base, source.path) }));
  return { ...compiled, shown };
}

/** The sources of a bundle have names and no text. */
function loadBuilt(path: string, io: Io): Policy {
  const text = readText(resolvePath(io.cwd, path), BUNDLE_BYTES_MAX);
  const json = parseJson(text, quote(path));
  const { program, tests } = programIn(json, path);
  const sources = program.sources.map((source) => ({ path: source, text: "" }));
  return { program, ...shippedTests(tests), peps: [], sources, shown: sources, path };
}

/** Whole by its digests, and whoever signed it: commands that ask a policy take unsigned ones as well. */
function loadSigned(path: string, io: Io): Policy {
  const opened = readUnverified(readBytes(resolvePath(io.cwd, path), BUNDLE_BYTES_MAX));
  if (!opened.ok) throw new Misuse(`${quote(path)} cannot be loaded: ${opened.because}`);
  const { program, tests, sources } = opened.contents;
  const texts = sources ?? program.sources.map((source) => ({ path: source, text: "" }));
  return { program, ...shippedTests(tests), peps: [], sources: texts, shown: texts, path };
}

function shippedTests(tests: Policy["tests"] | undefined): Pick<Policy, "tests" | "lacksTests"> {
  return { tests: tests ?? [], lacksTests: tests === undefined };
}

/** What `writ build` writes: a bundle, or the program alone. */
function programIn(
  json: unknown,
  path: string,
): Pick<Policy, "program"> & Partial<Pick<Policy, "tests">> {
  const isBundle =
    typeof json === "object" && json !== null && "format" in json && json.format === BUNDLE_FORMAT;
  const loaded = isBundle ? loadBundle(json) : loadProgram(json);
  if (!loaded.ok) throw new Misuse(`${quote(path)} cannot be loaded: ${loaded.why}`);
  return "program" in loaded ? { program: loaded.program } : loaded.bundle;
}

/** Text of a file of at most `bytesMax` bytes of UTF-8. */
export function readText(path: string, bytesMax: number): string {
  return decodeText(readBytes(path, bytesMax), path);
}

/** Of a file that nobody else can read; `shown` is what people call it. */
export function readSecret(path: string, shown: string, bytesMax: number): string {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) !== 0) {
    throw new Misuse(`others can read \`${shown}\``, `\`chmod 600 ${shown}\``);
  }
  return readText(path, bytesMax);
}

/** Bytes of a regular file, never of a pipe or a device that does not end. */
export function readBytes(path: string, bytesMax: number): Uint8Array {
  let file: number;
  try {
    // Opening a pipe would wait for its other end.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new Misuse(`cannot read ${quote(path)}: ${reasonOf(error)}`);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) {
      throw new Misuse(
        `${quote(path)} is no file`,
        "where a command takes `-`, that is standard input",
      );
    }
    if (stat.size > bytesMax) throw new Misuse(`${quote(path)} is longer than ${bytesMax} bytes`);
    // One more than it had: a file that grows meanwhile is noticed, and read no further.
    const bytes = Buffer.alloc(Number(stat.size) + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, bytes, length, bytes.length - length, null);
      if (read === 0) break;
      length += read;
      if (length === bytes.length) throw new Misuse(`${quote(path)} changed while it was read`);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Misuse(`${quote(name)} is not UTF-8`);
  }
}

function resolveUse(base: string, from: string, used: string): PackageSource | undefined {
  // A policy names its neighbours, not places of one machine.
  if (isAbsolute(used) || used.includes("\0")) return undefined;
  const real = realPath(resolvePath(from, used));
  if (real === undefined || !statSync(real).isDirectory()) return undefined;
  return readDirectory(real, base);
}

function readDirectory(directory: string, base: string): PackageSource {
  const names = policyFiles(directory);
  const files = names.map((name) => {
    const path = join(directory, name);
    return readSource(path, relative(base, path).split(sep).join("/"));
  });
  return { directory, files };
}

/** Names of the files of the package in `directory`, in one order on every machine. */
export function policyFiles(directory: string): readonly string[] {
  const names = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.name.endsWith(EXTENSION) && !entry.name.startsWith("."))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  if (names.length > PACKAGE_FILES_MAX) {
    throw new Misuse(`${quote(directory)} has more than ${PACKAGE_FILES_MAX} \`.writ\` files`);
  }
  for (const name of names) refuseLeaving(directory, name);
  return names;
}

/** A link may lead to another name in the package's directory (as mounted ConfigMaps do), and nowhere else. */
function refuseLeaving(directory: string, name: string): void {
  const real = realPath(join(directory, name));
  if (real === undefined) throw new Misuse(`${quote(join(directory, name))} leads nowhere`);
  if (!real.startsWith(`${realpathSync(directory)}${sep}`)) {
    throw new Misuse(
      `${quote(join(directory, name))} is a link out of its package`,
      "copy the file, or name its directory with `use`",
    );
  }
}

function readSource(path: string, name: string): SourceFile {
  return { path: name, text: readPolicyText(path) };
}

export function readPolicyText(path: string): string {
  return readText(path, SOURCE_BYTES_MAX);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const code = systemCode(error);
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    default:
      return code ?? "it cannot be opened";
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
