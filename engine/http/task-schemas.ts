/** JSON Schemas of `/tasks` (SPEC §16), as `schemas.ts` has the rest. */
import {
  bounds,
  closed,
  DECISION_SCHEMA,
  id,
  open,
  REQUEST_SCHEMA,
  texts,
  time,
} from "./schemas.ts";

const dialect = { $schema: "https://json-schema.org/draft/2020-12/schema" } as const;
const duration = { type: "string", description: "such as `15m`" } as const;
const depth = { type: "integer", minimum: 0, maximum: 7 } as const;
const { tool: _tool, intent, ...told } = REQUEST_SCHEMA.properties;
const { task_id: _id, ...intended } = intent.properties;

/** `POST /tasks` */
export const START_SCHEMA = {
  ...dialect,
  title: "Start of a task",
  ...closed(
    {
      ...told,
      intent: closed(intended, ["task"]),
      grant: closed(
        {
          key: { ...open({ kty: id }, ["kty"]), description: "public JWK of the agent" },
          lasts: duration,
          depth,
          scope: texts,
          tools: bounds,
        },
        ["key", "lasts"],
      ),
    },
    ["agent", "session", "intent", "grant"],
  ),
} as const;

const grant = closed(
  {
    id,
    identity: id,
    token: id,
    expires_at: time,
    scope: texts,
    tools: bounds,
    purpose: id,
    depth,
  },
  ["id", "identity", "token", "expires_at", "scope", "depth"],
);

const { call: _call, ...decided } = DECISION_SCHEMA.properties;

export const START_ANSWER_SCHEMA = {
  ...dialect,
  title: "Started",
  ...closed({ ...decided, grant }, DECISION_SCHEMA.required),
} as const;

/** `GET` and `DELETE /tasks/ID` */
export const TASK_SCHEMA = {
  ...dialect,
  title: "Task",
  ...closed(
    {
      id,
      task: id,
      identity: id,
      status: { enum: ["active", "ended", "expired", "revoked"] },
      agent: id,
      root: id,
      session: id,
      started: time,
      until: time,
      decision: id,
      ended: closed({ by: id, because: { type: "string" }, at: time }, ["by", "because", "at"]),
    },
    [
      "id",
      "task",
      "identity",
      "status",
      "agent",
      "root",
      "session",
      "started",
      "until",
      "decision",
    ],
  ),
} as const;
