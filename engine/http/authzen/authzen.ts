import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Answer } from "../../answer.ts";
import type { JsonValue } from "../../json.ts";
import { BATCH_LIMITS, JSON_LIMITS, type JsonLimits } from "../../limits.ts";
import { answerBody, sendJson } from "../body.ts";
import {
  EVALUATION_ANSWER_SCHEMA,
  EVALUATION_SCHEMA,
  EVALUATIONS_ANSWER_SCHEMA,
  EVALUATIONS_SCHEMA,
  SEARCH_ANSWER_SCHEMA,
  SEARCH_SCHEMA,
} from "../door-schemas.ts";
import type { DecisionService } from "../service.ts";
import { admitting, callerOf } from "./callers.ts";
import { completeFrom } from "./directory.ts";
import type { Asker } from "./evaluate.ts";
import { evaluateMany, evaluateOne } from "./evaluation.ts";
import type { Mapping } from "./mapping.ts";
import {
  baseOf,
  EVALUATION,
  EVALUATIONS,
  metadataOf,
  metadataPath,
  pathOf,
  REQUESTS,
  SEARCH,
} from "./metadata.ts";
import { type AccessParts, serveRequests } from "./requests.ts";
import { search } from "./search.ts";

export interface AuthzenParts {
  readonly service: DecisionService;
  readonly mapping: Mapping;
  /** Where the mapping has access requests. */
  readonly access?: AccessParts | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly clock?: () => number;
}

/** AuthZEN Authorization API 1.0 in front of the one decision (SPEC §12.9). */
export function serveAuthzen(app: FastifyInstance, parts: AuthzenParts): void {
  const { service, mapping, access, clock = Date.now } = parts;
  const { baseUrl, directory } = mapping;
  if (mapping.access !== undefined && access === undefined) {
    throw new Error("the mapping has access requests, and nothing keeps them");
  }
  const everyone: Asker = { service, mapping, complete: completeFrom(directory), clock };
  const base = baseUrl === undefined ? "" : pathOf(baseUrl);
  const admitted = access === undefined ? {} : { onRequest: admitting(access.enforcementPoints) };
  const post = <Value>({ path, limits, ask, ...config }: Resource<Value>) => {
    const options = { config, bodyLimit: limits.byteCount, ...admitted };
    app.post(base + path, options, (request, reply) => {
      const asker = access === undefined ? everyone : known(everyone, request, access);
      return answerBody(request, reply, { limits, ask: (input) => ask(input, asker) });
    });
  };
  post({
    path: EVALUATION,
    purpose: "AuthZEN: one decision",
    body: EVALUATION_SCHEMA,
    answer: EVALUATION_ANSWER_SCHEMA,
    limits: JSON_LIMITS,
    ask: evaluateOne,
  });
  post({
    path: EVALUATIONS,
    purpose: "AuthZEN: several decisions",
    body: EVALUATIONS_SCHEMA,
    answer: EVALUATIONS_ANSWER_SCHEMA,
    limits: BATCH_LIMITS.json,
    ask: (input, asker) => evaluateMany(input, asker),
  });
  for (const searched of directory === undefined ? [] : SEARCHES) {
    post({
      path: `${SEARCH}/${searched}`,
      purpose: `AuthZEN: ${searched}s that are allowed`,
      body: SEARCH_SCHEMA,
      answer: SEARCH_ANSWER_SCHEMA,
      limits: JSON_LIMITS,
      ask: (input, asker) => search(searched, input, asker),
    });
  }
  if (access !== undefined) serveRequests(app, access, { base, url: baseOf(mapping) });
  if (baseUrl === undefined) return;
  const metadata = metadataOf(mapping);
  const config = { purpose: "AuthZEN: what is served, and where" };
  app.get(metadataPath(baseUrl), { config }, (_request, reply) => sendJson(reply, metadata));
}

const SEARCHES = ["subject", "resource", "action"] as const;

interface Resource<Value> {
  readonly path: string;
  readonly purpose: string;
  readonly body: object;
  readonly answer: object;
  readonly limits: JsonLimits;
  ask(input: JsonValue, asker: Asker): Promise<Answer<Value>>;
}

/** Who asks is told with what they ask, and approvals are theirs. */
function known(everyone: Asker, request: FastifyRequest, parts: AccessParts): Asker {
  const { mapping } = everyone;
  const { contextMembers = "every" } = mapping.access ?? {};
  const endpoint = baseOf(mapping) + REQUESTS;
  return { ...everyone, access: { ...parts, caller: callerOf(request), endpoint, contextMembers } };
}
