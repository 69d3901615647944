/** The pipeline on one screen (SPEC §10): parse what is used, collect what is declared, check, lower. */
import type * as ast from "./ast.ts";
import { isBuiltInFunction } from "./calls.ts";
import {
  type Context,
  type KeyScope,
  type Signature,
  type Surroundings,
  withLocal,
} from "./context.ts";
import { type Diagnostic, hasErrors, isError, sortDiagnostics } from "./diagnostic.ts";
import { check } from "./expression.ts";
import { warnOfFolders } from "./folders.ts";
import {
  type CounterDecl,
  type Expr,
  type FunctionDecl,
  IR_VERSION,
  type ModuleDecl,
  type Program,
} from "./ir.ts";
import {
  CALL_DEPTH_MAX,
  DIAGNOSTICS_MAX,
  ITEMS_MAX,
  PROGRAM_VALUES_MAX,
  SEQUENCE_LINKS_MAX,
  TREE_HEIGHT_MAX,
} from "./limits.ts";
import { Binaries, type ResolveModule } from "./modules.ts";
import { gatherPackages, type PackageItem, type PackageSource, type Resolve } from "./package.ts";
import { firstOnes } from "./parse.ts";
import { type Pep, pepOf } from "./pep.ts";
import { Places } from "./places.ts";
import { collect, firstOf, type Report } from "./report.ts";
import { resolveType } from "./resolve.ts";
import { isRoot } from "./roots.ts";
import { checkNever, checkRule } from "./rules.ts";
import type { SourceFile, Span } from "./source.ts";
import { checkCounter, checkLatch, stateContext } from "./state.ts";
import { checkTask } from "./tasks.ts";
import { checkTest, type TestCase } from "./testing.ts";
import { refuseShadowing, solid } from "./typed.ts";
import { collectVocabulary } from "./vocabulary.ts";

export interface Compilation {
  /** Missing where there are errors: what is wrong in one place is never decided by the rest. */
  readonly program?: Program;
  readonly tests: readonly TestCase[];
  readonly peps: readonly Pep[];
  /** Every file read, used packages' included; spans speak of these. */
  readonly sources: readonly SourceFile[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * `resolve` finds the files of a used package; without it, `use` is an error. `resolveModule` finds imported
 * modules; without it, they are typed and cannot be run. Pure but for what these two do.
 */
export function compile(
  root: PackageSource,
  resolve: Resolve = () => undefined,
  resolveModule?: ResolveModule,
): Compilation {
  const gathered = gatherPackages(root, resolve);
  const found: Diagnostic[] = [...gathered.diagnostics];
  if (hasErrors(found)) return failed(gathered.sources, found);
  const places = new Places(gathered.sources);
  const binaries = new Binaries(gathered.sources, resolveModule);
  const checked = checkItems(gathered.items, places, found, collect(found), binaries);
  if (hasErrors(found)) return failed(gathered.sources, firstOnes(errorsFirst(found)));
  const program: Program = {
    format: "writ.ir",
    version: IR_VERSION,
    package: gathered.packages[0] ?? "",
    packages: gathered.packages,
    ...checked.program,
    ...(binaries.all.length === 0 ? {} : { binaries: binaries.all }),
    sources: gathered.sources.map((source) => source.path),
    places: places.all,
  };
  return {
    program,
    tests: checked.tests,
    peps: checked.peps,
    sources: gathered.sources,
    diagnostics: sortDiagnostics([...found, ...warnOfFolders(program)]),
  };
}

function failed(sources: readonly SourceFile[], found: readonly Diagnostic[]): Compilation {
  return { tests: [], peps: [], sources, diagnostics: sortDiagnostics(found) };
}

/** All in order where all are shown; else warnings must not stand where errors would. */
function errorsFirst(found: readonly Diagnostic[]): readonly Diagnostic[] {
  const shown = found.length > DIAGNOSTICS_MAX ? found.filter(isError) : found;
  return sortDiagnostics(shown);
}

type Checked = Omit<Program, "format" | "version" | "package" | "packages" | "sources" | "places">;

/** Then nothing more is checked: far more than are shown. Of a program that has none, nothing is ever left out. */
const ERRORS_MAX = 10 * DIAGNOSTICS_MAX;

function checkItems(
  items: readonly PackageItem[],
  places: Places,
  found: readonly Diagnostic[],
  report: Report,
  binaries: Binaries,
): { program: Checked; tests: TestCase[]; peps: Pep[] } {
  const all = items.map((entry) => entry.item);
  refuseTooMany(all, report);
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
  const modules = of(all, "import").map((item, index) => ({
    ...checkModule(item, index, named, around),
    ...binaries.find(item, report),
  }));
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
  const errors = { count: 0, looked: 0 };
  const goesOn = () => {
    for (const one of found.slice(errors.looked)) if (isError(one)) errors.count++;
    errors.looked = found.length;
    return errors.count < ERRORS_MAX;
  };
  const rules = items.flatMap(({ item, package: name }) =>
    item.kind === "rule" && goesOn() ? [checkRule(item, name, around)] : [],
  );
  const nevers = items.flatMap(({ item, package: name }) =>
    item.kind === "never" && goesOn() ? [checkNever(item, name, around)] : [],
  );
  const tests = items.flatMap(({ item, package: name, used }) =>
    item.kind === "test" && !used && goesOn() ? [checkTest(item, name, around)] : [],
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
  const { values, readsOrigin } = measure(program);
  if (values > PROGRAM_VALUES_MAX) {
    const message = `a program consists of ${PROGRAM_VALUES_MAX} values at most, everything counted out`;
    report("E122", all[0]?.span ?? NOWHERE, message, "name fewer tools in each rule, or split it");
  }
  return { program: { ...program, readsOrigin }, tests, peps: of(all, "pep").map(pepOf) };
}

const NOWHERE: Span = { file: 0, start: 0, end: 0 };

/** How many values a program would be written down as, and whether any is an `origin`. Does not recurse. */
function measure(program: Checked): { readonly values: number; readonly readsOrigin: boolean } {
  let values = 0;
  let readsOrigin = false;
  const pending: object[] = [program];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if ("kind" in next && next.kind === "origin") readsOrigin = true;
    const parts = Object.values(next);
    values += parts.length;
    if (values > PROGRAM_VALUES_MAX) break;
    for (const part of parts) if (typeof part === "object" && part !== null) pending.push(part);
  }
  return { values, readsOrigin };
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

/** Names in a row are declarations too. */
function refuseTooMany(items: readonly ast.Item[], report: Report): void {
  let count = 0;
  for (const item of items) {
    count += "names" in item ? item.names.length : 1;
    if (count <= ITEMS_MAX) continue;
    report("E122", item.span, `a package has ${ITEMS_MAX} declarations and rules at most`);
    return;
  }
}

function refuseRepeated(items: readonly ast.Item[], report: Report): void {
  const seen = new Map<string, Span>();
  for (const item of items) {
    const space = SPACES[item.kind];
    if (space === undefined || !("name" in item)) continue;
    const key = `${space} ${item.name.text}`;
    const builtIn = space === "value" && isBuiltIn(item.kind, item.name.text);
    const first = firstOf(seen, key, item.name.span);
    if (first !== undefined || builtIn) {
      const message = `\`${item.name.text}\` is ${builtIn ? "built in" : "declared twice"}`;
      report("E203", item.name.span, message, undefined, first);
    }
  }
}

/** What is built in would mean something else wherever the package is used. */
function isBuiltIn(kind: ast.Item["kind"], name: string): boolean {
  return isRoot(name) || ((kind === "fn" || kind === "import") && isBuiltInFunction(name));
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
  const callees = functions.map(({ body }) => calleesOf(body));
  /** How deep the calls of a function go; while that is being found out, it is open. */
  const depths = new Map<number, number | "open">();
  /** Operators in each other, those of called functions included: deciding recurses as deep. */
  const heights = new Map<number, number>();
  const visit = (index: number, above: number): number => {
    const item = items[index];
    const known = depths.get(index);
    if (typeof known === "number" || item === undefined) return known === "open" ? 0 : (known ?? 0);
    const { text, span } = item.name;
    if (known === "open") {
      report("E212", span, `\`${text}\` calls itself, perhaps through others`);
      return 0;
    }
    depths.set(index, "open");
    let depth = 1;
    let height = 0;
    for (const callee of callees[index] ?? []) {
      // The chain is too long already: going on would only find how much.
      if (above > CALL_DEPTH_MAX) continue;
      depth = Math.max(depth, 1 + visit(callee, above + 1));
      height = Math.max(height, heights.get(callee) ?? 0);
    }
    depths.set(index, depth);
    heights.set(index, height + heightOf(functions[index]?.body));
    if ((heights.get(index) ?? 0) > TREE_HEIGHT_MAX) {
      const message = `more than ${TREE_HEIGHT_MAX} operators in a row, with those of the functions it calls`;
      report("E122", span, message);
    }
    if (depth > CALL_DEPTH_MAX || above > CALL_DEPTH_MAX) {
      report("E122", span, `functions call each other ${CALL_DEPTH_MAX} deep at most`);
    }
    return depth;
  };
  for (const index of functions.keys()) visit(index, 0);
}

function heightOf(body: object | undefined): number {
  let highest = 0;
  const pending: (readonly [object, number])[] = body === undefined ? [] : [[body, 1]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, height] = next;
    highest = Math.max(highest, height);
    const inside = Array.isArray(node) ? height : height + 1;
    for (const part of Object.values(node)) {
      if (typeof part === "object" && part !== null) pending.push([part, inside]);
    }
  }
  return highest;
}

function calleesOf(body: Expr): ReadonlySet<number> {
  const found = new Set<number>();
  const pending: object[] = [body];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const call = node as Partial<Extract<Expr, { kind: "call" }>>;
    if (call.kind === "call" && call.function !== undefined) found.add(call.function);
    for (const part of Object.values(node)) {
      if (typeof part === "object" && part !== null) pending.push(part);
    }
  }
  return found;
}
