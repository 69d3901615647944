/**
 * OAuth access tokens (RFC 9068) with actors (RFC 8693 §4.1). `act` nests with the current actor outermost.
 * Prior actors are what the issuer tells of the past: RFC 8693 gives them for information, and a rule on the
 * depth of such a chain is Writ's own.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject, type Problem, readId, report, wrong } from "../value-reader.ts";
import { HOPS_MOST } from "./chain.ts";
import { type GrantClaims, readScope, readTexts } from "./claims.ts";
import { agentKind, type Issuer, subjectKind } from "./issuer.ts";
import { readKey, type TrustedKey } from "./jwk.ts";
import type { VouchedFacts, VouchedParty } from "./vouched.ts";

export function readAccessToken(
  claims: JsonObject,
  issuer: Issuer,
  problems: Problem[],
): GrantClaims | undefined {
  const names = issuer.claims;
  const subject = readId(claims.sub, "/sub", problems);
  const client = readId(claims[names.client], `/${names.client}`, problems);
  if (claims.iat === undefined) report(problems, "/iat", "is missing");
  // RFC 9068 wants one; issuers that call their tokens something else often have none.
  if (issuer.types.has("at+jwt") && claims.jti === undefined)
    report(problems, "/jti", "is missing");
  if (subject === undefined || client === undefined) return undefined;
  const named = claims.act === undefined ? [client] : readActors(claims.act, issuer, problems);
  return grantOf(claims, subject, named, [client], issuer, problems);
}

/** A subject that is its own only actor acts for itself. */
export function grantOf(
  claims: JsonObject,
  subject: string,
  named: readonly string[],
  clients: readonly string[],
  issuer: Issuer,
  problems: Problem[],
): GrantClaims {
  const id = issuer.prefix + subject;
  const prefixed = named.map((actor) => issuer.prefix + actor);
  const own = [...prefixed, ...clients.map((client) => issuer.prefix + client)];
  const root = { id, kind: subjectKind(id, claims, own, issuer) };
  const isOwn = prefixed.length === 1 && prefixed[0] === id;
  const handsOn = readConfirmation(claims.cnf, problems);
  return {
    kind: "grant",
    root,
    actors: isOwn ? [] : prefixed.map((actor): VouchedParty => party(actor, issuer)),
    scope: readScope(claims[issuer.claims.scope], `/${issuer.claims.scope}`, problems),
    facts: readFacts(claims, issuer, problems),
    ...(handsOn === undefined ? {} : { handsOn }),
  };
}

function party(id: string, issuer: Issuer): VouchedParty {
  return { id, kind: agentKind(id, issuer) };
}

/** Earliest first. Too many are refused, never cut off. */
export function readActors(act: JsonValue, issuer: Issuer, problems: Problem[]): readonly string[] {
  const actors: string[] = [];
  let at = "/act";
  for (let next: JsonValue | undefined = act; next !== undefined; at += "/act") {
    if (actors.length === HOPS_MOST) {
      report(problems, at, `is one actor more than the ${HOPS_MOST} that a chain may have`);
      return [];
    }
    if (!isObject(next)) return wrong(problems, at, "an object", next) ?? [];
    const { sub, iss, act: before } = next as JsonObject;
    if (iss !== undefined && iss !== issuer.name) {
      report(problems, `${at}/iss`, "is another issuer, whose names this one cannot vouch for");
    }
    const actor = readId(sub, `${at}/sub`, problems);
    if (actor !== undefined) actors.unshift(actor);
    next = before;
  }
  return actors;
}

function readFacts(claims: JsonObject, issuer: Issuer, problems: Problem[]): VouchedFacts {
  const name = issuer.claims.groups;
  if (claims[name] === undefined) return {};
  const groups = readTexts(claims[name], `/${name}`, problems);
  return groups === undefined ? {} : { groups };
}

/** `cnf.jwk` (RFC 7800). A thumbprint alone (`jkt`) names a key that no link could be verified with. */
export function readConfirmation(
  cnf: JsonValue | undefined,
  problems: Problem[],
): TrustedKey | undefined {
  if (!isObject(cnf)) return undefined;
  if (cnf.jwk === undefined) return undefined;
  const read = readKey(cnf.jwk);
  return read.ok ? read.key : report(problems, "/cnf/jwk", `is no key to hand on to: ${read.why}`);
}
