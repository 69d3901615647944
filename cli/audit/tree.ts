/** Decisions as a tree: the person at the root, agents as they passed the task on, calls as leaves. */
import { count, type Paint, painter, printable, type Style } from "../terminal.ts";
import type { ReadRecord } from "./reading.ts";

export interface RecordedParty {
  readonly id: string;
  readonly kind?: string;
  /** Only somebody says so: the delegation did not hold. */
  readonly claimed?: true;
}

type Json = Readonly<Record<string, unknown>>;

/** From whom the task came to who calls; one alone where the agent acts for itself. */
export function partiesOf(record: ReadRecord): readonly RecordedParty[] {
  const hops = list(record.chain);
  const agent = partyIn(record.agent);
  const principal = partyIn(record.principal);
  const [first] = hops;
  const chain =
    first === undefined ? [] : [partyOf(first, "from"), ...hops.map((hop) => partyOf(hop, "to"))];
  const all = chain.length > 0 ? [...chain, agent] : [principal, agent];
  const known = all.filter((party) => party !== undefined);
  // The last of the chain is the agent itself, unless the chain does not hold.
  return known.filter(({ id }, at) => id !== known[at + 1]?.id);
}

interface Node {
  readonly party: RecordedParty;
  /** By their ids: parties of one id may be of several kinds. */
  readonly nodes: Map<string, Node[]>;
  readonly calls: ReadRecord[];
}

export function showTree(
  decisions: readonly ReadRecord[],
  operators: readonly ReadRecord[],
  io: { readonly color: boolean },
): string {
  const paint = painter(io);
  const root: Node = nodeOf({ id: "" });
  // Of what kind they are says only who was decided about.
  const decided = decisions.filter(({ code }) => code !== "invalid_request");
  for (const decision of decided) leafOf(partiesOf(decision), root);
  for (const decision of decisions) leafOf(partiesOf(decision), root).calls.push(decision);
  const trees = [...root.nodes.values()]
    .flat()
    .map((node) => `${head(node, paint)}\n${branch(node, "", paint)}`);
  const acts = operators.map((record) => operatorLine(record, paint));
  const said = `${count(decisions.length, "decision")}${operators.length === 0 ? "" : `, ${count(operators.length, "act")} of operators`}\n`;
  return [...trees, ...(acts.length === 0 ? [] : [acts.join("")]), said].join("\n");
}

function nodeOf(party: RecordedParty): Node {
  return { party, nodes: new Map(), calls: [] };
}

/** Where calls of the last of them stand; made where it is not there. */
function leafOf(parties: readonly RecordedParty[], root: Node): Node {
  const named = parties.length === 0 ? [{ id: "nobody named" }] : parties;
  return named.reduce(nodeIn, root);
}

/** Whoever has no kind is the one of that id, if there is one alone. */
function nodeIn({ nodes }: Node, party: RecordedParty): Node {
  const { id, kind, claimed } = party;
  const ofId = nodes.get(id) ?? [];
  const same = ofId.filter((node) => node.party.claimed === claimed);
  const only = kind === undefined && same.length === 1 ? same[0] : undefined;
  const found = same.find((node) => node.party.kind === kind) ?? only;
  if (found !== undefined) return found;
  const made = nodeOf(party);
  nodes.set(id, [...ofId, made]);
  return made;
}

function head({ party: { id, kind, claimed } }: Node, paint: Paint): string {
  const what = claimed ? "as claimed" : kind;
  const said = what === undefined ? "" : paint("dim", ` (${printable(what)})`);
  return `${paint("bold", printable(id))}${said}`;
}

function branch({ nodes, calls }: Node, before: string, paint: Paint): string {
  const branches = [...nodes.values()].flat();
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

function partyOf(hop: Json, end: "from" | "to"): RecordedParty | undefined {
  const party = partyIn(hop[end]);
  return hop.claimed === true && party !== undefined ? { ...party, claimed: true } : party;
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
