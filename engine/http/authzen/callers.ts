/** Which enforcement point asks: at a service where approvals can be asked for, nobody asks unnamed. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Credential } from "../admin/credential.ts";
import { sendProblem } from "../problem.ts";

export interface EnforcementPoint {
  readonly id: string;
  readonly credential: Credential;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Which one's credential it came with, where one is needed. */
    enforcementPoint?: string;
  }
}

/** Before a body is read (Authorization API 1.0, §11.3; RFC 6750). */
export function admitting(points: readonly EnforcementPoint[]) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const { authorization } = request.headers;
    // Every one is compared, so that the time tells nothing of which.
    const [known] = points.filter(({ credential }) => credential.isIn(authorization));
    if (known === undefined) {
      reply.header("www-authenticate", "Bearer");
      sendProblem(reply, "unauthenticated");
      return;
    }
    request.enforcementPoint = known.id;
    done();
  };
}

/** Of a request that was admitted. */
export function callerOf({ enforcementPoint }: FastifyRequest): string {
  if (enforcementPoint === undefined) throw new Error("a request was not admitted");
  return enforcementPoint;
}
