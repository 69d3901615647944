/** The working group's certification scenario, and the decisions of its interoperability events. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LightMyRequestResponse } from "fastify";
import { describe, expect, test } from "vitest";
import { createEngine } from "../../../../engine/index.ts";
import { dataFolder } from "../../../support/data.ts";
import { programOf } from "../../../support/engine.ts";
import { send } from "../support.ts";
import { SEARCH_MAPPING, SEARCH_POLICY, TODO_MAPPING, TODO_POLICY } from "./interop.ts";
import { serveMapped } from "./support.ts";

const FOLDER = dataFolder("authzen");

interface Case {
  readonly id: string;
  /** Missing of searches whose request says by itself which it is. */
  readonly path: string | null;
  readonly request: Readonly<Record<string, unknown>>;
  readonly expected_status?: number | null;
  readonly expected_text: string;
  readonly expected_body?: Body | null;
  /** Of an answer: JSON in which `<…>` stands for anything of that kind. */
  readonly expected_shape?: string;
}

interface Body {
  readonly decision?: boolean;
  readonly evaluations?: readonly { readonly decision: boolean }[];
  readonly results?: readonly unknown[];
}

function linesOf<Line>(name: string): readonly Line[] {
  if (FOLDER === undefined) return [];
  const text = readFileSync(join(FOLDER, name), "utf8");
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
}

const post = (app: ReturnType<typeof serveMapped>, path: string, body: unknown) =>
  send(app, { path, body });

describe.skipIf(FOLDER === undefined)("the certification scenario", () => {
  const app = serveMapped();
  const cases = linesOf<Case>("certification.jsonl");
  const answerTo = (one: Case) => post(app, pathOf(one), one.request);

  test("is all there", () => {
    expect(cases).toHaveLength(44);
  });

  test.each(cases.map((one) => [one.id, one] as const))("%s", async (_id, one) => {
    const response = await answerTo(await completed(one));
    expect(response.statusCode).toBe(one.expected_status ?? 200);
    expect(response.headers["content-type"]).toMatch(/^application\/(problem\+)?json/);
    if (one.expected_body) expectBody(response, one.expected_body);
    if (one.expected_shape) expectShape(response, one.expected_shape);
    const other = otherNamed(one.expected_text);
    if (other !== undefined) expect(response.json()).toEqual((await answerTo(other)).json());
    if (response.statusCode === 200 && pathOf(one).includes("/search/")) expectPage(response);
  });

  /** With the token of the page before, where the scenario asks for what comes after it. */
  async function completed(one: Case): Promise<Case> {
    if (!JSON.stringify(one.request).includes(NEXT)) return one;
    const before = cases.find(({ request }) => (request.page as Page | undefined)?.limit === 1);
    const { page } = (await answerTo(before as Case)).json<{ page: { next_token: string } }>();
    expect(page.next_token).not.toBe("");
    return { ...one, request: { ...one.request, page: { token: page.next_token } } };
  }

  /** "identical to [](#c-4-2-1)" */
  function otherNamed(text: string): Case | undefined {
    const [, id] = /identical to \[\]\(#([\w-]+)\)/.exec(text) ?? [];
    return id === undefined ? undefined : cases.find((one) => one.id === id);
  }
});

const NEXT = "<next_token from previous response>";

interface Page {
  readonly limit?: number;
}

/** What is searched for is not fully told of, or not at all (scenario, §4.7.2). */
function pathOf({ path, request }: Case): string {
  if (path !== null) return path;
  if (request.action === undefined) return "/access/v1/search/action";
  const isSubject = (request.subject as { id?: string }).id === undefined;
  return `/access/v1/search/${isSubject ? "subject" : "resource"}`;
}

function expectShape(response: LightMyRequestResponse, shape: string): void {
  const json = shape.replaceAll("<boolean>", '"<boolean>"').replaceAll("<context>", '"<context>"');
  const expected = JSON.parse(json, (_name, value) => {
    if (value === "<boolean>") return expect.any(Boolean);
    return value === "<context>" ? expect.any(Object) : value;
  });
  expect(response.json().evaluations).toHaveLength(expected.evaluations.length);
  expect(response.json()).toMatchObject(expected);
}

/** Scenario, §4.5.3. */
function expectPage(response: LightMyRequestResponse): void {
  const { results, page = { next_token: "" } } = response.json();
  expect(Array.isArray(results)).toBe(true);
  expect(typeof page.next_token).toBe("string");
}

function expectBody(response: LightMyRequestResponse, expected: Body): void {
  const body = response.json<Body>();
  if (expected.decision !== undefined) expect(body.decision).toBe(expected.decision);
  if (expected.evaluations !== undefined) {
    expect(body.evaluations?.map(({ decision }) => decision)).toEqual(
      expected.evaluations.map(({ decision }) => decision),
    );
    expect(body.decision).toBeUndefined();
  }
  if (expected.results !== undefined) {
    expect(body.results).toEqual(expect.arrayContaining([...expected.results]));
    if (expected.results.length === 0) expect(body.results).toEqual([]);
  }
}

interface Interop {
  readonly id: string;
  readonly scenario: string;
  readonly path: string;
  readonly request: unknown;
  readonly expected: boolean | Body | NonNullable<Body["evaluations"]>;
}

describe.skipIf(FOLDER === undefined)("decisions of interoperability events", () => {
  const interop = linesOf<Interop>("interop.jsonl");
  const fixtures =
    FOLDER === undefined ? {} : JSON.parse(readFileSync(join(FOLDER, "fixtures.json"), "utf8"));
  const engineFor = (policy: string) =>
    createEngine({ program: programOf(policy), digest: "sha256:00" });

  test.each([
    ["todo", TODO_MAPPING, TODO_POLICY, 83],
    ["search", SEARCH_MAPPING, SEARCH_POLICY, 198],
  ] as const)("%s", async (scenario, mapping, policy, count) => {
    const app = serveMapped(mapping(fixtures), engineFor(policy));
    const cases = interop.filter((one) => one.scenario.startsWith(scenario));
    expect(cases).toHaveLength(count);
    for (const one of cases) {
      const response = await post(app, one.path, one.request);
      expect(response.statusCode, one.id).toBe(200);
      expect(spell(response.json()), one.id).toEqual(spell(one.expected));
    }
  });
});

/** What the events compared: decisions, and results in whatever order. */
function spell(said: Interop["expected"]): unknown {
  if (typeof said === "boolean") return said;
  if ("length" in said) return said.map(({ decision }) => decision);
  if (said.results !== undefined) return said.results.map((one) => JSON.stringify(one)).sort();
  return said.evaluations?.map(({ decision }) => decision) ?? said.decision;
}
