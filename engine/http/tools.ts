import type { FastifyInstance } from "fastify";
import type { Answer } from "../answer.ts";
import type { NamedTool } from "../engine.ts";
import type { Foresight } from "../foresight.ts";
import type { JsonValue } from "../json.ts";
import { BATCH_LIMITS } from "../limits.ts";
import { isObject } from "../value-reader.ts";
import { answerBody } from "./body.ts";
import { type Budget, type BudgetParts, createBudget } from "./budget.ts";
import { TOOLS_ANSWER_SCHEMA, TOOLS_SCHEMA } from "./door-schemas.ts";
import type { DecisionService } from "./service.ts";
import { whyNotAlone } from "./several.ts";

/** Of a tool that was not looked at, all that is known is that it depends. */
type Standing = NamedTool &
  (Foresight | { readonly standing: "depends"; readonly because: string });

/** `POST /tools` (SPEC §12.8): what an agent may call as things stand, before it says with which arguments. */
export function serveTools(
  app: FastifyInstance,
  service: DecisionService,
  budget: BudgetParts = {},
): void {
  const config = {
    purpose: "says which tools may be called now",
    body: TOOLS_SCHEMA,
    answer: TOOLS_ANSWER_SCHEMA,
  };
  const limits = BATCH_LIMITS.json;
  app.post("/tools", { config, bodyLimit: limits.byteCount }, (request, reply) =>
    answerBody(request, reply, { limits, ask: (input) => standings(input, service, budget) }),
  );
}

async function standings(
  input: JsonValue,
  service: DecisionService,
  parts: BudgetParts,
): Promise<Answer<{ readonly tools: readonly Standing[] }>> {
  if (!isObject(input)) {
    return { kind: "malformed", faults: [{ at: "", message: "must be an object" }] };
  }
  const { tools: listed, ...told } = input;
  if (listed !== undefined && !Array.isArray(listed)) {
    return { kind: "malformed", faults: [{ at: "/tools", message: "must be a list" }] };
  }
  if ("tool" in told) {
    const message = "is told in `tools`, or not at all for all of them";
    return { kind: "malformed", faults: [{ at: "/tool", message }] };
  }
  const tooMuch = whyNotAlone(told);
  if (tooMuch !== undefined) {
    return { kind: "malformed", faults: [{ at: "", message: `beside \`tools\`: ${tooMuch}` }] };
  }
  if (service.foresee === undefined || service.tools === undefined) {
    return { kind: "unavailable", because: "this service cannot be asked ahead of a call" };
  }
  const budget = createBudget(parts);
  const found: Standing[] = [];
  for (const [index, tool] of (listed ?? service.tools()).entries()) {
    const answer = await standingOf(tool, told, service.foresee.bind(service), budget);
    if (answer.kind !== "answer") return placed(answer, index, listed !== undefined);
    found.push(answer.value);
  }
  return { kind: "answer", value: { tools: found } };
}

async function standingOf(
  tool: unknown,
  told: Readonly<Record<string, unknown>>,
  foresee: NonNullable<DecisionService["foresee"]>,
  budget: Budget,
): Promise<Answer<Standing>> {
  const spent = await budget.next();
  const named = tool as NamedTool;
  if (spent !== undefined) {
    return { kind: "answer", value: { ...named, standing: "depends", because: spent } };
  }
  const answer = await foresee({ ...told, tool });
  if (answer.kind !== "answer") return answer;
  return { kind: "answer", value: { ...named, ...answer.value } };
}

/** What is wrong with a listed tool is pointed at in the list. */
function placed<Value>(answer: Answer<Value>, index: number, isListed: boolean): Answer<never> {
  if (answer.kind === "answer") throw new Error("an answer was taken for none");
  if (answer.kind !== "malformed" || !isListed) return answer;
  const faults = answer.faults.map(({ at, message }) => ({
    at: at.replace(/^\/tool(?=\/|$)/, `/tools/${index}`),
    message,
  }));
  return { kind: "malformed", faults };
}
