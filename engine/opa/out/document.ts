/**
 * The document by which an OPA host tells an emitted module what is remembered (SPEC §11.7): `data.writ.state`.
 * What it does not hold is not known, so that rules which need it do not permit: `state_unavailable`, never zero.
 */
import type { Program } from "../../../lang/ir.ts";
import { decimalFromNumber } from "../../../lang/scalar/decimal.ts";
import { parseTime } from "../../../lang/scalar/time.ts";
import type { SessionFacts } from "../../request-reader.ts";
import { sensitivityLevels } from "../../state/sensitivity.ts";
import type { StateView } from "../../state/store.ts";
import { keyOf, type Scalar, type Value } from "../../value.ts";

/** What of the document one decision reads. */
export interface DocumentState {
  /** Missing where the host gives no time. */
  readonly nowMs: number | undefined;
  session(id: string): SessionFacts | undefined;
  view(nowMs: number): StateView;
}

/** Throws where the document is there and cannot be read: part of it may not be taken for all of it. */
export function readDocument(json: unknown, program: Program): DocumentState {
  const { now, sessions, counters, latches } = objectOf(json ?? {}, "data.writ.state", MEMBERS);
  const given = sessionsOf(sessions, program);
  const counted = tablesOf(counters, "counters", program.counters, (value, { type }) => {
    if (!isCount(value)) return undefined;
    if (type === "Int") return value;
    const decimal = decimalFromNumber(value);
    return decimal.ok ? decimal.value : undefined;
  });
  const latched = tablesOf(latches, "latches", program.latches, (value) =>
    typeof value === "boolean" || value === "pending" ? value : undefined,
  );
  return {
    nowMs: now === undefined ? undefined : timeOf(now, "data.writ.state.now"),
    session: (id) => {
      if (given === undefined) throw new Error("the host gives no `data.writ.state.sessions`");
      return given.get(id);
    },
    view: (nowMs) => ({
      nowMs,
      task: undefined,
      counter: (index, key) => read(counted?.[index], key, 0),
      latch: (index, key) => read(latched?.[index], key, false),
      origin: () => "unavailable",
    }),
  };
}

const MEMBERS = ["now", "sessions", "counters", "latches"] as const;
const SESSION_MEMBERS = ["started_at", "interrupted", "labels", "sensitivity"] as const;
const ENTRY_MEMBERS = ["key", "value"] as const;

/** A key that a table does not hold was never counted; of a table that is not there, nothing is known. */
function read<Found>(table: ReadonlyMap<string, Found> | undefined, key: string, never: Found) {
  return table === undefined ? "unavailable" : (table.get(key) ?? never);
}

function sessionsOf(
  json: unknown,
  program: Program,
): ReadonlyMap<string, SessionFacts> | undefined {
  if (json === undefined) return undefined;
  const levels = sensitivityLevels(program);
  const made = new Map<string, SessionFacts>();
  for (const [id, session] of Object.entries(objectOf(json, "data.writ.state.sessions"))) {
    const at = `data.writ.state.sessions[${JSON.stringify(id)}]`;
    const { started_at, interrupted, labels, sensitivity } = objectOf(session, at, SESSION_MEMBERS);
    if (typeof interrupted !== "boolean")
      throw new Error(`${at}.interrupted must be true or false`);
    const level = sensitivity === undefined ? 0 : levels.indexOf(String(sensitivity));
    if (level < 0) throw new Error(`${at}.sensitivity is no level of the policy`);
    made.set(id, {
      startedAtMs: timeOf(started_at, `${at}.started_at`),
      interrupted,
      labels: new Set<Scalar>(textsOf(labels, `${at}.labels`)),
      sensitivity: level,
    });
  }
  return made;
}

/** In the order of the declarations; `undefined` for one that the document does not hold. */
function tablesOf<Declared extends { readonly name: string }, Found>(
  json: unknown,
  name: string,
  declared: readonly Declared[],
  readValue: (json: unknown, declared: Declared) => Found | undefined,
): readonly (ReadonlyMap<string, Found> | undefined)[] | undefined {
  if (json === undefined) return undefined;
  const given = objectOf(json, `data.writ.state.${name}`);
  const unknown = Object.keys(given).find((table) => !declared.some((one) => one.name === table));
  if (unknown !== undefined)
    throw new Error(
      `data.writ.state.${name} names \`${unknown}\`, which the policy does not declare`,
    );
  return declared.map((one) => {
    const table = Object.hasOwn(given, one.name) ? given[one.name] : undefined;
    if (table === undefined) return undefined;
    const at = `data.writ.state.${name}.${one.name}`;
    if (!Array.isArray(table))
      throw new Error(`${at} must be a list of \`{ "key": […], "value": … }\``);
    return new Map(table.map((entry) => entryOf(entry, at, (value) => readValue(value, one))));
  });
}

function entryOf<Found>(
  json: unknown,
  at: string,
  readValue: (json: unknown) => Found | undefined,
): readonly [string, Found] {
  const { key, value } = objectOf(json, at, ENTRY_MEMBERS);
  if (!Array.isArray(key) || !key.every(isScalar))
    throw new Error(`a \`key\` of ${at} must be a list of texts, numbers or booleans`);
  const found = readValue(value);
  if (found === undefined) throw new Error(`a \`value\` of ${at} cannot be read`);
  return [keyOf(key), found];
}

function objectOf<Name extends string>(
  json: unknown,
  at: string,
  members?: readonly Name[],
): Readonly<Partial<Record<Name, unknown>>> {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new Error(`${at} must be an object`);
  const unknown = Object.keys(json).find((name) => members?.every((member) => member !== name));
  if (unknown !== undefined) throw new Error(`${at} has an unknown member \`${unknown}\``);
  return json as Readonly<Partial<Record<Name, unknown>>>;
}

function timeOf(json: unknown, at: string): number {
  const time = typeof json === "string" ? parseTime(json) : undefined;
  if (time?.ok !== true) throw new Error(`${at} must be a time such as "2026-01-02T12:00:00Z"`);
  return time.value;
}

function textsOf(json: unknown, at: string): readonly string[] {
  if (!Array.isArray(json) || !json.every((item) => typeof item === "string"))
    throw new Error(`${at} must be a list of texts`);
  return json;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}

function isScalar(value: Value): value is Scalar {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}
