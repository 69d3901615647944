import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Readiness } from "../../../engine/answer.ts";
import type { Decision } from "../../../engine/decision.ts";
import { identified } from "../../../engine/identity/service.ts";
import { digestOfToken } from "../../../engine/identity/token.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { revocable } from "../../../engine/revocations/revocable.ts";
import type { Revocable } from "../../../engine/revocations/revocation.ts";
import { Revocations } from "../../../engine/revocations/revocations.ts";
import { drive, outcomeOf, START } from "../../support/engine.ts";
import { chainOf, issuerOf, type Json, LINKS, signer, verifierOf } from "../../support/identity.ts";
import { seedFrom } from "../../support/seed.ts";

const issuer = signer();
const ISSUERS = [
  issuerOf(issuer, { type: "link", issuer: LINKS, roots: ["alice"], humans: ["alice"] }),
];
const { tokens } = await chainOf(["alice", "planner", "bot"], issuer);
const [first = "", second = ""] = tokens;

const hop = (from: string, to: string, more: Json = {}) => ({
  from,
  to,
  scope: [],
  expires_at: "2026-01-02T13:00:00Z",
  ...more,
});

/** Asserted, so that everybody in it is named by the request itself. */
const ASSERTED: Json = {
  agent: { id: "bot" },
  principal: { id: "alice" },
  delegation: { chain: [hop("alice", "planner"), hop("planner", "bot")] },
  session: { id: "s" },
  intent: { task: "errand" },
  tool: { name: "look" },
};

const { delegation: _, ...REQUEST } = ASSERTED;
const SIGNED: Json = { ...REQUEST, delegation: { tokens } };

interface World {
  readonly revocations: Revocations;
  nowMs: number;
  readiness(): Readiness;
  ask(request: Json): Promise<Decision>;
  revoke(kind: Revocable, id: string, beforeMs?: number): Promise<unknown>;
  reactivate(kind: Revocable, id: string): Promise<unknown>;
}

async function world(ledger = new MemoryLedger()): Promise<World> {
  const driver = drive(
    "tool look { effect read }\npermit looking tool look\ntask errand { limit calls <= 1000 }",
  );
  const now = () => driver.nowMs;
  const revocations = new Revocations({ ledger, now });
  const verifier = await verifierOf(ISSUERS, { revocations, clock: now });
  const service = identified(revocable(driver.engine, revocations), {
    identity: verifier,
    onFault: (fault) => {
      throw fault;
    },
  });
  const said = { by: "ann", because: "ticket 1" };
  return {
    revocations,
    get nowMs() {
      return driver.nowMs;
    },
    set nowMs(ms) {
      driver.nowMs = ms;
    },
    readiness: () => service.readiness(),
    async ask(request) {
      const answer = await service.decide(request);
      if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
      return answer.value;
    },
    revoke: (kind, id, beforeMs) =>
      revocations.revoke({ kind, id, ...said, ...(beforeMs === undefined ? {} : { beforeMs }) }),
    reactivate: (kind, id) => revocations.reactivate({ kind, id, ...said }),
  };
}

const TARGETS: readonly [Revocable, string, "both" | "tokens"][] = [
  ["agent", "bot", "both"],
  ["agent", "planner", "both"],
  ["agent", "alice", "both"],
  ["principal", "alice", "both"],
  ["principal", "planner", "both"],
  ["session", "s", "both"],
  ["task", "errand", "both"],
  ["everything", "", "both"],
  ["issuer", LINKS, "tokens"],
  ["token", digestOfToken(first), "tokens"],
  ["token", digestOfToken(second), "tokens"],
];

describe.each(TARGETS)("%s %s, once revoked", (kind, id, reached) => {
  test("is denied from the next request on, and its name is not told", async () => {
    const at = await world();
    for (const request of [ASSERTED, SIGNED])
      expect(outcomeOf(await at.ask(request))).toBe("allow");
    await at.revoke(kind, id);
    const denied = await at.ask(SIGNED);
    expect(outcomeOf(denied)).toBe("revoked");
    expect(denied.because).toMatch(/was revoked$/);
    if (id !== "" && id !== "s") expect(denied.because).not.toContain(id);
    expect(outcomeOf(await at.ask(ASSERTED))).toBe(reached === "both" ? "revoked" : "allow");
  });

  test("may act again with what is issued later, and never with what was issued before", async () => {
    const at = await world();
    await at.ask(SIGNED);
    expect(await at.reactivate(kind, id)).toBeUndefined();
    await at.revoke(kind, id);
    at.nowMs += 10_000;
    expect(await at.reactivate(kind, id)).toBeDefined();
    expect(outcomeOf(await at.ask(ASSERTED))).toBe("allow");
    const later = await chainOf(["alice", "planner", "bot"], issuer, () => ({
      iat: START / 1_000 + 11,
      exp: START / 1_000 + 300,
    }));
    at.nowMs += 2_000;
    const isOfNone = kind === "session" || (kind === "task" && id === "errand");
    expect(outcomeOf(await at.ask(SIGNED))).toBe(isOfNone ? "allow" : "revoked");
    const renewed = { ...REQUEST, delegation: { tokens: later.tokens } };
    expect(outcomeOf(await at.ask(renewed))).toBe("allow");
  });
});

test("somebody else is not reached", async () => {
  const at = await world();
  for (const kind of ["agent", "principal", "session", "task", "token", "issuer"] as const) {
    await at.revoke(kind, "another");
  }
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("allow");
  expect(outcomeOf(await at.ask(SIGNED))).toBe("allow");
});

test("a time reaches what was issued until then, and leaves what was issued later", async () => {
  const at = await world();
  await at.revoke("everything", "", START - 1);
  expect(outcomeOf(await at.ask(SIGNED))).toBe("allow");
  await at.revoke("everything", "", START);
  expect(outcomeOf(await at.ask(SIGNED))).toBe("revoked");
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("allow");
  const old = { chain: [hop("alice", "bot", { issued_at: "2026-01-02T11:59:59Z" })] };
  expect(outcomeOf(await at.ask({ ...ASSERTED, delegation: old }))).toBe("revoked");
  await at.revoke("everything", "", START - 1_000);
  expect(outcomeOf(await at.ask(SIGNED)), "no time is moved back").toBe("revoked");
});

test("a hop's time without an offset is UTC, wherever the service runs", async () => {
  const zone = process.env.TZ;
  process.env.TZ = "America/New_York";
  try {
    const at = await world();
    await at.revoke("everything", "", START - 1);
    const old = { chain: [hop("alice", "bot", { issued_at: "2026-01-02T11:59" })] };
    expect(outcomeOf(await at.ask({ ...ASSERTED, delegation: old }))).toBe("revoked");
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

const SEED = seedFrom("WRIT_REVOCATION_SEED");

test(`whatever is said in whatever order, what was revoked with its issue is never good again (seed ${SEED})`, async () => {
  const order = fc.oneof(
    fc.constant("reactivate" as const),
    fc.constant("revoke" as const),
    fc.integer({ min: -50_000, max: 50_000 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(order, { maxLength: 12 }), async (orders) => {
      const at = await world();
      let dead = false;
      for (const one of orders) {
        at.nowMs += 1_000;
        if (one === "reactivate") await at.reactivate("agent", "planner");
        else if (one === "revoke") await at.revoke("agent", "planner");
        else await at.revoke("agent", "planner", START + one);
        dead ||= one === "revoke" || (typeof one === "number" && one >= 0);
        expect(outcomeOf(await at.ask(SIGNED))).toBe(dead ? "revoked" : "allow");
      }
    }),
    { seed: SEED, numRuns: 150 },
  );
});

class Failing extends MemoryLedger {
  isBroken = false;
  isStale = false;
  override put(change: Parameters<MemoryLedger["put"]>[0]) {
    if (this.isBroken) throw new Error("the disk is gone");
    return super.put(change);
  }
  override readiness(): Readiness {
    return this.isStale
      ? { ready: false, because: "what was revoked is not known" }
      : super.readiness();
  }
}

test("what cannot be kept is in force all the same, and told as not kept", async () => {
  const ledger = new Failing();
  const at = await world(ledger);
  ledger.isBroken = true;
  await expect(at.revoke("agent", "bot")).rejects.toThrow("the disk is gone");
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("revoked");
  expect(at.revocations.all()).toMatchObject([{ kind: "agent", id: "bot", active: true }]);
  await expect(at.reactivate("agent", "bot")).rejects.toThrow();
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("revoked");
  ledger.isBroken = false;
  await at.revoke("agent", "bot", START - 1);
  expect(outcomeOf(await at.ask(ASSERTED)), "a later order keeps what was unkept").toBe("revoked");
  await at.reactivate("agent", "bot");
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("allow");
});

test("what is not kept is warned of until it is said again, whatever else is kept meanwhile", async () => {
  const ledger = new Failing();
  const at = await world(ledger);
  const warning = (said: string) => [expect.stringContaining(`${said} in force in this process`)];
  ledger.isBroken = true;
  for (const id of ["bot", "planner"]) {
    await expect(at.revoke("agent", id)).rejects.toThrow("the disk is gone");
  }
  ledger.isBroken = false;
  await at.revoke("agent", "another");
  expect(at.revocations.readiness()).toMatchObject({ warnings: warning("2 revocations are") });
  await at.revoke("agent", "bot");
  expect(at.revocations.readiness()).toMatchObject({ warnings: warning("a revocation is") });
  await at.revoke("agent", "planner");
  expect(at.revocations.readiness()).toEqual({ ready: true });
});

/** As Redis is: each change waits, and may fail when another did not. */
class Waiting extends MemoryLedger {
  readonly waiting: ((fault?: Error) => void)[] = [];
  override put(change: Parameters<MemoryLedger["put"]>[0]): ReturnType<MemoryLedger["put"]> {
    const made = new Promise<ReturnType<MemoryLedger["put"]>>((resolve, reject) => {
      this.waiting.push((fault) =>
        fault === undefined ? resolve(super.put(change)) : reject(fault),
      );
    });
    // Who waits for it awaits whatever a ledger gives.
    return made as unknown as ReturnType<MemoryLedger["put"]>;
  }
}

test("what cannot be kept is in force where another order of the same was kept meanwhile", async () => {
  const ledger = new Waiting();
  const at = await world(ledger);
  const timed = at.revoke("agent", "bot", START - 1_000);
  const forEver = at.revoke("agent", "bot");
  const [keepFirst, failSecond] = ledger.waiting;
  keepFirst?.();
  await timed;
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("revoked");
  failSecond?.(new Error("Redis is gone"));
  await expect(forEver).rejects.toThrow("Redis is gone");
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("revoked");
});

test("nor does a re-activation end what was revoked while it was kept", async () => {
  const ledger = new Waiting();
  const at = await world(ledger);
  const first = at.revoke("agent", "bot");
  ledger.waiting[0]?.();
  await first;
  const again = at.reactivate("agent", "bot");
  const revoked = at.revoke("agent", "bot");
  ledger.waiting[1]?.();
  await again;
  ledger.waiting[2]?.(new Error("Redis is gone"));
  await expect(revoked).rejects.toThrow("Redis is gone");
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("revoked");
});

test("where it is not known what was revoked, everything is denied", async () => {
  const ledger = new Failing();
  const at = await world(ledger);
  expect(at.readiness()).toEqual({ ready: true });
  ledger.isStale = true;
  expect(at.readiness()).toMatchObject({ ready: false });
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("state_unavailable");
  ledger.isStale = false;
  expect(outcomeOf(await at.ask(ASSERTED))).toBe("allow");
});
