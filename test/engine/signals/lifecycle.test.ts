/** Governed agents and accounts: snapshots that arrive late, twice or in another order. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { START } from "../../support/engine.ts";
import { type Json, NOW_S } from "../../support/identity.ts";
import { seedFrom } from "../../support/seed.ts";
import { AGENT, issSub, RISC, signalsWorld, TRANSMITTER, toldOf } from "../../support/signals.ts";

const BOT = issSub("bot");
const CHANGED = `${AGENT}state-changed`;

type World = Awaited<ReturnType<typeof signalsWorld>>;

/** Times are seconds after `NOW_S`. */
function state(version: string | number, status: string, cutoff: number, more: Json = {}): Json {
  return {
    version: String(version),
    status,
    event_timestamp: NOW_S,
    authorization_cutoff: NOW_S + cutoff,
    ...(status === "active" ? { valid_until: NOW_S + 3_600 } : {}),
    ...more,
  };
}

const tell = async (at: World, event: Json) => toldOf(await at.tell(CHANGED, event, BOT));
const ask = (at: World, iat: number) => at.ask({ iat: NOW_S + iat });

describe("a governed agent", () => {
  test("is denied while it is disabled, and what it was given before never counts again", async () => {
    const at = await signalsWorld();
    expect(await tell(at, state(1, "active", -60))).toBe("applied");
    expect([await ask(at, -60), await ask(at, -59)]).toEqual(["revoked", "allow"]);
    expect(await tell(at, state(2, "disabled", 0))).toBe("applied");
    at.nowMs = START + 60_000;
    expect([await ask(at, -59), await ask(at, 50)]).toEqual(["revoked", "revoked"]);
    const asserted = { agent: { id: "bot" }, delegation: undefined };
    expect(await at.ask({}, undefined, asserted)).toBe("revoked");
    expect(await tell(at, state(3, "active", 10))).toBe("applied");
    const all = [await ask(at, -59), await ask(at, 0), await ask(at, 10), await ask(at, 11)];
    expect(all).toEqual(["revoked", "revoked", "revoked", "allow"]);
    expect(await at.ask({}, undefined, asserted)).toBe("allow");
  });

  test("counts a grant by whole seconds, as its cutoff does", async () => {
    const at = await signalsWorld();
    await tell(at, state(1, "active", 0));
    at.nowMs = START + 5_000;
    expect([await ask(at, 0.999), await ask(at, 1)]).toEqual(["revoked", "allow"]);
  });

  test("is active until its lease ends, and no replay renews it", async () => {
    const at = await signalsWorld();
    const active = state(1, "active", -60, { valid_until: NOW_S + 100 });
    await tell(at, active);
    at.nowMs = START + 99_999;
    expect(await ask(at, 50)).toBe("allow");
    at.nowMs = START + 100_000;
    expect(await ask(at, 50)).toBe("revoked");
    expect(await tell(at, active)).toBe("duplicate");
    expect(await ask(at, 50)).toBe("revoked");
    expect(await tell(at, state(2, "active", -60))).toBe("applied");
    expect(await ask(at, 50)).toBe("allow");
  });

  test("is active no longer than is configured here", async () => {
    const at = await signalsWorld({ ...TRANSMITTER, lease: "10s" });
    await tell(at, state(1, "active", -60));
    expect(await ask(at, -1)).toBe("allow");
    at.nowMs = START + 10_000;
    expect(await ask(at, -1)).toBe("revoked");
    expect(at.revocations.all()).toMatchObject([{ kind: "standing", active: false }]);
  });

  test("that is retired stays so", async () => {
    const at = await signalsWorld();
    expect(await tell(at, state(1, "retired", 0))).toBe("applied");
    expect(await tell(at, state(2, "active", 10))).toBe("invalid_request");
    expect(await tell(at, state(2, "retired", 0))).toBe("applied");
    at.nowMs = START + 60_000;
    expect(await ask(at, 30)).toBe("revoked");
    expect(at.notices).toEqual([expect.stringContaining("who is retired stays so")]);
  });

  test.each<[what: string, first: Json, next: Json, told: string]>([
    ["a lower version", state(5, "disabled", 0), state(4, "active", 9), "stale"],
    ["versions by number", state(9, "disabled", 0), state(10, "disabled", 0), "applied"],
    [
      "versions beyond doubles",
      state("9007199254740993", "disabled", 0),
      state("9007199254740992", "active", 9),
      "stale",
    ],
    ["the same again", state(1, "disabled", 0), state(1, "disabled", 0), "duplicate"],
    [
      "the same, of which an end says nothing",
      state(1, "disabled", 0),
      state(1, "disabled", 0, { valid_until: NOW_S + 5 }),
      "duplicate",
    ],
    ["another status", state(1, "disabled", 0), state(1, "active", 0), "invalid_request"],
    ["another cutoff", state(1, "disabled", 0), state(1, "disabled", 1), "invalid_request"],
    [
      "another end",
      state(1, "active", 0),
      state(1, "active", 0, { valid_until: NOW_S + 7_200 }),
      "invalid_request",
    ],
    ["a cutoff that goes back", state(1, "active", 0), state(2, "active", -1), "invalid_request"],
    ["no cutoff on disabling", state(1, "active", 0), state(2, "disabled", 0), "invalid_request"],
    ["no cutoff on enabling", state(1, "disabled", 0), state(2, "active", 0), "invalid_request"],
    ["a renewed lease", state(1, "active", 0), state(2, "active", 0), "applied"],
    ["retirement of one disabled", state(1, "disabled", 0), state(2, "retired", 0), "applied"],
  ])("after one state: %s", async (_, first, next, told) => {
    const at = await signalsWorld();
    expect(await tell(at, first)).toBe("applied");
    expect(await tell(at, next)).toBe(told);
  });

  test.each<[what: string, event: Json]>([
    ["no version", { version: undefined }],
    ["a version that is a number", { version: 1 }],
    ["a version of zero", { version: "0" }],
    ["a version with a zero before", { version: "01" }],
    ["a version beyond 64 bits", { version: "9223372036854775808" }],
    ["a broken version", { version: "1.5" }],
    ["another status", { status: "paused" }],
    ["no status", { status: undefined }],
    ["no time", { event_timestamp: undefined }],
    ["a broken time", { event_timestamp: NOW_S + 0.5 }],
    ["no cutoff", { authorization_cutoff: undefined }],
    ["a cutoff that is a text", { authorization_cutoff: String(NOW_S) }],
    ["no end", { valid_until: undefined }],
    ["an end before it begins", { valid_until: NOW_S }],
  ])("with %s is refused", async (_, more) => {
    const at = await signalsWorld();
    const given = Object.entries({ ...state(1, "active", 0), ...more });
    const event = Object.fromEntries(given.filter(([, one]) => one !== undefined));
    expect(await tell(at, event)).toBe("invalid_request");
    expect(at.revocations.all()).toEqual([]);
  });

  test("is named by issuer and subject, and by nothing else", async () => {
    const at = await signalsWorld();
    for (const subject of [
      { format: "uri", uri: "spiffe://acme.example/bot" },
      { format: "complex", user: BOT },
      { format: "opaque", id: "bot" },
    ]) {
      const told = await at.tell(CHANGED, state(1, "disabled", 0), subject);
      expect(toldOf(told)).toBe("invalid_request");
    }
  });

  test("stands as it did after a restart", async () => {
    const ledger = new MemoryLedger();
    await tell(await signalsWorld(TRANSMITTER, ledger), state(7, "disabled", 0));
    const at = await signalsWorld(TRANSMITTER, ledger);
    expect(await ask(at, -1)).toBe("revoked");
    expect(await tell(at, state(6, "active", 9))).toBe("stale");
  });

  test("an operator's revocation is not lifted by its issuer, nor the other way round", async () => {
    const at = await signalsWorld();
    const said = { kind: "agent", id: "bot", by: "ann", because: "ticket" } as const;
    await at.revocations.revoke(said);
    await tell(at, state(1, "disabled", 0));
    at.nowMs = START + 60_000;
    await tell(at, state(2, "active", 5));
    expect(await ask(at, 30)).toBe("revoked");
    await at.revocations.reactivate(said);
    at.nowMs = START + 120_000;
    expect(await ask(at, 100)).toBe("allow");
    await tell(at, state(3, "disabled", 110));
    await at.revocations.revoke(said);
    await at.revocations.reactivate(said);
    expect(await ask(at, 115)).toBe("revoked");
  });
});

describe("an account", () => {
  const account = async (at: World, what: string, after: number) => {
    const more = { iat: NOW_S + after };
    return toldOf(await at.tell(`${RISC}account-${what}`, {}, issSub("alice"), more));
  };

  test("acts again once it is enabled, with what is issued later", async () => {
    const at = await signalsWorld();
    await account(at, "disabled", 0);
    at.nowMs = START + 60_000;
    expect(await ask(at, 30)).toBe("revoked");
    expect(await account(at, "enabled", 20)).toBe("applied");
    expect([await ask(at, 20), await ask(at, 30)]).toEqual(["revoked", "allow"]);
    expect(await account(at, "disabled", 10), "that was before").toBe("stale");
    expect(await ask(at, 30)).toBe("allow");
  });

  test("of two events of one second the stricter counts, whichever comes first", async () => {
    for (const order of [
      ["enabled", "disabled"],
      ["disabled", "enabled"],
    ]) {
      const at = await signalsWorld();
      for (const what of order) await account(at, what, 0);
      at.nowMs = START + 60_000;
      expect(await ask(at, 30), order.join()).toBe("revoked");
    }
  });

  test("that was purged is never anybody else's", async () => {
    const at = await signalsWorld();
    await account(at, "purged", 0);
    at.nowMs = START + 60_000;
    expect(await account(at, "enabled", 20)).toBe("invalid_request");
    expect(await ask(at, 30)).toBe("revoked");
  });

  test("is not also told of as an agent", async () => {
    const at = await signalsWorld();
    await account(at, "disabled", 0);
    const told = await at.tell(CHANGED, state(1, "active", 10), issSub("alice"));
    expect(toldOf(told)).toBe("invalid_request");
  });
});

const SEED = seedFrom("WRIT_LIFECYCLE_SEED");

/** A history as an authority may make it. */
const history = fc
  .array(fc.tuple(fc.constantFrom("active", "disabled"), fc.integer({ min: 1, max: 5 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((steps) => {
    let cutoff = -60;
    return steps.map(([status, step], index) => {
      cutoff += step;
      return state(index + 1, status, cutoff);
    });
  });

test(`however states arrive, the highest that came counts, and no grant lives again (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.infiniteStream(fc.nat()), async (states, numbers) => {
      const at = await signalsWorld();
      const dead = new Set<number>();
      let highest: Json | undefined;
      for (let step = 0; step < states.length * 2; step += 1) {
        const event = states[(numbers.next().value ?? 0) % states.length] ?? {};
        await tell(at, event);
        if (Number(event.version) > Number(highest?.version ?? 0)) highest = event;
        const cutoff = Number(highest?.authorization_cutoff) - NOW_S;
        for (const iat of [-59, -50, -40, -30, -1]) {
          const isUsable = highest?.status === "active" && iat > cutoff && !dead.has(iat);
          expect(await ask(at, iat)).toBe(isUsable ? "allow" : "revoked");
          if (iat <= cutoff) dead.add(iat);
        }
      }
    }),
    { seed: SEED, numRuns: 40 },
  );
});
