/** The published chains: what the file says, the code makes, and comes to. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hopsFrom } from "../../../engine/delegation-reader.ts";
import { readChain } from "../../../engine/identity/chain.ts";
import { readIdentityConfig } from "../../../engine/identity/config.ts";
import { createIdentity } from "../../../engine/identity/identity.ts";
import { openIssuers } from "../../../engine/identity/open.ts";
import { EXAMPLES, examplesOf, makeVectors, VECTORS, type Vector } from "./link-vectors.ts";

const file = JSON.parse(readFileSync(VECTORS, "utf8"));

test("the file is what its script writes", async () => {
  const vectors = await makeVectors();
  expect(vectors).toEqual(file);
  for (const [name, text] of Object.entries(examplesOf(vectors))) {
    const written = readFileSync(join(EXAMPLES, name), "utf8");
    expect(name.endsWith(".json") ? JSON.parse(written) : written).toEqual(
      name.endsWith(".json") ? JSON.parse(text) : text,
    );
  }
});

async function resultOf(tokens: readonly string[]): Promise<Vector["result"]> {
  const config = readIdentityConfig(file.config);
  if (!config.ok) throw new Error(JSON.stringify(config.problems));
  const parts = { directory: "/", elapsedMs: () => 0, onFault: () => {} };
  const nowMs = Date.parse(file.now);
  const identity = createIdentity({
    issuers: await openIssuers(config.issuers, parts),
    clock: () => nowMs,
  });
  const vouched = await identity.verify(tokens);
  if (!vouched.ok) return { cause: String(vouched.cause) };
  const hops = hopsFrom(vouched.chain);
  const agent = { id: hops.at(-1)?.to.id ?? "" };
  const chain = readChain(hops, { nowMs, agent, verified: true });
  if (!chain.ok) return { cause: chain.cause };
  const holders = [hops[0]?.from.id ?? "", ...hops.map(({ to }) => to.id)];
  return { holders, scope: [...(chain.delegation.scope as ReadonlySet<string>)] };
}

describe("each chain comes to what is written", () => {
  test.each(file.vectors as readonly Vector[])("$name", async ({ tokens, result }) => {
    expect(await resultOf(tokens)).toEqual(result);
  });
});
