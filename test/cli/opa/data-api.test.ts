/** `writ serve BUNDLE --opa`: OPA's clients, who asked OPA for a document of the same bundle, ask for it here. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OPAClient } from "@open-policy-agent/opa";
import { expect, test } from "vitest";
import { AUTHZ } from "../../engine/opa/modules.ts";
import { directoryWith } from "../../support/cli.ts";
import { opaBundle } from "../../support/opa-bundles.ts";
import { serve } from "../../support/served.ts";

const data = '{"grants":{"reader":["read_file"]},"roles":{"bot":["reader"]}}';
const asking = (id: string) => ({ agent: { id }, tool: { name: "read_file" } });

/** What clients are told who ask for `entrypoint` itself. */
async function served(
  entrypoint: string,
  ask: (evaluate: (input: object) => Promise<unknown>, opa: OPAClient) => Promise<void>,
): Promise<void> {
  const cwd = directoryWith({});
  const bundle = opaBundle({ revision: "r1", entrypoint, wasm: AUTHZ.wasm, data });
  writeFileSync(join(cwd, "authz.tar.gz"), bundle);
  const serving = await serve(["authz.tar.gz", "--opa"], cwd);
  const opa = new OPAClient(serving.url);
  try {
    await ask((input) => opa.evaluate(entrypoint, input as never), opa);
  } finally {
    await serving.stop();
  }
}

test("a document that is true or false is no record, which any client would take for a yes", async () => {
  await served("authz/allow", async (evaluate, opa) => {
    expect(await evaluate(asking("bot"))).toBe(true);
    expect(await evaluate(asking("eve"))).toBe(false);
    expect(await opa.evaluate("authz/allow/allow", asking("bot"))).toBe(true);
    const inputs = { bot: asking("bot"), eve: asking("eve") };
    expect(await opa.evaluateBatch("authz/allow", inputs)).toEqual({ bot: true, eve: false });
  });
}, 60_000);

test.each(["authz/text", "authz/list", "authz/nothing", "authz/amount"])(
  "%s, which is no decision, is no yes",
  async (entrypoint) => {
    await served(entrypoint, async (evaluate) => {
      expect(await evaluate(asking("bot"))).toBe(false);
    });
  },
  60_000,
);

test("a document that is a record is one, and says what a yes is bound to", async () => {
  await served("authz/decision", async (evaluate) => {
    expect(await evaluate(asking("bot"))).toMatchObject({
      allow: false,
      decision: "allow",
      obligations: [{ type: "log", level: "full" }],
    });
    expect(await evaluate(asking("eve"))).toMatchObject({ allow: false, decision: "deny" });
  });
}, 60_000);
