/** What an allowed call must be done with (SPEC §6.4): many obligations become the most restrictive ones. */
import type { Obligation } from "../lang/ir.ts";
import { spellDuration } from "../lang/scalar/duration.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { GivenObligation } from "./decision.ts";

type Credential = Extract<Obligation, { type: "credential" }>;
type Log = Extract<Obligation, { type: "log" }>;
type Custom = Extract<Obligation, { type: "custom" }>;

/** In the order credential, redact, log, notify, others; whatever order they are given in. */
export function mergeObligations(given: readonly Obligation[]): readonly GivenObligation[] {
  const merged: WithoutId[] = [
    ...mergeCredentials(given.filter((one): one is Credential => one.type === "credential")),
    ...mergeRedactions(given.flatMap((one) => (one.type === "redact" ? one.paths : []))),
    ...mergeLogs(given.filter((one): one is Log => one.type === "log")),
    ...mergeNotices(given.flatMap((one) => (one.type === "notify" ? one.whom : []))),
    ...mergeCustom(given.filter((one): one is Custom => one.type === "custom")),
  ];
  return Object.freeze(
    merged.map((one, index) => Object.freeze({ id: `o${index + 1}`, ...one }) as GivenObligation),
  );
}

type WithoutId = { readonly type: string };

/** The shortest life, and only the scopes that all of them grant. */
function mergeCredentials(credentials: readonly Credential[]): readonly WithoutId[] {
  const [first, ...others] = credentials;
  if (first === undefined) return [];
  const scope = first.scope.filter((item) => others.every((other) => other.scope.includes(item)));
  const ttlMs = Math.min(...credentials.map((credential) => credential.ttlMs));
  return [{ type: "credential", scope: sorted(scope), ttl: spellDuration(ttlMs) } as WithoutId];
}

function mergeRedactions(paths: readonly string[]): readonly WithoutId[] {
  return paths.length === 0 ? [] : [{ type: "redact", paths: sorted(paths) } as WithoutId];
}

const LOG_LEVELS = ["none", "summary", "full"] as const;

function mergeLogs(logs: readonly Log[]): readonly WithoutId[] {
  if (logs.length === 0) return [];
  const highest = Math.max(...logs.map(({ level }) => LOG_LEVELS.indexOf(level)));
  return [{ type: "log", level: LOG_LEVELS[highest] } as WithoutId];
}

function mergeNotices(whom: readonly string[]): readonly WithoutId[] {
  return whom.length === 0 ? [] : [{ type: "notify", whom: sorted(whom) } as WithoutId];
}

/** Each different value once. */
function mergeCustom(customs: readonly Custom[]): readonly WithoutId[] {
  const different = new Map(
    customs.map((custom) => [canonicalJson([custom.name, custom.value]), custom]),
  );
  return [...different]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { name, value }]) => ({ type: name, value }) as WithoutId);
}

function sorted(texts: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(texts)].sort());
}
