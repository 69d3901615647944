import { parseDuration } from "../../lang/scalar/duration.ts";
import { parseTime } from "../../lang/scalar/time.ts";
import { type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { painter, printable } from "../terminal.ts";
import { showDetail } from "./detail.ts";
import { type ReadRecord, readLog, warnOf } from "./reading.ts";
import { partiesOf, showTree } from "./tree.ts";

const SHOWN_MOST = 1_000;

/** Who did this: from the person over each agent to the call. */
export async function show(input: Input, io: Io): Promise<ExitCode> {
  const [, file] = input.positionals;
  const isWanted = filterFrom(input);
  const most = limitFrom(input);
  const decisions: ReadRecord[] = [];
  const others: ReadRecord[] = [];
  const outcomes = new Map<string, ReadRecord>();
  let left = 0;
  const verification = await readLog(file, input, io, (record) => {
    if (record.kind === "outcome" && record.settlement === "settled") {
      outcomes.set(String(record.call), record);
    }
    if (record.kind === "operator" && isWanted(record)) others.push(record);
    if (record.kind !== "decision" || !isWanted(record)) return;
    decisions.push(record);
    if (decisions.length > 2 * most) left += decisions.splice(0, decisions.length - most).length;
  });
  if (decisions.length > most) left += decisions.splice(0, decisions.length - most).length;
  const shown = decisions.map((record) => {
    const outcome = outcomes.get(String(record.call));
    return outcome === undefined ? record : { ...record, outcome };
  });
  const isMissing = input.values.has("call") && shown.length === 0;
  if (input.json) {
    const { ok, findings } = verification;
    io.out(
      `${JSON.stringify({ ok, findings, left, decisions: shown, operators: others }, null, 2)}\n`,
    );
    return ok && !isMissing ? 0 : 1;
  }
  io.out(showTree(shown, others, io));
  if (isMissing)
    io.err(`no call or decision is \`${printable(input.values.get("call") ?? "")}\`\n`);
  const [one] = shown;
  if (input.values.has("call") && one !== undefined) io.out(`\n${showDetail(one, painter(io))}`);
  if (left > 0) io.err(`${left} earlier ones are left out: \`--limit 0\` shows all\n`);
  return warnOf(verification, io) && !isMissing ? 0 : 1;
}

type Filter = (record: ReadRecord) => boolean;

function filterFrom({ values }: Input): Filter {
  const filters: Filter[] = [];
  const add = (name: string, filter: (wanted: string) => Filter) => {
    const wanted = values.get(name);
    if (wanted !== undefined) filters.push(filter(wanted));
  };
  add("principal", (wanted) => (record) => partiesOf(record)[0]?.id === wanted);
  add("agent", (wanted) => (record) => partiesOf(record).some(({ id }) => id === wanted));
  add(
    "session",
    (wanted) => (record) => idIn(record.session) === wanted || sessionOf(record) === wanted,
  );
  add("tool", (wanted) => (record) => nameIn(record.tool) === wanted);
  add("call", (wanted) => (record) => record.call === wanted || record.id === wanted);
  add("decision", (wanted) => {
    if (!["allow", "deny", "hold"].includes(wanted)) {
      throw new Misuse(`\`--decision\` is allow, deny or hold, not \`${wanted}\``);
    }
    return (record) => record.decision === wanted;
  });
  add("since", (wanted) => {
    const fromMs = sinceMs(wanted);
    return (record) => {
      const at = parseTime(String(record.at));
      return at.ok && at.value >= fromMs;
    };
  });
  return (record) => filters.every((filter) => filter(record));
}

function sinceMs(text: string): number {
  const span = parseDuration(text);
  if (span.ok) return Date.now() - span.value;
  const time = parseTime(text);
  if (time.ok) return time.value;
  throw new Misuse(`\`--since ${text}\` is neither a time nor a span`, "such as 2026-01-02 or 24h");
}

function limitFrom({ values }: Input): number {
  const given = values.get("limit");
  if (given === undefined) return SHOWN_MOST;
  if (!/^\d{1,9}$/.test(given)) throw new Misuse(`\`--limit\` is a number, not \`${given}\``);
  return Number(given) === 0 ? Number.POSITIVE_INFINITY : Number(given);
}

/** Of what an operator did. */
function sessionOf({ details }: ReadRecord): unknown {
  return typeof details === "object" && details !== null && "session" in details
    ? details.session
    : undefined;
}

function idIn(part: unknown): unknown {
  return typeof part === "object" && part !== null && "id" in part ? part.id : undefined;
}

function nameIn(part: unknown): unknown {
  return typeof part === "object" && part !== null && "name" in part ? part.name : undefined;
}
