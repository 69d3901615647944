import type { Answer } from "../../answer.ts";
import type { Decision } from "../../decision.ts";
import { problemOf } from "../body.ts";
import { handOut, type Understands } from "../hand-out.ts";
import type { DecisionService } from "../service.ts";
import { type Access, claimIn, withAccess, withoutReference } from "./access.ts";
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
  /** Where approvals can be asked for: who asks now, and where its requests are kept. */
  readonly access?: Access | undefined;
}

/** One decision; what stands in its way is a denial that says so. */
export async function evaluate(tuple: Tuple, asker: Asker): Promise<AuthzenDecision> {
  const { service, mapping, clock, access } = asker;
  const asked = access === undefined ? tuple : withoutReference(tuple);
  const request = requestFor(mapping, asker.complete(asked));
  if (request === undefined) return errorOf(404, NOT_MAPPED);
  try {
    const claim = access && (await claimIn(tuple, request, access));
    const answer = await handOut(service, request, understoodBy(tuple, mapping), claim?.vouched);
    if (answer.kind !== "answer") return errorOf(...faultOf(answer));
    const said = answerOf(answer.value, clock());
    return claim === undefined ? said : withAccess(said, answer.value, asked, claim);
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
