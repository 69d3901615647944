/** `replay.json` beside a policy: what the enforcement point of its traces would know of every request. */
import type { Json } from "../../lang/type.ts";
import { Misuse } from "../command.ts";
import { isObject, type JsonObject } from "../json.ts";

export interface Setup {
  /** Parts of requests, for every suite. */
  readonly parts: JsonObject;
  /** Parts that one suite has otherwise. */
  readonly suites: Readonly<Record<string, JsonObject>>;
  readonly cases?: CaseSetup;
}

/** How a line of decision cases becomes a request, and what it says should come of it. */
export interface CaseSetup {
  readonly request: Json;
  readonly id?: Json;
  readonly expect?: Json;
  readonly rule?: Json;
  /** Calls that were made before: each becomes a request with its `tool` and `args` in place of the line's. */
  readonly history?: Json;
  readonly outcome?: Json;
  readonly at?: Json;
  readonly approvals?: Json;
  readonly verified?: Json;
  /** What the summary counts by. */
  readonly group?: Json;
}

/** Enough of a `replay.json` to begin with. */
export const CASES_EXAMPLE = `  { "cases": {
      "id": { "$from": "case", "path": "/id" },
      "expect": { "$from": "case", "path": "/label", "map": { "good": "allow", "bad": "deny" } },
      "request": {
        "agent": { "id": "assistant" },
        "session": { "id": "s" },
        "tool": {
          "name": { "$from": "case", "path": "/tool" },
          "args": { "$from": "case", "path": "/args" }
        }
      }
  } }`;

/** Where lines are no requests, and nothing says how they become some. */
export const CASES_HELP = `write in \`replay.json\` beside the policy how a line becomes a request, where /tool is the line's \`tool\`; docs/replay.md has the rest:\n${CASES_EXAMPLE}`;

const PARTS = ["agent", "principal", "delegation", "session", "intent", "resource", "context"];

const CASE_MEMBERS = [
  "request",
  "id",
  "expect",
  "rule",
  "group",
  "history",
  "outcome",
  "at",
  "approvals",
  "verified",
];

export const NO_SETUP: Setup = {
  parts: { agent: { id: "agent" }, principal: { id: "owner", kind: "human" } },
  suites: {},
};

export function readSetup(json: unknown, name: string): Setup {
  const { suites = {}, cases, ...parts } = objectOf(json as Json, name);
  checkParts(parts, name);
  const bySuite: Record<string, JsonObject> = {};
  for (const [suite, own] of Object.entries(objectOf(suites, `${name}: suites`))) {
    bySuite[suite] = objectOf(own, `${name}: suites: ${suite}`);
    checkParts(bySuite[suite], name);
  }
  return {
    parts: { ...NO_SETUP.parts, ...parts },
    suites: bySuite,
    ...(cases === undefined ? {} : { cases: readCases(cases, name) }),
  };
}

function readCases(json: Json, name: string): CaseSetup {
  const cases = objectOf(json, `${name}: cases`);
  const unknown = Object.keys(cases).find((member) => !CASE_MEMBERS.includes(member));
  if (unknown !== undefined)
    throw new Misuse(
      `${name}: \`cases\` has no \`${unknown}\``,
      `it has ${CASE_MEMBERS.join(", ")}`,
    );
  const { request } = cases;
  if (request === undefined) throw new Misuse(`${name}: \`cases\` needs a \`request\``, CASES_HELP);
  return { ...cases, request };
}

function checkParts(parts: JsonObject, name: string): void {
  const unknown = Object.keys(parts).find((part) => !PARTS.includes(part));
  if (unknown === undefined) return;
  throw new Misuse(`${name}: a request has no \`${unknown}\``, `it has ${PARTS.join(", ")}`);
}

function objectOf(json: Json, name: string): JsonObject {
  if (!isObject(json)) throw new Misuse(`${name} is no JSON object`);
  return json;
}
