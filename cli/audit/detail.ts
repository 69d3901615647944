/** What stands in the record of one decision, below its place in the tree: why, on what grounds, by which policy. */
import { type Paint, printable, table } from "../terminal.ts";
import type { ReadRecord } from "./reading.ts";

export function showDetail(record: ReadRecord, paint: Paint): string {
  const rows = [
    ["because", text(record.because)],
    ["rules", all(record.rules, ruleText)],
    ["wrong", all(record.wrong, text)],
    ["undecided", all(record.errors, (one) => `${one.rule} (${one.at}): ${one.cause}`)],
    ["purpose", text(record.purpose)],
    ["delegation", delegationText(record)],
    ["tokens", all(record.tokens, text)],
    ["approved by", all(record.approvals, (one) => text(one.by))],
    ["session", text(at(record.session, "id"))],
    ["task", text(record.task)],
    ["counters", all(record.counters, (one) => `${one.name} ${text(one.value)}`)],
    ["latches", all(record.latches, (one) => `${one.name} ${text(one.value)}`)],
    ["origins", all(record.origins, text)],
    ["obligations", all(record.obligations, ({ id: _, ...one }) => text(one))],
    ["fields", text(record.fields)],
    ["outcome", outcomeText(record.outcome)],
    ["policy", `${at(record.policy, "package")} ${at(record.policy, "digest")}`],
    ["request", text(record.request)],
  ];
  const said = rows.filter(([, value]) => value !== "");
  return table(said.map(([name = "", value = ""]) => [paint("dim", name), printable(value)]));
}

type Json = Readonly<Record<string, unknown>>;

function ruleText({ effect, rule, at: place, indeterminate }: Json): string {
  const unsure = indeterminate === true ? ", could not be decided" : "";
  return `${effect} ${rule} (${place}${unsure})`;
}

function delegationText({ chain, verified }: ReadRecord): string {
  const hops = all(chain, ({ from, to, scope }) => {
    const narrowed = Array.isArray(scope) ? ` for ${scope.join(" ") || "nothing"}` : "";
    return `${at(from, "id")} → ${at(to, "id")}${narrowed}`;
  });
  return hops === "" ? "" : `${verified === true ? "verified" : "not verified"}: ${hops}`;
}

function outcomeText(outcome: unknown): string {
  return isJson(outcome) ? `${outcome.status} at ${outcome.at}` : "";
}

/** Each of a list, as `spell` says it. */
function all(value: unknown, spell: (one: Json) => string): string {
  if (!Array.isArray(value)) return "";
  return value.map((one) => (isJson(one) ? spell(one) : text(one))).join(", ");
}

function text(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function at(value: unknown, member: string): unknown {
  return isJson(value) ? value[member] : undefined;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
