import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Active, createActive, type OperatedService } from "../../../engine/active.ts";
import { LogStopped } from "../../../engine/audit/log.ts";
import { examine } from "../../../engine/bundles/examine.ts";
import { openFloor } from "../../../engine/bundles/floor.ts";
import {
  createReloader,
  type ReloadEvent,
  type Reloader,
  type ReloadParts,
} from "../../../engine/bundles/reload.ts";
import type { BundleSource } from "../../../engine/bundles/source.ts";
import type { Examiner } from "../../../engine/bundles/thread.ts";
import type { Fetched } from "../../../engine/egress/fetch.ts";
import { createEngine } from "../../../engine/engine.ts";
import { createIds } from "../../../engine/ids.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { bundleOf, newKey, policyText } from "../../support/bundles.ts";
import { directoryWith } from "../../support/cli.ts";
import { START } from "../../support/engine.ts";

const key = newKey();
const HOUR = 3_600_000;

/** A service that reloads: what its source holds, and when it is, are the test's. */
interface Reloading {
  readonly active: Active;
  readonly reloader: Reloader;
  readonly events: ReloadEvent[];
  readonly directory: string;
  readonly asked: (string | undefined)[];
  holds: Fetched;
  nowMs: number;
  /** One check; gives the revision decided by, or the code of the denial. */
  check(): Promise<string>;
}

function reloading(
  more: {
    readonly directory?: string;
    readonly examiner?: Examiner;
    readonly record?: ReloadParts["record"];
    /** Of the service of each revision. */
    readonly also?: (revision: string) => Partial<OperatedService>;
  } = {},
): Reloading {
  const directory = more.directory ?? directoryWith({});
  const store = createMemoryStore();
  const asked: (string | undefined)[] = [];
  const now = () => one.nowMs;
  const active = createActive({ now, ids: createIds() });
  const events: ReloadEvent[] = [];
  const source: BundleSource = {
    shown: "the source",
    fetch: async (etag) => {
      asked.push(etag);
      const { holds } = one;
      return holds.kind === "body" && holds.etag !== undefined && holds.etag === etag
        ? { kind: "same" }
        : holds;
    },
  };
  const reloader = createReloader({
    source,
    keys: [key.verifying],
    examiner: more.examiner ?? {
      examine: async (...given) => examine(...given),
      close: async () => {},
    },
    floor: openFloor(directory),
    active,
    now,
    graceMs: 24 * HOUR,
    runsTests: true,
    prepare: ({ program, manifest: { digest, revision, serial } }) => {
      const named = { digest, revision: revision ?? String(serial) };
      const engine = createEngine({ program, ...named, store, clock: now });
      return { ...named, service: { ...engine, ...more.also?.(named.revision) } };
    },
    record: more.record,
    onEvent: (event) => void events.push(event),
  });
  const one: Reloading = {
    active,
    reloader,
    events,
    directory,
    asked,
    holds: { kind: "failed", code: "unreachable", because: "nobody answers" },
    nowMs: START,
    async check() {
      await reloader.check();
      return decidedBy(active);
    },
  };
  return one;
}

async function decidedBy(active: Active): Promise<string> {
  const answer = await active.decide({
    agent: { id: "bot" },
    session: { id: "s" },
    tool: { name: "ask" },
  });
  if (answer.kind !== "answer") throw new Error(answer.kind);
  return answer.value.code ?? answer.value.policy.revision ?? "";
}

function body(serial: number, more: Parameters<typeof bundleOf>[2] = {}, etag?: string): Fetched {
  return { kind: "body", bytes: bundleOf(policyText(serial), key, { serial, ...more }), etag };
}

test("what is newer is decided by; what is asked for again is asked for by its ETag", async () => {
  const one = reloading();
  one.holds = body(1, {}, '"a"');
  expect(await one.check()).toBe("1");
  expect(await one.check()).toBe("1");
  one.holds = body(2, { revision: "spring" }, '"b"');
  expect(await one.check()).toBe("spring");
  expect(one.asked).toEqual([undefined, '"a"', '"a"']);
  expect(one.events.map(({ kind }) => kind)).toEqual(["activated", "activated"]);
  expect(one.reloader.status()).toMatchObject({
    serial: 2,
    activationCount: 2,
    activatedAtMs: START,
  });
});

test("nothing is decided before the first, and nothing by one that is refused", async () => {
  const one = reloading();
  expect(await one.check()).toBe("no_policy");
  one.holds = { kind: "body", bytes: bundleOf(policyText(1), newKey()), etag: undefined };
  expect(await one.check()).toBe("no_policy");
  expect(one.reloader.status().failing).toMatchObject({ code: "unknown_key" });
  expect(readdirSync(one.directory)).toEqual([]);
});

describe("what is refused leaves what is decided by", () => {
  const older = policyText(4);
  test.each<[string, Fetched]>([
    ["unreachable", { kind: "failed", code: "unreachable", because: "nobody answers" }],
    ["too_large", { kind: "failed", code: "too_large", because: "it never ends" }],
    ["malformed", { kind: "body", bytes: Buffer.alloc(0), etag: undefined }],
    ["rolled_back", body(4)],
    ["rolled_back", body(5, { revision: "another of the same serial" })],
    ["expired", body(6, { expiresMs: START - 24 * HOUR })],
    [
      "tests_failed",
      {
        kind: "body",
        bytes: bundleOf(older.replace("then allow", "then deny"), key, { serial: 7 }),
        etag: "x",
      },
    ],
    ["tests_missing", body(8, { tests: undefined })],
    [
      "other_package",
      {
        kind: "body",
        bytes: bundleOf(older.replace("example", "other"), key, { serial: 9 }),
        etag: "x",
      },
    ],
  ])("%s", async (code, holds) => {
    const one = reloading();
    one.holds = body(5, {}, '"good"');
    expect(await one.check()).toBe("5");
    one.holds = holds;
    expect(await one.check()).toBe("5");
    expect(await one.check()).toBe("5");
    const { failing, refusalCounts, serial } = one.reloader.status();
    expect({ failing, serial }).toMatchObject({ failing: { code, sinceMs: START }, serial: 5 });
    expect([...refusalCounts]).toEqual([[code, 2]]);
    expect(one.events.map(({ kind }) => kind)).toEqual(["activated", "refused"]);
    one.holds = body(5, {}, '"good"');
    expect(await one.check()).toBe("5");
    expect(one.reloader.status().failing).toBeUndefined();
    expect(one.events.at(-1)?.kind).toBe("recovered");
  });

  test("why is said again when it is there again", async () => {
    const one = reloading();
    one.holds = body(1);
    expect(await one.check()).toBe("1");
    const refused = body(2, { tests: undefined });
    for (const holds of [
      refused,
      { kind: "failed", code: "unreachable", because: "no" },
      refused,
    ]) {
      one.holds = holds as Fetched;
      expect(await one.check()).toBe("1");
    }
    expect(one.reloader.status().failing).toMatchObject({ code: "tests_missing" });
    expect([...one.reloader.status().refusalCounts]).toEqual([
      ["tests_missing", 2],
      ["unreachable", 1],
    ]);
  });

  test("a failing test is named", async () => {
    const one = reloading();
    const bytes = bundleOf(policyText(1).replace("then allow", "then deny"), key);
    one.holds = { kind: "body", bytes, etag: undefined };
    await one.check();
    expect(one.reloader.status().failing?.because).toMatch(
      /^1 of its tests failed: bot asks \(policy\.writ:\d+\): expected deny, decided allow/,
    );
  });

  test("an examination that throws is told, tried again, and never stops deciding", async () => {
    let fails = true;
    const examiner: Examiner = {
      examine: async (...given) => {
        if (fails) throw new Error("out of luck");
        return examine(...given);
      },
      close: async () => {},
    };
    const one = reloading({ examiner });
    one.holds = body(1);
    expect(await one.check()).toBe("no_policy");
    expect(one.reloader.status().failing).toMatchObject({ code: "crashed" });
    fails = false;
    expect(await one.check()).toBe("1");
  });

  test("one that the audit log cannot be told of", async () => {
    let fault: Error | undefined;
    const told: number[] = [];
    const one = reloading({
      record: async ({ manifest }) => {
        if (fault !== undefined) throw fault;
        told.push(manifest.serial);
      },
    });
    one.holds = body(1);
    expect(await one.check()).toBe("1");
    fault = Object.assign(new Error("no space"), { code: "ENOSPC" });
    one.holds = body(2);
    expect(await one.check()).toBe("1");
    expect(one.reloader.status().failing).toMatchObject({
      code: "not_recorded",
      because: "it could not be written down before it decides: ENOSPC",
    });
    fault = new LogStopped("nothing can be recorded: EIO");
    expect(await one.check()).toBe("1");
    expect(one.reloader.status().failing?.because).toMatch(/: nothing can be recorded: EIO$/);
    fault = undefined;
    expect(await one.check()).toBe("2");
    expect(told).toEqual([1, 2]);
  });

  test("one that cannot be made ready; what it holds is given up, and what decides keeps its own", async () => {
    const told: string[] = [];
    let fault: Error | undefined = new Error("no code comes of it");
    const one = reloading({
      also: (revision) => ({
        warmUp: async () => {
          told.push(`warms up ${revision} while ${await decidedBy(one.active)}`);
          if (revision !== "1" && fault !== undefined) throw fault;
        },
        close: () => void told.push(`closes ${revision}`),
      }),
      record: async ({ manifest }) => {
        if (manifest.serial === 3) throw new LogStopped("nothing can be recorded: EIO");
      },
    });
    one.holds = body(1);
    expect(await one.check()).toBe("1");
    one.holds = body(2);
    expect(await one.check()).toBe("1");
    expect(one.reloader.status().failing).toMatchObject({
      code: "crashed",
      because: "loading it failed: no code comes of it",
    });
    fault = undefined;
    one.holds = body(3);
    for (let times = 0; times < 3; times++) expect(await one.check()).toBe("1");
    one.holds = body(4);
    expect(await one.check()).toBe("4");
    expect(told).toEqual([
      "warms up 1 while no_policy",
      "warms up 2 while 1",
      "closes 2",
      ...Array.from({ length: 3 }, () => ["warms up 3 while 1", "closes 3"]).flat(),
      "warms up 4 while 1",
    ]);
  });

  test("one that cannot be written down as the newest", async () => {
    const one = reloading();
    one.holds = body(1);
    expect(await one.check()).toBe("1");
    one.holds = body(2);
    // A directory in its place: even root cannot write a file there.
    const blocked = join(one.directory, "bundle.json.partial");
    mkdirSync(blocked);
    expect(await one.check()).toBe("1");
    expect(one.reloader.status().failing).toMatchObject({ code: "not_recorded" });
    rmSync(blocked, { recursive: true });
    expect(await one.check()).toBe("2");
  });
});

describe("expiry", () => {
  test("within its grace it decides, after it nobody does, and a newer one revives", async () => {
    const one = reloading();
    one.holds = body(1, { expiresMs: START + HOUR }, '"a"');
    expect(await one.check()).toBe("1");
    one.nowMs = START + 25 * HOUR - 1;
    expect(await one.check()).toBe("1");
    one.nowMs = START + 25 * HOUR;
    expect(await one.check()).toBe("no_policy");
    one.holds = body(2, { expiresMs: START + 90 * HOUR }, '"b"');
    expect(await one.check()).toBe("2");
  });
});

describe("after a restart", () => {
  test("an older one is refused, the same one is not", async () => {
    const before = reloading();
    before.holds = body(5);
    expect(await before.check()).toBe("5");
    const after = reloading({ directory: before.directory });
    after.holds = body(4);
    expect(await after.check()).toBe("no_policy");
    after.holds = body(5, { revision: "forged later" });
    expect(await after.check()).toBe("no_policy");
    after.holds = body(5);
    expect(await after.check()).toBe("5");
  });

  test("the one decided by last is there while its source is not, and is verified again", async () => {
    const before = reloading();
    before.holds = body(5);
    await before.check();
    const after = reloading({ directory: before.directory });
    expect(await after.check()).toBe("no_policy");
    expect(await after.reloader.startFromSaved()).toBe(true);
    expect(await decidedBy(after.active)).toBe("5");
    expect(after.reloader.status().failing).toMatchObject({ code: "unreachable" });
    after.holds = body(6, {}, '"c"');
    expect(await after.check()).toBe("6");
    expect(after.asked).toEqual([undefined, undefined]);
    const saved = join(before.directory, "bundle.writb");
    writeFileSync(saved, readFileSync(saved).toString("utf8").replace("by 6", "by 9"));
    const forged = reloading({ directory: before.directory });
    expect(await forged.reloader.startFromSaved()).toBe(false);
    expect(forged.events).toMatchObject([{ kind: "refused", refusal: { code: "wrong_digest" } }]);
    expect(await decidedBy(forged.active)).toBe("no_policy");
  });

  test("a floor that cannot be read is not taken for none", async () => {
    for (const text of ["", "{", "[]", '{"package":"example"}', '{"serial":1,"serial":1}']) {
      expect(() => openFloor(directoryWith({ "bundle.json": text })), text).toThrow(
        "was changed or cut off",
      );
    }
    const unreachable = directoryWith({});
    symlinkSync("bundle.json", join(unreachable, "bundle.json"));
    expect(() => openFloor(unreachable)).toThrow("cannot be read: ELOOP");
  });
});

test("checks take turns", async () => {
  let running = 0;
  let most = 0;
  const examiner: Examiner = {
    examine: async (...given) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return examine(...given);
    },
    close: async () => {},
  };
  const one = reloading({ examiner });
  one.holds = body(1);
  const first = one.reloader.check();
  one.holds = body(2);
  await Promise.all([first, one.reloader.check(), one.reloader.check()]);
  expect(most).toBe(1);
  expect(await decidedBy(one.active)).toBe("2");
});
