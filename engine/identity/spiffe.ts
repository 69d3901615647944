/**
 * SPIFFE IDs and JWT-SVIDs (spiffe/spiffe `standards/`, 2026-07): who a workload is, and nothing of what it may
 * do.
 */
import type { JsonObject } from "../json.ts";
import { type Problem, readId, report } from "../value-reader.ts";
import type { IdentityClaims } from "./claims.ts";
import type { Issuer } from "./issuer.ts";

export type SpiffeId =
  | { readonly ok: true; readonly trustDomain: string; readonly path: string }
  | { readonly ok: false; readonly why: string };

const ID_CHARS_MAX = 2_048;
const TRUST_DOMAIN_CHARS_MAX = 255;

/**
 * Read as strictly as SPIFFE's own libraries: nothing is folded or decoded, so that ids compare by their
 * characters.
 */
export function parseSpiffeId(text: string): SpiffeId {
  if (text.length > ID_CHARS_MAX) return refused(`it is longer than ${ID_CHARS_MAX}`);
  if (!text.startsWith("spiffe://")) return refused("it does not begin with `spiffe://`");
  const rest = text.slice("spiffe://".length);
  const slash = rest.indexOf("/");
  const trustDomain = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  if (!/^[a-z0-9._-]+$/.test(trustDomain) || trustDomain.length > TRUST_DOMAIN_CHARS_MAX) {
    return refused("its trust domain is no name of a-z, 0-9, `.`, `-` and `_`");
  }
  for (const segment of path === "" ? [] : path.slice(1).split("/")) {
    if (segment === "." || segment === ".." || !/^[a-zA-Z0-9._-]+$/.test(segment)) {
      return refused("its path has a part that is empty, `.`, `..` or of other characters");
    }
  }
  return { ok: true, trustDomain, path };
}

function refused(why: string): SpiffeId {
  return { ok: false, why };
}

/** The claims `sub`, `aud` and `exp` are all it needs; `aud` and `exp` are read for every token alike. */
export function readSvid(
  claims: JsonObject,
  issuer: Issuer,
  problems: Problem[],
): IdentityClaims | undefined {
  const id = readId(claims.sub, "/sub", problems);
  if (id === undefined) return undefined;
  const read = parseSpiffeId(id);
  if (!read.ok) return report(problems, "/sub", `is no SPIFFE ID: ${read.why}`);
  if (read.trustDomain !== issuer.name)
    return report(problems, "/sub", "is of another trust domain");
  const { attested } = issuer;
  return { kind: "identity", id, facts: attested === undefined ? {} : { attested } };
}
