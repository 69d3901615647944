/** JSON Schemas of the ways in beside `/decide`: what they take and what they answer, as `schemas.ts` has the rest. */
import { DENY_CODES } from "../decision.ts";
import {
  closed,
  DECISION_SCHEMA,
  id,
  open,
  PROBLEM_SCHEMA,
  REQUEST_SCHEMA,
  texts,
} from "./schemas.ts";

const dialect = { $schema: "https://json-schema.org/draft/2020-12/schema" } as const;
const list = (items: object) => ({ type: "array", items }) as const;
const bool = { type: "boolean" } as const;
const object = { type: "object" } as const;

/** `POST /decide/batch` */
export const BATCH_SCHEMA = {
  ...dialect,
  title: "Batch",
  ...closed({ requests: list(REQUEST_SCHEMA) }, ["requests"]),
} as const;

const undecided = closed({ decision: { const: "deny" }, problem: PROBLEM_SCHEMA }, [
  "decision",
  "problem",
]);

export const BATCH_ANSWER_SCHEMA = {
  ...dialect,
  title: "Decisions",
  ...closed({ decisions: list({ anyOf: [DECISION_SCHEMA, undecided] }) }, ["decisions"]),
} as const;

const named = { name: id, server: id, digest: id } as const;
const { tool: _tool, ...told } = REQUEST_SCHEMA.properties;

/** `POST /tools` */
export const TOOLS_SCHEMA = {
  ...dialect,
  title: "Asker",
  ...closed({ ...told, tools: list(closed(named, ["name"])) }, ["agent"]),
} as const;

export const TOOLS_ANSWER_SCHEMA = {
  ...dialect,
  title: "Tools",
  ...closed(
    {
      tools: list(
        closed(
          {
            ...named,
            standing: { enum: ["allowed", "denied", "depends"] },
            code: { enum: DENY_CODES },
            because: { type: "string" },
            reasons: DECISION_SCHEMA.properties.reasons,
            open: texts,
            policy: DECISION_SCHEMA.properties.policy,
          },
          ["name", "standing"],
        ),
      ),
    },
    ["tools"],
  ),
} as const;

const entity = open({ type: id, id, properties: object }, ["type", "id"]);
const action = open({ name: id, properties: object }, ["name"]);
const tuple = { subject: entity, action, resource: entity, context: object } as const;

/** `POST /access/v1/evaluation` */
export const EVALUATION_SCHEMA = {
  ...dialect,
  title: "AuthZEN evaluation",
  ...open(tuple, ["subject", "action", "resource"]),
} as const;

const authzenDecision = open({ decision: bool, context: object }, ["decision"]);

export const EVALUATION_ANSWER_SCHEMA = {
  ...dialect,
  title: "AuthZEN decision",
  ...authzenDecision,
} as const;

export const EVALUATIONS_SCHEMA = {
  ...dialect,
  title: "AuthZEN evaluations",
  ...open({
    ...tuple,
    evaluations: list(object),
    options: open({
      evaluations_semantic: {
        enum: ["execute_all", "deny_on_first_deny", "permit_on_first_permit"],
      },
    }),
  }),
} as const;

export const EVALUATIONS_ANSWER_SCHEMA = {
  ...dialect,
  title: "AuthZEN decisions",
  anyOf: [authzenDecision, open({ evaluations: list(authzenDecision) }, ["evaluations"])],
} as const;

/** `POST /access/v1/search/…`: what is searched for is told of by its type alone. */
export const SEARCH_SCHEMA = {
  ...dialect,
  title: "AuthZEN search",
  ...open({
    subject: open({ type: id, id, properties: object }, ["type"]),
    action,
    resource: open({ type: id, id, properties: object }, ["type"]),
    context: object,
    page: open({ token: { type: "string" }, limit: { type: "integer", minimum: 1 } }),
  }),
} as const;

export const SEARCH_ANSWER_SCHEMA = {
  ...dialect,
  title: "AuthZEN results",
  ...closed(
    {
      results: list(object),
      page: closed({ next_token: { type: "string" }, count: { type: "integer" } }, [
        "next_token",
        "count",
      ]),
    },
    ["results"],
  ),
} as const;

const text = { type: "string" } as const;

/** `POST /access/v1/requests` */
export const ACCESS_REQUEST_SCHEMA = {
  ...dialect,
  title: "AuthZEN access request",
  ...open(
    {
      ...tuple,
      denial: open(
        {
          binding_token: text,
          expires_at: text,
          evaluation_id: text,
          evaluated_at: text,
          reason: text,
        },
        ["binding_token", "expires_at"],
      ),
      requested_access: object,
      client: open({ actor: open({ id, issuer: text, act: object }, ["id"]) }),
    },
    ["subject", "action", "resource", "denial"],
  ),
} as const;

export const CANCELLATION_SCHEMA = {
  ...dialect,
  title: "AuthZEN cancellation",
  ...open({ reason: text, comment: text }),
} as const;

export const TASK_SCHEMA = {
  ...dialect,
  title: "AuthZEN task",
  ...closed(
    {
      task: closed(
        {
          id,
          status: { enum: ["pending", "approved", "denied", "expired", "cancelled", "failed"] },
          status_endpoint: text,
          expires_at: text,
          links: closed({ cancel: text }, ["cancel"]),
        },
        ["id", "status", "status_endpoint", "expires_at"],
      ),
      result: closed(
        {
          mode: { const: "reevaluate" },
          approval: closed({ id, approved_at: text, approved_until: text }, [
            "id",
            "approved_at",
            "approved_until",
          ]),
        },
        ["mode", "approval"],
      ),
    },
    ["task"],
  ),
} as const;

/** `POST /v1/data/…` */
export const INPUT_SCHEMA = {
  ...dialect,
  title: "OPA input",
  ...open({ input: {} }, ["input"]),
} as const;

export const RESULT_SCHEMA = {
  ...dialect,
  title: "OPA result",
  ...closed({ result: { type: ["boolean", "object"] }, decision_id: id }),
} as const;
