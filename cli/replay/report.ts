/** Replays as people read them. */
import type { Decision } from "../../engine/decision.ts";
import { count, type Paint, printable, table } from "../terminal.ts";
import type { Joined } from "./agentdojo.ts";
import type { AttackRow, Finding, FoundCall, HarmlessRow, Score } from "./score.ts";

export function scoreText(
  { attacks, harmless }: Score,
  joined: ReadonlyMap<string, Joined>,
  paint: Paint,
): string {
  const parts: string[] = [];
  if (attacks.length > 0)
    parts.push(heading("Attacks that had succeeded", paint) + attackTable(attacks));
  if (harmless.length > 0) parts.push(heading("Harmless work", paint) + harmlessTable(harmless));
  const notes = [...unmarkedNote(attacks), ...joinedNotes(joined)];
  if (notes.length > 0) parts.push(notes.map((note) => paint("dim", `${note}\n`)).join(""));
  return parts.join("\n");
}

function heading(text: string, paint: Paint): string {
  return `${paint("bold", text)}\n`;
}

function attackTable(rows: readonly AttackRow[]): string {
  const head = [
    "suite",
    "model",
    "attack",
    "stopped",
    "",
    "denied",
    "held",
    "failed ones stopped",
    "useful runs untouched",
  ];
  const body = rows.map((row) => [
    row.suite,
    printable(row.model),
    printable(row.attack),
    `${row.stopped}/${row.succeeded}`,
    percent(row.stopped, row.succeeded),
    String(row.denied),
    String(row.stopped - row.denied),
    `${row.attemptsStopped}/${row.attempts}`,
    `${row.usefulUntouched}/${row.useful}`,
  ]);
  return table([head, ...body], "lllrrrrrr");
}

const NAMES: Readonly<Record<HarmlessRow["kind"], string>> = {
  plan: "ground-truth plans",
  benign: "benign runs",
  "own request": "attacker's goal, as the owner's request",
  "goal as plan": "the same, ground truth",
};

function harmlessTable(rows: readonly HarmlessRow[]): string {
  const head = ["suite", "work", "model", "untouched", "", "held", "denied"];
  const body = rows.map((row) => [
    row.suite,
    NAMES[row.kind],
    printable(row.model),
    `${row.untouched}/${row.runs}`,
    percent(row.untouched, row.runs),
    String(row.held),
    String(row.denied),
  ]);
  return table([head, ...body], "lllrrrr");
}

/** Rounded down: 100 % is all of them. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${(Math.floor((part / whole) * 1_000) / 10).toFixed(1)} %`;
}

function unmarkedNote(rows: readonly AttackRow[]): string[] {
  const unmarked = rows.reduce((sum, row) => sum + row.unmarked, 0);
  if (unmarked === 0) return [];
  return [
    `${count(unmarked, "successful attack")} left out: no call carries what only the attacker asked for (see --verbose)`,
  ];
}

function joinedNotes(joined: ReadonlyMap<string, Joined>): string[] {
  return [...joined].flatMap(([suite, { exact, byTask, none }]) =>
    exact + byTask + none === 0
      ? []
      : [
          `${suite}: outputs of ground-truth calls come from benign runs: ${exact} of the same call, ${byTask} of the same task and tool, ${none} not recorded`,
        ],
  );
}

const CUT = 160;

export function findingText(
  { what, kind, suite, model, attack, run, verdict, utility, calls }: Finding,
  paint: Paint,
): string {
  const where = [suite, kind, model, attack, run].filter(
    (part) => part !== undefined && part !== "",
  );
  const colour = what === "missed attack" ? "red" : "yellow";
  const useful = utility === false ? ", task not done in the recording" : "";
  const label = what === "touched" ? verdict : what;
  const head = `${paint(colour, label)}  ${printable(where.join(" · "))}${useful}\n`;
  return head + calls.map((call) => callText(call, paint)).join("");
}

export function callText(
  { tool, args, decision, code, rules, because }: FoundCall,
  paint: Paint,
): string {
  const shown = cut(`${tool} ${JSON.stringify(args)}`);
  const why = [code, ...rules].filter((part) => part !== undefined).join(", ");
  const reason = because === undefined ? "" : paint("dim", `  ${cut(because)}`);
  return `    ${paintDecision(decision, paint)} ${shown}\n          ${why}${reason}\n`;
}

export function paintDecision(decision: Decision["decision"], paint: Paint): string {
  const colour = decision === "allow" ? "green" : decision === "hold" ? "yellow" : "red";
  return paint(colour, decision.padEnd(5));
}

export function cut(text: string, most = CUT): string {
  const safe = printable(text);
  return safe.length <= most ? safe : `${safe.slice(0, most)}…`;
}

export function moreText(more: number): string {
  return more > 0 ? `… and ${more} more (--limit 0 lists all)\n` : "";
}

/** The outcome of a recorded call that the policy called `whose` cannot read, as `Misuse` says it. */
export function unreadText(name: string, whose: "POLICY" | "OTHER", why: string): string {
  return `${name}: ${whose} cannot read what came of it: ${why}`;
}

export function unseenText(unseenCount: number): string {
  return `${count(unseenCount, "output")} of calls that are no request here could not be labelled`;
}
