import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import type { Decision } from "../../../engine/decision.ts";
import {
  createServer,
  type DecisionService,
  type ServerParts,
} from "../../../engine/http/index.ts";

export const DENIAL: Decision = {
  decision: "deny",
  id: "d-1",
  code: "not_permitted",
  because: "nothing permits the call",
  reasons: [],
  obligations: [],
  policy: { package: "acme.payments", digest: "sha256:00" },
};

/** Denies whatever it is asked, and knows no call. */
export const DENIER: DecisionService = {
  decide: () => ({ kind: "answer", value: DENIAL }),
  outcome: () => ({ kind: "unknown_call", because: "no such call was allowed" }),
  readiness: () => ({ ready: true }),
};

export function serve(
  service: Partial<DecisionService> = {},
  parts: Omit<ServerParts, "service"> = {},
): FastifyInstance {
  return createServer({ service: { ...DENIER, ...service }, ...parts });
}

export interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: unknown;
}

/** A POST of JSON unless told otherwise; text and bytes are sent as they are. */
export function send(app: FastifyInstance, sent: Sent = {}): Promise<LightMyRequestResponse> {
  const { path = "/decide", method = "POST", headers = {}, body = {} } = sent;
  const given = { "content-type": "application/json", host: "localhost:8787", ...headers };
  const options: InjectOptions = {
    method: method as "POST",
    url: path,
    headers: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  if (method !== "GET") {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    options.payload = isRaw ? (body as string | Buffer) : JSON.stringify(body);
  }
  return app.inject(options);
}

/** `400 unsupported_media_type`, and of what is no problem `200`. */
export function outcomeOf(response: LightMyRequestResponse): string {
  if (response.statusCode < 300) return String(response.statusCode);
  const { type } = response.json<{ type: string }>();
  return `${response.statusCode} ${type.replace("urn:writ:problem:", "")}`;
}
