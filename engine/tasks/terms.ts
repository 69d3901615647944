/** What the grant of a task says (SPEC §16.2): never more than what it was asked on, than the task, than what was asked. Pure. */
import type { Program, TaskDecl } from "../../lang/ir.ts";
import { spellDuration } from "../../lang/scalar/duration.ts";
import { purposeWithin } from "../../lang/scalar/purpose.ts";
import { narrowTools, type ToolBounds, widerTools } from "../identity/bounds.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import { type Authority, authorityOf, type Hop } from "../identity/chain.ts";
import type { GrantAsk, Members, TaskAsk } from "./asking.ts";

/** Tools that the service asks for itself; what a policy says of them decides. No tool of an MCP server has a colon. */
export const START_TOOL = "writ:start_task";
export const CONTINUE_TOOL = "writ:continue_task";

export interface Terms {
  readonly scope: readonly string[];
  readonly purpose?: string;
  /** Missing = any: the task has no sequence, and nobody named any. */
  readonly tools?: ToolBounds;
  readonly depth: number;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export type Termed =
  | { readonly ok: true; readonly terms: Terms }
  | { readonly ok: false; readonly refusal: DelegationRefusal };

/** `hops`: what the agent holds, root first; none where it holds no more than a principal's name. */
export function termsOf(
  ask: TaskAsk,
  task: TaskDecl,
  program: Program,
  hops: readonly Hop[],
  nowMs: number,
): Termed {
  const held = authorityOf(hops);
  const issuedAtMs = Math.floor(nowMs / 1_000) * 1_000;
  const expiresAtMs = issuedAtMs + ask.grant.lastsMs;
  const tools = toolsOf(ask.grant, task, program, held);
  if ("ok" in tools) return { ok: false, refusal: tools };
  const purpose = ask.purpose ?? narrower(task.purpose, held.purpose);
  const refusal =
    outside(purpose, task.purpose, "the task's") ??
    outside(purpose, held.purpose, "the delegation's") ??
    wider(ask.grant, held, expiresAtMs);
  if (refusal !== undefined) return { ok: false, refusal };
  return {
    ok: true,
    terms: {
      scope: ask.grant.scope ?? scopeFor(tools.named, program, held),
      ...(purpose === undefined ? {} : { purpose }),
      ...(tools.named === undefined ? {} : { tools: tools.named }),
      depth: ask.grant.depth,
      issuedAtMs,
      expiresAtMs,
    },
  };
}

/** As rules read them, beside purpose, plan and chain, which stand where they do in every request. */
export function argumentsOf(
  { task, grant }: TaskAsk,
  { scope, tools, depth }: Pick<Terms, "scope" | "tools" | "depth">,
): Members {
  const bounded = new Map([...(tools ?? [])].filter(([, bounds]) => bounds.size > 0));
  return {
    task,
    lasts: spellDuration(grant.lastsMs),
    depth,
    scope,
    holder: grant.key.thumbprint,
    ...(tools === undefined ? {} : { tools: [...tools.keys()] }),
    ...(bounded.size === 0 ? {} : { bounds: boundsJson(bounded) }),
  };
}

/** As links have them. */
export function boundsJson(tools: ToolBounds): Members {
  return Object.fromEntries([...tools].map(([name, args]) => [name, Object.fromEntries(args)]));
}

/** The narrower of two of which one is within the other; the first where neither is, which is refused then. */
function narrower(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return purposeWithin(other, one) ? other : one;
}

function outside(
  purpose: string | undefined,
  wanted: string | undefined,
  whose: string,
): DelegationRefusal | undefined {
  if (purpose === undefined || wanted === undefined || purposeWithin(purpose, wanted)) {
    return undefined;
  }
  const why = `purpose \`${purpose}\` is not within ${whose}, \`${wanted}\``;
  return refuseDelegation("purpose_outside", why);
}

function wider(
  { scope, depth }: GrantAsk,
  held: Authority,
  expiresAtMs: number,
): DelegationRefusal | undefined {
  const added = held.scope && scope?.find((word) => !held.scope?.has(word));
  if (added !== undefined) return refuseDelegation("scope_widened", `the grant adds \`${added}\``);
  if (held.depth !== undefined && depth > held.depth) {
    const why = `the grant leaves ${depth} further hops, of at most ${held.depth}`;
    return refuseDelegation("depth_widened", why);
  }
  if (held.expiresAtMs !== undefined && expiresAtMs > held.expiresAtMs) {
    return refuseDelegation("expiry_widened", "the grant lasts longer than the delegation");
  }
  return undefined;
}

/** Those of the task's sequence that the agent holds, within the bounds of both; what is asked for may name fewer. */
function toolsOf(
  { tools: asked }: GrantAsk,
  task: TaskDecl,
  program: Program,
  held: Authority,
): { readonly named: ToolBounds | undefined } | DelegationRefusal {
  const own = toolsIn(task, program);
  const outer = own === undefined ? held.tools : among(own, held.tools);
  if (asked === undefined || outer === undefined) return { named: asked ?? outer };
  const widened = widerTools(asked, outer);
  if (widened !== undefined) return refuseDelegation("tools_widened", `the grant: ${widened}`);
  return { named: narrowTools(outer, asked) };
}

/** Names of all tools that its sequence has a step of; `undefined` where it has none. */
function toolsIn({ sequence }: TaskDecl, { tools }: Program): ReadonlySet<string> | undefined {
  if (sequence === undefined) return undefined;
  const indexes = sequence.positions.flatMap((position) => position.tools);
  return new Set(indexes.flatMap((index) => tools[index]?.wire ?? []));
}

function among(own: ReadonlySet<string>, held: ToolBounds | undefined): ToolBounds {
  if (held === undefined) return new Map([...own].map((name) => [name, new Map()]));
  return new Map([...held].filter(([name]) => own.has(name)));
}

/** What these tools ask for, as far as the agent has it. */
function scopeFor(
  named: ToolBounds | undefined,
  { tools }: Program,
  held: Authority,
): readonly string[] {
  const used = named === undefined ? tools : tools.filter(({ wire }) => named.has(wire));
  const words = new Set(used.flatMap(({ scope }) => scope));
  return [...words].filter((word) => held.scope?.has(word) ?? true).sort();
}
