/**
 * Two comparisons. `may a reader read` asked of Rego compiled to Wasm: by the SDK's own loop, by our host with an
 * instance kept and with one made anew, in a thread and in a process of its own. And one policy of Writ's
 * (`test/golden/rego/shop.writ`) in each of its forms: decided by Writ, written as Rego that OPA compiled, that
 * imported by a rule of Writ, and emitted as a module. `node bench/opa.ts`
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadPolicy } from "@open-policy-agent/opa-wasm";
import { readBytes } from "../cli/files.ts";
import { moduleResolver } from "../cli/modules.ts";
import { digestOfProgram } from "../engine/bundle.ts";
import { createEngine } from "../engine/index.ts";
import { trustedModules } from "../engine/opa/asked.ts";
import { BUILTINS } from "../engine/opa/builtins/index.ts";
import { contextAt, openModule } from "../engine/opa/open.ts";
import { moduleEmitter } from "../engine/opa/out/emit.ts";
import { guestScript } from "../engine/opa/out/guest-script.ts";
import { createModulePool } from "../engine/opa/pool.ts";
import { compile } from "../lang/compile.ts";
import { quantile } from "./quantile.ts";
import { programFrom } from "./stateful.ts";

const MODULES = new URL("../test/engine/opa/modules/", import.meta.url);
const wasm = readFileSync(new URL("authz.wasm", MODULES));
const data = readFileSync(new URL("authz.json", MODULES));
const request = { agent: { id: "bot" }, tool: { name: "read_file", args: { path: "/tmp/a" } } };
const ENTRYPOINT = "authz/allow";
const ROUNDS = 2_000;

function show(name: string, micros: readonly number[]): void {
  const at = (share: number) => quantile(micros, share).toFixed(0);
  console.log(`${name.padEnd(36)} p50 ${at(0.5).padStart(6)} µs   p99 ${at(0.99).padStart(6)} µs`);
}

async function measure(name: string, ask: () => unknown): Promise<void> {
  for (let warm = 0; warm < 200; warm += 1) await ask();
  const micros: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    await ask();
    micros.push((performance.now() - began) * 1_000);
  }
  show(name, micros);
}

// The SDK hands nanoseconds over as doubles, which they are beyond.
const custom = {
  "time.now_ns": () => Date.now() * 1e6,
  "time.clock": (ns: number) => BUILTINS.get("time.clock")?.([BigInt(ns)], contextAt(Date.now())),
};
const sdk = await loadPolicy(wasm, 5, custom);
sdk.setData(JSON.parse(data.toString()));
await measure("@open-policy-agent/opa-wasm", () => sdk.evaluate(request, ENTRYPOINT));

for (const reuse of [true, false]) {
  const host = openModule({ wasm, data }, { reuse });
  const entrypoint = host.described.entrypoints.get(ENTRYPOINT) ?? 0;
  await measure(`our host, instance ${reuse ? "kept" : "made anew"}`, () =>
    host.evaluate(entrypoint, Buffer.from(JSON.stringify(request)), contextAt(Date.now())),
  );
}

for (const isTrusted of [true, false]) {
  const pool = createModulePool({ modules: [{ wasm, data }], deadlineMs: 1_000, isTrusted });
  await pool.describe(0);
  const place = isTrusted ? "a thread of this process (signed)" : "a process of its own (others)";
  await measure(`in ${place}`, () =>
    pool.ask({
      module: 0,
      entrypoint: ENTRYPOINT,
      input: JSON.stringify(request),
      nowMs: Date.now(),
    }),
  );
  pool.close();
}

await measureForms();

/** The same request in each form; all must give the same answer, or the figures compare nothing. */
async function measureForms(): Promise<void> {
  const golden = new URL("../test/golden/rego/", import.meta.url);
  const text = readFileSync(new URL("shop.writ", golden), "utf8");
  const program = programFrom(text);
  const digest = digestOfProgram(program);
  const asked = {
    agent: { id: "bot", groups: ["assistants"] },
    principal: { id: "alice", kind: "human" },
    intent: { purpose: "payments.payroll" },
    resource: { type: "doc", id: "d1", owner: "alice", sensitivity: "public" },
    // Allowed without obligations, so that an imported yes or no says all there is to say.
    tool: { name: "look", args: { path: "/home/alice/notes" } },
  };

  const engine = createEngine({ program, digest });
  const native = () => {
    const answer = engine.decide(asked);
    return answer.kind === "answer" ? answer.value.decision : answer.kind;
  };
  const written = await loadPolicy(readFileSync(new URL("shop.wasm", golden)));
  const rego = () => written.evaluate(asked, "writ/shop/decision")[0]?.result.decision;
  const runtime = readFileSync(new URL("../engine/opa/out/runtime/runtime.wasm", import.meta.url));
  const emit = moduleEmitter({ runtime, guest: await guestScript() });
  const module = await loadPolicy(emit(JSON.stringify({ program, digest })));
  module.setData({ writ: { state: { now: "2026-01-02T12:00:00Z", sessions: {} } } });
  const emitted = () => module.evaluate(asked, "writ/decision")[0]?.result.decision;

  const importing = `${text.slice(0, text.indexOf("permit small"))}
import rego "shop.wasm" entrypoint "writ/shop/allow" as shop: Bool
permit as_rego_says when shop(input)
`;
  const resolveModule = moduleResolver(fileURLToPath(golden), readBytes);
  const imported = compile(
    { directory: "shop", files: [{ path: "shop.writ", text: importing }] },
    undefined,
    resolveModule,
  );
  if (imported.program === undefined) throw new Error(imported.diagnostics[0]?.message);
  const trusting = createEngine({
    program: imported.program,
    digest: digestOfProgram(imported.program),
    modules: trustedModules(imported.program),
  });
  const within = () => {
    const answer = trusting.decide(asked);
    return answer.kind === "answer" ? answer.value.decision : answer.kind;
  };

  const answers = [native(), within(), rego(), emitted()];
  if (answers.some((answer) => answer !== "allow")) throw new Error(`they answer ${answers}`);
  await measure("one policy: Writ", native);
  await measure("  imported as Rego by a rule of Writ", within);
  await measure("  written as Rego, in the SDK", rego);
  await measure("  emitted as a module, in the SDK", emitted);
}
