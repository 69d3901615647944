/** `GET /openapi.json`: what is served, from the table that serves it (OpenAPI 3.1, whose schemas are JSON Schema). */
import type { FastifyInstance } from "fastify";
import { sendJson } from "./body.ts";
import { docsPage, docsPolicy, type Operation } from "./docs-page.ts";
import { PROBLEM_TYPE } from "./problem.ts";
import { PROBLEM_SCHEMA } from "./schemas.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** JSON Schema of what is sent, and of the answer that is no problem. */
    readonly body?: object;
    readonly answer?: object;
    /** What that answer can be; missing = 200. */
    readonly statuses?: readonly number[];
    /** JSON Schema of an answer that is 400, where that is no problem of RFC 9457. */
    readonly refusal?: object;
  }
}

/** Sees the routes that are made after it. `page`: also for people, at `GET /docs`. */
export function serveOpenApi(app: FastifyInstance, page: boolean): void {
  const routes: Operation[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const { purpose = "", statuses = [200], ...described } = config ?? {};
    for (const name of [method].flat()) {
      routes.push({ ...described, method: name, path: url, purpose, statuses });
    }
  });
  const config = { purpose: "describes what is served (OpenAPI)", answer: { type: "object" } };
  app.get("/openapi.json", { config }, (_request, reply) => sendJson(reply, documentOf(routes)));
  if (!page) return;
  const policy = docsPolicy();
  app.get("/docs", { config: { purpose: "shows what is served" } }, (_request, reply) =>
    reply
      .header("content-security-policy", policy)
      .type("text/html; charset=utf-8")
      .send(docsPage(routes)),
  );
}

function documentOf(routes: readonly Operation[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = pathOf(route.path);
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Writ",
      version: "1",
      description:
        "Decides calls of tools by AI agents. Whatever is no allow in an answer with status 200 is a denial.",
    },
    paths,
    components: { schemas: { Problem: bare(PROBLEM_SCHEMA) } },
  };
}

/** OpenAPI has no wildcards: what stands for the rest of a path is one parameter. */
function pathOf(path: string): string {
  return path.replace(/\*$/, "{path}").replaceAll(/:([a-z]+)/g, "{$1}");
}

function parametersOf(path: string): object {
  const names = [...pathOf(path).matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name);
  if (names.length === 0) return {};
  const schema = { type: "string" };
  return { parameters: names.map((name) => ({ name, in: "path", required: true, schema })) };
}

function operationOf(operation: Operation): object {
  const { method, path, purpose, body, answer, refusal, statuses } = operation;
  const { bodyType = "application/json" } = operation;
  const answered = {
    description: "the answer",
    ...(answer === undefined ? {} : { content: { "application/json": { schema: bare(answer) } } }),
  };
  return {
    summary: purpose,
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^A-Za-z0-9]+/g, "_")}`,
    ...parametersOf(path),
    ...(body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { [bodyType]: { schema: bare(body) } } },
        }),
    responses: {
      ...Object.fromEntries(statuses.map((status) => [String(status), answered])),
      ...(refusal && {
        "400": {
          description: "it is not taken",
          content: { "application/json": { schema: refusal } },
        },
      }),
      default: {
        description: "no answer; treat it as a denial",
        content: { [PROBLEM_TYPE]: { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

/** OpenAPI says once for all which JSON Schema it is. */
function bare(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== "$schema"));
}
