import { expect, test } from "vitest";
import { readMapping } from "../../../../engine/http/authzen/index.ts";
import type { JsonValue } from "../../../../engine/json.ts";
import { MAPPING } from "./records.ts";

const problemsOf = (mapping: unknown): readonly string[] => {
  const reading = readMapping(JSON.parse(JSON.stringify(mapping)) as JsonValue);
  return reading.ok ? [] : reading.problems.map(({ at, message }) => `${at} ${message}`);
};
const withRow = (row: object) => ({ ...MAPPING, requests: [{ request: {}, ...row }] });
const alice = { type: "user", id: "alice" };

test("a sound mapping is read", () => {
  expect(problemsOf(MAPPING)).toEqual([]);
});

test.each<[string, unknown, string]>([
  ["no object", [], " must be an object"],
  ["another member", { ...MAPPING, subjects: [] }, "/subjects means nothing here"],
  ["no requests", {}, "/requests must be a list of at least one"],
  ["an empty list of them", { requests: [] }, "/requests must be a list of at least one"],
  [
    "a row without request",
    { requests: [{ subject: ["user"] }] },
    "/requests/0/request is missing",
  ],
  ["another member of a row", withRow({ when: "x" }), "/requests/0/when means nothing here"],
  [
    "a word for a list of words",
    withRow({ action: "read" }),
    "/requests/0/action must be a list of texts",
  ],
  [
    "another document",
    withRow({ request: { agent: { id: { $from: "token", path: "/sub" } } } }),
    '/requests/0/request is no template: there is no document "token" to take from',
  ],
  [
    "a template deep in a branch that is not taken",
    withRow({ request: { $when: { $from: "context" }, a: [{ $fro: "subject" }] } }),
    "/requests/0/request is no template: `$fro` means nothing in a template",
  ],
  [
    "a path that is none",
    withRow({ request: { a: { $from: "subject", path: "id" } } }),
    '/requests/0/request is no template: "id" is no path',
  ],
  [
    "a URL without TLS",
    { ...MAPPING, policy_decision_point: "http://pdp.example" },
    "/policy_decision_point must be an https URL without user, query and fragment",
  ],
  [
    "a URL with a query",
    { ...MAPPING, policy_decision_point: "https://pdp.example/?a" },
    "/policy_decision_point must be an https URL without user, query and fragment",
  ],
  ...["/:tenant", "/*", "/a b", "/a//", "/%61", "/.a"].map((path): [string, object, string] => [
    `the path ${path}, below which nothing could be served`,
    { ...MAPPING, policy_decision_point: `https://pdp.example${path}` },
    "/policy_decision_point has a path of more than letters, digits, `-`, `.`, `_` and `~`",
  ]),
  [
    "a URL with a password",
    { ...MAPPING, policy_decision_point: "https://:secret@pdp.example" },
    "/policy_decision_point must be an https URL without user, query and fragment",
  ],
  [
    "obligations that are no list",
    { ...MAPPING, supported_obligations: "log" },
    "/supported_obligations must be a list of texts",
  ],
  ["entities that are none", { ...MAPPING, entities: [] }, "/entities is not an object but a list"],
  [
    "an entity without id",
    { ...MAPPING, entities: { subjects: [{ type: "user" }] } },
    "/entities/subjects/0/id is missing",
  ],
  [
    "an entity with more",
    { ...MAPPING, entities: { subjects: [{ ...alice, role: "x" }] } },
    "/entities/subjects/0/role means nothing here",
  ],
  [
    "an entity twice",
    { ...MAPPING, entities: { subjects: [alice, alice] } },
    "/entities/subjects/1 is told of a second time",
  ],
])("%s is refused", (_name, mapping, problem) => {
  expect(problemsOf(mapping)).toContain(problem);
});
