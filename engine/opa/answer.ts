/** What imported modules say of a request, and how that becomes the value of an expression (SPEC §5.9). Pure. */
import type { Expr, Program, Rule } from "../../lang/ir.ts";
import type { Facts, ModuleReading } from "../facts.ts";
import { type JsonValue, readJson } from "../json.ts";
import type { Problem } from "../value-reader.ts";
import { type Reader, readerOf, wordsOf } from "../value-reader.ts";
import { EVALUATION_LIMITS } from "./limits.ts";

export type ModuleAnswer =
  | { readonly kind: "defined"; readonly value: JsonValue }
  | { readonly kind: "undefined" }
  /** It was not asked, did not answer in time, died, or said what is no answer. */
  | { readonly kind: "failed"; readonly why: string };

/** What each module of a program says of the request at hand, by its index. */
export type ModuleAnswers = (module: number) => ModuleAnswer;

/** Asks modules about a request, as it came on the wire, by one reading of the clock. */
export interface ModuleRunner {
  about(input: unknown, nowMs: number): ModuleAnswers;
}

/** Reads what `opa_eval` wrote: `[{"result": …}]`, or `[]` where nothing is defined. */
export function readAnswer(text: string): ModuleAnswer {
  const reading = readJson(Buffer.from(text), EVALUATION_LIMITS.result);
  if (!reading.ok) return failed(`its answer is no JSON: ${reading.fault.message}`);
  const { value } = reading;
  if (!Array.isArray(value) || value.length > 1)
    return failed("its answer is no set of one result");
  const [first] = value;
  if (first === undefined) return { kind: "undefined" };
  const isObject = typeof first === "object" && first !== null && !Array.isArray(first);
  const result = isObject ? first.result : undefined;
  return result === undefined
    ? failed("its answer has no result")
    : { kind: "defined", value: result };
}

export function failed(why: string): ModuleAnswer {
  return { kind: "failed", why };
}

/**
 * Makes of answers what evaluators read: values of the declared types. What is not of its type, `1` where a
 * Bool is wanted too, is as good as no answer; what is undefined is absent where the type admits it, else no
 * answer as well. Each module is asked once for a request, and only where an expression wants it.
 */
export function moduleFacts(
  program: Program,
): (answers: ModuleAnswers) => NonNullable<Facts["module"]> {
  const words = wordsOf(program);
  const readers = program.modules.map(({ type }) => ({
    read: readerOf(type, words),
    optional: type.kind === "Optional",
  }));
  return (answers) => {
    const known = new Map<number, ModuleReading | undefined>();
    return (index) => {
      if (known.has(index)) return known.get(index);
      const reader = readers[index];
      const reading = reader && readingOf(answers(index), reader.read, reader.optional);
      known.set(index, reading);
      return reading;
    };
  };
}

function readingOf(
  answer: ModuleAnswer,
  read: Reader,
  optional: boolean,
): ModuleReading | undefined {
  if (answer.kind === "failed") return undefined;
  if (answer.kind === "undefined") return optional ? { value: undefined } : undefined;
  const problems: Problem[] = [];
  const value = read(answer.value, "", problems);
  return problems.length > 0 ? undefined : { value };
}

/** Which modules a request may need, by the name of its tool: those that some rule or invariant about it reads. */
export function modulesAsked(program: Program): (input: unknown) => readonly number[] {
  const askers = program.modules.map((_, module) => {
    const reads = (part: unknown) => modulesIn(part).includes(module);
    if (program.nevers.some(({ condition }) => reads(condition))) return undefined;
    const rules = program.rules.filter((rule) => reads(conditionsOf(rule)));
    if (rules.some(({ guard }) => guard.tools === undefined)) return undefined;
    return new Set(
      rules.flatMap(({ guard }) => guard.tools ?? []).map((tool) => program.tools[tool]?.wire),
    );
  });
  return (input) => {
    const tool = toolNamed(input);
    return askers.flatMap((tools, module) =>
      tools === undefined || tools.has(tool) ? [module] : [],
    );
  };
}

function conditionsOf({ lets, conditions, approval }: Rule): unknown {
  return [lets, conditions, approval];
}

function modulesIn(part: unknown): readonly number[] {
  if (typeof part !== "object" || part === null) return [];
  const { kind, module } = part as Partial<Extract<Expr, { kind: "module" }>>;
  if (kind === "module" && module !== undefined) return [module];
  return Object.values(part).flatMap(modulesIn);
}

/** What cannot be read needs no module: it is refused before any rule. */
function toolNamed(input: unknown): string | undefined {
  const tool = (input as { tool?: { name?: unknown } } | null | undefined)?.tool;
  return typeof tool?.name === "string" ? tool.name : undefined;
}
