/** Whose tokens are accepted, and what is believed of whom they name. */
import { globMatches } from "../../lang/scalar/glob.ts";
import type { Kind } from "../../lang/type.ts";
import type { JsonObject } from "../json.ts";
import type { Algorithm } from "./jwk.ts";
import type { KeySource } from "./keys.ts";

export const TOKEN_TYPES = ["access-token", "transaction-token", "jwt-svid", "link"] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];

export interface Issuer {
  readonly type: TokenType;
  /** `iss`; of JWT-SVIDs the trust domain. */
  readonly name: string;
  /** As which this engine is meant, so that a token for somebody else is none for it. */
  readonly audiences: ReadonlySet<string>;
  readonly algorithms: ReadonlySet<Algorithm>;
  /** Values of the header's `typ`, in lower case; `""` is one without. */
  readonly types: ReadonlySet<string>;
  readonly keys: KeySource;
  /** Set before ids, so that two issuers never name one person by accident. */
  readonly prefix: string;
  /**
   * Ids of deterministic workloads, the same for all issuers; who is neither this nor shown to be a person is
   * an autonomous agent.
   */
  readonly workloads: readonly string[];
  /** What shows that the subject of an access or transaction token is a person. */
  readonly human?: Evidence;
  /** Ids that a first link may begin with; and those of them that are people. */
  readonly roots: readonly string[];
  readonly humans: readonly string[];
  /** Each of its tokens is good for one allowed call. */
  readonly singleUse?: boolean;
  /** Whether the trust domain attests what it names. */
  readonly attested?: boolean;
  /** Where the lists stand that its tokens name; missing = a token that names any is refused. */
  readonly status?: StatusLists | "ignore";
  readonly claims: ClaimNames;
}

export interface StatusLists {
  /** URLs; one that ends with `/` stands for all that begin with it. */
  readonly lists: readonly string[];
  /** They may be in private networks. */
  readonly privateNetworks: boolean;
}

/** The claim is there, or holds this value. */
export interface Evidence {
  readonly claim: string;
  readonly value?: string;
}

/** Where an issuer's access tokens differ from RFC 9068. */
export interface ClaimNames {
  readonly client: string;
  readonly scope: string;
  readonly groups: string;
}

/** Of somebody whom nothing shows to be a person. */
export function agentKind(id: string, { workloads }: Issuer): Kind {
  return workloads.some((glob) => globMatches(id, glob)) ? "workload" : "autonomous";
}

/** Whether a first link of this issuer may begin with somebody. */
export function mayBeRoot(id: string, { roots }: Issuer): boolean {
  return roots.some((glob) => globMatches(id, glob));
}

/** Of the one who a chain of links begins with. */
export function rootKind(id: string, issuer: Issuer): Kind {
  return issuer.humans.some((glob) => globMatches(id, glob)) ? "human" : agentKind(id, issuer);
}

/**
 * Of the subject of a token. A person only where the configured claim says so and nothing speaks against it: a
 * client that is its own subject (RFC 9068 §2.2), a subject that is its own actor, or a profile other than
 * `user`.
 */
export function subjectKind(
  id: string,
  claims: JsonObject,
  actsAs: readonly string[],
  issuer: Issuer,
): Kind {
  const { sub_profile: profile } = claims;
  const contradicted = actsAs.includes(id) || (profile !== undefined && profile !== "user");
  return !contradicted && isShown(issuer.human, claims) ? "human" : agentKind(id, issuer);
}

function isShown(evidence: Evidence | undefined, claims: JsonObject): boolean {
  if (evidence === undefined) return false;
  const found = claims[evidence.claim];
  if (evidence.value === undefined) return found !== undefined && found !== null && found !== false;
  return Array.isArray(found) ? found.includes(evidence.value) : found === evidence.value;
}
