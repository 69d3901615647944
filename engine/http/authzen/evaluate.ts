import type { Answer } from "../../answer.ts";
import type { Decision } from "../../decision.ts";
import { problemOf } from "../body.ts";
import { handOut, type Understands } from "../hand-out.ts";
import type { DecisionService } from "../service.ts";
import { type AuthzenDecision, answerOf, errorOf, understandsAny } from "./answer.ts";
import type { Complete } from "./directory.ts";
import type { Tuple } from "./entities.ts";
import { type Mapping, requestFor } from "./mapping.ts";

/** What every resource of AuthZEN asks with. */
export interface Asker {
  readonly service: DecisionService;
  readonly mapping: Mapping;
  readonly complete: Complete;
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number;
}

/** One decision; what stands in its way is a denial that says so. */
export async function evaluate(tuple: Tuple, asker: Asker): Promise<AuthzenDecision> {
  const { service, mapping, clock } = asker;
  const request = requestFor(mapping, asker.complete(tuple));
  if (request === undefined) return errorOf(404, NOT_MAPPED);
  try {
    const answer = await handOut(service, request, understoodBy(tuple, mapping));
    if (answer.kind === "answer") return answerOf(answer.value, mapping, clock());
    return errorOf(...faultOf(answer));
  } catch {
    return errorOf(500, "the service failed while deciding");
  }
}

const NOT_MAPPED = "nothing is said here of such a subject, action and resource";

/** The mapping makes the request, so what is malformed in it is no fault of who asks. */
function faultOf(answer: Exclude<Answer<Decision>, { kind: "answer" }>): [number, string] {
  const { status, title, detail, pointer } = problemOf(answer);
  if (answer.kind !== "malformed") return [status, detail ?? title];
  return [422, `what it is mapped to is no request: ${pointer} ${detail}`];
}

/** Obligations Profile 1.0, §7: what the enforcement point declares with this very request. */
export function understoodBy({ context }: Tuple, mapping: Mapping): Understands {
  const declared = context?.supported_obligations;
  const words = Array.isArray(declared) ? declared.filter((one) => typeof one === "string") : [];
  return understandsAny(new Set([...mapping.understood, ...words]));
}
