/** What an event says of an account's or a governed agent's standing (SPEC §15.7). Pure. */
import type { JsonObject } from "../json.ts";
import { STATUSES, type Standing, type Status } from "../revocations/standing.ts";
import { type EventRefusal, refuseEvent } from "./refusal.ts";

/** Accounts have no versions: when it came to pass stands for one. */
export function readAccount(status: Status, at: number): Standing {
  const second = Math.floor(at);
  return {
    of: "account",
    version: String(second),
    status,
    cutoffMs: second * 1_000 + 999,
    atMs: second * 1_000,
  };
}

/** As many digits as a 64-bit number may have; without a zero before. */
const VERSION = /^[1-9]\d{0,18}$/;
const VERSION_MOST = 9_223_372_036_854_775_807n;

/** The end of the year 9999, in seconds. */
const LATEST = 253_402_300_799;

/** `leaseMs` is the longest that being active may last after it was said. */
export function readAgent(event: JsonObject, leaseMs: number | undefined): Standing | EventRefusal {
  const { version, status: said, event_timestamp: at, authorization_cutoff: cutoff } = event;
  const status = STATUSES.find((one) => one === said);
  if (status === undefined) return malformed(`\`status\` is none of ${STATUSES.join(", ")}`);
  if (!isVersion(version)) return malformed("`version` is no number from 1 to 2^63−1 in digits");
  if (!isSecond(at)) return malformed("`event_timestamp` is no whole second");
  if (!isSecond(cutoff)) return malformed("`authorization_cutoff` is no whole second");
  const standing: Standing = {
    of: "agent",
    version,
    status,
    cutoffMs: cutoff * 1_000 + 999,
    atMs: at * 1_000,
  };
  // Of one who is not active it says nothing.
  if (status !== "active") return standing;
  const { valid_until: end } = event;
  if (!isSecond(end) || end <= at) {
    return malformed("`valid_until` is no whole second after `event_timestamp`");
  }
  return { ...standing, endsMs: end * 1_000, ...(leaseMs === undefined ? {} : { leaseMs }) };
}

function malformed(why: string): EventRefusal {
  return refuseEvent("invalid_request", why);
}

function isVersion(value: unknown): value is string {
  return typeof value === "string" && VERSION.test(value) && BigInt(value) <= VERSION_MOST;
}

function isSecond(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= LATEST;
}
