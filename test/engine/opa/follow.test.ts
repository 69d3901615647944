import { describe, expect, onTestFinished, test } from "vitest";
import type { CheckEvent } from "../../../engine/bundles/check.ts";
import { urlSource } from "../../../engine/bundles/source.ts";
import type { Fetched } from "../../../engine/egress/fetch.ts";
import { type FollowParts, followBundle } from "../../../engine/opa/follow.ts";
import { type OpenedRego, openRego } from "../../../engine/opa/opened.ts";
import { BundleService, newPair, opaBundle } from "../../support/opa-bundles.ts";
import { AUTHZ, NOON_MS } from "./modules.ts";

const PAIR = newPair();
const KEY = { pem: PAIR.pem, alg: "ES256" };
const DATA = '{"grants":{},"roles":{}}';

function bundle(revision: string, pair: Parameters<typeof opaBundle>[1] = PAIR): Uint8Array {
  return opaBundle({ revision, entrypoint: "authz/allow", wasm: AUTHZ.wasm, data: DATA }, pair);
}

/** In memory: what was written, and where it comes from again. */
function savedBundle(bytes?: Uint8Array) {
  const made = {
    bytes,
    mayWrite: true,
    source: {
      shown: "saved",
      fetch: async (): Promise<Fetched> =>
        made.bytes === undefined
          ? { kind: "failed", code: "unreachable", because: "there is none" }
          : { kind: "body", bytes: made.bytes, etag: undefined },
    },
    async write(written: Uint8Array) {
      if (!made.mayWrite) throw new Error("no room");
      made.bytes = written;
    },
  };
  return made;
}

async function following(more: Partial<FollowParts> = {}) {
  const service = new BundleService();
  const url = await service.listen();
  const activated: OpenedRego[] = [];
  const events: CheckEvent[] = [];
  const saved = savedBundle();
  const opening = {
    key: KEY,
    entrypoint: undefined,
    deadlineMs: 20_000,
    isTrusted: false,
    onTrouble: () => {},
  };
  const follower = followBundle({
    source: urlSource(new URL(`${url}?token=secret`), { privateNetworks: false }),
    waitMs: 0,
    open: (bytes) => openRego(bytes, opening),
    activate: async (rego) => void activated.push(rego),
    now: () => NOON_MS,
    onEvent: (event) => void events.push(event),
    saved,
    ...more,
  });
  onTestFinished(() => {
    follower.stop();
    service.close();
    for (const { pool } of activated) pool.close();
  });
  return { service, url, follower, activated, events, saved };
}

describe("what decided last", () => {
  test("is saved, and decides where the source is out of reach at the next start", async () => {
    const first = await following();
    first.service.bytes = bundle("r1");
    await first.follower.first();
    expect(first.saved.bytes).toEqual(first.service.bytes);

    const next = await following({ saved: first.saved });
    next.service.status = 500;
    expect(await next.follower.first()).toBe(false);
    await next.follower.startFromSaved();
    expect(next.activated.map(({ revision }) => revision)).toEqual(["r1"]);
    expect(next.follower.status()).toMatchObject({
      activationCount: 1,
      failing: { code: "unreachable" },
    });
    // The same from the source is nothing new, and what is newer decides.
    next.service.status = 200;
    next.service.bytes = first.service.bytes;
    expect(await next.follower.check()).toBe(true);
    expect(next.activated).toHaveLength(1);
    next.service.bytes = bundle("r2");
    expect(await next.follower.check()).toBe(true);
    expect(next.activated.map(({ revision }) => revision)).toEqual(["r1", "r2"]);
  }, 60_000);

  test.each<[string, () => Uint8Array | undefined, number]>([
    ["is signed by another key by now", () => bundle("r1", newPair()), 1],
    ["was cut off", () => bundle("r1").subarray(0, 3_000), 1],
    ["was never saved", () => undefined, 0],
  ])(
    "does not where it %s",
    async (_, bytes, told) => {
      const { service, follower, activated, events } = await following({
        saved: savedBundle(bytes()),
      });
      service.status = 500;
      await follower.first();
      await follower.startFromSaved();
      expect(activated).toEqual([]);
      const refused = events.filter(
        (event) => event.kind === "refused" && event.source === "saved",
      );
      expect(refused).toHaveLength(told);
    },
    60_000,
  );

  test("is what can be saved", async () => {
    const { service, follower, activated, saved } = await following();
    saved.mayWrite = false;
    service.bytes = bundle("r1");
    expect(await follower.first()).toBe(false);
    expect(activated).toEqual([]);
    expect(follower.status().failing).toMatchObject({ code: "not_recorded" });
    saved.mayWrite = true;
    expect(await follower.check()).toBe(true);
    expect(activated).toHaveLength(1);
  }, 60_000);
});

describe("a server that asks who we are", () => {
  test("is shown the token as it is by then", async () => {
    let token = "first-token";
    const { service, url, follower } = await following();
    const source = urlSource(new URL(url), { privateNetworks: false, token: () => token });
    expect(await source.fetch(undefined)).toMatchObject({ kind: "body" });
    token = "second-token";
    await source.fetch(undefined);
    await follower.first();
    expect(service.asked.map(({ authorization }) => authorization)).toEqual([
      "Bearer first-token",
      "Bearer second-token",
      undefined,
    ]);
    expect(source.shown).not.toContain("token");
  });

  test("is not asked where the token cannot be read", async () => {
    const { service, url } = await following();
    const token = () => {
      throw new Error("a-secret");
    };
    const source = urlSource(new URL(url), { privateNetworks: false, token });
    expect(await source.fetch(undefined)).toEqual({
      kind: "failed",
      code: "unreachable",
      because: "the token for it cannot be read",
    });
    expect(service.asked).toEqual([]);
  });
});

test("a bundle is fetched once and asked for by its ETag; a newer one decides", async () => {
  const { service, follower, activated } = await following();
  service.bytes = bundle("r1");
  expect(await follower.first()).toBe(true);
  expect(await follower.check()).toBe(true);
  service.bytes = bundle("r2");
  expect(await follower.check()).toBe(true);
  expect(activated.map(({ revision }) => revision)).toEqual(["r1", "r2"]);
  const [first, second, third] = service.asked;
  expect(first).toMatchObject({ etag: undefined, prefer: "modes=snapshot" });
  expect(second?.etag).toMatch(/^"[0-9a-f]{64}"$/);
  expect(third?.etag).toBe(second?.etag);
  expect(follower.status()).toMatchObject({ activationCount: 2, checkedAtMs: NOON_MS });
  // A query may be a credential.
  expect(JSON.stringify(follower.status())).not.toContain("secret");
}, 60_000);

test.each<readonly [string, (service: BundleService) => void, string]>([
  [
    "nobody signed",
    (service) =>
      service.publish(
        opaBundle({ revision: "r2", entrypoint: "authz/allow", wasm: AUTHZ.wasm, data: DATA }),
      ),
    "bad_signature",
  ],
  ["another key signed", (service) => service.publish(bundle("r2", newPair())), "bad_signature"],
  ["is cut off", (service) => service.publish(bundle("r2").subarray(0, 5_000)), "malformed"],
  ["is nothing", (service) => service.publish(new Uint8Array()), "malformed"],
  [
    "names an entrypoint that its module does not have",
    (service) =>
      service.publish(
        opaBundle(
          { revision: "r2", entrypoint: "authz/allowed", wasm: AUTHZ.wasm, data: DATA },
          PAIR,
        ),
      ),
    "no_program",
  ],
  [
    "has a module that is none",
    (service) =>
      service.publish(
        opaBundle(
          { revision: "r2", entrypoint: "authz/allow", wasm: Buffer.from("no"), data: DATA },
          PAIR,
        ),
      ),
    "no_program",
  ],
  [
    "cannot be had",
    (service) => {
      service.status = 503;
    },
    "unreachable",
  ],
])(
  "what decides goes on deciding where the next %s",
  async (_, spoil, code) => {
    const { service, follower, activated, events } = await following();
    service.bytes = bundle("r1");
    await follower.first();
    spoil(service);
    expect(await follower.check()).toBe(false);
    expect(await follower.check()).toBe(false);
    expect(activated).toHaveLength(1);
    expect(events).toMatchObject([{ kind: "refused", refusal: { code } }]);
    expect(follower.status()).toMatchObject({ failing: { code }, activationCount: 1 });
    service.status = 200;
    service.publish(bundle("r1"));
    expect(await follower.check()).toBe(true);
    expect(follower.status().failing).toBeUndefined();
    expect(events[1]).toMatchObject({ kind: "recovered" });
  },
  60_000,
);

test("a bundle whose activation cannot be recorded does not decide", async () => {
  const { service, follower } = await following({
    activate: () => Promise.reject(new Error("the disk is full")),
  });
  service.bytes = bundle("r1");
  expect(await follower.first()).toBe(false);
  expect(follower.status()).toMatchObject({ failing: { code: "not_recorded" } });
}, 60_000);

test("a server that holds requests back is asked again at once, and what it publishes decides", async () => {
  const { service, follower, activated } = await following({ waitMs: 60_000 });
  service.longPolls = true;
  service.bytes = bundle("r1");
  await follower.first();
  const checking = follower.check();
  await expect.poll(() => service.heldCount, { timeout: 20_000 }).toBe(1);
  expect(service.asked.at(-1)?.prefer).toBe("modes=snapshot;wait=60");
  service.publish(bundle("r2"));
  await expect.poll(() => activated.length, { timeout: 20_000 }).toBe(2);
  await expect.poll(() => service.heldCount, { timeout: 20_000 }).toBe(1);
  // What is held is given up when the service stops.
  follower.stop();
  expect(await checking).toBe(false);
  await expect.poll(() => service.heldCount, { timeout: 20_000 }).toBe(0);
}, 90_000);

test("a server that says so and answers at once is asked at the usual times", async () => {
  const { service, follower } = await following({ waitMs: 60_000 });
  service.pretends = true;
  service.bytes = bundle("r1");
  await follower.first();
  expect(await follower.check()).toBe(true);
  expect(service.asked).toHaveLength(2);
}, 60_000);
