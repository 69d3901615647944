/**
 * Records as OCSF API Activity (class 6003, profile security_control) in CloudEvents 1.0 (SPEC §14.6): what
 * security tools read. Pure.
 */

import { parseTime } from "../../lang/scalar/time.ts";
import type { Effect } from "../../lang/type.ts";
import { isObject } from "../value-reader.ts";

type Json = Readonly<Record<string, unknown>>;

/** A record as read from a log. */
export type ReadRecord = Json & { readonly kind: string };

const CLASS_UID = 6003;
const OCSF_VERSION = "1.5.0";

const ACTIVITIES: Readonly<Record<Effect, { readonly id: number; readonly name: string }>> = {
  read: { id: 2, name: "Read" },
  write: { id: 3, name: "Update" },
  delete: { id: 4, name: "Delete" },
  execute: { id: 99, name: "Execute" },
  send: { id: 99, name: "Send" },
};
const UNKNOWN_ACTIVITY = { id: 0, name: "Unknown" };

/** OCSF's numbers for what was done about a call. */
const DISPOSITIONS = {
  allow: { action: 1, actionName: "Allowed", id: 1, name: "Allowed", status: 1 },
  deny: { action: 2, actionName: "Denied", id: 2, name: "Blocked", status: 2 },
  hold: { action: 2, actionName: "Denied", id: 14, name: "Delayed", status: 99 },
} as const;

/** One decision; nothing for what is no decision. `source` names the log. */
export function cloudEventOf(record: ReadRecord, source: string): Json | undefined {
  if (record.kind !== "decision") return undefined;
  return {
    specversion: "1.0",
    id: eventIdOf(record),
    source,
    type: "org.ocsf.api_activity",
    time: record.at,
    subject: textIn(record.agent, "id"),
    datacontenttype: "application/json",
    dataschema: `https://schema.ocsf.io/${OCSF_VERSION}/classes/api_activity`,
    data: apiActivityOf(record),
  };
}

export function apiActivityOf(record: ReadRecord): Json {
  const effect = textIn(record.tool, "effect");
  const activity = ACTIVITIES[effect as Effect] ?? UNKNOWN_ACTIVITY;
  const disposition = DISPOSITIONS[record.decision as keyof typeof DISPOSITIONS];
  const time = parseTime(String(record.at));
  return {
    activity_id: activity.id,
    activity_name: activity.name,
    category_uid: 6,
    category_name: "Application Activity",
    class_uid: CLASS_UID,
    class_name: "API Activity",
    type_uid: CLASS_UID * 100 + activity.id,
    time: time.ok ? time.value : 0,
    // 1 Informational; 3 Medium where a session was ended.
    severity_id: record.interrupt === true ? 3 : 1,
    severity: record.interrupt === true ? "Medium" : "Informational",
    action_id: disposition.action,
    action: disposition.actionName,
    disposition_id: disposition.id,
    disposition: disposition.name,
    status_id: disposition.status,
    status_code: record.code,
    status_detail: record.because,
    metadata: {
      version: OCSF_VERSION,
      uid: eventIdOf(record),
      product: { name: "Writ", vendor_name: "Writ" },
      profiles: ["security_control"],
      correlation_uid: textIn(record.session, "id"),
    },
    actor: actorOf(record),
    api: {
      operation: textIn(record.tool, "name") ?? "unknown",
      service: named(textIn(record.tool, "server")),
      request: { uid: String(record.call ?? record.id) },
    },
    src_endpoint: { uid: textIn(record.agent, "id") ?? "unknown", type: "Agent", type_id: 99 },
    resources: resourcesOf(record.resource),
    authorizations: list(record.rules).map(({ rule, effect: of }) => ({
      decision: String(of),
      policy: { name: String(rule), uid: textIn(record.policy, "digest") },
    })),
    policy: {
      name: textIn(record.policy, "package"),
      uid: textIn(record.policy, "digest"),
      version: textIn(record.policy, "revision"),
      is_applied: true,
    },
    unmapped: {
      chain: record.chain,
      verified: record.verified,
      purpose: record.purpose,
      task: record.task,
      obligations: record.obligations,
      errors: record.errors,
      request: record.request,
    },
  };
}

/** An allow that could not be kept, and the denial that was answered instead, are two events (SPEC §14.1). */
function eventIdOf({ id, decision }: ReadRecord): string {
  return `${id}/${decision}`;
}

/** The person it is done for; the agent is what calls, and each hop stands in `unmapped`. */
function actorOf({ principal, agent, session }: ReadRecord): Json {
  const who = isObject(principal) ? principal : agent;
  const kind = textIn(who, "kind");
  return {
    user: {
      uid: textIn(who, "id") ?? "unknown",
      type_id: kind === "human" ? 1 : 99,
      type: kind === "human" ? "User" : (kind ?? "Unknown"),
    },
    app_uid: textIn(agent, "id"),
    session: isObject(session) ? { uid: textIn(session, "id") } : undefined,
  };
}

function resourcesOf(resource: unknown): readonly Json[] | undefined {
  if (!isObject(resource)) return undefined;
  const { type, id, labels, sensitivity } = resource;
  return [{ uid: id, type, labels, criticality: sensitivity }];
}

function named(name: string | undefined): Json | undefined {
  return name === undefined ? undefined : { name };
}

function textIn(of: unknown, name: string): string | undefined {
  const value = isObject(of) ? of[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
