/** A chain of hops as a tree: who holds it, and what each hop left out of what it was given. */

import type { Bound, ToolBounds } from "../engine/identity/bounds.ts";
import type { Hop } from "../engine/identity/chain.ts";
import type { VouchedHop } from "../engine/identity/vouched.ts";
import { spellTime } from "../lang/scalar/time.ts";
import { type Paint, printable } from "./terminal.ts";

export interface Branch {
  readonly hop: Hop;
  readonly wire: VouchedHop;
  /** What is wrong with it. */
  readonly fault?: string | undefined;
}

/** `kinds` where a configuration has told them. */
export function showChain(branches: readonly Branch[], kinds: boolean, paint: Paint): string {
  const [first] = branches;
  if (first === undefined) return "";
  const name = ({ id, kind }: VouchedHop["from"]) =>
    `${paint("bold", printable(id))}${kinds ? ` (${kind})` : ""}`;
  const lines = [name(first.wire.from)];
  for (const [index, { hop, wire, fault }] of branches.entries()) {
    const pad = "   ".repeat(index);
    lines.push(`${pad}└─ ${name(wire.to)}`);
    const said = index === 0 ? grants(hop) : narrows(hop, branches.slice(0, index));
    for (const line of said)
      lines.push(`${pad}   ${index === 0 ? "" : paint("dim", "narrows ")}${line}`);
    if (said.length === 0) lines.push(`${pad}   ${paint("dim", "narrows nothing")}`);
    if (fault !== undefined) lines.push(`${pad}   ${paint("red", `✗ ${printable(fault)}`)}`);
  }
  return `${lines.join("\n")}\n`;
}

function grants(hop: Hop): readonly string[] {
  const { scope, purpose, tools, audience, depth, expiresAtMs } = hop;
  return [
    `scope ${words(scope)}`,
    ...(purpose === undefined ? [] : [`purpose ${printable(purpose)}`]),
    ...(tools === undefined ? [] : [`tools ${spellTools(tools)}`]),
    ...(audience === undefined ? [] : [`for ${words(audience)}`]),
    ...(depth === undefined ? [] : [`may be passed on ${depth} times`]),
    ...(expiresAtMs === undefined ? [] : [`until ${spellTime(expiresAtMs)}`]),
  ];
}

/** Against the last hop before it that said anything of the same. */
function narrows(hop: Hop, before: readonly Branch[]): readonly string[] {
  const last = <Name extends keyof Hop>(name: Name): Hop[Name] | undefined =>
    before.findLast((one) => one.hop[name] !== undefined)?.hop[name];
  const lines: string[] = [];
  const less = (name: string, now: ReadonlySet<string>, then: ReadonlySet<string> | undefined) => {
    const gone = [...(then ?? [])].filter((item) => !now.has(item));
    if (gone.length > 0) lines.push(`${name} to ${words(now)}, without ${words(gone)}`);
    else if (then === undefined) lines.push(`${name} to ${words(now)}`);
  };
  less("scope", hop.scope, last("scope"));
  if (hop.audience !== undefined) less("audience", hop.audience, last("audience"));
  if (hop.purpose !== undefined && hop.purpose !== last("purpose")) {
    lines.push(`purpose to ${printable(hop.purpose)}`);
  }
  if (hop.tools !== undefined) lines.push(`tools to ${spellTools(hop.tools)}`);
  const depth = last("depth");
  if (hop.depth !== undefined && hop.depth !== (depth ?? 0) - 1) {
    lines.push(`further hops to ${hop.depth}`);
  }
  if (hop.expiresAtMs !== undefined && hop.expiresAtMs !== last("expiresAtMs")) {
    lines.push(`time to ${spellTime(hop.expiresAtMs)}`);
  }
  return lines;
}

function words(items: Iterable<string>): string {
  return printable([...items].join(" ")) || "nothing";
}

function spellTools(tools: ToolBounds): string {
  if (tools.size === 0) return "none";
  return [...tools].map(([name, args]) => printable(`${name}${spellArgs(args)}`)).join(", ");
}

function spellArgs(args: ReadonlyMap<string, Bound>): string {
  if (args.size === 0) return "";
  return `(${[...args].map(([name, bound]) => spellBound(name, bound)).join(", ")})`;
}

function spellBound(name: string, { min, max, in: among }: Bound): string {
  const least = min === undefined ? "" : `${min} ≤ `;
  const most = max === undefined ? "" : ` ≤ ${max}`;
  return `${least}${name}${most}${among === undefined ? "" : ` in ${JSON.stringify(among)}`}`;
}
