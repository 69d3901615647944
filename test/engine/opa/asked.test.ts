import { expect, onTestFinished, test } from "vitest";
import { createEngine } from "../../../engine/engine.ts";
import { trustedModules, withModules } from "../../../engine/opa/asked.ts";
import { containedModules } from "../../../engine/opa/programs.ts";
import type { Program } from "../../../lang/ir.ts";
import { programOf } from "../../support/engine.ts";
import { AUTHZ, NOON_MS } from "./modules.ts";

const bare = programOf(`
  tool read_file { effect read }
  tool send_money { effect write }
  import rego "authz.wasm" entrypoint "authz/allow" as legacy: Bool
  permit legacy_ok when legacy(input)
`);
const program: Program = {
  ...bare,
  modules: bare.modules.map((one) => ({ ...one, binary: 0 })),
  binaries: [
    {
      wasm: Buffer.from(AUTHZ.wasm).toString("base64"),
      data: Buffer.from(AUTHZ.data ?? "").toString("utf8"),
    },
  ],
};
const parts = { program, digest: "sha256:0", clock: () => NOON_MS };
const asking = (id: string) => ({ agent: { id }, tool: { name: "read_file" } });

test.each([
  ["processes", false],
  ["threads", true],
])(
  "modules in %s are asked before deciding, from the first request on",
  async (_, isTrusted) => {
    const asked = { program, now: () => NOON_MS, deadlineMs: 20_000, isTrusted };
    const service = withModules(createEngine(parts), asked);
    onTestFinished(() => service.close?.());
    expect(service.readiness()).toMatchObject({ ready: false });
    const answers = await Promise.all(["bot", "eve"].map((id) => service.decide(asking(id))));
    expect(answers).toMatchObject([
      { value: { decision: "allow" } },
      { value: { decision: "deny", code: "not_permitted" } },
    ]);
    expect(service.readiness()).toMatchObject({ ready: true });
    service.close?.();
    expect(await service.decide(asking("bot"))).toMatchObject({ value: { code: "indeterminate" } });
  },
  30_000,
);

test("once it is warmed up, nobody waits for modules to be loaded", async () => {
  const asked = { program, now: () => NOON_MS, deadlineMs: 20_000, isTrusted: true };
  const warmedUp: string[] = [];
  const engine = { ...createEngine(parts), warmUp: async () => void warmedUp.push("the engine") };
  const service = withModules(engine, asked);
  onTestFinished(() => service.close?.());
  expect(service.readiness().ready).toBe(false);
  await service.warmUp?.();
  expect(service.readiness()).toMatchObject({ ready: true });
  expect(warmedUp).toEqual(["the engine"]);
}, 30_000);

test.each([
  ["contained and waited for", () => containedModules(program)],
  ["trusted, in this thread", () => trustedModules(program)],
])(
  "%s, the same is decided",
  (_, modules) => {
    const engine = createEngine({ ...parts, modules: modules() });
    expect(engine.decide(asking("bot"))).toMatchObject({ value: { decision: "allow" } });
    expect(engine.decide(asking("eve"))).toMatchObject({ value: { decision: "deny" } });
  },
  30_000,
);
