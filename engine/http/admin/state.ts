import type { FastifyInstance } from "fastify";
import type { Readiness } from "../../answer.ts";
import type { StateView } from "../../inspect/view.ts";
import { sendJson } from "../body.ts";
import type { MeasuresReading, Tally } from "../measured.ts";
import type { AdminParts } from "./admin.ts";
import { readCount, readQuery, refuseQuery } from "./query.ts";

const KEYS_DEFAULT = 10;
const KEYS_MOST = 100;

/** What `GET /state` answers. */
export interface LiveState extends StateView {
  readonly ready: Readiness;
  readonly decisions: DecisionsView;
  readonly outcomes: MeasuresReading["outcomes"];
}

export interface DecisionsView {
  /** Since it began, so many seconds ago. */
  readonly seconds: number;
  readonly total: Tally;
  readonly codes: MeasuresReading["codes"];
  readonly under_way: number;
  /** Complete seconds, the latest first; at most a minute of them. */
  readonly each_second: readonly Tally[];
  /** Of the latest ten seconds; missing where nothing was decided. */
  readonly p50_ms?: number;
  readonly p99_ms?: number;
}

/** `GET /state`: counters by how near they are to a limit, and what the service is doing. */
export function serveState(app: FastifyInstance, parts: AdminParts): void {
  const config = { purpose: "shows counters, latches and what is decided", takesQuery: true };
  app.get("/state", { config }, async (request, reply) => {
    const query = readQuery(request.raw.url ?? "", ["keys"]);
    if (!query.ok) return refuseQuery(reply, query.why);
    const keys = readCount(query.value.keys, KEYS_DEFAULT, KEYS_MOST);
    if (!keys.ok) return refuseQuery(reply, `\`keys\` ${keys.why}`);
    const measures = parts.measures.read();
    const live: LiveState = {
      ...(await parts.engine().inspection.state(keys.value)),
      ready: parts.service.readiness(),
      decisions: decisionsOf(measures),
      outcomes: measures.outcomes,
    };
    return sendJson(reply, live);
  });
}

function decisionsOf(measures: MeasuresReading): DecisionsView {
  const { forMs, total, codes, inFlight, seconds, p50Ms, p99Ms } = measures;
  return {
    seconds: Math.floor(forMs / 1_000),
    total,
    codes,
    under_way: inFlight,
    each_second: seconds,
    ...(p50Ms === undefined ? {} : { p50_ms: milliseconds(p50Ms) }),
    ...(p99Ms === undefined ? {} : { p99_ms: milliseconds(p99Ms) }),
  };
}

/** To three digits: the buckets they come from are no finer. */
function milliseconds(ms: number): number {
  return Number(ms.toPrecision(3));
}
