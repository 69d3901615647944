/**
 * A request and the state it meets, as choices that can be changed one at a time: by chance, or back to the
 * plainest there is. Pure.
 */
import type { Guard, Program } from "../../lang/ir.ts";
import { rootFields } from "../../lang/roots.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import {
  type Field,
  type Json,
  KINDS,
  NAMED_LABEL,
  SOURCES,
  UNTRUSTED_LABEL,
  USER_LABEL,
} from "../../lang/type.ts";
import { contextOf } from "../explain/typing.ts";
import { sensitivityLevels } from "../state/sensitivity.ts";
import type { Random } from "./random.ts";
import { standingsIn } from "./task-standing.ts";
import { AGENT_ID, NOON_MS, PRINCIPAL_ID, type Values } from "./values.ts";

/** By the name of the choice; what is missing is left out. */
export type Candidate = ReadonlyMap<string, Json>;

/** `choose` gives `undefined` where the choice is to leave it out. */
export interface Choice {
  readonly name: string;
  readonly choose: (random: Random) => Json | undefined;
  /** Whether it matters to this candidate. */
  readonly matters: (candidate: Candidate) => boolean;
}

const ALWAYS = () => true;

export function choicesOf(program: Program, values: Values): readonly Choice[] {
  const always = (name: string, choose: Choice["choose"]): Choice => ({
    name,
    choose,
    matters: ALWAYS,
  });
  const context = contextOf(program);
  const declared = (
    prefix: string,
    fields: readonly Field[],
    matters: Choice["matters"] = ALWAYS,
  ) =>
    fields.map(
      (field): Choice => ({
        name: `${prefix}/${field.wire ?? field.name}`,
        choose: (random) => values.field(field, random),
        matters,
      }),
    );
  const has = (name: string) => (candidate: Candidate) => candidate.has(name);
  const builtIn = (field: Field) =>
    !["id", "groups", "trust", "now", "started_at", "status", "labels", "sensitivity"].includes(
      field.name,
    );
  const levels = sensitivityLevels(program);
  const labels = program.labels;
  // These two are only ever given to values, by the engine.
  const ownLabels = labels.filter((label) => label !== USER_LABEL && label !== NAMED_LABEL);
  const flag = (random: Random): Json | undefined => (random.chance(50) ? true : undefined);
  const some = (of: readonly string[], random: Random): Json =>
    of.filter(() => random.chance(Math.min(50, 150 / Math.max(1, of.length))));
  const labelSet = (random: Random): Json => some(ownLabels, random);
  return [
    always("tool", (random) => random.below(program.tools.length)),
    ...declared("agent", rootFields("agent", context).filter(builtIn)),
    always("agent/id", (random) => values.id(random)),
    always("agent/trust", (random) => values.trust(random)),
    always("agent/groups", (random) => values.groups(random)),
    always("principal", flag),
    ...declared("principal", rootFields("principal", context).filter(builtIn), has("principal")),
    { name: "principal/id", choose: (random) => values.id(random), matters: has("principal") },
    {
      name: "principal/groups",
      choose: (random) => values.groups(random),
      matters: has("principal"),
    },
    always("delegation", (random) => (random.chance(33) ? undefined : values.hops(random))),
    {
      name: "delegation/purpose",
      choose: (random) => random.pick([undefined, ...program.purposes]),
      matters: has("delegation"),
    },
    { name: "delegation/approved", choose: flag, matters: has("delegation") },
    { name: "delegation/verified", choose: flag, matters: has("delegation") },
    always("intent/purpose", (random) => random.pick([undefined, ...program.purposes])),
    always("intent/task", (random) =>
      random.chance(70) ? undefined : random.pick(program.tasks)?.name,
    ),
    ...program.tasks.map(({ name, sequence }): Choice => {
      const standings = [undefined, ...standingsIn(sequence)];
      return {
        name: `task/${name}`,
        choose: (random) => random.pick(standings),
        matters: (candidate) => candidate.get("intent/task") === name,
      };
    }),
    always("intent/source", (random) => random.pick(SOURCES)),
    always("intent/plan", (random) =>
      random.chance(50) ? undefined : values.json({ kind: "Map", of: { kind: "Int" } }, random),
    ),
    always("resource", (random) =>
      random.pick([undefined, ...program.resources.map(({ name }) => name)]),
    ),
    ...program.resources.flatMap(({ name, attributes }) => {
      const matters = (candidate: Candidate) => candidate.get("resource") === name;
      const id = (random: Random) => values.id(random);
      return [
        { name: `resource/${name}/id`, choose: id, matters },
        ...declared(`resource/${name}`, attributes, matters),
      ];
    }),
    {
      name: "resource/sensitivity",
      choose: (random) => random.pick([undefined, ...levels]),
      matters: has("resource"),
    },
    { name: "resource/labels", choose: labelSet, matters: has("resource") },
    always("session", (random) => (random.chance(90) ? true : undefined)),
    ...declared("session", program.session, has("session")),
    { name: "state/labels", choose: labelSet, matters: has("session") },
    {
      name: "state/sensitivity",
      choose: (random) => random.below(Math.max(1, levels.length)),
      matters: has("session"),
    },
    { name: "state/age", choose: (random) => values.age(random), matters: has("session") },
    ...declared("context", rootFields("environment", context).filter(builtIn)),
    ...program.tools.flatMap((tool, index) =>
      declared(`args/${index}`, tool.args, (candidate) => candidate.get("tool") === index),
    ),
    ...program.counters.map((counter, index) =>
      always(`counter/${index}`, (random) => values.count(counter.type, random)),
    ),
    ...program.latches.map((_, index) => always(`latch/${index}`, flag)),
    always("state/origin", (random) => some(labels, random)),
    always("now", (random) => values.now(random)),
  ];
}

export function randomCandidate(choices: readonly Choice[], random: Random): Candidate {
  const candidate = new Map<string, Json>();
  for (const { name, choose } of choices) assign(candidate, name, choose(random));
  return candidate;
}

/** What a guard asks for exactly; the rest is left to conditions. */
export function admitted(
  candidate: Candidate,
  guard: Guard,
  program: Program,
  random: Random,
): Candidate {
  const changed = new Map(candidate);
  const tools = guard.tools ?? program.tools.map((_, index) => index);
  assign(changed, "tool", random.pick(tools));
  if (guard.agentGroups !== undefined) {
    const group = random.pick(guard.agentGroups);
    if (group !== undefined) changed.set("agent/groups", [group]);
  }
  if (guard.agentKinds !== undefined) assign(changed, "agent/kind", random.pick(guard.agentKinds));
  if (guard.principalGroups !== undefined || guard.principalKinds !== undefined) {
    changed.set("principal", true);
    const group = random.pick(guard.principalGroups ?? []);
    if (group !== undefined) changed.set("principal/groups", [group]);
    assign(changed, "principal/kind", random.pick(guard.principalKinds ?? KINDS));
  }
  if (guard.resources !== undefined) assign(changed, "resource", random.pick(guard.resources));
  if (guard.purposes !== undefined) assign(changed, "intent/purpose", random.pick(guard.purposes));
  if (guard.tasks !== undefined) assign(changed, "intent/task", random.pick(guard.tasks));
  return changed;
}

export function mutated(
  candidate: Candidate,
  choices: readonly Choice[],
  random: Random,
): Candidate {
  const changed = new Map(candidate);
  const mattering = choices.filter(({ matters }) => matters(candidate));
  const times = 1 + random.below(3);
  for (let time = 0; time < times; time++) {
    const choice = random.pick(mattering);
    if (choice !== undefined) assign(changed, choice.name, choice.choose(random));
  }
  return changed;
}

function assign(candidate: Map<string, Json>, name: string, value: Json | undefined): void {
  if (value === undefined) candidate.delete(name);
  else candidate.set(name, value);
}

/** Simpler ones: each with one choice left out, or a set with one element fewer. */
export function* simplerThan(
  candidate: Candidate,
  choices: readonly Choice[],
): Generator<Candidate> {
  for (const [name, value] of candidate) {
    const isFixed = name === "tool" || /^args\//.test(name);
    const without = new Map(candidate);
    without.delete(name);
    if (!isFixed || name.startsWith("args/")) yield without;
    if (Array.isArray(value)) {
      for (const at of value.keys()) {
        yield new Map(candidate).set(
          name,
          value.filter((_, index) => index !== at),
        );
      }
    }
  }
  const hops = Number(candidate.get("delegation") ?? 0);
  if (hops > 1) yield new Map(candidate).set("delegation", hops - 1);
  // What does not matter goes at once: arguments of other tools, attributes of other resources.
  const useless = choices.filter(({ matters, name }) => candidate.has(name) && !matters(candidate));
  const kept = new Map(candidate);
  for (const { name } of useless) kept.delete(name);
  if (kept.size < candidate.size) yield kept;
}

/** As `POST /decide` would bring it. */
export function requestOf(candidate: Candidate, program: Program): Json {
  const index = Number(candidate.get("tool"));
  const tool = program.tools[index];
  const resource = candidate.get("resource");
  const members = (prefix: string) => membersOf(candidate, prefix);
  const intent = members("intent");
  const context = members("context");
  const resourceMembers =
    typeof resource === "string"
      ? {
          type: resource,
          id: `${resource}-1`,
          ...members(`resource/${resource}`),
          ...shared(candidate),
        }
      : undefined;
  return {
    agent: { ...members("agent"), id: idOf("agent", candidate) },
    ...(candidate.has("principal")
      ? { principal: { ...members("principal"), id: idOf("principal", candidate) } }
      : {}),
    ...(candidate.has("delegation")
      ? { delegation: delegationOf(candidate, tool?.scope ?? []) }
      : {}),
    ...(Object.keys(intent).length === 0 ? {} : { intent }),
    tool: {
      name: tool?.wire ?? "",
      ...(tool?.server === undefined ? {} : { server: tool.server }),
      args: members(`args/${index}`),
    },
    ...(resourceMembers === undefined ? {} : { resource: resourceMembers }),
    ...(candidate.has("session") ? { session: { id: "session-1", ...members("session") } } : {}),
    ...(Object.keys(context).length === 0 ? {} : { context }),
  };
}

function membersOf(candidate: Candidate, prefix: string): { [name: string]: Json } {
  const found: { [name: string]: Json } = {};
  for (const [name, value] of candidate) {
    const rest = name.startsWith(`${prefix}/`) ? name.slice(prefix.length + 1) : "";
    if (rest !== "" && !rest.includes("/")) found[rest] = value;
  }
  return found;
}

/** Attributes of every resource; a declared one of the same name has its own choice. */
function shared(candidate: Candidate): { [name: string]: Json } {
  const { sensitivity, labels } = membersOf(candidate, "resource");
  return {
    ...(sensitivity === undefined ? {} : { sensitivity }),
    ...(labels === undefined ? {} : { labels }),
  };
}

/** As wide as the tool needs: a narrower one is refused before any rule. */
function delegationOf(candidate: Candidate, scope: readonly string[]): Json {
  const purpose = candidate.get("delegation/purpose");
  const root = candidate.has("principal") ? idOf("principal", candidate) : "someone";
  const grant = {
    scope,
    ...(purpose === undefined ? {} : { purpose }),
    ...(candidate.has("delegation/approved") ? { approved: true } : {}),
  };
  const hops = Number(candidate.get("delegation"));
  const between = Array.from({ length: hops - 1 }, (_, at) => `spiffe://example/between-${at + 1}`);
  const parties = [root, ...between, idOf("agent", candidate)];
  return { chain: parties.slice(1).map((to, at) => ({ from: parties[at] ?? "", to, ...grant })) };
}

function idOf(party: "agent" | "principal", candidate: Candidate): Json {
  return candidate.get(`${party}/id`) ?? (party === "agent" ? AGENT_ID : PRINCIPAL_ID);
}

/** `named` is only said of what is `untrusted` as well. */
export function originOf(candidate: Candidate): readonly string[] {
  const labels = (candidate.get("state/origin") as readonly string[] | undefined) ?? [];
  const isNamed = labels.includes(NAMED_LABEL) && !labels.includes(UNTRUSTED_LABEL);
  return isNamed ? [...labels, UNTRUSTED_LABEL] : labels;
}

/** The position in its sequence that the task of the request stands at; missing before the first step. */
export function standingOf(candidate: Candidate): number | undefined {
  const position = candidate.get(`task/${String(candidate.get("intent/task"))}`);
  return position === undefined ? undefined : Number(position);
}

export function nowOf(candidate: Candidate): number {
  return Number(candidate.get("now") ?? NOON_MS);
}

export function spellNow(candidate: Candidate): string {
  return spellTime(nowOf(candidate));
}
