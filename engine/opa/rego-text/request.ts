/** The part of the text that reads a request (SPEC §4.4, §12.2): what rules read of it, and what is wrong with it. */
import type { Program, ToolDecl } from "../../../lang/ir.ts";
import type { Field, Type } from "../../../lang/type.ts";
import { resourceFields, withDeclared } from "../../resource-fields.ts";
import { memberOf, ruleText, setOf, textOf } from "./names.ts";
import type { Readers } from "./readers.ts";

const STRINGS: Type = { kind: "Set", of: { kind: "String" } };
const optional = (of: Type): Type => ({ kind: "Optional", of });

const ACTOR: readonly Field[] = [
  { name: "kind", type: { kind: "Kind" }, default: "autonomous" },
  { name: "groups", type: STRINGS, default: [] },
];
const AGENT: readonly Field[] = [
  ...ACTOR,
  { name: "attested", type: { kind: "Bool" }, default: false },
];
const ENVIRONMENT: readonly Field[] = [
  { name: "ip", type: optional({ kind: "Ip" }) },
  { name: "deployment", type: optional({ kind: "String" }) },
];
const ENVELOPE = words("agent principal delegation intent tool resource session context");
const INTENT = words("purpose task source reason instruction plan");

export function rootFields(program: Program) {
  return {
    agent: withDeclared(AGENT, program.agent),
    principal: withDeclared(ACTOR, program.principal),
    session: program.session,
    environment: withDeclared(ENVIRONMENT, program.environment),
  };
}

/** A root that is read by its fields, and where it stands in a request. */
interface Part {
  readonly root: string;
  readonly at: string;
  readonly pointer: string;
  readonly fields: readonly Field[];
  /** Names beside those of the fields; undefined where any may stand. */
  readonly own: readonly string[] | undefined;
  /** What must hold for it to be asked for. */
  readonly when: readonly string[];
}

export function requestTexts(program: Program, readers: Readers): readonly string[] {
  for (const helper of ["present", "given", "id", "trust"] as const) readers.use(helper);
  const { agent, principal, session, environment } = rootFields(program);
  return [
    problem("there is no request", ["not is_object(input)"]),
    undeclared("", "input", ENVELOPE, []),
    "agent.id := id(input.agent.id)",
    'agent.trust := trust(object.get(input.agent, "trust", 0))',
    problem("/agent is no agent", ["not agent.id"]),
    problem("/agent/trust is not a number from 0 to 1", ["not agent.trust"]),
    ...partTexts(partOf("agent", agent, ["id", "trust"]), readers),
    ...["principal", "session"].flatMap((root) => [
      `${root}.id := id(input.${root}.id)`,
      problem(`/${root} is no ${root}`, [`given(input, "${root}")`, `not ${root}.id`]),
    ]),
    ...partTexts(partOf("principal", principal, ["id"]), readers),
    ...partTexts(partOf("session", session, ["id"]), readers),
    'sent_context := object.get(input, "context", {})',
    problem("/context is not an object", ["not is_object(sent_context)"]),
    ...partTexts(
      {
        root: "environment",
        at: "sent_context",
        pointer: "/context",
        fields: environment,
        own: [],
        when: [],
      },
      readers,
    ),
    ...toolTexts(program.tools, readers),
    ...resourceTexts(program, readers),
    ...intentTexts(readers),
  ];
}

function partOf(root: string, fields: readonly Field[], own: readonly string[]): Part {
  const when = root === "agent" ? [] : [`input.${root}`];
  return { root, at: `input.${root}`, pointer: `/${root}`, fields, own, when };
}

/**
 * An attribute is there where it could be read. One that may be absent is at fault only where something was
 * sent for it.
 */
function partTexts(part: Part, readers: Readers): readonly string[] {
  const { root, at, pointer, fields, own, when } = part;
  const shared = root === "args" || root === "resource";
  return [
    ...fields.map((field) =>
      ruleText(
        `${memberOf(root, field.name)} := ${readers.of(field.type)}(${readers.given(at, field)})`,
        shared ? when : [],
      ),
    ),
    ...faults(part),
    own === undefined
      ? forbiddenNames(pointer, at, when)
      : undeclared(pointer, at, [...own, ...fields.map((field) => field.wire ?? field.name)], when),
  ];
}

function faults({ root, at, pointer, fields, when }: Part): readonly string[] {
  const head = `problems contains sprintf("${pointer}: \`%s\` is not what is declared", [name])`;
  const isOptional = ({ type }: Field) => type.kind === "Optional";
  const needed = fields.filter((field) => !isOptional(field)).map(({ name }) => textOf(name));
  const mayMiss = fields
    .filter(isOptional)
    .map(({ name, wire = name }) => `${textOf(wire)}: ${textOf(name)}`);
  return [
    ...(needed.length === 0
      ? []
      : [ruleText(head, [...when, `some name in (${setOf(needed)} - object.keys(${root}))`])]),
    ...(mayMiss.length === 0
      ? []
      : [
          ruleText(head, [
            ...when,
            `some wire, name in {${mayMiss.join(", ")}}`,
            `object.get(${at}, wire, null) != null`,
            `not name in object.keys(${root})`,
          ]),
        ]),
  ];
}

function toolTexts(tools: readonly ToolDecl[], readers: Readers): readonly string[] {
  return [
    ...tools.map((tool) => ruleText(`called := ${textOf(tool.name)}`, selects(tool, tools))),
    ...["name", "server", "digest"].map((name) => `tool.${name} := id(input.tool.${name})`),
    `tool.effect := {${tools.map(({ name, effect }) => `${textOf(name)}: ${textOf(effect)}`).join(", ")}}[called]`,
    undeclared("/tool", "input.tool", words("name server args digest"), []),
    problem("/tool/name is no tool that the policy knows", ["not called"]),
    ...["name", "server", "digest"].map((name) =>
      problem(`/tool/${name} is not an id`, [
        ...(name === "name" ? [] : [`given(input.tool, "${name}")`]),
        `not tool.${name}`,
      ]),
    ),
    'sent_args := object.get(input.tool, "args", {})',
    problem("/tool/args is not an object", ["not is_object(sent_args)"]),
    ...tools.flatMap((tool) => argumentTexts(tool, readers)),
  ];
}

function argumentTexts(tool: ToolDecl, readers: Readers): readonly string[] {
  const when = [`called == ${textOf(tool.name)}`];
  const { digest, args: fields } = tool;
  const own = tool.open ? undefined : [];
  const pinned =
    digest === undefined
      ? []
      : [
          problem("/tool/digest is not the declared one: the tool has changed", [
            ...when,
            `object.get(input.tool, "digest", "") != ${textOf(digest)}`,
          ]),
        ];
  const part = { root: "args", at: "sent_args", pointer: "/tool/args", fields, own, when };
  return [...pinned, ...partTexts(part, readers)];
}

/** The one declared for the request's server, else the one declared for any. */
function selects(tool: ToolDecl, tools: readonly ToolDecl[]): readonly string[] {
  const name = `input.tool.name == ${textOf(tool.wire)}`;
  if (tool.server !== undefined) return [name, `input.tool.server == ${textOf(tool.server)}`];
  const others = tools.filter(({ wire, server }) => wire === tool.wire && server !== undefined);
  if (others.length === 0) return [name];
  const servers = setOf(others.map(({ server }) => textOf(server ?? "")));
  return [name, `not object.get(input.tool, "server", "") in ${servers}`];
}

function resourceTexts(program: Program, readers: Readers): readonly string[] {
  const types = setOf(program.resources.map(({ name }) => textOf(name)));
  return [
    "resource.type := id(input.resource.type)",
    "resource.id := id(input.resource.id)",
    problem("/resource is no resource", ['given(input, "resource")', "not resource.id"]),
    problem("/resource is no resource", ['given(input, "resource")', "not resource.type"]),
    problem("/resource/type is no resource that the policy knows", [
      `not resource.type in ${types}`,
    ]),
    ...program.resources.flatMap(({ name, attributes, open }) =>
      partTexts(
        {
          root: "resource",
          at: "input.resource",
          pointer: "/resource",
          fields: resourceFields(program, attributes),
          own: open ? undefined : ["type", "id"],
          when: [`resource.type == ${textOf(name)}`],
        },
        readers,
      ),
    ),
  ];
}

function intentTexts(readers: Readers): readonly string[] {
  const source = readers.of({ kind: "Source" });
  const purpose = readers.of({ kind: "Purpose" });
  const plan = readers.of({ kind: "Map", of: { kind: "Int" } });
  const line = readers.of({ kind: "String" });
  return [
    'sent_intent := object.get(input, "intent", {})',
    `intent.source := ${source}(object.get(sent_intent, "source", "unknown"))`,
    `intent.purpose := ${purpose}(id(sent_intent.purpose))`,
    `intent.plan := ${plan}(sent_intent.plan)`,
    problem("/intent is not an object", ["not is_object(sent_intent)"]),
    undeclared("/intent", "sent_intent", INTENT, []),
    problem("/intent/source is no source", ["not intent.source"]),
    ruleText('problems contains sprintf("/intent/%s is not what the policy knows", [name])', [
      'some name in ({"purpose", "plan"} - object.keys(intent))',
      "given(sent_intent, name)",
    ]),
    problem("/intent/task is no task that the policy knows", ['given(sent_intent, "task")']),
    ruleText('problems contains sprintf("/intent/%s is not a text", [name])', [
      'some name in {"reason", "instruction"}',
      "given(sent_intent, name)",
      `not ${line}(sent_intent[name])`,
    ]),
  ];
}

function problem(message: string, when: readonly string[]): string {
  return ruleText(`problems contains ${textOf(message)}`, when);
}

function undeclared(
  pointer: string,
  at: string,
  declared: readonly string[],
  when: readonly string[],
): string {
  return ruleText(`problems contains sprintf("${pointer}/%s is not declared", [name])`, [
    ...when,
    `some name in (object.keys(${at}) - ${setOf(declared.map(textOf))})`,
  ]);
}

function forbiddenNames(pointer: string, at: string, when: readonly string[]): string {
  return ruleText(`problems contains sprintf("${pointer}/%s is a forbidden name", [name])`, [
    ...when,
    `some name in (object.keys(${at}) & {"__proto__", "constructor", "prototype"})`,
  ]);
}

function words(text: string): readonly string[] {
  return text.split(" ");
}
