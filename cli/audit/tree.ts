/** Decisions as a tree: the person at the root, agents as they passed the task on, calls as leaves. */
import { count, type Paint, painter, printable, type Style } from "../terminal.ts";
import type { ReadRecord } from "./reading.ts";

export interface RecordedParty {
  readonly id: string;
  readonly kind?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** From whom the task came to who calls; one alone where the agent acts for itself. */
export function partiesOf(record: ReadRecord): readonly RecordedParty[] {
  const hops = list(record.chain);
  const agent = partyIn(record.agent);
  const principal = partyIn(record.principal);
  const [first] = hops;
  const chain =
    first === undefined ? [] : [partyIn(first.from), ...hops.map(({ to }) => partyIn(to))];
  const all = chain.length > 0 ? [...chain, agent] : [principal, agent];
  const known = all.filter((party) => party !== undefined);
  // The last of the chain is the agent itself, unless the chain does not hold.
  return known.filter(({ id }, at) => id !== known[at - 1]?.id);
}

interface Node {
  readonly party: RecordedParty;
  readonly nodes: Map<string, Node>;
  readonly calls: ReadRecord[];
}

export function showTree(
  decisions: readonly ReadRecord[],
  operators: readonly ReadRecord[],
  io: { readonly color: boolean },
): string {
  const paint = painter(io);
  const root: Node = nodeOf({ id: "" });
  for (const decision of decisions) place(decision, root);
  const trees = [...root.nodes.values()].map(
    (node) => `${head(node, paint)}\n${branch(node, "", paint)}`,
  );
  const acts = operators.map((record) => operatorLine(record, paint));
  const said = `${count(decisions.length, "decision")}${operators.length === 0 ? "" : `, ${count(operators.length, "act")} of operators`}\n`;
  return [...trees, ...(acts.length === 0 ? [] : [acts.join("")]), said].join("\n");
}

function nodeOf(party: RecordedParty): Node {
  return { party, nodes: new Map(), calls: [] };
}

function place(record: ReadRecord, root: Node): void {
  const parties = partiesOf(record);
  const named = parties.length === 0 ? [{ id: "nobody named" }] : parties;
  const leaf = named.reduce((node, party) => {
    const key = `${party.kind ?? ""} ${party.id}`;
    const next = node.nodes.get(key) ?? nodeOf(party);
    node.nodes.set(key, next);
    return next;
  }, root);
  leaf.calls.push(record);
}

function head({ party }: Node, paint: Paint): string {
  const kind = party.kind === undefined ? "" : paint("dim", ` (${printable(party.kind)})`);
  return `${paint("bold", printable(party.id))}${kind}`;
}

function branch({ nodes, calls }: Node, before: string, paint: Paint): string {
  const branches = [...nodes.values()];
  const callLines = calls.map((call, at) => {
    const isLast = at === calls.length - 1 && branches.length === 0;
    return `${before}${isLast ? "└─" : "├─"} ${callLine(call, paint)}\n`;
  });
  const nodeLines = branches.map((node, at) => {
    const isLast = at === branches.length - 1;
    const inner = branch(node, `${before}${isLast ? "   " : "│  "}`, paint);
    return `${before}${isLast ? "└─" : "├─"} ${head(node, paint)}\n${inner}`;
  });
  return [...callLines, ...nodeLines].join("");
}

const STYLES: ReadonlyMap<string, Style> = new Map([
  ["allow", "green"],
  ["deny", "red"],
  ["hold", "yellow"],
]);

function callLine(record: ReadRecord, paint: Paint): string {
  const decision = String(record.decision);
  const style = STYLES.get(decision) ?? "bold";
  const rules = list(record.rules).map(({ rule }) => String(rule));
  const resource = isJson(record.resource)
    ? ` on ${record.resource.type}:${record.resource.id}`
    : "";
  const outcome = isJson(record.outcome) ? ` → ${record.outcome.status}` : "";
  const by = rules.length > 0 ? ` by ${rules.join(", ")}` : "";
  const code = record.code === undefined ? "" : ` ${record.code}`;
  const tool = isJson(record.tool) ? String(record.tool.name) : "?";
  const what = printable(`${code} ${tool}${resource}${by}${outcome}`);
  return `${paint("dim", printable(String(record.at)))} ${paint(style, printable(decision))}${what} ${paint("dim", printable(String(record.call ?? record.id)))}`;
}

function operatorLine({ at, by, action, details }: ReadRecord, paint: Paint): string {
  const what = details === undefined ? "" : ` ${JSON.stringify(details)}`;
  return `${paint("dim", printable(String(at)))} operator ${paint("bold", printable(String(by)))}: ${printable(`${action}${what}`)}\n`;
}

function partyIn(part: unknown): RecordedParty | undefined {
  if (!isJson(part) || typeof part.id !== "string") return undefined;
  return { id: part.id, ...(typeof part.kind === "string" ? { kind: part.kind } : {}) };
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
