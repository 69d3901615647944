/** What operators take back, and let act again (SPEC §15.5). */
import type { FastifyInstance } from "fastify";
import { parseTime } from "../../../lang/scalar/time.ts";
import type { JsonValue } from "../../json.ts";
import {
  REVOCABLE,
  type Revocation,
  type RevocationOrder,
  viewOf,
} from "../../revocations/revocation.ts";
import { below, type Problem, readId, report } from "../../value-reader.ts";
import { sendJson } from "../body.ts";
import type { AdminParts } from "./admin.ts";
import { answerOrder, type Done, loosen, tighten } from "./carry-out.ts";
import { readMembers, readWhy } from "./order.ts";
import { readCount, readQuery, refuseQuery } from "./query.ts";

const MOST_DEFAULT = 100;
const MOST = 1_000;

const PURPOSES = {
  revoke: "takes back what somebody or something may do, at once",
  reactivate: "lets them act again; what was issued before stays revoked",
} as const;
type Action = keyof typeof PURPOSES;

/** `GET /revocations`, latest first, `POST /revocations/revoke` and `/reactivate`. */
export function serveRevocations(app: FastifyInstance, parts: AdminParts): void {
  const list = { purpose: "lists what was revoked", takesQuery: true };
  app.get("/revocations", { config: list }, async ({ raw }, reply) => {
    const query = readQuery(raw.url ?? "", ["most"]);
    if (!query.ok) return refuseQuery(reply, query.why);
    const most = readCount(query.value.most, MOST_DEFAULT, MOST);
    if (!most.ok) return refuseQuery(reply, `\`most\` ${most.why}`);
    const all = parts.revocations.all();
    return sendJson(reply, {
      revocations: all.slice(0, most.value).map(viewOf),
      count: all.length,
    });
  });
  for (const action of ["revoke", "reactivate"] as const) {
    const config = { purpose: PURPOSES[action] };
    app.post(`/revocations/${action}`, { config }, (request, reply) =>
      answerOrder(request, reply, {
        action,
        read: (body, problems) => readOrder(body, action, problems),
        carryOut: (order) => carryOut(action, order, parts),
        shown: (made) => ({
          action,
          changed: made !== undefined,
          ...(made === undefined ? {} : { revocation: viewOf(made) }),
        }),
      }),
    );
  }
}

function readOrder(
  input: JsonValue,
  action: Action,
  problems: Problem[],
): RevocationOrder | undefined {
  const members = ["kind", "id", ...(action === "revoke" ? ["before"] : [])];
  const given = readMembers(input, members, problems);
  if (given === undefined) return undefined;
  const kind = REVOCABLE.find((one) => one === given.kind);
  if (kind === undefined) report(problems, "/kind", `is none of ${REVOCABLE.join(", ")}`);
  const id = kind === "everything" ? "" : readId(given.id, "/id", problems);
  if (kind === "everything" && given.id !== undefined) {
    report(problems, below("", "id"), "is no part of everything");
  }
  const why = readWhy(given, problems);
  const before = given.before === undefined ? undefined : readTime(given.before, problems);
  if (kind === undefined || id === undefined || why === undefined) return undefined;
  const { operator: by, because } = why;
  return { kind, id, by, because, ...(before === undefined ? {} : { beforeMs: before }) };
}

function readTime(json: unknown, problems: Problem[]): number | undefined {
  const read = typeof json === "string" ? parseTime(json) : undefined;
  return read?.ok ? read.value : report(problems, "/before", "is no time of RFC 3339");
}

function carryOut(
  action: Action,
  order: RevocationOrder,
  parts: AdminParts,
): Promise<Done<Revocation | undefined>> {
  const act = async () => parts.revocations[action](order);
  const record = () => recordOf(action, order, parts);
  if (action === "reactivate") return loosen({ act, record });
  return tighten(
    { act, record },
    {
      done: "it is in force in this process, and it is not known to be kept",
      recorded: "it is revoked, and not recorded",
    },
  );
}

async function recordOf(
  action: Action,
  { kind, id, by, because, beforeMs }: RevocationOrder,
  { record, guard }: AdminParts,
): Promise<void> {
  const before = beforeMs === undefined ? {} : { before: new Date(beforeMs).toISOString() };
  const details = { kind, id, because, via: guard.kind, ...before };
  await record?.({ action: `revocation.${action}`, by, details });
}
