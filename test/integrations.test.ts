/** What docs/integrations.md shows is what other tests run, or at least what its reader would take. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { FORWARD_AUTH } from "../engine/http/forward-auth/asked.ts";
import { serveMapped } from "./engine/http/authzen/support.ts";
import { PAGES } from "./engine/http/forward-auth/site.ts";
import { send } from "./engine/http/support.ts";

const TEXT = readFileSync(new URL("../docs/integrations.md", import.meta.url), "utf8");

function blocks(language: string): readonly string[] {
  const found = TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"));
  return [...found].map(([, block = ""]) => block);
}

test("the mapping of pages is the one that is tried behind nginx", () => {
  // The other one is served in test/cli/access.test.ts.
  expect(blocks("json").map((block) => JSON.parse(block))).toEqual([PAGES, expect.anything()]);
});

test("Traefik and Envoy ask where they are answered, and fail closed", () => {
  const [traefik, envoy] = blocks("yaml").map((block) => parse(block));
  const { forwardAuth } = traefik.http.middlewares.writ;
  expect(new URL(forwardAuth.address).pathname).toBe(FORWARD_AUTH);
  expect(forwardAuth.trustForwardHeader).toBe(false);
  const { failure_mode_allow, http_service } = envoy.http_filters[0].typed_config;
  expect(failure_mode_allow).toBe(false);
  expect(http_service.path_prefix).toBe(FORWARD_AUTH);
});

test("the AuthZEN request is one", async () => {
  const [curl = ""] = blocks("sh").filter((block) => block.includes("/access/v1/evaluation"));
  const [, body = ""] = /-d '(.*)'/s.exec(curl) ?? [];
  const response = await send(serveMapped(), { path: "/access/v1/evaluation", body });
  expect(response.json()).toMatchObject({ decision: true });
});
