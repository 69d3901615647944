/** The pipeline on one screen (SPEC §10): parse what is used, collect what is declared, check, lower. */
import type * as ast from "./ast.ts";
import {
  type Context,
  type KeyScope,
  type Signature,
  type Surroundings,
  withLocal,
} from "./context.ts";
import { type Diagnostic, hasErrors, sortDiagnostics } from "./diagnostic.ts";
import { check } from "./expression.ts";
import {
  type CounterDecl,
  type Expr,
  type FunctionDecl,
  IR_VERSION,
  type ModuleDecl,
  type Program,
} from "./ir.ts";
import { SEQUENCE_LINKS_MAX } from "./limits.ts";
import { gatherPackages, type PackageItem, type PackageSource, type Resolve } from "./package.ts";
import { type Pep, pepOf } from "./pep.ts";
import { Places } from "./places.ts";
import { collect, type Report } from "./report.ts";
import { isRoot } from "./roots.ts";
import { checkNever, checkRule } from "./rules.ts";
import type { SourceFile } from "./source.ts";
import { checkCounter, checkLatch, stateContext } from "./state.ts";
import { checkTask } from "./tasks.ts";
import { checkTest, type TestCase } from "./testing.ts";
import { refuseShadowing, solid } from "./typed.ts";
import { collectVocabulary, resolveType } from "./vocabulary.ts";

export interface Compilation {
  /** Missing where there are errors: what is wrong in one place is never decided by the rest. */
  readonly program?: Program;
  readonly tests: readonly TestCase[];
  readonly peps: readonly Pep[];
  /** Every file read, used packages' included; spans speak of these. */
  readonly sources: readonly SourceFile[];
  readonly diagnostics: readonly Diagnostic[];
}

/** `resolve` finds the files of a used package; without it, `use` is an error. Pure but for what `resolve` does. */
export function compile(root: PackageSource, resolve: Resolve = () => undefined): Compilation {
  const gathered = gatherPackages(root, resolve);
  const found: Diagnostic[] = [...gathered.diagnostics];
  if (hasErrors(found)) return failed(gathered.sources, found);
  const places = new Places(gathered.sources);
  const checked = checkItems(gathered.items, places, collect(found));
  if (hasErrors(found)) return failed(gathered.sources, found);
  const program: Program = {
    format: "writ.ir",
    version: IR_VERSION,
    package: gathered.packages[0] ?? "",
    packages: gathered.packages,
    ...checked.program,
    sources: gathered.sources.map((source) => source.path),
    places: places.all,
  };
  return {
    program,
    tests: checked.tests,
    peps: checked.peps,
    sources: gathered.sources,
    diagnostics: sortDiagnostics(found),
  };
}

function failed(sources: readonly SourceFile[], found: readonly Diagnostic[]): Compilation {
  return { tests: [], peps: [], sources, diagnostics: sortDiagnostics(found) };
}

type Checked = Omit<Program, "format" | "version" | "package" | "packages" | "sources" | "places">;

function checkItems(
  items: readonly PackageItem[],
  places: Places,
  report: Report,
): { program: Checked; tests: TestCase[]; peps: Pep[] } {
  const all = items.map((entry) => entry.item);
  refuseRepeated(all, report);
  const vocabulary = collectVocabulary(all, report);
  let locals = 0;
  const named = namesOf(all);
  const keys = new Map<string, KeyScope>();
  const around: Surroundings = {
    vocabulary,
    functions: signatures(of(all, "fn"), vocabulary, report),
    modules: named.modules,
    counters: named.counters,
    latches: named.latches,
    keys,
    report,
    check,
    place: (span) => places.of(span),
    fresh: () => locals++,
  };
  const modules = of(all, "import").map((item, index) => checkModule(item, index, named, around));
  const functions = checkFunctions(of(all, "fn"), around, report);
  const counters: CounterDecl[] = [];
  for (const item of of(all, "counter")) {
    const { counter, keys: scope } = checkCounter(item, around);
    keys.set(item.name.text, scope);
    named.counters.set(item.name.text, { index: counters.length, type: counter.type });
    counters.push(counter);
  }
  const latches = of(all, "latch").map((item) => {
    const { latch, keys: scope } = checkLatch(item, around);
    keys.set(item.name.text, scope);
    return latch;
  });
  const taskCounters = {
    all: counters,
    byName: new Map(named.counters),
    links: { left: SEQUENCE_LINKS_MAX },
  };
  const tasks = of(all, "task").map((item) => checkTask(item, taskCounters, around));
  const rules = items.flatMap(({ item, package: name }) =>
    item.kind === "rule" ? [checkRule(item, name, around)] : [],
  );
  const nevers = items.flatMap(({ item, package: name }) =>
    item.kind === "never" ? [checkNever(item, name, around)] : [],
  );
  const tests = items.flatMap(({ item, package: name, used }) =>
    item.kind === "test" && !used ? [checkTest(item, name, around)] : [],
  );
  const program: Checked = {
    levels: [...vocabulary.levels.values()],
    purposes: [...vocabulary.purposes].sort(),
    labels: [...vocabulary.labels].sort(),
    tools: vocabulary.tools,
    resources: [...vocabulary.resources.values()],
    ...vocabulary.attributes,
    functions,
    modules,
    counters,
    latches,
    tasks,
    rules,
    nevers,
    readsOrigin: false,
  };
  const readsOrigin = JSON.stringify(program).includes('"kind":"origin"');
  return { program: { ...program, readsOrigin }, tests, peps: of(all, "pep").map(pepOf) };
}

function of<K extends ast.Item["kind"]>(
  items: readonly ast.Item[],
  kind: K,
): Extract<ast.Item, { kind: K }>[] {
  return items.filter((item): item is Extract<ast.Item, { kind: K }> => item.kind === kind);
}

/** Things that are read by the same kind of word share their names. */
const SPACES: Partial<Record<ast.Item["kind"], string>> = {
  import: "value",
  fn: "value",
  counter: "value",
  latch: "value",
  rule: "rule",
  never: "rule",
  task: "rule",
  pep: "pep",
  test: "test",
};

function refuseRepeated(items: readonly ast.Item[], report: Report): void {
  const seen = new Set<string>();
  for (const item of items) {
    const space = SPACES[item.kind];
    if (space === undefined || !("name" in item)) continue;
    const key = `${space} ${item.name.text}`;
    const builtIn = space === "value" && isRoot(item.name.text);
    if (seen.has(key) || builtIn) {
      report(
        "E203",
        item.name.span,
        `\`${item.name.text}\` is ${builtIn ? "built in" : "declared twice"}`,
      );
    }
    seen.add(key);
  }
}

interface Named {
  readonly modules: Map<string, { index: number; type: ReturnType<typeof resolveType> }>;
  readonly counters: Map<string, { index: number; type: "Int" | "Decimal" }>;
  readonly latches: Map<string, number>;
}

/** Names are known before what they name is checked, so that the order of declarations does not matter. */
function namesOf(items: readonly ast.Item[]): Named {
  const modules = of(items, "import").map(
    (item, index) => [item.name.text, { index, type: { kind: "Any" } as const }] as const,
  );
  const counters = of(items, "counter").map(
    (item, index) => [item.name.text, { index, type: "Int" as const }] as const,
  );
  const latches = of(items, "latch").map((item, index) => [item.name.text, index] as const);
  return { modules: new Map(modules), counters: new Map(counters), latches: new Map(latches) };
}

function checkModule(
  item: ast.ImportRego,
  index: number,
  named: Named,
  around: Surroundings,
): ModuleDecl {
  const type = resolveType(item.type, around.vocabulary, around.report);
  named.modules.set(item.name.text, { index, type });
  return {
    name: item.name.text,
    module: item.module.text,
    entrypoint: item.entrypoint.text,
    type,
    at: around.place(item.name.span),
  };
}

function signatures(
  items: readonly ast.Fn[],
  vocabulary: Surroundings["vocabulary"],
  report: Report,
): Map<string, Signature> {
  return new Map(
    items.map((item, index) => {
      const params = item.params.map(({ name, type }) => {
        const resolved = resolveType(type, vocabulary, report);
        if (resolved.kind === "Optional") {
          const help = "take what is there, and test or use `??` before the call";
          report("E202", type.span, `parameter \`${name.text}\` cannot be absent`, help);
        }
        return { name: name.text, type: resolved };
      });
      return [
        item.name.text,
        { index, params, result: resolveType(item.result, vocabulary, report) },
      ];
    }),
  );
}

function checkFunctions(
  items: readonly ast.Fn[],
  around: Surroundings,
  report: Report,
): FunctionDecl[] {
  const functions = items.map((item) => checkFunction(item, around));
  refuseRecursion(items, functions, report);
  return functions;
}

function checkFunction(item: ast.Fn, around: Surroundings): FunctionDecl {
  const signature = around.functions.get(item.name.text);
  let context: Context = { ...stateContext(around), reads: "parameters", tools: [] };
  const params: number[] = [];
  for (const [at, param] of item.params.entries()) {
    refuseShadowing(param.name, context);
    const id = around.fresh();
    params.push(id);
    const type = signature?.params[at]?.type ?? { kind: "Any" };
    context = withLocal(context, param.name.text, id, type);
  }
  const body = solid(item.body, context, signature?.result);
  const at = around.place(item.name.span);
  const none: Expr = { kind: "const", type: { kind: "Bool" }, value: false, at };
  return { name: item.name.text, params, body: body?.ir ?? none, at };
}

/** Total: every function calls only functions that end before it in some order. */
function refuseRecursion(
  items: readonly ast.Fn[],
  functions: readonly FunctionDecl[],
  report: Report,
): void {
  const state = new Map<number, "open" | "done">();
  const visit = (index: number): void => {
    state.set(index, "open");
    for (const callee of calleesOf(functions[index]?.body)) {
      const item = items[callee];
      if (state.get(callee) === "open" && item !== undefined) {
        report(
          "E212",
          item.name.span,
          `\`${item.name.text}\` calls itself, perhaps through others`,
        );
      } else if (!state.has(callee)) visit(callee);
    }
    state.set(index, "done");
  };
  for (const index of functions.keys()) if (!state.has(index)) visit(index);
}

function calleesOf(node: unknown): number[] {
  if (typeof node !== "object" || node === null) return [];
  const inner = Object.values(node).flatMap(calleesOf);
  const call = node as Partial<Extract<Expr, { kind: "call" }>>;
  return call.kind === "call" && call.function !== undefined ? [call.function, ...inner] : inner;
}
