/** A request that a policy knows, of nothing but its declarations: where no example and no test shows one. */
import type { Program } from "../../lang/ir.ts";
import type { Field, Json, Type } from "../../lang/type.ts";
import { unreachable } from "../../lang/unreachable.ts";

/** Of its first tool, with all that must be said. */
export function sampleRequest(program: Program): Json {
  // What the service asks of itself is nothing to try.
  const tool = program.tools.find(({ wire }) => !wire.startsWith("writ:"));
  const { wire = "tool", server, args = [] } = tool ?? {};
  const context = membersOf(program.environment, program);
  return {
    agent: { id: "agent", ...membersOf(program.agent, program) },
    tool: { name: wire, ...(server && { server }), args: membersOf(args, program) },
    ...(Object.keys(context).length > 0 && { context }),
  };
}

function membersOf(fields: readonly Field[], program: Program): Readonly<Record<string, Json>> {
  const needed = fields.filter(
    ({ type, default: given }) => type.kind !== "Optional" && given === undefined,
  );
  return Object.fromEntries(
    needed.map(({ name, wire, type }) => [wire ?? name, sampleOf(type, program)]),
  );
}

function sampleOf(type: Type, program: Program): Json {
  switch (type.kind) {
    case "Bool":
      return true;
    case "Int":
    case "Decimal":
    case "Float":
      return 1;
    case "String":
      return "text";
    case "Duration":
      return "10s";
    case "Time":
      return "2026-01-02T12:00:00Z";
    case "Ip":
      return "192.0.2.1";
    case "Cidr":
      return "192.0.2.0/24";
    case "Path":
      return "/srv/file";
    case "Url":
      return "https://example.com/";
    case "Email":
      return "someone@example.com";
    case "Command":
      return "ls";
    case "Purpose":
      return program.purposes[0] ?? "purpose";
    case "Label":
      return program.labels[0] ?? "label";
    case "Effect":
      return "read";
    case "Kind":
      return "human";
    case "Source":
      return "user";
    case "Any":
    case "Map":
      return {};
    case "Level":
      return program.levels.find(({ name }) => name === type.name)?.values[0] ?? "level";
    case "OneOf":
      return type.values[0] ?? "text";
    case "Set":
    case "List":
      return [sampleOf(type.of, program)];
    case "Record":
      return membersOf(type.fields, program);
    case "Party":
      return { id: "somebody", kind: "human" };
    case "Optional":
      return sampleOf(type.of, program);
    default:
      return unreachable(type);
  }
}
