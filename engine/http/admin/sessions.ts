import type { FastifyInstance } from "fastify";
import { parseDuration } from "../../../lang/scalar/duration.ts";
import { type Parsed, parsed, refused } from "../../../lang/scalar/parsed.ts";
import { NoSuchPage, type SessionSearch } from "../../inspect/inspection.ts";
import { sendJson } from "../body.ts";
import { sendProblem } from "../problem.ts";
import type { AdminParts } from "./admin.ts";
import { readCount, readQuery, refuseQuery } from "./query.ts";

const PAGE_DEFAULT = 100;
const PAGE_MOST = 1_000;

/** `GET /sessions`, newest use first, and `GET /session?id=…`: ids may hold what a path may not. */
export function serveSessions(app: FastifyInstance, parts: AdminParts): void {
  const list = { purpose: "lists sessions", takesQuery: true };
  app.get("/sessions", { config: list }, async (request, reply) => {
    const search = readSearch(request.raw.url ?? "", parts.clock ?? Date.now);
    if (!search.ok) return refuseQuery(reply, search.why);
    try {
      return sendJson(reply, await parts.engine().inspection.sessions(search.value));
    } catch (fault) {
      if (fault instanceof NoSuchPage) return refuseQuery(reply, "`after` names no page");
      throw fault;
    }
  });
  const one = { purpose: "shows one session", takesQuery: true };
  app.get("/session", { config: one }, async (request, reply) => {
    const query = readQuery(request.raw.url ?? "", ["id"]);
    if (!query.ok) return refuseQuery(reply, query.why);
    const { id } = query.value;
    if (id === undefined) return refuseQuery(reply, "`id` is missing");
    const detail = await parts.engine().inspection.session(id);
    if (detail === undefined) return sendProblem(reply, "unknown_session");
    return sendJson(reply, detail);
  });
}

function readSearch(url: string, clock: () => number): Parsed<SessionSearch> {
  const query = readQuery(url, ["interrupted", "idle", "prefix", "after", "most"]);
  if (!query.ok) return query;
  const { interrupted, idle, prefix, after } = query.value;
  const most = readCount(query.value.most, PAGE_DEFAULT, PAGE_MOST);
  if (!most.ok) return refused(`\`most\` ${most.why}`);
  if (interrupted !== undefined && interrupted !== "true" && interrupted !== "false") {
    return refused("`interrupted` is `true` or `false`");
  }
  const idleMs = idle === undefined ? undefined : parseDuration(idle);
  if (idleMs?.ok === false) return refused(`\`idle\` ${idleMs.why}`);
  return parsed({
    most: most.value,
    prefix,
    after,
    interrupted: interrupted === undefined ? undefined : interrupted === "true",
    usedBeforeMs: idleMs === undefined ? undefined : clock() - idleMs.value,
  });
}
