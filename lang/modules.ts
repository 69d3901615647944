/** Imported modules of Rego (SPEC §5.9): found, and asked what they can decide. */
import type * as ast from "./ast.ts";
import type { ModuleBinary, ModuleDecl } from "./ir.ts";
import type { Report } from "./report.ts";
import type { SourceFile } from "./source.ts";
import { didYouMean } from "./suggest.ts";

export type FoundModule =
  | {
      readonly ok: true;
      readonly binary: ModuleBinary;
      /** What it can be asked. */
      readonly entrypoints: readonly string[];
    }
  /** Why it cannot be run, as what follows `the module`. */
  | { readonly ok: false; readonly why: string };

/** The module at `path`, as written in an `import` of the file `source`. */
export type ResolveModule = (source: string, path: string) => FoundModule;

/** Binaries of a program, each once. */
export class Binaries {
  readonly all: ModuleBinary[] = [];
  readonly #resolve: ResolveModule | undefined;
  readonly #sources: readonly SourceFile[];

  constructor(sources: readonly SourceFile[], resolve: ResolveModule | undefined) {
    this.#sources = sources;
    this.#resolve = resolve;
  }

  /** Where the binary of an import stands; what keeps it from being run is reported. */
  find(item: ast.ImportRego, report: Report): Pick<ModuleDecl, "binary"> {
    if (this.#resolve === undefined) return {};
    const source = this.#sources[item.span.file]?.path ?? "";
    const found = this.#resolve(source, item.module.text);
    if (!found.ok) {
      report("E230", item.module.span, `the module ${found.why}`);
      return {};
    }
    const { text, span } = item.entrypoint;
    if (!found.entrypoints.includes(text)) {
      const known = [...found.entrypoints].sort();
      const help = didYouMean(text, known).help ?? `it has ${known.join(", ")}`;
      report("E230", span, `the module has no entrypoint \`${text}\``, help);
      return {};
    }
    return { binary: this.#indexOf(found.binary) };
  }

  #indexOf({ wasm, data }: ModuleBinary): number {
    const known = this.all.findIndex((one) => one.wasm === wasm && one.data === data);
    return known >= 0
      ? known
      : this.all.push({ wasm, ...(data === undefined ? {} : { data }) }) - 1;
  }
}
