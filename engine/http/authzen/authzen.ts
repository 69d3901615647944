import type { FastifyInstance } from "fastify";
import type { Answer } from "../../answer.ts";
import type { JsonValue } from "../../json.ts";
import { BATCH_LIMITS, JSON_LIMITS, type JsonLimits } from "../../limits.ts";
import { answerBody, sendJson } from "../body.ts";
import type { DecisionService } from "../service.ts";
import { completeFrom } from "./directory.ts";
import type { Asker } from "./evaluate.ts";
import { evaluateMany, evaluateOne } from "./evaluation.ts";
import type { Mapping } from "./mapping.ts";
import { EVALUATION, EVALUATIONS, metadataOf, metadataPath, pathOf, SEARCH } from "./metadata.ts";
import { search } from "./search.ts";

export interface AuthzenParts {
  readonly service: DecisionService;
  readonly mapping: Mapping;
  /** Milliseconds since the Unix epoch. */
  readonly clock?: () => number;
}

/** AuthZEN Authorization API 1.0 in front of the one decision (SPEC §12.9). */
export function serveAuthzen(app: FastifyInstance, parts: AuthzenParts): void {
  const { service, mapping, clock = Date.now } = parts;
  const { baseUrl, directory } = mapping;
  const asker: Asker = { service, mapping, complete: completeFrom(directory), clock };
  const base = baseUrl === undefined ? "" : pathOf(baseUrl);
  const post = <Value>(path: string, purpose: string, limits: JsonLimits, ask: Ask<Value>) => {
    app.post(base + path, { config: { purpose }, bodyLimit: limits.byteCount }, (request, reply) =>
      answerBody(request, reply, { limits, ask }),
    );
  };
  post(EVALUATION, "AuthZEN: one decision", JSON_LIMITS, (input) => evaluateOne(input, asker));
  post(EVALUATIONS, "AuthZEN: several decisions", BATCH_LIMITS.json, (input) =>
    evaluateMany(input, asker),
  );
  if (directory !== undefined) {
    for (const searched of ["subject", "resource", "action"] as const) {
      post(
        `${SEARCH}/${searched}`,
        `AuthZEN: ${searched}s that are allowed`,
        JSON_LIMITS,
        (input) => search(searched, input, { ...asker, directory }),
      );
    }
  }
  if (baseUrl === undefined) return;
  const metadata = metadataOf(mapping);
  const config = { purpose: "AuthZEN: what is served, and where" };
  app.get(metadataPath(baseUrl), { config }, (_request, reply) => sendJson(reply, metadata));
}

type Ask<Value> = (input: JsonValue) => Promise<Answer<Value>>;
