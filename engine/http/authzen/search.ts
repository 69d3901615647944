/** The three searches (Authorization API 1.0, §8): which of the operator's entities would be allowed, page by page. */
import type { Answer } from "../../answer.ts";
import { digestOf } from "../../canonical-json.ts";
import type { JsonValue } from "../../json.ts";
import { isObject, type Problem, report, wrong } from "../../value-reader.ts";
import { type BudgetParts, createBudget } from "../budget.ts";
import { checked } from "../decide.ts";
import { notUnderstood } from "../hand-out.ts";
import { claimIn, withoutReference } from "./access.ts";
import { type AuthzenObligation, obligationsOf } from "./answer.ts";
import type { Directory } from "./directory.ts";
import {
  type Parts,
  readAction,
  readEntity,
  readProperties,
  readType,
  type Tuple,
} from "./entities.ts";
import { type Asker, understoodBy } from "./evaluate.ts";
import { requestFor } from "./mapping.ts";

export type Searched = "subject" | "resource" | "action";

type Result = ({ readonly type: string; readonly id: string } | { readonly name: string }) & {
  readonly obligations?: readonly AuthzenObligation[];
};

interface Found {
  readonly results: readonly Result[];
  readonly page?: { readonly next_token: string; readonly count: number };
}

/** So many results on one page where nobody says. */
const PAGE_MOST = 200;

const NOBODY: Directory = { subjects: [], resources: [], actions: [] };

interface Candidate {
  readonly tuple: Tuple;
  readonly shown: Result;
}

export async function search(
  searched: Searched,
  input: JsonValue,
  asker: Asker,
  budget: BudgetParts = {},
): Promise<Answer<Found>> {
  const problems: Problem[] = [];
  if (!isObject(input)) {
    wrong(problems, "", "an object", input);
    return { kind: "malformed", faults: problems };
  }
  const { directory = NOBODY } = asker.mapping;
  const candidates = candidatesOf(searched, input, directory, problems);
  const query = digestOf({ searched, ...input, page: undefined }).slice(-16);
  const page = readPage(input.page, query, problems);
  if (problems.length > 0) return { kind: "malformed", faults: problems };
  if (asker.service.preview === undefined) {
    return { kind: "unavailable", because: "this service cannot be asked ahead of a call" };
  }
  const found = await scan(candidates, page, asker, budget);
  if ("because" in found) return { kind: "unavailable", because: found.because };
  const next = found.next === undefined ? "" : `${found.next}.${query}`;
  const isWhole = input.page === undefined && next === "";
  return {
    kind: "answer",
    value: {
      results: found.results,
      ...(isWhole ? {} : { page: { next_token: next, count: found.results.length } }),
    },
  };
}

interface Page {
  readonly from: number;
  readonly limit: number;
}

/** What is missing because it could not be told of is no denial: a list without it would say that it is. */
interface Untold {
  readonly because: string;
}

/** `next`: where the following page begins, if there is more to look at. */
async function scan(
  candidates: readonly Candidate[],
  { from, limit }: Page,
  asker: Asker,
  parts: BudgetParts,
): Promise<{ readonly results: readonly Result[]; readonly next?: number } | Untold> {
  const budget = createBudget(parts);
  const results: Result[] = [];
  for (let at = from; at < candidates.length; at += 1) {
    const candidate = candidates[at];
    if (candidate === undefined) continue;
    const isFull = results.length >= limit || (await budget.next()) !== undefined;
    if (isFull) return { results, next: at };
    const result = await judge(candidate, asker);
    if (result !== undefined && "because" in result) return result;
    if (result !== undefined) results.push(result);
  }
  return { results };
}

/** Only what would be allowed, and with nothing that who asks does not carry out. */
async function judge(
  { tuple, shown }: Candidate,
  asker: Asker,
): Promise<Result | Untold | undefined> {
  const { mapping, service, access } = asker;
  const asked = access === undefined ? tuple : withoutReference(tuple);
  const request = requestFor(mapping, asker.complete(asked));
  if (request === undefined || service.preview === undefined) return undefined;
  const claim = access && (await claimIn(tuple, request, access));
  const answer = checked(await service.preview(request, claim?.vouched));
  if (answer.kind === "unavailable") return answer;
  if (answer.kind !== "answer") return undefined;
  const { decision, code, because = "the service failed while deciding" } = answer.value;
  if (code === "state_unavailable" || code === "internal_error") return { because };
  if (decision !== "allow") return undefined;
  const { obligations } = answer.value;
  if (notUnderstood(obligations, understoodBy(tuple, mapping)).length > 0) return undefined;
  if (obligations.length === 0) return shown;
  return { ...shown, obligations: obligations.flatMap(obligationsOf) };
}

/** The entities that are asked for; everything else must be told of whole. */
function candidatesOf(
  searched: Searched,
  given: Parts,
  { subjects, resources, actions }: Directory,
  problems: Problem[],
): readonly Candidate[] {
  const context = readProperties(given.context, "/context", problems);
  const around = context === undefined ? {} : { context };
  const entity = (name: "subject" | "resource") => readEntity(given[name], `/${name}`, problems);
  switch (searched) {
    case "subject": {
      const type = readType(given.subject, "/subject", problems);
      const [action, resource] = [
        readAction(given.action, "/action", problems),
        entity("resource"),
      ];
      if (action === undefined || resource === undefined) return [];
      return subjects
        .filter((subject) => subject.type === type)
        .map((subject) => ({
          tuple: { subject, action, resource, ...around },
          shown: { type: subject.type, id: subject.id },
        }));
    }
    case "resource": {
      const type = readType(given.resource, "/resource", problems);
      const [subject, action] = [entity("subject"), readAction(given.action, "/action", problems)];
      if (subject === undefined || action === undefined) return [];
      return resources
        .filter((resource) => resource.type === type)
        .map((resource) => ({
          tuple: { subject, action, resource, ...around },
          shown: { type: resource.type, id: resource.id },
        }));
    }
    case "action": {
      const [subject, resource] = [entity("subject"), entity("resource")];
      if (subject === undefined || resource === undefined) return [];
      return actions.map((action) => ({
        tuple: { subject, action, resource, ...around },
        shown: { name: action.name },
      }));
    }
  }
}

/** A token says where to go on, and in which search: parameters must not change between pages (§8.2.1). */
function readPage(json: unknown, query: string, problems: Problem[]): Page {
  const first: Page = { from: 0, limit: PAGE_MOST };
  if (json === undefined) return { ...first, limit: Number.POSITIVE_INFINITY };
  if (!isObject(json)) return wrong(problems, "/page", "an object", json) ?? first;
  const limit = json.limit ?? PAGE_MOST;
  if (typeof limit !== "number" || !Number.isSafeInteger(limit) || limit < 1) {
    return wrong(problems, "/page/limit", "a whole number from 1", limit) ?? first;
  }
  const most = Math.min(limit, PAGE_MOST);
  const token = json.token ?? "";
  if (token === "") return { from: 0, limit: most };
  // What is no text may be nothing that becomes one.
  const text = typeof token === "string" ? token : "";
  const [, from, digest] = /^(\d{1,9})\.([0-9a-f]{16})$/.exec(text) ?? [];
  if (from === undefined || digest !== query) {
    return report(problems, "/page/token", "is none of this search") ?? first;
  }
  return { from: Number(from), limit: most };
}
