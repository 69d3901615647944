/** The records of the certification scenario: who may read and write which, and how AuthZEN's words become ours. */
import { createEngine, type Engine } from "../../../../engine/index.ts";
import { programOf } from "../../../support/engine.ts";

export const RECORDS = `package records

tool read_record named "read" { effect read }
tool write_record named "write" { effect write }
tool delete_record named "delete" { effect delete, args { soft: Bool? } }

resource record { status: "active" | "archived" }
principal { role: String? }

permit reading
  principal in group "staff"
  tool read_record
  resource record

permit writing
  principal in group "editors"
  tool write_record
  resource record
  when resource.status == "active"

permit repairing
  tool write_record
  resource record
  when has principal.role and principal.role == "admin" and resource.status == "archived"

permit putting_away
  principal in group "editors"
  tool delete_record
  resource record
  when has args.soft and args.soft
`;

export const MAPPING = {
  policy_decision_point: "https://pdp.example",
  requests: [
    {
      subject: ["user"],
      resource: ["record"],
      request: {
        agent: { id: "records-app", kind: "workload" },
        principal: {
          id: { $from: "subject", path: "/id" },
          kind: "human",
          groups: { $from: "subject", path: "/properties/groups" },
          role: { $from: "subject", path: "/properties/role" },
        },
        tool: {
          name: { $from: "action", path: "/name" },
          args: { soft: { $from: "action", path: "/properties/soft" } },
        },
        resource: {
          type: "record",
          id: { $from: "resource", path: "/id" },
          status: { $from: "resource", path: "/properties/status" },
        },
      },
    },
  ],
  entities: {
    subjects: [
      { type: "user", id: "alice", properties: { groups: ["staff", "editors"] } },
      { type: "user", id: "bob", properties: { groups: ["staff"], role: "admin" } },
    ],
    resources: [
      { type: "record", id: "record-1", properties: { status: "active" } },
      { type: "record", id: "record-2", properties: { status: "archived" } },
    ],
    actions: [{ name: "read" }, { name: "write" }, { name: "delete", properties: { soft: true } }],
  },
};

export function recordsEngine(more = ""): Engine {
  return createEngine({
    program: programOf(RECORDS + more),
    digest: "sha256:00",
    clock: () => Date.parse("2026-01-02T09:00:00Z"),
  });
}
