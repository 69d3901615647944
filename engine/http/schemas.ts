/**
 * JSON Schemas (2020-12) of what goes over the wire: documentation that tests hold the examples and the
 * engine's answers against. What is decided is read by `request-reader.ts`, which also knows the policy; a
 * schema is never used to change or to complete a body.
 */
import { DENY_CODES } from "../decision.ts";
import { DELEGATION_CAUSES } from "../identity/cause.ts";
import { JSON_FAULT_CODES } from "../json.ts";
import { PROBLEMS } from "./problem.ts";

export const id = { type: "string", minLength: 1 } as const;
export const texts = { type: "array", items: { type: "string" } } as const;
/** `null` is another spelling of a missing member. */
const optionalText = { type: ["string", "null"] } as const;
export const time = { type: "string", description: "RFC 3339" } as const;
const pointer = { type: "string", description: "JSON pointer (RFC 6901) into the body" } as const;

/** Closed: a member that is not listed is refused. */
export function closed<Members extends object>(
  properties: Members,
  required: readonly string[] = [],
) {
  return { type: "object", properties, required, additionalProperties: false } as const;
}

/** Further members are the attributes that the policy declares, each with its type. */
export function open<Members extends object>(
  properties: Members,
  required: readonly string[] = [],
) {
  return { type: "object", properties, required } as const;
}

const kind = { enum: ["human", "workload", "autonomous"] } as const;
const actor = { id, kind, groups: texts } as const;
const party = { anyOf: [id, closed({ id, kind }, ["id"])] } as const;

/** Of each tool, of each argument. */
export const bounds = {
  type: "object",
  additionalProperties: {
    type: "object",
    additionalProperties: {
      ...closed({
        min: { type: "number" },
        max: { type: "number" },
        in: { type: "array", items: { type: ["string", "number", "boolean"] } },
      }),
      minProperties: 1,
    },
  },
} as const;

const hop = closed(
  {
    from: party,
    to: party,
    scope: texts,
    purpose: id,
    issued_at: time,
    expires_at: time,
    approved: { type: "boolean" },
    audience: texts,
    depth: { type: "integer", minimum: 0 },
    tools: bounds,
  },
  ["from", "to", "scope"],
);

/** `POST /decide` */
export const REQUEST_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Request",
  ...closed(
    {
      agent: open(
        {
          ...actor,
          attested: { type: "boolean" },
          trust: { type: "number", minimum: 0, maximum: 1 },
        },
        ["id"],
      ),
      principal: open(actor, ["id"]),
      delegation: closed({ chain: { type: "array", items: hop }, tokens: texts }),
      intent: closed({
        purpose: id,
        task: id,
        task_id: id,
        source: { enum: ["user", "agent", "tool_output", "document", "unknown"] },
        reason: { type: "string" },
        instruction: { type: "string" },
        plan: { type: "object", additionalProperties: { type: "integer" } },
      }),
      tool: closed({ name: id, server: id, args: { type: "object" }, digest: id }, ["name"]),
      resource: open({ type: id, id, labels: texts, tenant: optionalText }, ["type"]),
      session: open({ id }, ["id"]),
      context: {
        ...open({ ip: optionalText, deployment: optionalText }),
        type: ["object", "null"],
      },
    },
    ["agent", "tool"],
  ),
} as const;

const place = { type: "string", description: "`payments.writ:41:1`" } as const;

const reason = closed(
  {
    rule: id,
    effect: { enum: ["permit", "forbid", "hold", "never", "task"] },
    at: place,
    because: { type: "string" },
    tags: texts,
    indeterminate: { const: true },
  },
  ["rule", "effect", "at"],
);

const obligation = {
  type: "object",
  required: ["id", "type"],
  properties: { id, type: id },
  oneOf: [
    closed({ id, type: { const: "credential" }, scope: texts, ttl: { type: "string" } }, [
      "scope",
      "ttl",
    ]),
    closed({ id, type: { const: "redact" }, paths: texts }, ["paths"]),
    closed({ id, type: { const: "log" }, level: { enum: ["none", "summary", "full"] } }, ["level"]),
    closed({ id, type: { const: "notify" }, whom: texts }, ["whom"]),
    closed(
      { id, type: { not: { enum: ["credential", "redact", "log", "notify"] } }, value: {} },
      [],
    ),
  ],
} as const;

const approval = closed(
  {
    by: {
      type: "array",
      minItems: 1,
      items: closed({ party: id, group: id, count: { type: "integer", minimum: 1 }, rule: id }, [
        "count",
        "rule",
      ]),
    },
    except: texts,
    digest: { type: "string", pattern: "^sha256:" },
    until: time,
    id,
    status: { enum: ["pending", "refused"] },
  },
  ["by", "except", "digest", "until"],
);

/** The answer to `POST /decide`. */
export const DECISION_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Decision",
  ...closed(
    {
      decision: { enum: ["allow", "deny", "hold"] },
      id,
      call: id,
      code: { enum: DENY_CODES },
      cause: { enum: DELEGATION_CAUSES },
      because: { type: "string" },
      reasons: { type: "array", items: reason },
      obligations: { type: "array", items: obligation },
      errors: {
        type: "array",
        items: closed({ rule: id, cause: { type: "string" }, at: place }, ["rule", "cause", "at"]),
      },
      next: texts,
      task: closed({ name: id, policy: { type: "string" } }, ["name", "policy"]),
      counts_since: {
        type: "array",
        items: {
          oneOf: [
            closed({ counter: id, since: time }, ["counter", "since"]),
            closed({ latch: id, since: time }, ["latch", "since"]),
          ],
        },
      },
      interrupt: { const: true },
      approval,
      policy: closed(
        { package: { type: "string" }, digest: { type: "string" }, revision: { type: "string" } },
        ["package", "digest"],
      ),
    },
    ["decision", "id", "reasons", "obligations", "policy"],
  ),
  allOf: [
    {
      if: { type: "object", required: ["cause"] },
      then: { type: "object", properties: { code: { const: "delegation_invalid" } } },
    },
    {
      if: { type: "object", properties: { decision: { const: "deny" } } },
      then: { type: "object", required: ["code"] },
      else: { type: "object", properties: { code: false } },
    },
    {
      if: { type: "object", properties: { decision: { const: "allow" } } },
      else: { type: "object", properties: { call: false } },
    },
    {
      if: { type: "object", properties: { decision: { const: "hold" } } },
      then: { type: "object", required: ["approval"] },
      else: { type: "object", properties: { approval: false } },
    },
  ],
} as const;

/** `POST /outcome` */
export const OUTCOME_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Outcome",
  ...closed(
    {
      call: id,
      status: { enum: ["ok", "error"] },
      labels: texts,
      sensitivity: id,
      values: { description: "what the call returned, as it is" },
      parts: {
        description: "values to which the enforcement point adds labels",
        type: "array",
        items: {
          type: "object",
          required: ["value", "labels"],
          additionalProperties: false,
          properties: { value: {}, labels: { type: "array", items: { type: "string" } } },
        },
      },
    },
    ["call", "status"],
  ),
} as const;

/** Every answer that is not 2xx. */
export const PROBLEM_SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Problem",
  ...closed(
    {
      type: { enum: Object.keys(PROBLEMS).map((name) => `urn:writ:problem:${name}`) },
      title: { type: "string" },
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: { type: "string" },
      code: { enum: JSON_FAULT_CODES },
      pointer,
      offset: { type: "integer", minimum: 0 },
      errors: {
        type: "array",
        minItems: 1,
        items: closed({ pointer, detail: { type: "string" } }, ["pointer", "detail"]),
      },
    },
    ["type", "title", "status"],
  ),
} as const;
