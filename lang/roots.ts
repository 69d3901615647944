/** What a request brings (SPEC §4.4): the roots' attributes, built-in and declared. */
import { type Context, HOP, toolsHere } from "./context.ts";
import type { ResourceDecl, RootName } from "./ir.ts";
import { type Field, optional, sameType, spell, type Type } from "./type.ts";
import type { Vocabulary } from "./vocabulary.ts";

const STRING: Type = { kind: "String" };
const STRINGS: Type = { kind: "Set", of: STRING };
const LABELS: Type = { kind: "Set", of: { kind: "Label" } };

export const ROOTS: readonly RootName[] = [
  "agent",
  "principal",
  "delegation",
  "intent",
  "tool",
  "args",
  "resource",
  "session",
  "environment",
];

/** Roots a request may lack: reading one that is missing is unknown (SPEC §5.3). */
export const MAY_LACK: readonly RootName[] = ["principal", "resource", "session"];

export function isRoot(word: string): word is RootName {
  return (ROOTS as readonly string[]).includes(word);
}

export type Lookup =
  | { readonly found: Type }
  | { readonly missing: readonly string[]; readonly why?: string };

/** The type of `root.name` in this context, or which names there are. */
export function rootAttribute(root: RootName, name: string, context: Context): Lookup {
  if (root === "args") return argument(name, context);
  if (root === "resource") return resourceAttribute(name, context);
  const fields = rootFields(root, context);
  const field = fields.find((candidate) => candidate.name === name);
  if (field !== undefined) return { found: presentByDefault(field) };
  const names = fields.map((candidate) => candidate.name);
  if (root === "intent" && (name === "reason" || name === "instruction")) {
    return {
      missing: [],
      why: `\`intent.${name}\` is free text: it is kept for the audit and for \`origin\`, and cannot be compared`,
    };
  }
  if (name === "sensitivity" && root === "session") return { missing: names, why: NO_SENSITIVITY };
  return { missing: names };
}

const NO_SENSITIVITY = "there is no `level Sensitivity`, which `sensitivity` would be of";

/** Of what does not depend on the tool or resource: the same for every expression of a package. */
const fieldsOf = new WeakMap<Vocabulary, Map<RootName, readonly Field[]>>();

export function rootFields(root: RootName, context: Context): readonly Field[] {
  if (root === "args") return argumentFields(context);
  if (root === "resource") return resourceFields(context);
  const { vocabulary } = context.around;
  const known = fieldsOf.get(vocabulary) ?? new Map<RootName, readonly Field[]>();
  fieldsOf.set(vocabulary, known);
  const fields = known.get(root) ?? fixedFields(root, context);
  known.set(root, fields);
  return fields;
}

function fixedFields(
  root: Exclude<RootName, "args" | "resource">,
  context: Context,
): readonly Field[] {
  const { vocabulary } = context.around;
  const sensitivity = sensitivityType(context);
  switch (root) {
    case "agent":
      return [
        { name: "id", type: STRING },
        { name: "kind", type: { kind: "Kind" } },
        { name: "groups", type: STRINGS },
        { name: "attested", type: { kind: "Bool" } },
        { name: "trust", type: { kind: "Decimal" } },
        ...vocabulary.attributes.agent,
      ];
    case "principal":
      return [
        { name: "id", type: STRING },
        { name: "kind", type: { kind: "Kind" } },
        { name: "groups", type: STRINGS },
        ...vocabulary.attributes.principal,
      ];
    case "delegation":
      return [
        { name: "chain", type: { kind: "List", of: HOP } },
        { name: "depth", type: { kind: "Int" } },
        { name: "root", type: { kind: "Party" } },
        { name: "verified", type: { kind: "Bool" } },
        { name: "scope", type: STRINGS },
        { name: "purpose", type: optional({ kind: "Purpose" }) },
        { name: "expires_at", type: optional({ kind: "Time" }) },
        { name: "tools", type: optional(STRINGS) },
      ];
    case "intent":
      return [
        { name: "purpose", type: optional({ kind: "Purpose" }) },
        { name: "task", type: optional({ kind: "OneOf", values: [...vocabulary.tasks] }) },
        { name: "task_id", type: optional(STRING) },
        { name: "source", type: { kind: "Source" } },
        { name: "plan", type: optional({ kind: "Map", of: { kind: "Int" } }) },
      ];
    case "tool":
      return [
        { name: "name", type: STRING },
        { name: "server", type: optional(STRING) },
        { name: "effect", type: { kind: "Effect" } },
        { name: "digest", type: optional(STRING) },
      ];
    case "session":
      return [
        { name: "id", type: STRING },
        { name: "started_at", type: { kind: "Time" } },
        { name: "status", type: { kind: "OneOf", values: ["active", "interrupted"] } },
        { name: "labels", type: LABELS },
        ...(sensitivity === undefined ? [] : [{ name: "sensitivity", type: sensitivity }]),
        ...vocabulary.attributes.session,
      ];
    case "environment":
      return [
        { name: "now", type: { kind: "Time" } },
        ...unlessDeclared(vocabulary.attributes.environment, [
          { name: "ip", type: optional({ kind: "Ip" }) },
          { name: "deployment", type: optional(STRING) },
        ]),
        ...vocabulary.attributes.environment,
      ];
  }
}

function unlessDeclared(declared: readonly Field[], builtIn: readonly Field[]): readonly Field[] {
  return builtIn.filter((field) => !declared.some((other) => other.name === field.name));
}

function sensitivityType(context: Context): Type | undefined {
  const has = context.around.vocabulary.levels.has("Sensitivity");
  return has ? { kind: "Level", name: "Sensitivity" } : undefined;
}

/** A default makes what may be left out be there. */
function presentByDefault(field: Field): Type {
  return field.default !== undefined && field.type.kind === "Optional" ? field.type.of : field.type;
}

/**
 * An argument of the tools that are possible here: of one type in all that have it, and perhaps absent where
 * one of them lacks it.
 */
function argument(name: string, context: Context): Lookup {
  const { tools } = context.around.vocabulary;
  const here = toolsHere(context);
  const known = lookups.get(here) ?? new Map<string, Lookup>();
  lookups.set(here, known);
  const found = known.get(name);
  if (found !== undefined) return found;
  const owners = here.flatMap((index) => {
    const tool = tools[index];
    return tool === undefined ? [] : [{ owner: tool.name, fields: tool.args }];
  });
  const lookup = shared(name, owners);
  known.set(name, lookup);
  return lookup;
}

/** By the list of tools that are possible: most expressions are about the same ones. */
const lookups = new WeakMap<readonly number[], Map<string, Lookup>>();

function resourceAttribute(name: string, context: Context): Lookup {
  if (context.known.resources !== undefined) return newResourceAttribute(name, context);
  const { vocabulary } = context.around;
  const known = ofAnyResource.get(vocabulary) ?? new Map<string, Lookup>();
  ofAnyResource.set(vocabulary, known);
  const lookup = known.get(name) ?? newResourceAttribute(name, context);
  known.set(name, lookup);
  return lookup;
}

function newResourceAttribute(name: string, context: Context): Lookup {
  const builtIn = builtInResource(context).find((field) => field.name === name);
  const owners = resourcesHere(context).map((resource) => ({
    owner: resource.name,
    fields: resource.attributes,
  }));
  const declared = owners.some(({ fields }) => fields.some((field) => field.name === name));
  if (builtIn !== undefined && !(declared && name !== "sensitivity"))
    return { found: builtIn.type };
  if (name === "sensitivity") return { missing: [], why: NO_SENSITIVITY };
  return shared(name, owners);
}

/** By what the resource can be: `resourceAttribute` of every expression that knows nothing of its type. */
const ofAnyResource = new WeakMap<Vocabulary, Map<string, Lookup>>();

/** The types of resource still possible here. */
export function resourcesHere(context: Context): readonly ResourceDecl[] {
  const { resources } = context.around.vocabulary;
  if (context.known.resources === undefined) return [...resources.values()];
  return context.known.resources.flatMap((name) => resources.get(name) ?? []);
}

const resourceBuiltIn = new WeakMap<Vocabulary, readonly Field[]>();

function builtInResource(context: Context): readonly Field[] {
  const { vocabulary } = context.around;
  const fields = resourceBuiltIn.get(vocabulary) ?? newBuiltInResource(context);
  resourceBuiltIn.set(vocabulary, fields);
  return fields;
}

function newBuiltInResource(context: Context): readonly Field[] {
  const sensitivity = sensitivityType(context);
  return [
    {
      name: "type",
      type: { kind: "OneOf", values: [...context.around.vocabulary.resources.keys()] },
    },
    { name: "id", type: STRING },
    { name: "labels", type: LABELS },
    { name: "tenant", type: optional(STRING) },
    ...(sensitivity === undefined ? [] : [{ name: "sensitivity", type: sensitivity }]),
  ];
}

interface Owner {
  readonly owner: string;
  readonly fields: readonly Field[];
}

function shared(name: string, owners: readonly Owner[]): Lookup {
  let type: Type | undefined;
  let first = "";
  let everywhere = true;
  for (const { owner, fields } of owners) {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) {
      everywhere = false;
      continue;
    }
    const own = presentByDefault(field);
    const solid = own.kind === "Optional" ? own.of : own;
    if (own.kind === "Optional") everywhere = false;
    if (type === undefined) {
      type = solid;
      first = owner;
    } else if (!sameType(type, solid)) {
      return {
        missing: [],
        why: `\`${name}\` is ${spell(type)} in \`${first}\` and ${spell(solid)} in \`${owner}\``,
      };
    }
  }
  if (type === undefined) {
    return {
      missing: [...new Set(owners.flatMap(({ fields }) => fields.map((field) => field.name)))],
    };
  }
  return { found: everywhere ? type : optional(type) };
}

function argumentFields(context: Context): readonly Field[] {
  return toolsHere(context).flatMap((index) => context.around.vocabulary.tools[index]?.args ?? []);
}

function resourceFields(context: Context): readonly Field[] {
  return [
    ...builtInResource(context),
    ...resourcesHere(context).flatMap((resource) => resource.attributes),
  ];
}
