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
  readonly path: string | null;
  readonly request: unknown;
  readonly expected_status?: number | null;
  readonly expected_body?: Body | null;
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
  const cases = linesOf<Case>("certification.jsonl").filter(({ path }) => path !== null);

  test("is all there", () => {
    expect(cases.length).toBeGreaterThanOrEqual(40);
  });

  test.each(cases.map((one) => [one.id, one] as const))("%s", async (_id, one) => {
    const response = await post(app, one.path ?? "", one.request);
    expect(response.statusCode).toBe(one.expected_status ?? 200);
    expect(response.headers["content-type"]).toMatch(/^application\/(problem\+)?json/);
    if (one.expected_body) expectBody(response, one.expected_body);
  });
});

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
