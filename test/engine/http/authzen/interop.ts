/** Policies of the working group's interoperability events, as its fixtures tell them. */

export const TODO_POLICY = `package todo

tool read_user named "can_read_user" { effect read }
tool read_todos named "can_read_todos" { effect read }
tool create_todo named "can_create_todo" { effect write }
tool update_todo named "can_update_todo" { effect write }
tool delete_todo named "can_delete_todo" { effect delete }

resource user {}
resource todo { owner: String? }
principal { email: String? }

permit reading tool read_user, read_todos
  principal in group "viewer", "editor", "admin", "evil_genius"

permit creating tool create_todo
  principal in group "editor", "admin", "evil_genius"

permit changing_ones_own tool update_todo, delete_todo
  principal in group "editor", "admin", "evil_genius"
  resource todo
  when has principal.email and has resource.owner and principal.email == resource.owner

permit deleting_any tool delete_todo
  principal in group "admin"

permit changing_any tool update_todo
  principal in group "evil_genius"
`;

interface Fixtures {
  readonly todo?: {
    readonly users_by_pid: Readonly<Record<string, { id: string; roles: readonly string[] }>>;
  };
  readonly search?: {
    readonly users: readonly { id: string; role: string; department: string }[];
    readonly records: readonly { id: number; department: string; owner: string }[];
  };
}

const subject = (path: string) => ({ $from: "subject", path });
const resource = (path: string) => ({ $from: "resource", path });

export function TODO_MAPPING({ todo }: Fixtures) {
  return {
    requests: [
      {
        subject: ["user"],
        resource: ["user", "todo"],
        request: {
          agent: { id: "todo-app" },
          principal: {
            id: subject("/id"),
            groups: subject("/properties/roles"),
            email: subject("/properties/email"),
          },
          tool: { name: { $from: "action", path: "/name" } },
          resource: {
            type: resource("/type"),
            id: resource("/id"),
            owner: resource("/properties/ownerID"),
          },
        },
      },
    ],
    entities: {
      subjects: Object.entries(todo?.users_by_pid ?? {}).map(([id, { id: email, roles }]) => ({
        type: "user",
        id,
        properties: { roles, email },
      })),
    },
  };
}

export const SEARCH_POLICY = `package records

tool view { effect read }
tool edit { effect write }
tool remove named "delete" { effect delete }

resource record { owner: String, department: String }
principal { department: String }

permit ones_own tool view, edit, remove
  when resource.owner == principal.id

permit viewing_ones_department tool view
  when resource.department == principal.department

permit managers_view tool view
  principal in group "manager"

permit managers_edit tool edit
  principal in group "manager"
  when resource.department == principal.department
`;

export function SEARCH_MAPPING({ search }: Fixtures) {
  return {
    requests: [
      {
        request: {
          agent: { id: "records-app" },
          principal: {
            id: subject("/id"),
            groups: [subject("/properties/role")],
            department: subject("/properties/department"),
          },
          tool: { name: { $from: "action", path: "/name" } },
          resource: {
            type: "record",
            id: resource("/id"),
            owner: resource("/properties/owner"),
            department: resource("/properties/department"),
          },
        },
      },
    ],
    entities: {
      subjects: search?.users.map(({ id, ...properties }) => ({ type: "user", id, properties })),
      resources: search?.records.map(({ id, ...properties }) => ({
        type: "record",
        id: String(id),
        properties,
      })),
      actions: [{ name: "view" }, { name: "edit" }, { name: "delete" }],
    },
  };
}
