/** What issuers and transmitters are configured by alike: names, algorithms, and where their keys are (SPEC §15.3). */
import { readUrl } from "../egress/fetch.ts";
import { isObject, onlyMembers, type Problem, readId, report, wrong } from "../value-reader.ts";
import { ALGORITHMS, type Algorithm } from "./jwk.ts";
import { type KeySet, readKeySet } from "./key-set.ts";

export type KeysConfig =
  | { readonly kind: "fixed"; readonly set: KeySet }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "url"; readonly url: string; readonly privateNetworks: boolean };

export type Given = Readonly<Record<string, unknown>>;

export function readFlag(json: unknown, at: string, problems: Problem[]): boolean | undefined {
  return typeof json === "boolean" ? json : wrong(problems, at, "true or false", json);
}

export function readNames(json: unknown, at: string, problems: Problem[]): readonly string[] {
  const list = typeof json === "string" ? [json] : json;
  if (!Array.isArray(list)) return wrong(problems, at, "a text or a list of texts", json) ?? [];
  return list.flatMap((one, index) => readId(one, `${at}/${index}`, problems) ?? []);
}

export function readNamesIfAny(json: unknown, at: string, problems: Problem[]): readonly string[] {
  return json === undefined ? [] : readNames(json, at, problems);
}

export function readAlgorithms(
  json: unknown,
  at: string,
  problems: Problem[],
): ReadonlySet<Algorithm> {
  const names = readNames(json, at, problems);
  const known = names.filter((name): name is Algorithm =>
    (ALGORITHMS as readonly string[]).includes(name),
  );
  const other = names.find((name) => !(known as readonly string[]).includes(name));
  if (other !== undefined) {
    report(problems, at, `has \`${other}\`, and may have \`${ALGORITHMS.join("`, `")}\``);
  }
  if (json !== undefined && names.length === 0) report(problems, at, "is empty");
  return new Set(known);
}

export function readKeys(
  json: unknown,
  use: string,
  at: string,
  problems: Problem[],
): KeysConfig | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const given: Given = onlyMembers(json, ["jwks", "file", "url", "private_network"], at, problems);
  const sources = Object.keys(json).filter((name) => name !== "private_network");
  if (sources.length !== 1 || (given.private_network !== undefined && given.url === undefined)) {
    return report(
      problems,
      at,
      "has not exactly one of `jwks`, `file` and `url`, this one perhaps with `private_network`",
    );
  }
  if (given.file !== undefined) {
    const path = readId(given.file, `${at}/file`, problems);
    return path === undefined ? undefined : { kind: "file", path };
  }
  if (given.url !== undefined) return readKeysUrl(given, at, problems);
  const read = readKeySet(given.jwks, use);
  if (!read.ok) return report(problems, `${at}/jwks`, `is no key set: ${read.why}`);
  const [ignored] = read.set.ignored;
  if (ignored !== undefined) return report(problems, `${at}/jwks`, `has a bad key: ${ignored}`);
  return { kind: "fixed", set: read.set };
}

/** Over TLS, or from this machine: whoever can change the keys on their way can be anybody. */
function readKeysUrl(given: Given, at: string, problems: Problem[]): KeysConfig | undefined {
  const text = readId(given.url, `${at}/url`, problems);
  if (text === undefined) return undefined;
  const read = readUrl(text);
  if (!read.ok) return report(problems, `${at}/url`, read.why);
  const { private_network: isPrivate = false } = given;
  const privateNetworks = readFlag(isPrivate, `${at}/private_network`, problems);
  return privateNetworks === undefined
    ? undefined
    : { kind: "url", url: read.url.href, privateNetworks };
}
