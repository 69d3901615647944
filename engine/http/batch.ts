import type { FastifyInstance } from "fastify";
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { JsonValue } from "../json.ts";
import { BATCH_LIMITS } from "../limits.ts";
import { type Problem as Fault, isObject } from "../value-reader.ts";
import { answerBody, problemOf } from "./body.ts";
import { type BudgetParts, createBudget } from "./budget.ts";
import { checked } from "./decide.ts";
import { BATCH_ANSWER_SCHEMA, BATCH_SCHEMA } from "./door-schemas.ts";
import { type Problem, problem } from "./problem.ts";
import type { DecisionService } from "./service.ts";
import { problemAlone } from "./several.ts";

/** In the place of a decision that was not made: no call of it may be. */
export interface Undecided {
  readonly decision: "deny";
  readonly problem: Problem;
}

/** `POST /decide/batch` (SPEC §12.7): each request decided in turn, under one budget. */
export function serveBatch(
  app: FastifyInstance,
  service: DecisionService,
  budget: BudgetParts = {},
): void {
  const config = {
    purpose: "decides several calls, in order",
    body: BATCH_SCHEMA,
    answer: BATCH_ANSWER_SCHEMA,
  };
  const limits = BATCH_LIMITS.json;
  app.post("/decide/batch", { config, bodyLimit: limits.byteCount }, (request, reply) =>
    answerBody(request, reply, { limits, ask: (input) => decideAll(input, service, budget) }),
  );
}

async function decideAll(
  input: JsonValue,
  service: DecisionService,
  parts: BudgetParts,
): Promise<Answer<{ readonly decisions: readonly (Decision | Undecided)[] }>> {
  const fault = faultOf(input);
  if (fault !== undefined) return { kind: "malformed", faults: [fault] };
  const { requests } = input as unknown as { readonly requests: readonly JsonValue[] };
  const budget = createBudget(parts);
  const decisions: (Decision | Undecided)[] = [];
  for (const request of requests) {
    const spent = await budget.next();
    decisions.push(spent === undefined ? await decideOne(request, service) : undecided(spent));
  }
  return { kind: "answer", value: { decisions } };
}

function faultOf(input: JsonValue): Fault | undefined {
  if (!isObject(input)) return { at: "", message: "must be an object" };
  const unknown = Object.keys(input).find((name) => name !== "requests");
  if (unknown !== undefined) return { at: `/${unknown}`, message: "is no member of a batch" };
  return Array.isArray(input.requests) ? undefined : { at: "/requests", message: "must be a list" };
}

/** A fault in one is an answer to that one. */
async function decideOne(
  request: JsonValue,
  service: DecisionService,
): Promise<Decision | Undecided> {
  const tooMuch = problemAlone(request);
  if (tooMuch !== undefined) return { decision: "deny", problem: tooMuch };
  try {
    const answer = checked(await service.decide(request));
    return answer.kind === "answer"
      ? answer.value
      : { decision: "deny", problem: problemOf(answer) };
  } catch {
    return { decision: "deny", problem: problem("internal_error") };
  }
}

function undecided(detail: string): Undecided {
  return { decision: "deny", problem: problem("over_budget", { detail }) };
}
