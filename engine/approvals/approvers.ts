/**
 * Who may approve (SPEC §15.5): unknown JSON → people with their keys, or everything that is wrong with it. One
 * person is one entry, whatever other names they have.
 */
import { publicJwk } from "../identity/issue.ts";
import { readKey, type TrustedKey } from "../identity/jwk.ts";
import { readCompactJws } from "../identity/jws.ts";
import type { VerifyingKey } from "../signing-key.ts";
import { isObject, onlyMembers, type Problem, readId, report, wrong } from "../value-reader.ts";
import type { Approval, GivenVerdict } from "./approval.ts";

export interface Approver {
  readonly id: string;
  readonly also: readonly string[];
  readonly groups: readonly string[];
  readonly keys: readonly TrustedKey[];
}

export interface Approvers {
  /** By what a statement calls its signer. */
  find(id: unknown): Approver | undefined;
  readonly count: number;
}

export const NO_APPROVERS: Approvers = { find: () => undefined, count: 0 };

export type ApproversReading =
  | { readonly ok: true; readonly approvers: Approvers }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Whether who approved it might do so still: the configuration may be another since. They are there, with the key that
 * they signed with and in the groups they were in, and none of their ids is one that may not.
 */
export function isStillBy(
  { by, groups, statement }: GivenVerdict,
  { except }: Pick<Approval, "except">,
  approvers: Approvers,
): boolean {
  const approver = approvers.find(by);
  const jws = readCompactJws(statement);
  if (approver === undefined || !jws.ok) return false;
  return (
    approver.keys.some(({ thumbprint }) => thumbprint === jws.keyId) &&
    groups.every((group) => approver.groups.includes(group)) &&
    ![by, ...approver.also].some((id) => except.includes(id))
  );
}

/** A key as a configuration names it: a file. */
export type LoadKey = (
  path: string,
) => { ok: true; key: VerifyingKey } | { ok: false; why: string };

export function readApprovers(json: unknown, loadKey: LoadKey): ApproversReading {
  const problems: Problem[] = [];
  const people = readPeople(json, loadKey, problems);
  refuseShared(people, problems);
  if (problems.length > 0) return { ok: false, problems };
  const byId = new Map(people.map((person) => [person.id, person]));
  const find = (id: unknown) => (typeof id === "string" ? byId.get(id) : undefined);
  return { ok: true, approvers: { find, count: byId.size } };
}

function readPeople(json: unknown, loadKey: LoadKey, problems: Problem[]): readonly Approver[] {
  if (!isObject(json)) return wrong(problems, "", "an object", json) ?? [];
  const { approvers } = onlyMembers(json, ["approvers"], "", problems);
  if (!Array.isArray(approvers) || approvers.length === 0) {
    return report(problems, "/approvers", "is not a list of at least one approver") ?? [];
  }
  return approvers.flatMap((one, index) => {
    const read = readPerson(one, `/approvers/${index}`, loadKey, problems);
    return read === undefined ? [] : [read];
  });
}

function readPerson(
  json: unknown,
  at: string,
  loadKey: LoadKey,
  problems: Problem[],
): Approver | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  const given = onlyMembers(json, ["id", "also", "groups", "keys"], at, problems);
  const id = readId(given.id, `${at}/id`, problems);
  const also = readIds(given.also ?? [], `${at}/also`, problems);
  const groups = readIds(given.groups ?? [], `${at}/groups`, problems);
  const paths = readIds(given.keys, `${at}/keys`, problems);
  if (paths.length === 0) report(problems, `${at}/keys`, "names no file with a public key");
  const keys = paths.flatMap((path, index) => {
    const loaded = loadKey(path);
    const read = loaded.ok ? readKey(publicJwk(loaded.key)) : loaded;
    return read.ok ? [read.key] : (report(problems, `${at}/keys/${index}`, read.why) ?? []);
  });
  return id === undefined ? undefined : { id, also, groups, keys };
}

function readIds(json: unknown, at: string, problems: Problem[]): readonly string[] {
  if (!Array.isArray(json)) return wrong(problems, at, "a list of texts", json) ?? [];
  return json.flatMap((one, index) => readId(one, `${at}/${index}`, problems) ?? []);
}

/** Whoever is there twice, by a name or by a key, would count as two people. */
function refuseShared(people: readonly Approver[], problems: Problem[]): void {
  const taken = new Set<string>();
  for (const [index, { id, also, keys }] of people.entries()) {
    for (const name of [id, ...also, ...keys.map(({ thumbprint }) => `key ${thumbprint}`)]) {
      if (taken.has(name)) {
        const what = name.startsWith("key ") ? "has a key" : `has the id \`${name}\``;
        report(problems, `/approvers/${index}`, `${what} that another one has`);
      }
      taken.add(name);
    }
  }
}
