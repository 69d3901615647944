/**
 * Reloads of policies that ask imported modules, while decisions are asked for without a pause and half of the reloads
 * cannot be written down: every decision has its module's answer, and no module outlives its policy.
 */
import { expect, test } from "vitest";
import { type Active, createActive } from "../../../engine/active.ts";
import { openFloor } from "../../../engine/bundles/floor.ts";
import { createReloader } from "../../../engine/bundles/reload.ts";
import { createExaminer } from "../../../engine/bundles/thread.ts";
import type { Decision } from "../../../engine/decision.ts";
import { createEngine } from "../../../engine/engine.ts";
import { createIds } from "../../../engine/ids.ts";
import { withModules } from "../../../engine/opa/asked.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import type { Program } from "../../../lang/ir.ts";
import { bundleOf, newKey } from "../../support/bundles.ts";
import { directoryWith } from "../../support/cli.ts";
import { AUTHZ, NOON_MS } from "../opa/modules.ts";

const RELOADS = 24;
const ASKING = 4;

const key = newKey();

function good(serial: number): Buffer {
  const text = `package example
tool read_file { effect read }
import rego "authz.wasm" entrypoint "authz/allow" as legacy: Bool
permit legacy_ok when legacy(input) because "by ${serial}"
`;
  return bundleOf(text, key, { serial, tests: undefined, change: withBinary });
}

function withBinary(bare: Program): Program {
  const wasm = Buffer.from(AUTHZ.wasm).toString("base64");
  const data = Buffer.from(AUTHZ.data ?? "").toString("utf8");
  return {
    ...bare,
    modules: bare.modules.map((one) => ({ ...one, binary: 0 })),
    binaries: [{ wasm, data }],
  };
}

test(`${RELOADS} reloads with modules under load`, { timeout: 120_000 }, async () => {
  const store = createMemoryStore();
  const now = () => NOON_MS;
  const active = createActive({ now, ids: createIds() });
  const examiner = createExaminer();
  let isFull = false;
  let holds = good(1);
  let openCount = 0;
  const reloader = createReloader({
    source: {
      shown: "the source",
      fetch: async () => ({ kind: "body", bytes: holds, etag: undefined }),
    },
    keys: [key.verifying],
    examiner,
    floor: openFloor(directoryWith({})),
    active,
    now,
    graceMs: 0,
    runsTests: false,
    prepare: ({ program, manifest: { digest, serial } }) => {
      const named = { digest, revision: String(serial) };
      const engine = createEngine({ program, ...named, store, clock: now });
      const asked = { program, now, deadlineMs: 20_000, isTrusted: true };
      const service = withModules(engine, asked);
      openCount += 1;
      const close = () => {
        openCount -= 1;
        service.close?.();
      };
      return { ...named, service: { ...service, close } };
    },
    record: async () => {
      if (isFull) throw new Error("the disk is full");
    },
    onEvent: () => {},
  });
  await reloader.check();
  const load = startLoad(active);
  for (let serial = 2; serial < RELOADS; serial += 2) {
    isFull = true;
    holds = good(serial);
    expect(await reloader.check()).toBe(false);
    expect(reloader.status().failing?.code).toBe("not_recorded");
    isFull = false;
    holds = good(serial + 1);
    expect(await reloader.check()).toBe(true);
    expect(active.readiness()).toEqual({ ready: true });
    expect(openCount).toBeLessThanOrEqual(2);
  }
  const seen = await load.stop();
  active.close();
  await examiner.close();
  expect(openCount).toBe(0);
  expect(seen.wrong).toEqual([]);
  expect(seen.revisions.size).toBeGreaterThan(RELOADS / 4);
});

interface Seen {
  readonly revisions: Set<string>;
  readonly wrong: unknown[];
}

/** Asks until stopped, and looks at every answer. */
function startLoad(active: Active): { stop(): Promise<Seen> } {
  const seen: Seen = { revisions: new Set(), wrong: [] };
  let isStopped = false;
  const look = ({ decision, policy, reasons }: Decision, isBot: boolean) => {
    const { revision = "" } = policy;
    seen.revisions.add(revision);
    const isRight = isBot
      ? decision === "allow" && reasons[0]?.because === `by ${revision}`
      : decision === "deny" && reasons.length === 0;
    if (!isRight) seen.wrong.push({ decision, policy, reasons, isBot });
  };
  const one = async () => {
    for (let count = 0; !isStopped; count++) {
      const isBot = count % 3 > 0;
      const agent = { id: isBot ? "bot" : "eve" };
      const answer = await active.decide({ agent, tool: { name: "read_file" } });
      if (answer.kind === "answer") look(answer.value, isBot);
      else seen.wrong.push(answer);
    }
  };
  const all = Promise.all(Array.from({ length: ASKING }, one));
  return {
    async stop() {
      isStopped = true;
      await all;
      return seen;
    },
  };
}
