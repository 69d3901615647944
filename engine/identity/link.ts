/**
 * Delegation links (SPEC §15.2): one signed hop each, bound to the one before by its hash and by the key it
 * hands on.
 */

import type { JsonObject, JsonValue } from "../json.ts";
import {
  isObject,
  onlyMembers,
  optionally,
  type Problem,
  readId,
  report,
  wrong,
} from "../value-reader.ts";
import { readToolBounds } from "./bounds.ts";
import { HOPS_MOST } from "./chain.ts";
import { type LinkClaims, readTexts } from "./claims.ts";
import { readKey, type TrustedKey } from "./jwk.ts";
import { parseSpiffeId } from "./spiffe.ts";

export const LINK_TYPE = "writ-link+jwt";

const MEMBERS = [
  "iss",
  "parent",
  "from",
  "to",
  "scope",
  "purpose",
  "tools",
  "aud",
  "iat",
  "exp",
  "depth",
  "cnf",
  "jti",
  "task",
] as const;

export function readLink(claims: JsonObject, problems: Problem[]): LinkClaims | undefined {
  onlyMembers(claims, MEMBERS, "", problems);
  for (const name of ["iat", "jti"] as const) {
    if (claims[name] === undefined) report(problems, `/${name}`, "is missing");
  }
  const from = readId(claims.from, "/from", problems);
  const to = readId(claims.to, "/to", problems);
  const scope = readTexts(claims.scope, "/scope", problems);
  const purpose = optionally(readId, claims.purpose, "/purpose", problems);
  if (claims.tools !== undefined) readToolBounds(claims.tools, "/tools", problems);
  const depth = readDepth(claims.depth, problems);
  const parent = readParent(claims, problems);
  const handsOn = readHandsOn(claims.cnf, problems);
  const task = optionally((json) => readTask(json, claims, problems), claims.task, "", problems);
  if (from === undefined || to === undefined || scope === undefined) return undefined;
  if (depth === undefined || handsOn === undefined) return undefined;
  return {
    kind: "link",
    from,
    to,
    scope,
    depth,
    handsOn,
    ...(purpose === undefined ? {} : { purpose }),
    ...(claims.tools === undefined ? {} : { tools: claims.tools }),
    ...(parent === undefined ? {} : { parent }),
    ...(task === undefined ? {} : { task }),
  };
}

/** Stands in a first link alone, and its id ends in the link's own name: what revokes the one revokes the other. */
function readTask(
  json: unknown,
  { parent, jti }: JsonObject,
  problems: Problem[],
): LinkClaims["task"] {
  if (!isObject(json)) return wrong(problems, "/task", "an object", json);
  const given = onlyMembers(json, ["id", "name"], "/task", problems);
  const id = readId(given.id, "/task/id", problems);
  const name = readId(given.name, "/task/name", problems);
  if (id === undefined || name === undefined) return undefined;
  if (parent !== undefined) return report(problems, "/task", "stands in a first link alone");
  const read = parseSpiffeId(id);
  if (read.ok && read.path === `/task/${jti}`) return { id, name };
  return report(problems, "/task/id", "is no SPIFFE ID `spiffe://…/task/` and the link's `jti`");
}

function readDepth(json: JsonValue | undefined, problems: Problem[]): number | undefined {
  if (typeof json === "number" && Number.isInteger(json) && json >= 0 && json < HOPS_MOST) {
    return json;
  }
  return wrong(problems, "/depth", `a whole number from 0 to ${HOPS_MOST - 1}`, json);
}

/** A first link names its issuer, every other one the token before it. */
function readParent({ iss, parent }: JsonObject, problems: Problem[]): string | undefined {
  if ((iss === undefined) === (parent === undefined)) {
    return report(problems, "/parent", "stands where `iss` does not, and only there");
  }
  if (parent === undefined) return undefined;
  if (typeof parent === "string" && /^[A-Za-z0-9_-]{43}$/.test(parent)) return parent;
  return wrong(problems, "/parent", "a SHA-256 hash in base64url", parent);
}

function readHandsOn(cnf: JsonValue | undefined, problems: Problem[]): TrustedKey | undefined {
  if (!isObject(cnf)) return wrong(problems, "/cnf", "an object", cnf);
  const read = readKey(onlyMembers(cnf, ["jwk"], "/cnf", problems).jwk);
  return read.ok ? read.key : report(problems, "/cnf/jwk", `is no key to hand on to: ${read.why}`);
}
