/** The files of a package and of every package it uses (SPEC §10), parsed, in one list of items. */
import type * as ast from "./ast.ts";
import { type Diagnostic, sortDiagnostics } from "./diagnostic.ts";
import { ITEMS_MAX, PACKAGES_MAX } from "./limits.ts";
import { parseFile } from "./parse.ts";
import { collect, type Report } from "./report.ts";
import type { SourceFile, Span } from "./source.ts";

/** A package as found: its files, and a name for where they are, by which used packages are told apart. */
export interface PackageSource {
  readonly directory: string;
  readonly files: readonly SourceFile[];
}

/** The package at `from`, as written in a `use` of a file in `directory`; undefined when there is none. */
export type Resolve = (directory: string, from: string) => PackageSource | undefined;

export interface PackageItem {
  readonly item: ast.Item;
  readonly package: string;
  /** Of a used package: its rules count, its tests are its own affair. */
  readonly used: boolean;
}

export interface Gathered {
  /** Names, the root's first. */
  readonly packages: readonly string[];
  readonly sources: readonly SourceFile[];
  readonly items: readonly PackageItem[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Gathering {
  readonly resolve: Resolve;
  readonly report: Report;
  readonly sources: SourceFile[];
  readonly items: PackageItem[];
  readonly diagnostics: Diagnostic[];
  /** Directory → name of the package there; undefined while it is being read. */
  readonly read: Map<string, string | undefined>;
}

export function gatherPackages(root: PackageSource, resolve: Resolve): Gathered {
  const diagnostics: Diagnostic[] = [];
  const gathering: Gathering = {
    resolve,
    report: collect(diagnostics),
    sources: [],
    items: [],
    diagnostics,
    read: new Map(),
  };
  gather(root, gathering, false);
  if (gathering.items.length > ITEMS_MAX) {
    const span = gathering.items[ITEMS_MAX]?.item.span ?? NOWHERE;
    gathering.report("E122", span, `a package has ${ITEMS_MAX} declarations and rules at most`);
  }
  const packages = [...gathering.read.values()].filter((name) => name !== undefined);
  return { ...gathering, packages, diagnostics: sortDiagnostics(diagnostics) };
}

const NOWHERE: Span = { file: 0, start: 0, end: 0 };

/** The name of the package read. */
function gather(source: PackageSource, gathering: Gathering, used: boolean): string | undefined {
  gathering.read.set(source.directory, undefined);
  const files = source.files.map((file) => {
    const index = gathering.sources.length;
    gathering.sources.push(file);
    const { file: parsed, diagnostics } = parseFile(file, index);
    gathering.diagnostics.push(...diagnostics);
    return parsed;
  });
  const parsed = files.filter((file) => file !== undefined);
  const name = parsed[0]?.package.text;
  for (const file of parsed) {
    if (file.package.text !== name) {
      gathering.report(
        "E224",
        file.package.span,
        `this file is of \`${file.package.text}\`, and others here are of \`${name}\``,
        "the files of one directory are one package",
      );
    }
  }
  gathering.read.set(source.directory, name);
  for (const file of parsed) {
    for (const item of file.items) gathering.items.push({ item, package: name ?? "", used });
  }
  for (const file of parsed) for (const use of file.uses) follow(use, source.directory, gathering);
  return name;
}

function follow(use: ast.Use, directory: string, gathering: Gathering): void {
  const found = gathering.resolve(directory, use.from.text);
  if (found === undefined || found.files.length === 0) {
    gathering.report(
      "E224",
      use.from.span,
      `there is no package at ${JSON.stringify(use.from.text)}`,
      "name a directory with `.writ` files, seen from this one",
    );
    return;
  }
  if (gathering.read.size >= PACKAGES_MAX && !gathering.read.has(found.directory)) {
    gathering.report("E122", use.span, `${PACKAGES_MAX} packages are used at most`);
    return;
  }
  const name = gathering.read.has(found.directory)
    ? gathering.read.get(found.directory)
    : gather(found, gathering, true);
  if (name !== undefined && name !== use.package.text) {
    gathering.report("E224", use.package.span, `the package there is \`${name}\``);
  }
}
