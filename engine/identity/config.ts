/**
 * The identity configuration (SPEC §15.3): unknown JSON → whose tokens are accepted, or everything that is
 * wrong with it.
 */
import { readUrl } from "../egress/fetch.ts";
import { readTransmitters, type TransmitterConfig } from "../signals/transmitter.ts";
import {
  isObject,
  onlyMembers,
  optionally,
  type Problem,
  readId,
  report,
  wrong,
} from "../value-reader.ts";
import {
  type Given,
  type KeysConfig,
  readAlgorithms,
  readFlag,
  readKeys,
  readNames,
  readNamesIfAny,
} from "./config-parts.ts";
import {
  type ClaimNames,
  type Evidence,
  type Issuer,
  TOKEN_TYPES,
  type TokenType,
} from "./issuer.ts";
import { LINK_TYPE } from "./link.ts";
import { parseSpiffeId } from "./spiffe.ts";

/** An issuer whose keys have not been opened. */
export interface IssuerConfig extends Omit<Issuer, "keys"> {
  readonly keys: KeysConfig;
}

export interface IdentityConfig {
  readonly issuers: readonly IssuerConfig[];
  /** Who may push security events. */
  readonly transmitters: readonly TransmitterConfig[];
}

export type IdentityConfigReading =
  | ({ readonly ok: true } & IdentityConfig)
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function readIdentityConfig(json: unknown): IdentityConfigReading {
  const problems: Problem[] = [];
  const issuers = readConfig(json, problems);
  const given = isObject(json) ? json.transmitters : undefined;
  const transmitters = readTransmitters(given, issuers, problems);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, issuers, transmitters };
}

/** What stands beside the issuers, for all of them. */
interface Shared {
  readonly audience: readonly string[];
  readonly workloads: readonly string[];
}

const CONFIG_MEMBERS = ["audience", "workloads", "issuers", "transmitters"] as const;

function readConfig(json: unknown, problems: Problem[]): readonly IssuerConfig[] {
  if (!isObject(json)) return wrong(problems, "", "an object", json) ?? [];
  const given: Given = onlyMembers(json, CONFIG_MEMBERS, "", problems);
  const shared: Shared = {
    audience: readNamesIfAny(given.audience, "/audience", problems),
    workloads: readNamesIfAny(given.workloads, "/workloads", problems),
  };
  if (!Array.isArray(given.issuers) || given.issuers.length === 0) {
    return report(problems, "/issuers", "is not a list of at least one issuer") ?? [];
  }
  const issuers = given.issuers.flatMap((issuer, index) => {
    const read = readIssuer(issuer, `/issuers/${index}`, shared, problems);
    return read === undefined ? [] : [read];
  });
  checkApart(issuers, given.issuers, problems);
  return issuers;
}

/** One token must be one issuer's, and one id one person's. */
function checkApart(
  issuers: readonly IssuerConfig[],
  given: readonly unknown[],
  problems: Problem[],
): void {
  const taken = new Set<string>();
  for (const [index, { name, types }] of issuers.entries()) {
    for (const type of types) {
      const key = `${type} ${name}`;
      if (taken.has(key)) report(problems, `/issuers/${index}`, `is there twice for \`${type}\``);
      taken.add(key);
    }
  }
  const naming = given.filter((one) => isObject(one) && PREFIXED.has(one.type));
  if (naming.length < 2) return;
  for (const [index, one] of given.entries()) {
    if (naming.includes(one) && isObject(one) && one.prefix === undefined) {
      const why =
        'is missing: with several issuers, say what stands before each one\'s ids, or `""` where they name the same people';
      report(problems, `/issuers/${index}/prefix`, why);
    }
  }
}

/**
 * Those that name people by ids of their own; SPIFFE IDs are apart, and links begin with ids that are listed.
 */
const PREFIXED: ReadonlySet<unknown> = new Set(["access-token", "transaction-token"]);

const COMMON = ["type", "keys", "audience", "algorithms"] as const;
const MEMBERS: Readonly<Record<TokenType, readonly string[]>> = {
  "access-token": [
    ...COMMON,
    "single_use",
    "issuer",
    "types",
    "prefix",
    "human",
    "claims",
    "status",
  ],
  "transaction-token": [...COMMON, "single_use", "issuer", "prefix", "human", "status"],
  "jwt-svid": [...COMMON, "trust_domain", "attested"],
  link: [...COMMON, "single_use", "issuer", "roots", "humans"],
};

const TYPES: Readonly<Record<TokenType, readonly string[]>> = {
  "access-token": ["at+jwt"],
  "transaction-token": ["txntoken+jwt"],
  "jwt-svid": ["jwt", "jose", ""],
  link: [LINK_TYPE],
};

function readIssuer(
  json: unknown,
  at: string,
  shared: Shared,
  problems: Problem[],
): IssuerConfig | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const type = TOKEN_TYPES.find((one) => one === json.type);
  if (type === undefined) {
    return report(problems, `${at}/type`, `is none of \`${TOKEN_TYPES.join("`, `")}\``);
  }
  const given: Given = onlyMembers(json, MEMBERS[type], at, problems);
  const globs = (name: string) => readNamesIfAny(given[name], `${at}/${name}`, problems);
  const name =
    type === "jwt-svid"
      ? readDomain(given, at, problems)
      : readId(given.issuer, `${at}/issuer`, problems);
  const keys = readKeys(
    given.keys,
    type === "jwt-svid" ? "jwt-svid" : "sig",
    `${at}/keys`,
    problems,
  );
  const audiences = given.audience === undefined ? shared.audience : globs("audience");
  if (audiences.length === 0) {
    report(problems, `${at}/audience`, "is missing: say as whom this engine is addressed");
  }
  const evidence = optionally(readEvidence, given.human, `${at}/human`, problems);
  if (type === "link" && given.roots === undefined) {
    report(problems, `${at}/roots`, "is missing: say whom its links may begin with");
  }
  if (name === undefined || keys === undefined) return undefined;
  const singleUse = optionally(readFlag, given.single_use, `${at}/single_use`, problems);
  const attested = optionally(readFlag, given.attested, `${at}/attested`, problems);
  const status = optionally(readStatus, given.status, `${at}/status`, problems);
  return {
    type,
    name,
    keys,
    audiences: new Set(audiences),
    algorithms: readAlgorithms(given.algorithms, `${at}/algorithms`, problems),
    types: readTypes(given.types, TYPES[type], `${at}/types`, problems),
    prefix: readPrefix(given.prefix, `${at}/prefix`, problems),
    workloads: shared.workloads,
    roots: globs("roots"),
    humans: globs("humans"),
    claims: readClaimNames(given.claims, `${at}/claims`, problems),
    ...(evidence === undefined ? {} : { human: evidence }),
    ...(singleUse === undefined ? {} : { singleUse }),
    ...(attested === undefined ? {} : { attested }),
    ...(status === undefined ? {} : { status }),
  };
}

function readStatus(json: unknown, at: string, problems: Problem[]): Issuer["status"] {
  if (json === "ignore") return json;
  if (!isObject(json)) return wrong(problems, at, "an object, or `ignore`,", json);
  const given: Given = onlyMembers(json, ["lists", "private_network"], at, problems);
  const lists = readNames(given.lists, `${at}/lists`, problems);
  if (given.lists !== undefined && lists.length === 0) {
    report(problems, `${at}/lists`, "is empty");
  }
  for (const [index, list] of lists.entries()) {
    const read = readUrl(list);
    const why = read.ok
      ? read.url.href !== list && `is not spelled \`${read.url.href}\``
      : read.why;
    if (why !== false) report(problems, `${at}/lists/${index}`, why);
  }
  const { private_network: isPrivate = false } = given;
  const privateNetworks = readFlag(isPrivate, `${at}/private_network`, problems);
  return privateNetworks === undefined ? undefined : { lists, privateNetworks };
}

function readDomain(given: Given, at: string, problems: Problem[]): string | undefined {
  const where = `${at}/trust_domain`;
  const domain = readId(given.trust_domain, where, problems);
  if (domain === undefined) return undefined;
  const read = parseSpiffeId(`spiffe://${domain}`);
  if (read.ok && read.path === "") return domain;
  return report(problems, where, "is no trust domain, such as `acme.example`");
}

/**
 * Some providers send `JWT`, which other tokens of theirs have too: then the audience alone tells them apart.
 */
function readTypes(
  json: unknown,
  usual: readonly string[],
  at: string,
  problems: Problem[],
): ReadonlySet<string> {
  if (json === undefined) return new Set(usual);
  const types = readNames(json, at, problems).map((type) => type.toLowerCase());
  const other = types.find((type) => type !== "at+jwt" && type !== "jwt");
  if (other !== undefined)
    report(problems, at, `has \`${other}\`, and may have \`at+jwt\`, \`JWT\``);
  if (types.length === 0) report(problems, at, "is empty");
  return new Set(types);
}

function readPrefix(json: unknown, at: string, problems: Problem[]): string {
  if (json === undefined || json === "") return "";
  return readId(json, at, problems) ?? "";
}

function readEvidence(json: unknown, at: string, problems: Problem[]): Evidence | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const given: Given = onlyMembers(json, ["claim", "value"], at, problems);
  const claim = readId(given.claim, `${at}/claim`, problems);
  const value = optionally(readId, given.value, `${at}/value`, problems);
  if (claim === undefined) return undefined;
  return value === undefined ? { claim } : { claim, value };
}

const USUAL_CLAIMS: ClaimNames = { client: "client_id", scope: "scope", groups: "groups" };

function readClaimNames(json: unknown, at: string, problems: Problem[]): ClaimNames {
  if (json === undefined) return USUAL_CLAIMS;
  if (!isObject(json)) return wrong(problems, at, "an object", json) ?? USUAL_CLAIMS;
  const given: Given = onlyMembers(json, ["client", "scope", "groups"], at, problems);
  const name = (which: keyof ClaimNames) =>
    optionally(readId, given[which], `${at}/${which}`, problems) ?? USUAL_CLAIMS[which];
  return { client: name("client"), scope: name("scope"), groups: name("groups") };
}
