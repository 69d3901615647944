/**
 * 1,000 reloads while decisions are asked for without a pause, half of them of broken bundles: no request fails,
 * no decision mixes two policies, nothing that is broken decides.
 */
import { expect, test } from "vitest";
import { type Active, createActive } from "../../../engine/active.ts";
import { openFloor } from "../../../engine/bundles/floor.ts";
import type { RefusalCode } from "../../../engine/bundles/refusal.ts";
import { createReloader } from "../../../engine/bundles/reload.ts";
import { SIGNED_BYTES_MAX } from "../../../engine/bundles/signed.ts";
import { createExaminer } from "../../../engine/bundles/thread.ts";
import type { Fetched } from "../../../engine/egress/fetch.ts";
import { createEngine } from "../../../engine/engine.ts";
import { createServer } from "../../../engine/http/server.ts";
import { createIds } from "../../../engine/ids.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { bundleOf, newKey, policyText, relist, resigned } from "../../support/bundles.ts";
import { directoryWith } from "../../support/cli.ts";
import { START } from "../../support/engine.ts";

const RELOADS = 1_000;
const CUTS = 200;
const ASKING = 4;

const key = newKey();
const stranger = newKey();
const HUGE = Buffer.alloc(SIGNED_BYTES_MAX + 1);

type Broken = readonly [RefusalCode, (serial: number) => Fetched];

function body(bytes: Uint8Array): Fetched {
  return { kind: "body", bytes, etag: undefined };
}

function good(serial: number): Buffer {
  return bundleOf(policyText(serial), key, { serial });
}

/** Broken by whoever holds the key. */
function changed(code: RefusalCode, change: Parameters<typeof resigned>[2]): Broken {
  return [code, (serial) => body(resigned(good(serial), key, change))];
}

function rewritten(code: RefusalCode, part: number, change: (text: string) => string): Broken {
  return changed(code, (taken) => {
    taken.parts[part] = Buffer.from(change(taken.parts[part]?.toString("utf8") ?? ""));
    relist(taken);
  });
}

/** Each with the code that it must be refused with; `serial` is always the next one that would be taken. */
const BROKEN: readonly Broken[] = [
  ["unreachable", () => ({ kind: "failed", code: "unreachable", because: "nobody answers" })],
  ["malformed", () => body(new Uint8Array())],
  ["too_large", () => body(HUGE)],
  ["unknown_key", (serial) => body(bundleOf(policyText(serial), stranger, { serial }))],
  [
    "unsigned",
    (serial) =>
      body(
        Buffer.from(
          good(serial)
            .toString("utf8")
            .replace(/^signed .*\n/m, ""),
        ),
      ),
  ],
  [
    "bad_signature",
    (serial) =>
      body(
        Buffer.from(
          good(serial)
            .toString("utf8")
            .replace(`"serial":${serial}`, `"serial":${serial + 1}`),
        ),
      ),
  ],
  [
    "wrong_digest",
    (serial) => body(Buffer.from(good(serial).toString("utf8").replace("1000000", "2000000"))),
  ],
  ["malformed", (serial) => body(Buffer.concat([good(serial), Buffer.from("x")]))],
  ["rolled_back", () => body(bundleOf(policyText(0), key, { serial: 1, revision: "old" }))],
  [
    "rolled_back",
    (serial) => body(bundleOf(policyText(0), key, { serial: serial - 1, revision: "forged" })),
  ],
  [
    "expired",
    (serial) => body(bundleOf(policyText(serial), key, { serial, expiresMs: START - 1 })),
  ],
  [
    "tests_missing",
    (serial) => body(bundleOf(policyText(serial), key, { serial, tests: undefined })),
  ],
  [
    "tests_failed",
    (serial) =>
      body(bundleOf(policyText(serial).replace("then allow", "then deny"), key, { serial })),
  ],
  [
    "other_package",
    (serial) =>
      body(
        bundleOf(policyText(serial).replace("package example", "package evil"), key, { serial }),
      ),
  ],
  changed("newer_version", ({ manifest }) => (manifest.version.major = 2)),
  changed("malformed", ({ manifest }) => (manifest.parts[0].name = "../../etc/passwd")),
  changed("malformed", ({ manifest }) => (manifest.package = "a\u001b[2J")),
  changed("wrong_digest", ({ manifest }) => (manifest.digest = `sha256:${"0".repeat(64)}`)),
  rewritten("malformed", 0, (text) => text.replace("{", '{"agent":[],')),
  rewritten("malformed", 0, () => `${"[".repeat(2_600)}${"]".repeat(2_600)}`),
  rewritten("no_program", 0, (text) => text.replace('"effect":"permit"', '"effect":"bless"')),
  rewritten("no_program", 0, (text) =>
    text.replace('"version":{"major":1', '"version":{"major":3'),
  ),
  rewritten("malformed", 1, () => '[{"steps":1}]'),
];

function brokenAt(index: number, serial: number): readonly [RefusalCode | "cut", Fetched] {
  if (index < CUTS) {
    const whole = good(serial);
    const length = Math.floor((whole.length * index) / CUTS);
    return ["cut", body(whole.subarray(0, length))];
  }
  const [code, make] = BROKEN[index % BROKEN.length] ?? (BROKEN[0] as Broken);
  return [code, make(serial)];
}

test(`${RELOADS} reloads under load, half of them broken`, { timeout: 180_000 }, async () => {
  const store = createMemoryStore();
  const active = createActive({ now: () => START, ids: createIds() });
  const examiner = createExaminer();
  let holds: Fetched = body(good(1));
  const reloader = createReloader({
    source: { shown: "the source", fetch: async () => holds },
    keys: [key.verifying],
    examiner,
    floor: openFloor(directoryWith({})),
    active,
    now: () => START,
    graceMs: 0,
    runsTests: true,
    prepare: ({ program, manifest: { digest, serial } }) => {
      const named = { digest, revision: String(serial) };
      return { ...named, service: createEngine({ program, ...named, store, clock: () => START }) };
    },
    onEvent: () => {},
  });
  await reloader.check();
  const load = startLoad(active);
  const refused = new Map<string, number>();
  let serial = 1;
  for (let index = 0; index < RELOADS / 2; index++) {
    const [code, fetched] = brokenAt(index, serial + 1);
    holds = fetched;
    expect(await reloader.check(), `${code} ${index}`).toBe(false);
    const found = reloader.status().failing?.code ?? "";
    if (code === "cut") expect(["malformed", "unsigned"], `cut ${index}`).toContain(found);
    else expect(found, `broken ${index}`).toBe(code);
    refused.set(found, (refused.get(found) ?? 0) + 1);
    expect(active.present()?.revision).toBe(String(serial));
    serial += 1;
    holds = body(good(serial));
    expect(await reloader.check()).toBe(true);
    expect(active.present()?.revision).toBe(String(serial));
  }
  const seen = await load.stop();
  await examiner.close();
  const { activationCount, refusalCounts } = reloader.status();
  expect(activationCount).toBe(1 + RELOADS / 2);
  expect([...refusalCounts].sort()).toEqual([...refused].sort());
  expect(seen.wrong).toEqual([]);
  expect(seen.count).toBeGreaterThan(RELOADS);
  expect(seen.revisions.size).toBeGreaterThan(RELOADS / 10);
  console.log(`${seen.count} decisions and as many outcomes, by ${seen.revisions.size} revisions`);
});

interface Seen {
  count: number;
  readonly revisions: Set<string>;
  readonly wrong: string[];
}

/** Asks over HTTP until stopped, and looks at every answer. */
function startLoad(active: Active): { stop(): Promise<Seen> } {
  const app = createServer({ service: active });
  const seen: Seen = { count: 0, revisions: new Set(), wrong: [] };
  const digests = new Map<string, string>();
  let stopped = false;
  const post = async (url: string, payload: object) => {
    const headers = { "content-type": "application/json", host: "localhost" };
    const answer = await app.inject({ method: "POST", url, headers, payload });
    return { status: answer.statusCode, json: answer.json() };
  };
  const asking = async (name: number) => {
    let latest = 0;
    while (!stopped) {
      const asked = { agent: { id: "bot" }, session: { id: `s${name}` }, tool: { name: "ask" } };
      const { status, json } = await post("/decide", asked);
      const { revision = "", digest = "" } = json.policy ?? {};
      const known = digests.get(revision) ?? digest;
      digests.set(revision, known);
      const isOne = json.reasons?.[0]?.because === `by ${revision}` && digest === known;
      const isLater = Number(revision) >= latest;
      latest = Number(revision);
      seen.count += 1;
      seen.revisions.add(revision);
      if (status !== 200 || json.decision !== "allow" || !isOne || !isLater) {
        seen.wrong.push(JSON.stringify(json));
      }
      const settled = await post("/outcome", { call: json.call, status: "ok" });
      if (settled.status !== 200) seen.wrong.push(JSON.stringify(settled.json));
    }
  };
  const all = Array.from({ length: ASKING }, (_, name) => asking(name));
  return {
    async stop() {
      stopped = true;
      await Promise.all(all);
      return seen;
    },
  };
}
