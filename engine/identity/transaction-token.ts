/**
 * Transaction tokens (draft-ietf-oauth-transaction-tokens, 2026-07) and their profile for agents
 * (draft-araut-oauth-transaction-tokens-for-agents-02). `txn_path` is in the order of the hand-overs, unlike
 * `act`.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject, type Problem, readId, report, wrong } from "../value-reader.ts";
import { grantOf, readActors } from "./access-token.ts";
import { type GrantClaims, readTexts } from "./claims.ts";
import type { Issuer } from "./issuer.ts";

/** Names of earlier drafts, which mean something else or nothing today. */
const FORMER = ["purp", "purpose", "azd", "actor", "principal"] as const;

export function readTransactionToken(
  claims: JsonObject,
  issuer: Issuer,
  problems: Problem[],
): GrantClaims | undefined {
  for (const name of ["iat", "txn", "scope", "req_wl"] as const) {
    if (claims[name] === undefined) report(problems, `/${name}`, "is missing");
  }
  for (const name of FORMER) {
    if (claims[name] !== undefined) report(problems, `/${name}`, "is a claim of an earlier draft");
  }
  const subject = readId(claims.sub, "/sub", problems);
  const actors = readAllActors(claims, issuer, problems);
  if (subject === undefined) return undefined;
  // Without an actor, whoever it is about acts itself.
  const named = actors.length === 0 ? [subject] : actors;
  return grantOf(claims, subject, named, [], issuer, problems);
}

/** Said once, or the same twice. */
function readAllActors(
  { act, agentic_ctx: context }: JsonObject,
  issuer: Issuer,
  problems: Problem[],
): readonly string[] {
  const acting = act === undefined ? [] : readActors(act, issuer, problems);
  const path = context === undefined ? [] : readPath(context, problems);
  if (acting.length === 0 || path.length === 0) return acting.length === 0 ? path : acting;
  const isSame =
    acting.length === 1
      ? acting[0] === path.at(-1)
      : acting.length === path.length && acting.every((actor, index) => actor === path[index]);
  if (!isSame) report(problems, "/act", "is not who `agentic_ctx` says the actors are");
  return path;
}

function readPath(context: JsonValue, problems: Problem[]): readonly string[] {
  if (!isObject(context)) return wrong(problems, "/agentic_ctx", "an object", context) ?? [];
  const { chain_metadata: chain, current_actor: current, originator } = context as JsonObject;
  if (chain === undefined) return [];
  const at = "/agentic_ctx/chain_metadata";
  if (!isObject(chain)) return wrong(problems, at, "an object", chain) ?? [];
  const { txn_path: given, hop_count: count } = chain as JsonObject;
  const path = readTexts(given, `${at}/txn_path`, problems) ?? [];
  for (const [index, actor] of path.entries()) {
    readId(actor, `${at}/txn_path/${index}`, problems);
  }
  if (count !== path.length) report(problems, `${at}/hop_count`, "is not the length of the path");
  checkWorkload(current, path.at(-1), "/agentic_ctx/current_actor", problems);
  checkWorkload(originator, path[0], "/agentic_ctx/originator", problems);
  return path;
}

function checkWorkload(
  described: JsonValue | undefined,
  actor: string | undefined,
  at: string,
  problems: Problem[],
): void {
  if (described === undefined) return;
  const identity = isObject(described) ? described.identity : undefined;
  const id = isObject(identity) ? identity.workload_id : undefined;
  if (id !== actor) report(problems, `${at}/identity/workload_id`, "is not where the path has it");
}
