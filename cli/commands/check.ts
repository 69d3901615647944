import type { Compilation } from "../../lang/compile.ts";
import { type Diagnostic, severityOf, sortDiagnostics } from "../../lang/diagnostic.ts";
import type { Program } from "../../lang/ir.ts";
import { checkPep } from "../../lang/pep.ts";
import { didYouMean } from "../../lang/suggest.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { type DiagnosticJson, diagnosticsJson, renderDiagnostics } from "../diagnostics.ts";
import { compilePackage, isOpaFile } from "../files.ts";
import { type LookedAt, lookAtRego, REGO_OPTIONS, refuseRegoOptions } from "../rego.ts";
import { count, painter, printable } from "../terminal.ts";

export const command: Command = {
  name: "check",
  summary: "say what is wrong with a policy",
  usage: "[options] [POLICY…]",
  description: [
    "Compiles each POLICY, a directory of `.writ` files or one such file (the current directory by default), and prints every error and warning with the line it stands in.",
    "Of a bundle of OPA's (`.tar.gz`) it says which entrypoints its module has and which builtins it needs, and refuses what cannot be run.",
    "With --pep, also finds what a rule, counter or task reads that the enforcement point NAME, declared by `pep NAME { lacks … }`, cannot supply: there it would silently never apply.",
    "Examples:\n  writ check policies/payments\n  writ check --pep gateway --warnings-as-errors .\n  writ check authz.tar.gz",
  ],
  options: [
    { name: "pep", value: "NAME", help: "also check against what this enforcement point lacks" },
    { name: "warnings-as-errors", help: "exit with 1 on warnings too" },
    ...REGO_OPTIONS.filter(({ name }) => name !== "entrypoint"),
  ],
  positionals: { least: 0, most: 1_000 },
  run: check,
};

async function check(input: Input, io: Io): Promise<ExitCode> {
  const paths = input.positionals.length === 0 ? ["."] : input.positionals;
  const bundles = paths
    .filter(isOpaFile)
    .map((path) => ({ path, looked: lookAtRego(path, input, io) }));
  if (bundles.length === 0) refuseRegoOptions(input);
  const checked = paths
    .filter((path) => !isOpaFile(path))
    .map((path) => checkPolicy(path, input.values.get("pep"), io));
  const found = tallyOf(checked.flatMap(({ found }) => found.diagnostics));
  const errors = found.errors + bundles.filter(({ looked }) => !looked.ok).length;
  const ok = errors === 0 && (found.warnings === 0 || !input.flags.has("warnings-as-errors"));
  if (input.json) {
    const looked = bundles.length === 0 ? {} : { bundles: bundles.map(bundleJson) };
    const json = { ok, ...jsonOf(checked, { ...found, errors }), ...looked };
    io.out(`${JSON.stringify(json, null, 2)}\n`);
  } else {
    for (const bundle of bundles) io.out(bundleText(bundle, io));
    io.out(textOf(checked, found, ok, io));
  }
  return ok ? 0 : 1;
}

interface Bundle {
  readonly path: string;
  readonly looked: LookedAt;
}

function bundleJson({ path, looked }: Bundle) {
  return { path, ...looked };
}

function bundleText({ path, looked }: Bundle, io: Io): string {
  const paint = painter(io);
  if (!looked.ok) return `${paint("red", "error")}: ${path}: ${printable(looked.because)}\n`;
  const { revision, entrypoints, builtins } = looked;
  const named = revision === undefined ? "" : ` revision ${printable(revision)},`;
  const needs = builtins.length === 0 ? "no builtins" : builtins.join(", ");
  const decides = entrypoints.map(printable).join(", ");
  return `${paint("green", "ok")}: ${path}:${named} decides ${decides}; needs ${needs}\n`;
}

interface Checked {
  readonly path: string;
  readonly found: Compilation & { readonly shown: Compilation["sources"] };
}

function checkPolicy(path: string, pepName: string | undefined, io: Io): Checked {
  const found = compilePackage(path, io);
  if (pepName === undefined || found.program === undefined) return { path, found };
  const pep = found.peps.find(({ name }) => name === pepName);
  if (pep === undefined) {
    const names = found.peps.map(({ name }) => name);
    const known = names.length === 0 ? "it declares none" : `it declares ${names.join(", ")}`;
    throw new Misuse(
      `\`${path}\` has no enforcement point \`${pepName}\``,
      didYouMean(pepName, names).help ?? known,
    );
  }
  const lacking = sortDiagnostics(withoutRepeats(checkPep(found.program, pep)));
  return { path, found: { ...found, diagnostics: [...found.diagnostics, ...lacking] } };
}

/** One place may be reached from a rule in more than one way. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...new Map(diagnostics.map((one) => [JSON.stringify(one), one])).values()];
}

interface Tally {
  readonly errors: number;
  readonly warnings: number;
}

function tallyOf(diagnostics: readonly Diagnostic[]): Tally {
  const errors = diagnostics.filter((one) => severityOf(one) === "error").length;
  return { errors, warnings: diagnostics.length - errors };
}

function jsonOf(checked: readonly Checked[], { errors, warnings }: Tally) {
  const diagnostics: DiagnosticJson[] = checked.flatMap(({ found }) => diagnosticsJson(found));
  const policies = checked.map(({ path, found }) => ({
    path,
    ...(found.program === undefined
      ? {}
      : { package: found.program.package, ...sizesOf(found.program), tests: found.tests.length }),
    files: found.shown.length,
  }));
  return { errors, warnings, diagnostics, policies };
}

function textOf(checked: readonly Checked[], tally: Tally, ok: boolean, io: Io): string {
  const paint = painter(io);
  const found = checked.map((one) => renderDiagnostics(one.found, io)).join("");
  const wrong = [
    ...(tally.errors > 0 ? [paint("red", count(tally.errors, "error"))] : []),
    ...(tally.warnings > 0 ? [paint("yellow", count(tally.warnings, "warning"))] : []),
  ].join(", ");
  const files = checked.reduce((sum, one) => sum + one.found.shown.length, 0);
  const summary = wrong === "" ? "" : `${wrong} in ${count(files, "file")}\n`;
  const contents = ok ? checked.map((one) => contentsOf(one, checked.length > 1, io)).join("") : "";
  return `${found}${summary}${contents}`;
}

function contentsOf({ path, found }: Checked, named: boolean, io: Io): string {
  if (found.program === undefined) return "";
  const sizes = sizesOf(found.program);
  const parts = [
    count(sizes.rules, "rule"),
    ...(sizes.counters > 0 ? [count(sizes.counters, "counter")] : []),
    ...(sizes.latches > 0 ? [count(sizes.latches, "latch", "latches")] : []),
    ...(sizes.tasks > 0 ? [count(sizes.tasks, "task")] : []),
    ...(sizes.invariants > 0 ? [count(sizes.invariants, "invariant")] : []),
    count(found.tests.length, "test"),
  ];
  return `${painter(io)("green", "ok")}: ${named ? `${path}: ` : ""}${parts.join(", ")}\n`;
}

function sizesOf({ rules, counters, latches, tasks, nevers }: Program) {
  return {
    rules: rules.length,
    counters: counters.length,
    latches: latches.length,
    tasks: tasks.length,
    invariants: nevers.length,
  };
}
