/** A rule's guard, clause by clause, as an author would write it, and what in a request misses it. Pure. */
import type { Guard, Program } from "../../lang/ir.ts";
import type { DecisionRequest } from "../request.ts";
import { isSet, type RecordValue, type Value } from "../value.ts";

export interface Clause {
  /** `agent in group "assistants"` */
  readonly text: string;
  /** The guard that consists of this clause alone. */
  readonly guard: Guard;
  /** What the request has instead, for where it does not hold. */
  readonly instead: (request: DecisionRequest) => string;
}

/** `isByEffect`: the rule names its tools by what they do, as far as its text is at hand. */
export function clausesOf(guard: Guard, program: Program, isByEffect: boolean): readonly Clause[] {
  const { tools, agentGroups, agentKinds, principalGroups, principalKinds } = guard;
  const { resources, purposes, tasks } = guard;
  const clauses: Clause[] = [];
  if (agentGroups !== undefined) {
    const text = `agent in group ${quoted(agentGroups)}`;
    clauses.push({
      text,
      guard: { agentGroups },
      instead: (on) => groupsOf("agent", on.roots.agent),
    });
  }
  if (agentKinds !== undefined) {
    const text = `agent is ${agentKinds.join(", ")}`;
    clauses.push({ text, guard: { agentKinds }, instead: (on) => kindOf("agent", on.roots.agent) });
  }
  if (principalGroups !== undefined) {
    const text = `principal in group ${quoted(principalGroups)}`;
    const instead = (on: DecisionRequest) => groupsOf("principal", on.roots.principal);
    clauses.push({ text, guard: { principalGroups }, instead });
  }
  if (principalKinds !== undefined) {
    const text = `principal is ${principalKinds.join(", ")}`;
    const instead = (on: DecisionRequest) => kindOf("principal", on.roots.principal);
    clauses.push({ text, guard: { principalKinds }, instead });
  }
  if (tools !== undefined) {
    const text = `tool ${toolsText(tools, program, isByEffect)}`;
    const instead = (on: DecisionRequest) => `tool is ${program.tools[on.tool]?.name}`;
    clauses.push({ text, guard: { tools }, instead });
  }
  if (resources !== undefined) {
    const text = `resource ${resources.join(", ")}`;
    const instead = (on: DecisionRequest) => nameOf("resource", on.roots.resource?.type);
    clauses.push({ text, guard: { resources }, instead });
  }
  if (purposes !== undefined) {
    const text = `purpose within ${purposes.join(", ")}`;
    const instead = (on: DecisionRequest) => nameOf("purpose", on.roots.intent.purpose);
    clauses.push({ text, guard: { purposes }, instead });
  }
  if (tasks !== undefined) {
    const text = `task ${tasks.join(", ")}`;
    const instead = (on: DecisionRequest) => nameOf("task", on.roots.intent.task);
    clauses.push({ text, guard: { tasks }, instead });
  }
  return clauses;
}

const NAMES_SHOWN = 6;

/** As it was written; too many names are told by their effects where that says the same. */
function toolsText(tools: readonly number[], program: Program, isByEffect: boolean): string {
  const effects = [...new Set(tools.flatMap((index) => program.tools[index]?.effect ?? []))];
  const all = program.tools.filter(({ effect }) => effects.includes(effect)).length;
  const isShorter = isByEffect || tools.length > NAMES_SHOWN;
  if (all === tools.length && isShorter) return `effect ${effects.join(", ")}`;
  const names = tools.flatMap((index) => program.tools[index]?.name ?? []);
  const shown = names.slice(0, NAMES_SHOWN).join(", ");
  return names.length > NAMES_SHOWN ? `${shown}, … ${names.length - NAMES_SHOWN} more` : shown;
}

function groupsOf(who: string, actor: RecordValue | undefined): string {
  if (actor === undefined) return `there is no ${who}`;
  const groups = isSet(actor.groups) ? [...actor.groups].map(String) : [];
  return groups.length === 0 ? `${who} is in no group` : `${who} is in ${quoted(groups)}`;
}

function kindOf(who: string, actor: RecordValue | undefined): string {
  return actor === undefined ? `there is no ${who}` : `${who} is ${String(actor.kind)}`;
}

function nameOf(what: string, value: Value | undefined): string {
  return value === undefined ? `there is no ${what}` : `${what} is ${String(value)}`;
}

function quoted(texts: readonly string[]): string {
  const shown = texts.slice(0, NAMES_SHOWN).map((text) => JSON.stringify(text));
  const rest = texts.length - shown.length;
  return [...shown, ...(rest > 0 ? [`… ${rest} more`] : [])].join(", ");
}
