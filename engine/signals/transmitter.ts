/** Who tells this engine of security events, and of whose subjects they may (SPEC §15.3, §15.7). Pure. */
import { parseDuration } from "../../lang/scalar/duration.ts";
import { readUrl } from "../egress/fetch.ts";
import {
  type Given,
  type KeysConfig,
  readAlgorithms,
  readFlag,
  readKeys,
  readNames,
} from "../identity/config-parts.ts";
import type { Issuer } from "../identity/issuer.ts";
import type { KeyHolder } from "../identity/verify.ts";
import {
  isObject,
  onlyMembers,
  optionally,
  type Problem,
  readId,
  report,
  wrong,
} from "../value-reader.ts";

/** Formats of RFC 9493 that name somebody without saying whose name it is. */
export const BARE_FORMATS = ["email", "opaque"] as const;
export type BareFormat = (typeof BARE_FORMATS)[number];

export interface Transmitter extends KeyHolder {
  /** `iss`. */
  readonly name: string;
  /** As whom this engine receives. */
  readonly audiences: ReadonlySet<string>;
  /** Issuers of whose subjects and tokens it may tell, with what stands before their ids. */
  readonly speaksFor: ReadonlyMap<string, string>;
  /** Trust domains of whose SPIFFE IDs it may tell. */
  readonly trustDomains: ReadonlySet<string>;
  /** What stands before ids of issuers for which it does not speak. */
  readonly foreign: readonly string[];
  /** What stands before subjects that name no issuer; missing = such subjects are not understood. */
  readonly bare?: { readonly formats: ReadonlySet<BareFormat>; readonly prefix: string };
  /** What stands before its ids of sessions; missing = it may tell of none. */
  readonly sessions?: string;
  /** So long the word that an agent is active counts at most; missing = as long as it says. */
  readonly leaseMs?: number;
  /** Older than that are no tokens and sessions of its issuers; missing = they may be of any age. */
  readonly keepMs?: number;
}

export interface TransmitterConfig extends Omit<Transmitter, "keys"> {
  readonly keys: KeysConfig;
  /** Where it keeps its events to be fetched; missing = it pushes them. */
  readonly poll?: PollConfig;
}

export interface PollConfig {
  readonly url: string;
  readonly everyMs: number;
  readonly privateNetworks: boolean;
  /** A file with what says who asks. */
  readonly credential?: string;
}

const MEMBERS = [
  "issuer",
  "keys",
  "algorithms",
  "audience",
  "speaks_for",
  "bare",
  "sessions",
  "lease",
  "keep",
  "poll",
] as const;

type Known = Pick<Issuer, "type" | "name" | "prefix">;

/** `issuers` are those that are configured: of nobody else can anything be told. */
export function readTransmitters(
  json: unknown,
  issuers: readonly Known[],
  problems: Problem[],
): readonly TransmitterConfig[] {
  if (json === undefined) return [];
  if (!Array.isArray(json)) return wrong(problems, "/transmitters", "a list", json) ?? [];
  const read = json.flatMap((one, index) => {
    const at = `/transmitters/${index}`;
    return readTransmitter(one, issuers, at, problems) ?? [];
  });
  for (const [index, { name }] of read.entries()) {
    if (read.findIndex((other) => other.name === name) < index) {
      report(problems, `/transmitters/${index}`, "is there twice");
    }
  }
  return read;
}

function readTransmitter(
  json: unknown,
  issuers: readonly Known[],
  at: string,
  problems: Problem[],
): TransmitterConfig | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const given: Given = onlyMembers(json, MEMBERS, at, problems);
  const name = readId(given.issuer, `${at}/issuer`, problems);
  const keys = readKeys(given.keys, "sig", `${at}/keys`, problems);
  const algorithms = readAlgorithms(given.algorithms, `${at}/algorithms`, problems);
  const audiences = readSome(given.audience, `${at}/audience`, problems);
  const range = readRange(given.speaks_for, issuers, `${at}/speaks_for`, problems);
  const { speaksFor } = range;
  const bare =
    given.bare === undefined ? undefined : readBare(given.bare, speaksFor, `${at}/bare`, problems);
  const sessions = optionally(readPrefix, given.sessions, `${at}/sessions`, problems);
  const leaseMs = optionally(readTime, given.lease, `${at}/lease`, problems);
  const keepMs = optionally(readTime, given.keep, `${at}/keep`, problems);
  const poll = optionally(readPoll, given.poll, `${at}/poll`, problems);
  if (name === undefined || keys === undefined) return undefined;
  return {
    name,
    keys,
    algorithms,
    audiences,
    ...range,
    ...(bare === undefined ? {} : { bare }),
    ...(sessions === undefined ? {} : { sessions }),
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(keepMs === undefined ? {} : { keepMs }),
    ...(poll === undefined ? {} : { poll }),
  };
}

/** More often, and its answers overtake each other. */
const EVERY_LEAST_MS = 100;

function readPoll(json: unknown, at: string, problems: Problem[]): PollConfig | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const members = ["url", "every", "credential", "private_network"] as const;
  const given: Given = onlyMembers(json, members, at, problems);
  const url = readUrlIn(given.url, `${at}/url`, problems);
  const everyMs = readTime(given.every, `${at}/every`, problems);
  if (everyMs !== undefined && everyMs < EVERY_LEAST_MS) {
    report(problems, `${at}/every`, `is less than ${EVERY_LEAST_MS}ms`);
  }
  const credential = optionally(readId, given.credential, `${at}/credential`, problems);
  const { private_network: isPrivate = false } = given;
  const privateNetworks = readFlag(isPrivate, `${at}/private_network`, problems);
  if (url === undefined || everyMs === undefined || privateNetworks === undefined) return undefined;
  return { url, everyMs, privateNetworks, ...(credential === undefined ? {} : { credential }) };
}

function readUrlIn(json: unknown, at: string, problems: Problem[]): string | undefined {
  const text = readId(json, at, problems);
  const read = text === undefined ? undefined : readUrl(text);
  if (read === undefined) return undefined;
  return read.ok ? read.url.href : report(problems, at, read.why);
}

function readSome(json: unknown, at: string, problems: Problem[]): ReadonlySet<string> {
  const names = readNames(json, at, problems);
  if (json !== undefined && names.length === 0) report(problems, at, "names nobody");
  return new Set(names);
}

function readRange(
  json: unknown,
  issuers: readonly Known[],
  at: string,
  problems: Problem[],
): Pick<Transmitter, "speaksFor" | "trustDomains" | "foreign"> {
  const names = readSome(json, at, problems);
  for (const name of names) {
    const of = issuers.filter((one) => one.name === name);
    if (of.length === 0) report(problems, at, `has \`${name}\`, which is no configured issuer`);
    // One `sub` would be two people: which of them is told of could not be known.
    if (new Set(of.map(({ prefix }) => prefix)).size > 1) {
      report(problems, at, `has \`${name}\`, which has several prefixes`);
    }
  }
  const own = issuers.filter(({ name }) => names.has(name));
  const prefixed = own.filter(({ type }) => type !== "jwt-svid");
  const others = issuers.filter(({ name, prefix }) => !names.has(name) && prefix !== "");
  return {
    speaksFor: new Map(prefixed.map(({ name, prefix }) => [name, prefix])),
    trustDomains: new Set(own.flatMap(({ type, name }) => (type === "jwt-svid" ? [name] : []))),
    foreign: others.map(({ prefix }) => prefix),
  };
}

function readBare(
  json: unknown,
  speaksFor: ReadonlyMap<string, string>,
  at: string,
  problems: Problem[],
): Transmitter["bare"] {
  const formats = readNames(json, at, problems);
  const known = BARE_FORMATS.filter((format) => formats.includes(format));
  if (known.length < new Set(formats).size) {
    return report(problems, at, `may have \`${BARE_FORMATS.join("`, `")}\``);
  }
  const [prefix, ...others] = speaksFor.values();
  if (prefix === undefined || others.length > 0) {
    return report(problems, at, "needs one issuer in `speaks_for`, whose subjects they are");
  }
  return { formats: new Set(known), prefix };
}

function readPrefix(json: unknown, at: string, problems: Problem[]): string | undefined {
  return json === "" ? "" : readId(json, at, problems);
}

function readTime(json: unknown, at: string, problems: Problem[]): number | undefined {
  const read = typeof json === "string" ? parseDuration(json) : undefined;
  return read?.ok && read.value > 0
    ? read.value
    : report(problems, at, "is no duration such as `1h`");
}
