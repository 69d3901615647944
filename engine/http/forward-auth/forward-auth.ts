/** Decisions for proxies that ask before they pass a request on (SPEC §12.12): 200 lets it through, and only that. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Decision } from "../../decision.ts";
import { fill } from "../../template.ts";
import { problemOf, sendJson } from "../body.ts";
import { handOut } from "../hand-out.ts";
import type { DecisionService } from "../service.ts";
import { askedOf, FORWARD_AUTH } from "./asked.ts";
import type { ProxyMapping } from "./mapping.ts";

export interface ForwardAuthParts {
  readonly service: DecisionService;
  readonly mapping: ProxyMapping;
}

export function serveForwardAuth(app: FastifyInstance, parts: ForwardAuthParts): void {
  const isEnvoy = parts.mapping.proxy === "envoy";
  app.route({
    method: isEnvoy ? ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] : ["GET"],
    url: isEnvoy ? `${FORWARD_AUTH}/*` : FORWARD_AUTH,
    config: { purpose: `decides what ${parts.mapping.proxy} was asked for`, forwarded: true },
    handler: (request, reply) => decideForwarded(request, reply, parts),
  });
}

/** Whatever goes wrong is 403: to some proxies a 5xx is a service that is away, and they may let it through. */
async function decideForwarded(
  request: FastifyRequest,
  reply: FastifyReply,
  { service, mapping }: ForwardAuthParts,
): Promise<FastifyReply> {
  const asked = askedOf(request, mapping.proxy);
  if (!asked.ok) return refuse(reply, "invalid_request", asked.because);
  try {
    const input = fill(mapping.request, { http: asked.http });
    const answer = await handOut(service, input, (type) => mapping.understood.has(type));
    if (answer.kind !== "answer") {
      const { detail, title } = problemOf(answer);
      return refuse(reply, "invalid_request", detail ?? title);
    }
    return answer.value.decision === "allow"
      ? letThrough(reply, answer.value)
      : refuseBy(reply, answer.value);
  } catch {
    return refuse(reply, "internal_error", "the service failed while deciding");
  }
}

function letThrough(reply: FastifyReply, { id, call, obligations }: Decision): FastifyReply {
  reply.headers({ "x-writ-decision": "allow", "x-writ-decision-id": id });
  if (call !== undefined) reply.header("x-writ-call", call);
  if (obligations.length > 0) reply.header("x-writ-obligations", asciiJson(obligations));
  return reply.code(200).send();
}

function refuseBy(reply: FastifyReply, decision: Decision): FastifyReply {
  const { id, code, because } = decision;
  const said = code ?? "approval_required";
  reply.headers({ "x-writ-decision": decision.decision, "x-writ-decision-id": id });
  return refuse(reply, said, because);
}

/** Some proxies hand the body on to whoever asked them, so it says no more than people may know. */
function refuse(reply: FastifyReply, code: string, because: string | undefined): FastifyReply {
  if (!reply.hasHeader("x-writ-decision")) reply.header("x-writ-decision", "deny");
  reply.header("x-writ-code", code);
  const said = because === undefined ? {} : { because };
  return sendJson(reply.code(403), { decision: "deny", code, ...said });
}

/** Headers are ASCII. */
function asciiJson(value: unknown): string {
  const escaped = (character: string) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, escaped);
}
