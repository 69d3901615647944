import type { Answer } from "../../answer.ts";
import type { JsonValue } from "../../json.ts";
import { isObject, type Problem, wrong } from "../../value-reader.ts";
import { type BudgetParts, createBudget } from "../budget.ts";
import { whyNotAlone } from "../several.ts";
import { type AuthzenDecision, errorOf } from "./answer.ts";
import { type Parts, readTuple } from "./entities.ts";
import { type Asker, evaluate } from "./evaluate.ts";

/** `POST /access/v1/evaluation` (Authorization API 1.0, §6). */
export async function evaluateOne(
  input: JsonValue,
  asker: Asker,
): Promise<Answer<AuthzenDecision>> {
  const problems: Problem[] = [];
  const tuple = isObject(input)
    ? readTuple(input, problems)
    : wrong(problems, "", "an object", input);
  if (tuple === undefined || problems.length > 0) return { kind: "malformed", faults: problems };
  return { kind: "answer", value: await evaluate(tuple, asker) };
}

interface Evaluations {
  readonly evaluations: readonly AuthzenDecision[];
}

/** `POST /access/v1/evaluations` (§7): what stands at the top is the default of every item. */
export async function evaluateMany(
  input: JsonValue,
  asker: Asker,
  budget: BudgetParts = {},
): Promise<Answer<AuthzenDecision | Evaluations>> {
  if (!isObject(input)) return evaluateOne(input, asker);
  const { evaluations: items, options, ...defaults } = input;
  if (items === undefined || (Array.isArray(items) && items.length === 0)) {
    const message = whyNotAlone(input);
    if (message === undefined) return evaluateOne(input, asker);
    return { kind: "malformed", faults: [{ at: "", message }] };
  }
  const problems = faultsOf(items, options, defaults);
  if (problems.length > 0) return { kind: "malformed", faults: problems };
  const stops = STOPS.get(semanticOf(options));
  const evaluations: AuthzenDecision[] = [];
  const bounded = createBudget(budget);
  for (const item of items as readonly unknown[]) {
    const spent = await bounded.next();
    const decided =
      spent === undefined ? await evaluateItem(item, defaults, asker) : errorOf(503, spent);
    evaluations.push(decided);
    if (stops?.(decided) !== false) break;
  }
  return { kind: "answer", value: { evaluations } };
}

/** Whether the answer ends with this item. */
const STOPS: ReadonlyMap<unknown, (decided: AuthzenDecision) => boolean> = new Map<
  unknown,
  (decided: AuthzenDecision) => boolean
>([
  ["execute_all", () => false],
  ["deny_on_first_deny", ({ decision }) => !decision],
  ["permit_on_first_permit", ({ decision }) => decision],
]);

function semanticOf(options: unknown): unknown {
  return isObject(options) ? (options.evaluations_semantic ?? "execute_all") : "execute_all";
}

function faultsOf(items: unknown, options: unknown, defaults: Parts): readonly Problem[] {
  const problems: Problem[] = [];
  if (!Array.isArray(items)) wrong(problems, "/evaluations", "a list", items);
  if (options !== undefined && !isObject(options)) {
    wrong(problems, "/options", "an object", options);
  }
  const semantic = semanticOf(options);
  if (!STOPS.has(semantic)) {
    const known = [...STOPS.keys()].join(", ");
    wrong(problems, "/options/evaluations_semantic", `one of ${known}`, semantic);
  }
  // What is wrong in a default is wrong in the body, whichever items it stands for.
  for (const name of ["subject", "action", "resource", "context"]) {
    const part = defaults[name];
    if (part !== undefined && !isObject(part)) wrong(problems, `/${name}`, "an object", part);
  }
  return problems;
}

/** An item replaces whole members, and its faults are its own. */
async function evaluateItem(
  item: unknown,
  defaults: Parts,
  asker: Asker,
): Promise<AuthzenDecision> {
  const problems: Problem[] = [];
  const whole = isObject(item) ? { ...defaults, ...item } : undefined;
  const tooMuch = whole && whyNotAlone(whole);
  if (tooMuch !== undefined) return errorOf(400, `the item: ${tooMuch}`);
  const tuple =
    whole === undefined ? wrong(problems, "", "an object", item) : readTuple(whole, problems);
  const [fault] = problems;
  if (fault !== undefined) return errorOf(400, `${fault.at || "the item"} ${fault.message}`);
  if (tuple === undefined) return errorOf(400, "the item is not complete");
  return evaluate(tuple, asker);
}
