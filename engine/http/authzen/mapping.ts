/** How AuthZEN's subjects, actions and resources become requests of ours (SPEC §12.9): the operator's file. */
import type { Json } from "../../../lang/type.ts";
import type { JsonValue } from "../../json.ts";
import { type Documents, fill } from "../../template.ts";
import { isObject, type Problem, report, wrong } from "../../value-reader.ts";
import { checkMembers, readTemplate, readWords } from "../members.ts";
import { type Directory, readDirectory } from "./directory.ts";
import type { Tuple } from "./entities.ts";

export interface Mapping {
  /** Where enforcement points find the service; without it there is no metadata. */
  readonly baseUrl?: URL;
  /** Where approval is asked for, when somebody has to approve. */
  readonly accessRequestEndpoint?: string;
  /** Obligations that every enforcement point asking here carries out. */
  readonly understood: ReadonlySet<string>;
  /** The first whose words fit. */
  readonly rows: readonly Row[];
  /** Without it nothing can be searched for. */
  readonly directory?: Directory;
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
  "access_request_endpoint",
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
  const endpoint = readUrl(json.access_request_endpoint, "/access_request_endpoint", problems);
  const understood = readWords(json.supported_obligations, "/supported_obligations", problems);
  const rows = readRows(json.requests, problems);
  const directory = readDirectory(json.entities, problems);
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    mapping: {
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(endpoint === undefined ? {} : { accessRequestEndpoint: endpoint.href }),
      understood: new Set(understood),
      rows,
      ...(directory === undefined ? {} : { directory }),
    },
  };
}

/** Authorization API 1.0, §9.1: https, and nothing behind the path. */
function readUrl(json: unknown, at: string, problems: Problem[]): URL | undefined {
  if (json === undefined) return undefined;
  if (typeof json !== "string") return wrong(problems, at, "an https URL", json);
  const url = URL.parse(json);
  if (url?.protocol !== "https:" || url.search !== "" || url.hash !== "" || url.username !== "") {
    return report(problems, at, "must be an https URL without user, query and fragment");
  }
  return url;
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
