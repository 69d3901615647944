/** How AuthZEN's subjects, actions and resources become requests of ours (SPEC §12.9): the operator's file. */
import type { Json } from "../../../lang/type.ts";
import type { JsonValue } from "../../json.ts";
import { type Documents, fill } from "../../template.ts";
import { isObject, type Problem, readId, report, wrong } from "../../value-reader.ts";
import { isPlainPath } from "../gate.ts";
import { checkMembers, readTemplate, readWords } from "../members.ts";
import { type ContextMembers, contextMembersOf, REFERENCE } from "./bound.ts";
import { type Directory, readDirectory } from "./directory.ts";
import type { Tuple } from "./entities.ts";
import { pathOf } from "./metadata.ts";

export interface Mapping {
  /** Where enforcement points find the service; without it there is no metadata. */
  readonly baseUrl?: URL;
  /** Without it no approval can be asked for. */
  readonly access?: AccessMapping;
  /** Obligations that every enforcement point asking here carries out. */
  readonly understood: ReadonlySet<string>;
  /** The first whose words fit. */
  readonly rows: readonly Row[];
  /** Without it nothing can be searched for. */
  readonly directory?: Directory;
}

/** Who may ask, and with which key it is signed what they may ask for: by the names of files. */
export interface AccessMapping {
  readonly key: string;
  readonly enforcementPoints: readonly { readonly id: string; readonly credential: string }[];
  readonly contextMembers: ContextMembers;
}

interface Row {
  /** Types of subjects and resources, names of actions; missing = any. */
  readonly subject?: readonly string[];
  readonly action?: readonly string[];
  readonly resource?: readonly string[];
  readonly request: Json;
}

/** The request that stands for the tuple; `undefined` where the mapping has none for such a one. */
export function requestFor({ rows }: Mapping, tuple: Tuple): Json | undefined {
  const { subject, action, resource } = tuple;
  const row = rows.find(
    (one) =>
      fits(one.subject, subject.type) &&
      fits(one.action, action.name) &&
      fits(one.resource, resource.type),
  );
  if (row === undefined) return undefined;
  return fill(row.request, documentsOf(tuple));
}

function documentsOf({ subject, action, resource, context = {} }: Tuple): Documents {
  return { subject: { ...subject }, action: { ...action }, resource: { ...resource }, context };
}

function fits(words: readonly string[] | undefined, word: string): boolean {
  return words === undefined || words.includes(word);
}

export type MappingReading =
  | { readonly ok: true; readonly mapping: Mapping }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const MEMBERS = [
  "policy_decision_point",
  "access_requests",
  "supported_obligations",
  "requests",
  "entities",
] as const;

/** Strict: what is not understood here would be missing from every request. */
export function readMapping(json: JsonValue): MappingReading {
  const problems: Problem[] = [];
  if (!isObject(json)) {
    return { ok: false, problems: [{ at: "", message: "must be an object" }] };
  }
  checkMembers(json, MEMBERS, "", problems);
  const baseUrl = readUrl(json.policy_decision_point, "/policy_decision_point", problems);
  const understood = readWords(json.supported_obligations, "/supported_obligations", problems);
  const rows = readRows(json.requests, problems);
  const directory = readDirectory(json.entities, problems);
  const access = readAccess(json.access_requests, rows, problems);
  if (access !== undefined && baseUrl === undefined) {
    report(problems, "/policy_decision_point", "is missing, and access requests need URLs");
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    mapping: {
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(access === undefined ? {} : { access }),
      understood: new Set(understood),
      rows,
      ...(directory === undefined ? {} : { directory }),
    },
  };
}

function readAccess(
  json: unknown,
  rows: readonly Row[],
  problems: Problem[],
): AccessMapping | undefined {
  const at = "/access_requests";
  if (json === undefined) return undefined;
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  checkMembers(json, ["key", "enforcement_points"], at, problems);
  const key = readId(json.key, `${at}/key`, problems);
  const enforcementPoints = readPoints(json.enforcement_points, problems);
  const contextMembers = contextMembersOf(rows.map(({ request }) => request));
  if (contextMembers !== "every" && contextMembers.has(REFERENCE)) {
    report(problems, at, `take \`context.${REFERENCE}\`, which a request is made from`);
  }
  return key === undefined ? undefined : { key, enforcementPoints, contextMembers };
}

function readPoints(json: unknown, problems: Problem[]): AccessMapping["enforcementPoints"] {
  const at = "/access_requests/enforcement_points";
  if (!Array.isArray(json) || json.length === 0) {
    return report(problems, at, "must be a list of at least one") ?? [];
  }
  const seen = new Set<string>();
  return json.flatMap((one, index) => {
    const here = `${at}/${index}`;
    if (!isObject(one)) return wrong(problems, here, "an object", one) ?? [];
    checkMembers(one, ["id", "credential"], here, problems);
    const id = readId(one.id, `${here}/id`, problems);
    const credential = readId(one.credential, `${here}/credential`, problems);
    if (id === undefined || credential === undefined) return [];
    if (seen.has(id)) report(problems, `${here}/id`, "is there a second time");
    seen.add(id);
    return [{ id, credential }];
  });
}

/** Authorization API 1.0, §9.1: https, and nothing behind the path. */
function readUrl(json: unknown, at: string, problems: Problem[]): URL | undefined {
  if (json === undefined) return undefined;
  if (typeof json !== "string") return wrong(problems, at, "an https URL", json);
  const url = URL.parse(json);
  const isBare = url?.search === "" && url.hash === "" && url.username + url.password === "";
  if (url?.protocol !== "https:" || !isBare) {
    return report(problems, at, "must be an https URL without user, query and fragment");
  }
  if (isPlainPath(pathOf(url) || "/")) return url;
  return report(problems, at, "has a path of more than letters, digits, `-`, `.`, `_` and `~`");
}

function readRows(json: unknown, problems: Problem[]): readonly Row[] {
  if (!Array.isArray(json) || json.length === 0) {
    report(problems, "/requests", "must be a list of at least one");
    return [];
  }
  return json.flatMap((row, index) => readRow(row, `/requests/${index}`, problems) ?? []);
}

const DOCUMENTS = ["subject", "action", "resource", "context"] as const;

function readRow(json: unknown, at: string, problems: Problem[]): Row | undefined {
  if (!isObject(json)) return wrong(problems, at, "an object", json);
  checkMembers(json, ["subject", "action", "resource", "request"], at, problems);
  const request = readTemplate(json.request, DOCUMENTS, `${at}/request`, problems);
  const words = (name: "subject" | "action" | "resource") => {
    const read = readWords(json[name], `${at}/${name}`, problems);
    return read === undefined ? {} : { [name]: read };
  };
  const row = { ...words("subject"), ...words("action"), ...words("resource") };
  return request === undefined ? undefined : { ...row, request };
}
