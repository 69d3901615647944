/** OPA's Data API in front of the one decision (SPEC §12.11): its clients need to know of nothing else. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Answer } from "../answer.ts";
import type { Decision } from "../decision.ts";
import type { JsonValue } from "../json.ts";
import { BATCH_LIMITS, JSON_LIMITS, type JsonLimits } from "../limits.ts";
import { isObject } from "../value-reader.ts";
import { problemOf, readBody, sendJson } from "./body.ts";
import { type Budget, createBudget } from "./budget.ts";
import { INPUT_SCHEMA, RESULT_SCHEMA } from "./door-schemas.ts";
import { handOut } from "./hand-out.ts";
import { REQUEST_SCHEMA } from "./schemas.ts";
import type { DecisionService } from "./service.ts";
import { whyNotAlone } from "./several.ts";

export interface DataApiParts {
  readonly service: DecisionService;
  /** `acme.payments`: its decisions are at `/v1/data/acme/payments`. `undefined`: no policy is in force. */
  readonly packageName: () => string | undefined;
  /** Rego alone decides: the document of that name is what it says. Missing = a policy of Writ's does. */
  readonly isRego?: () => boolean;
  /** The request that an input stands for; missing: the input is one. */
  readonly requestFrom?: (input: JsonValue) => unknown;
}

export function serveDataApi(app: FastifyInstance, parts: DataApiParts): void {
  const takes = { takesQuery: true, takesEscapedSlash: true };
  app.post(
    "/v1/data/*",
    {
      config: {
        ...takes,
        purpose: "OPA: a decision, as its document",
        body: INPUT_SCHEMA,
        answer: RESULT_SCHEMA,
      },
      bodyLimit: JSON_LIMITS.byteCount,
    },
    (request, reply) => answer(request, reply, JSON_LIMITS, (body) => one(body, request, parts)),
  );
  app.post(
    "/v1/batch/data/*",
    {
      config: { ...takes, purpose: "OPA: several decisions" },
      bodyLimit: BATCH_LIMITS.json.byteCount,
    },
    (request, reply) =>
      answer(request, reply, BATCH_LIMITS.json, (body) => many(body, request, parts)),
  );
  app.post(
    "/",
    {
      config: {
        takesQuery: true,
        purpose: "OPA: a decision on a bare input",
        body: REQUEST_SCHEMA,
      },
      bodyLimit: JSON_LIMITS.byteCount,
    },
    (request, reply) =>
      answer(request, reply, JSON_LIMITS, async (input) => {
        const { status, body } = await documentFor("", input, parts);
        return status === 200 ? { status, body: body.result } : { status, body };
      }),
  );
}

interface Said {
  readonly status: number;
  readonly body: unknown;
}

interface Document {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  limits: JsonLimits,
  ask: (body: JsonValue) => Promise<Said>,
): Promise<FastifyReply> {
  const reading = readBody(request, limits);
  const said = reading.ok
    ? await ask(reading.value)
    : fault(400, "invalid_parameter", reading.fault.message);
  return sendJson(reply.code(said.status), said.body);
}

function fault(status: number, code: string, message: string): Document {
  return { status, body: { code, message } };
}

async function one(body: JsonValue, request: FastifyRequest, parts: DataApiParts): Promise<Said> {
  const asked = documentNamed(request, parts);
  if (asked === undefined) return UNDEFINED;
  const input = isObject(body) ? body.input : undefined;
  if (input === undefined) return fault(400, "invalid_parameter", "the body has no `input`");
  return documentFor(asked, input as JsonValue, parts);
}

/** What is not there has no result: OPA says so of every path that it knows nothing of. */
const UNDEFINED: Said = { status: 200, body: {} };

/** `""` is the whole decision, `"said"` what Rego says. */
type Name = "" | "said" | "allow";

/** `undefined` for a document that this service does not have. */
function documentNamed(
  { params }: FastifyRequest,
  { packageName, isRego }: DataApiParts,
): Name | undefined {
  const path = isObject(params) ? String(params["*"]) : "";
  const own = packageName()?.replaceAll(".", "/");
  if (own === undefined) return undefined;
  if (path === own) return isRego?.() === true ? "said" : "";
  return path === `${own}/allow` ? "allow" : undefined;
}

async function documentFor(
  name: Name,
  input: JsonValue,
  { service, requestFrom }: DataApiParts,
): Promise<Document> {
  const request = requestFrom === undefined ? input : requestFrom(input);
  // Whoever asks for nothing but yes or no is not told what a yes is bound to.
  const understands = name === "allow" ? () => false : () => true;
  const answer = await handOut(service, request, understands);
  if (answer.kind !== "answer") return faultOf(answer);
  const decision = answer.value;
  const document = documentOf(decision);
  // To who knows the document as a yes or no, any record would be a yes.
  const isWord = name === "allow" || (name === "said" && answer.isRecord !== true);
  return {
    status: 200,
    body: { decision_id: decision.id, result: isWord ? document.allow : document },
  };
}

/** `allow` is the whole of the answer to who reads nothing else: with obligations it is not. */
function documentOf(decision: Decision): Decision & { readonly allow: boolean } {
  const allow = decision.decision === "allow" && decision.obligations.length === 0;
  return { allow, ...decision };
}

function faultOf(answer: Exclude<Answer<Decision>, { kind: "answer" }>): Document {
  const { status, title, detail = title, pointer } = problemOf(answer);
  if (status >= 500) return fault(500, "internal_error", detail);
  const message = pointer === undefined ? detail : `input${pointer} ${detail}`;
  return fault(400, "invalid_parameter", message);
}

async function many(body: JsonValue, request: FastifyRequest, parts: DataApiParts): Promise<Said> {
  const asked = documentNamed(request, parts);
  if (asked === undefined) return UNDEFINED;
  const inputs = isObject(body) ? body.inputs : undefined;
  if (!isObject(inputs)) return fault(400, "invalid_parameter", "the body has no `inputs`");
  const budget = createBudget();
  const said: [string, Document][] = [];
  for (const [key, input] of Object.entries(inputs)) {
    said.push([key, await within(budget, () => oneOf(asked, input as JsonValue, parts))]);
  }
  const isMixed = said.some(([, { status }]) => status !== 200);
  const responses = said.map(([key, { status, body: document }]) => [
    key,
    // OPA's clients know of these two.
    isMixed ? { http_status_code: status === 200 ? "200" : "500", ...document } : document,
  ]);
  return { status: isMixed ? 207 : 200, body: { responses: Object.fromEntries(responses) } };
}

async function oneOf(name: Name, input: JsonValue, parts: DataApiParts): Promise<Document> {
  const tooMuch = whyNotAlone(input);
  if (tooMuch === undefined) return documentFor(name, input, parts);
  return fault(400, "invalid_parameter", `input: ${tooMuch}`);
}

async function within(budget: Budget, ask: () => Promise<Document>): Promise<Document> {
  const spent = await budget.next();
  if (spent !== undefined) return fault(500, "internal_error", spent);
  try {
    return await ask();
  } catch {
    return fault(500, "internal_error", "the service failed while deciding");
  }
}
