import type { FastifyInstance } from "fastify";
import { sendJson } from "./body.ts";
import { sendProblem } from "./problem.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the resource does, in a few words, for `GET /`. */
    readonly purpose?: string;
  }
}

interface Resource {
  readonly method: string;
  readonly path: string;
  readonly purpose: string;
}

/** `GET /` lists what is served; another method of a path that is listed is 405, any other path 404. */
export function serveIndex(app: FastifyInstance): void {
  const resources: Resource[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    for (const name of [method].flat()) {
      resources.push({ method: name, path: url, purpose: config?.purpose ?? "" });
    }
  });
  app.get("/", { config: { purpose: "lists what is served" } }, (_request, reply) =>
    sendJson(reply, { service: "writ", resources }),
  );
  app.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.url.split("?");
    const methods = resources.filter((resource) => resource.path === path);
    if (methods.length === 0) return sendProblem(reply, "not_found", { detail: "see `GET /`" });
    const allowed = methods.map(({ method }) => method).join(", ");
    reply.header("allow", allowed);
    return sendProblem(reply, "method_not_allowed", { detail: `it takes ${allowed}` });
  });
}
