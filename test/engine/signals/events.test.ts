/** What each event comes to, as whoever asks next finds it. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { EVENTS, nameOfEvent } from "../../../engine/signals/events.ts";
import { AGE_MOST_MS } from "../../../engine/signals/set.ts";
import { START } from "../../support/engine.ts";
import { type Json, NOW_S } from "../../support/identity.ts";
import {
  AGENT,
  CAEP,
  IDP,
  issSub,
  keys,
  OTHER,
  RISC,
  readSignals,
  setClaims,
  signalsWorld,
  signSet,
  TRANSMITTER,
  toldOf,
} from "../../support/signals.ts";

const ALICE = issSub("alice");

/** Of tokens that were issued a minute ago, now, and in a minute. */
async function afterwards(at: Awaited<ReturnType<typeof signalsWorld>>): Promise<string> {
  at.nowMs = START + 60_000;
  const answers = [];
  for (const iat of [NOW_S - 60, NOW_S, NOW_S + 60]) answers.push(await at.ask({ iat }));
  return answers.join(" ");
}

const CUT = "revoked revoked allow";
const FOR_EVER = "revoked revoked revoked";
const NOTHING = "allow allow allow";

const TYPED = { credential_type: "password" };
const LEVEL = { namespace: "NIST-AAL", current_level: "nist-aal1" };

test.each<[type: string, event: Json, receipt: string, then: string]>([
  [`${CAEP}session-revoked`, {}, "applied", CUT],
  [`${CAEP}session-revoked`, { event_timestamp: NOW_S - 30 }, "applied", "revoked allow allow"],
  [`${CAEP}token-claims-change`, { claims: { role: "none" } }, "applied", CUT],
  [`${CAEP}token-claims-change`, {}, "invalid_request", NOTHING],
  [`${CAEP}credential-change`, { ...TYPED, change_type: "revoke" }, "applied", CUT],
  [`${CAEP}credential-change`, { ...TYPED, change_type: "delete" }, "applied", CUT],
  [`${CAEP}credential-change`, { ...TYPED, change_type: "update" }, "applied", CUT],
  [`${CAEP}credential-change`, { ...TYPED, change_type: "create" }, "left", NOTHING],
  [`${CAEP}credential-change`, { ...TYPED, change_type: "lose" }, "invalid_request", NOTHING],
  [`${CAEP}credential-change`, { change_type: "revoke" }, "invalid_request", NOTHING],
  [`${CAEP}assurance-level-change`, { ...LEVEL, change_direction: "decrease" }, "applied", CUT],
  [`${CAEP}assurance-level-change`, LEVEL, "applied", CUT],
  [`${CAEP}assurance-level-change`, { ...LEVEL, change_direction: "increase" }, "left", NOTHING],
  [`${CAEP}assurance-level-change`, { namespace: "x" }, "invalid_request", NOTHING],
  [`${CAEP}device-compliance-change`, { current_status: "not-compliant" }, "applied", CUT],
  [`${CAEP}device-compliance-change`, { current_status: "compliant" }, "left", NOTHING],
  [`${CAEP}device-compliance-change`, { current_status: "lost" }, "invalid_request", NOTHING],
  [`${CAEP}risk-level-change`, { principal: "USER", current_level: "HIGH" }, "applied", CUT],
  [`${CAEP}risk-level-change`, { principal: "DEVICE", current_level: "HIGH" }, "applied", CUT],
  [`${CAEP}risk-level-change`, { principal: "USER", current_level: "MEDIUM" }, "left", NOTHING],
  [
    `${CAEP}risk-level-change`,
    { principal: "GROUP", current_level: "HIGH" },
    "invalid_request",
    NOTHING,
  ],
  [`${CAEP}risk-level-change`, { current_level: "HIGH" }, "invalid_request", NOTHING],
  [`${CAEP}session-established`, {}, "left", NOTHING],
  [`${CAEP}session-presented`, {}, "left", NOTHING],
  [`${RISC}account-disabled`, { reason: "hijacking" }, "applied", FOR_EVER],
  [`${RISC}account-purged`, {}, "applied", FOR_EVER],
  [`${RISC}account-enabled`, {}, "applied", CUT],
  [`${RISC}account-credential-change-required`, {}, "applied", CUT],
  [`${RISC}credential-compromise`, { credential_type: "password" }, "applied", CUT],
  [`${RISC}sessions-revoked`, {}, "applied", CUT],
  [`${RISC}identifier-recycled`, {}, "applied", CUT],
  [`${RISC}recovery-activated`, {}, "left", NOTHING],
  [`${RISC}opt-out-effective`, {}, "left", NOTHING],
  ["https://schemas.openid.net/secevent/ssf/event-type/verification", {}, "left", NOTHING],
  [
    "https://schemas.openid.net/secevent/caep/event-type/unheard-of",
    {},
    "invalid_request",
    NOTHING,
  ],
  ["__proto", {}, "invalid_request", NOTHING],
])("%s %j: %s", async (type, event, receipt, then) => {
  const at = await signalsWorld();
  expect(toldOf(await at.tell(type, event, ALICE))).toBe(receipt);
  expect(await afterwards(at)).toBe(then);
  expect(await at.ask({ sub: "bob", iat: NOW_S + 60 })).toBe("allow");
});

describe("whom an event reaches", () => {
  const REVOKED = `${CAEP}session-revoked`;
  const COMPROMISED = `${RISC}credential-compromise`;

  test.each<[what: string, type: string, subject: unknown, receipt: string, reached: string]>([
    ["a person", REVOKED, ALICE, "applied", "alice"],
    ["an agent", COMPROMISED, issSub("bot"), "applied", "alice"],
    ["somebody else", COMPROMISED, issSub("bob"), "applied", ""],
    ["a session", REVOKED, { format: "opaque", id: "s" }, "applied", "session"],
    [
      "a session and its person",
      REVOKED,
      { format: "complex", session: { format: "opaque", id: "s" }, user: ALICE },
      "applied",
      "session",
    ],
    [
      "a person on a device",
      REVOKED,
      { format: "complex", user: ALICE, device: { format: "opaque", id: "d" } },
      "applied",
      "alice",
    ],
    [
      "a session, by an event of its person",
      COMPROMISED,
      { format: "complex", session: { format: "opaque", id: "s" } },
      "applied",
      "session",
    ],
    [
      "an application",
      COMPROMISED,
      { format: "complex", application: issSub("bot") },
      "applied",
      "alice",
    ],
    ["a token", REVOKED, { format: "jwt_id", iss: IDP, jti: "t-1" }, "applied", "alice"],
    [
      "a token of somebody else",
      REVOKED,
      { format: "jwt_id", iss: IDP, jti: "t-2" },
      "applied",
      "",
    ],
    [
      "a person by an application",
      COMPROMISED,
      { format: "complex", user: issSub("bob"), application: issSub("bot") },
      "applied",
      "",
    ],
    [
      "a person nobody knows, in a session",
      COMPROMISED,
      {
        format: "complex",
        user: { format: "phone_number", phone_number: "+1" },
        session: { format: "opaque", id: "s" },
      },
      "invalid_request",
      "",
    ],
    [
      "a session of a person nobody knows",
      REVOKED,
      {
        format: "complex",
        user: { format: "phone_number", phone_number: "+1" },
        session: { format: "opaque", id: "s" },
      },
      "applied",
      "session",
    ],
    ["a device alone", REVOKED, { format: "complex", device: issSub("d") }, "invalid_request", ""],
    ["a tenant alone", REVOKED, { format: "complex", tenant: issSub("t") }, "invalid_request", ""],
    ["nobody", REVOKED, { format: "complex" }, "invalid_request", ""],
    ["a phone", REVOKED, { format: "phone_number", phone_number: "+1" }, "invalid_request", ""],
    [
      "an address that is no name here",
      REVOKED,
      { format: "email", email: "alice" },
      "invalid_request",
      "",
    ],
    ["an opaque person", COMPROMISED, { format: "opaque", id: "alice" }, "invalid_request", ""],
    ["a format nobody knows", REVOKED, { format: "face", face: "alice" }, "invalid_request", ""],
    ["no format", REVOKED, { iss: IDP, sub: "alice" }, "invalid_request", ""],
    ["no subject", REVOKED, undefined, "invalid_request", ""],
    ["a text", REVOKED, "alice", "invalid_request", ""],
    ["a list", REVOKED, [ALICE], "invalid_request", ""],
    ["no `iss`", REVOKED, { format: "iss_sub", sub: "alice" }, "invalid_request", ""],
    ["no `sub`", REVOKED, { format: "iss_sub", iss: IDP }, "invalid_request", ""],
    [
      "a complex part that is none",
      REVOKED,
      { format: "complex", user: "alice" },
      "invalid_request",
      "",
    ],
  ])("%s", async (_, type, subject, receipt, reached) => {
    const at = await signalsWorld();
    expect(toldOf(await at.tell(type, {}, subject))).toBe(receipt);
    expect(await at.ask()).toBe(reached === "alice" ? "revoked" : "allow");
    const inSession = await at.ask({}, IDP, { session: { id: "idp-s" } });
    expect(inSession).toBe(reached === "" ? "allow" : "revoked");
    if (receipt !== "applied") expect(at.notices).toHaveLength(1);
  });

  test("addresses and opaque ids are names where the configuration says whose", async () => {
    const bare = { ...TRANSMITTER, bare: ["email", "opaque"], sessions: undefined };
    const { sessions: _, ...transmitter } = bare;
    for (const subject of [
      { format: "email", email: "alice" },
      { format: "opaque", id: "alice" },
    ]) {
      const at = await signalsWorld(transmitter);
      expect(toldOf(await at.tell(REVOKED, {}, subject))).toBe("applied");
      expect(await at.ask()).toBe("revoked");
    }
  });

  test("a SPIFFE ID, of its own trust domain alone", async () => {
    const at = await signalsWorld();
    const bot = "spiffe://acme.example/bot";
    const asked = () => at.ask({ client_id: bot });
    const uri = (id: string) => at.tell(COMPROMISED, {}, { format: "uri", uri: id });
    expect(toldOf(await uri("spiffe://other.example/bot"))).toBe("access_denied");
    expect(toldOf(await uri("https://acme.example/bot"))).toBe("invalid_request");
    expect(await asked()).toBe("allow");
    expect(toldOf(await uri(bot))).toBe("applied");
    expect(await asked()).toBe("revoked");
  });

  test("nobody of another issuer, however it is spelled", async () => {
    const at = await signalsWorld();
    for (const subject of [
      issSub("alice", OTHER),
      issSub("other:alice"),
      issSub("alice", "https://unknown.example"),
      issSub("spiffe://other.example/bot"),
      { format: "jwt_id", iss: OTHER, jti: "t-1" },
      { format: "complex", user: issSub("alice", OTHER), session: { format: "opaque", id: "s" } },
    ]) {
      expect(toldOf(await at.tell(REVOKED, {}, subject)), JSON.stringify(subject)).toBe(
        "access_denied",
      );
    }
    expect(await at.ask({}, OTHER)).toBe("allow");
    expect(at.revocations.all()).toEqual([]);
  });

  test("a token of this issuer alone, where another has one of the same id", async () => {
    const at = await signalsWorld();
    await at.tell(REVOKED, {}, { format: "jwt_id", iss: IDP, jti: "t-1" });
    expect(await at.ask({ jti: "t-1" })).toBe("revoked");
    expect(await at.ask({ jti: "t-1" }, OTHER)).toBe("allow");
  });

  test("no session where the transmitter may tell of none", async () => {
    const { sessions: _, ...transmitter } = TRANSMITTER;
    const at = await signalsWorld(transmitter);
    expect(toldOf(await at.tell(REVOKED, {}, { format: "opaque", id: "s" }))).toBe(
      "invalid_request",
    );
  });
});

describe("an event", () => {
  const REVOKED = `${CAEP}session-revoked`;

  test("is taken once, by its issuer and id", async () => {
    const at = await signalsWorld();
    const claims = setClaims(REVOKED, {}, ALICE);
    const again = async () => toldOf(await at.receiver.receive(await signSet(claims)));
    expect([await again(), await again(), await again()]).toEqual([
      "applied",
      "duplicate",
      "duplicate",
    ]);
    expect(at.recorded).toHaveLength(1);
    expect(at.receiver.counts()).toMatchObject({ applied: 1, duplicate: 2 });
  });

  test("is recorded with who said it, and what it takes back", async () => {
    const at = await signalsWorld();
    await at.tell(REVOKED, {}, ALICE, { jti: "e-1" });
    expect(at.recorded).toEqual([
      {
        action: "event.session-revoked",
        by: TRANSMITTER.issuer,
        details: {
          id: "e-1",
          effects: [{ kind: "principal", id: "alice", before: "2026-01-02T12:00:00.999Z" }],
        },
      },
    ]);
  });

  test("may be told of by two names, and is refused where one is not known", async () => {
    const at = await signalsWorld();
    const events = { [REVOKED]: {}, [`${RISC}sessions-revoked`]: {} };
    expect(toldOf(await at.tell("", {}, ALICE, { events }))).toBe("applied");
    const more = { ...events, "https://example.com/other": {} };
    expect(toldOf(await at.tell("", {}, issSub("bob"), { events: more }))).toBe("invalid_request");
    expect(at.revocations.all().map(({ id }) => id)).toEqual(["alice"]);
  });

  test("of a type that is not known is told without repeating it", async () => {
    const at = await signalsWorld();
    await at.tell("https://example.com/\u001b[31mred", {}, ALICE);
    expect(at.notices).toEqual([expect.stringContaining("(unknown) is refused")]);
  });

  test("of another subject within is refused", async () => {
    const at = await signalsWorld();
    const event = (subject: unknown) => at.tell(REVOKED, { subject }, ALICE);
    expect(toldOf(await event(issSub("bob")))).toBe("invalid_request");
    expect(toldOf(await event({ sub: "alice", iss: IDP, format: "iss_sub" }))).toBe("applied");
  });

  test("that is to come is refused", async () => {
    const at = await signalsWorld();
    for (const time of [NOW_S + 31, "now", null, NOW_S * 1_000]) {
      const told = await at.tell(REVOKED, { event_timestamp: time }, ALICE);
      expect(toldOf(told), String(time)).toBe("invalid_request");
    }
  });

  test("that tells of a stream that has stopped is told to operators", async () => {
    const at = await signalsWorld();
    const type = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
    expect(toldOf(await at.tell(type, { status: "disabled" }, ALICE))).toBe("left");
    expect(at.notices).toEqual([expect.stringContaining("stopped its stream")]);
  });
});

describe("what cannot be kept", () => {
  class Failing extends MemoryLedger {
    isBroken = false;
    override put(change: Parameters<MemoryLedger["put"]>[0]) {
      if (this.isBroken) throw new Error("the disk is gone");
      return super.put(change);
    }
  }

  test("is in force here, is not said to be taken, and is taken when it is sent again", async () => {
    const ledger = new Failing();
    const at = await signalsWorld(TRANSMITTER, ledger);
    const token = await signSet(setClaims(`${RISC}account-disabled`, {}, ALICE));
    const cut = await signSet(setClaims(`${CAEP}session-revoked`, {}, issSub("bot")));
    ledger.isBroken = true;
    expect(toldOf(await at.receiver.receive(token))).toBe("unavailable");
    expect(await at.ask({ client_id: "other" })).toBe("revoked");
    expect(toldOf(await at.receiver.receive(cut))).toBe("unavailable");
    expect(await at.ask({ sub: "bob" })).toBe("revoked");
    expect(at.receiver.counts().unavailable).toBe(2);
    ledger.isBroken = false;
    expect(toldOf(await at.receiver.receive(token))).toBe("applied");
    const later = await signalsWorld(TRANSMITTER, ledger);
    expect(await later.ask()).toBe("revoked");
  });

  test("keeps nothing else of the event from being in force", async () => {
    const ledger = new Failing();
    const at = await signalsWorld(TRANSMITTER, ledger);
    const subject = { format: "complex", user: ALICE };
    const events = { [`${RISC}account-disabled`]: {}, [`${CAEP}session-revoked`]: {} };
    ledger.isBroken = true;
    expect(toldOf(await at.tell("", {}, subject, { events }))).toBe("unavailable");
    expect(at.revocations.all().map(({ kind }) => kind)).toEqual(["standing", "principal"]);
  });

  test("is in force where only its record fails, and not said to be taken", async () => {
    const at = await signalsWorld(TRANSMITTER, new MemoryLedger(), async () => {
      throw new Error("the log is full");
    });
    expect(toldOf(await at.tell(`${CAEP}session-revoked`, {}, ALICE))).toBe("unavailable");
    expect(await at.ask()).toBe("revoked");
  });

  test.each(["kept", "recorded"])(
    "is in force of an agent that stays active too, where it is not %s",
    async (what) => {
      const ledger = new Failing();
      const at = await signalsWorld(TRANSMITTER, ledger, async () => {
        if (what === "recorded" && isFull) throw new Error("the log is full");
      });
      let isFull = false;
      const active = (version: string, cutoff: number) => ({
        version,
        status: "active",
        event_timestamp: NOW_S,
        authorization_cutoff: NOW_S + cutoff,
        valid_until: NOW_S + 3_600,
      });
      const say = async (...said: Parameters<typeof active>) =>
        toldOf(await at.tell(`${AGENT}state-changed`, active(...said), issSub("bot")));
      expect(await say("1", -60)).toBe("applied");
      expect(await at.ask({ iat: NOW_S - 30 })).toBe("allow");
      isFull = true;
      ledger.isBroken = what === "kept";
      expect(await say("2", -20)).toBe("unavailable");
      expect(await at.ask({ iat: NOW_S - 30 })).toBe("revoked");
      expect(await at.ask({ iat: NOW_S - 10 })).toBe("allow");
      isFull = false;
      ledger.isBroken = false;
      expect(await say("2", -20)).toBe("applied");
      expect(await say("2", -20)).toBe("duplicate");
      expect(await at.ask({ iat: NOW_S - 30 })).toBe("revoked");
    },
  );

  test("loosens nothing without its record", async () => {
    const ledger = new MemoryLedger();
    const at = await signalsWorld(TRANSMITTER, ledger);
    await at.tell(`${RISC}account-disabled`, {}, ALICE);
    const unrecorded = await signalsWorld(TRANSMITTER, ledger, async () => {
      throw new Error("the log is full");
    });
    const later = { iat: NOW_S + 10 };
    unrecorded.nowMs = START + 60_000;
    expect(toldOf(await unrecorded.tell(`${RISC}account-enabled`, {}, ALICE, later))).toBe(
      "unavailable",
    );
    expect(await unrecorded.ask({ iat: NOW_S + 50 })).toBe("revoked");
  });
});

test("what may be forgotten is forgotten where room is needed, and not before", async () => {
  const ledger = new MemoryLedger(undefined, {
    approval: 9,
    revocation: 2,
    use: 9,
    request: 9,
    event: 9,
    task: 1,
  });
  const at = await signalsWorld({ ...TRANSMITTER, keep: "1h" }, ledger);
  const told = (sub: string) => at.tell(`${CAEP}session-revoked`, {}, issSub(sub));
  await told("alice");
  at.nowMs = START + 3_600_000;
  await told("bob");
  expect(await at.ask()).toBe("revoked");
  expect(toldOf(await told("carol"))).toBe("applied");
  expect(toldOf(await told("dave"))).toBe("unavailable");
});

test("the events that were taken make room for others when they are too old to be sent again", async () => {
  const ledger = new MemoryLedger(undefined, {
    approval: 9,
    revocation: 9,
    use: 9,
    request: 9,
    event: 1,
    task: 1,
  });
  const at = await signalsWorld(TRANSMITTER, ledger);
  const claims = setClaims(`${CAEP}session-revoked`, {}, ALICE);
  const again = async (more: Json = {}) =>
    toldOf(await at.receiver.receive(await signSet({ ...claims, ...more }, keys.signals)));
  expect(await again()).toBe("applied");
  expect(await again({ jti: "another" })).toBe("applied");
  expect(await again()).toBe("duplicate");
  expect(await again({ jti: "another" }), "there was no room to remember it").toBe("applied");
  at.nowMs = START + AGE_MOST_MS + 1_000;
  expect(await again({ jti: "another", iat: at.nowMs / 1_000 })).toBe("applied");
  expect(await again({ jti: "another", iat: at.nowMs / 1_000 })).toBe("duplicate");
  expect(await again(), "it is too old").toBe("invalid_request");
});

test.each<[what: string, more: Json, said: string]>([
  ["no issuer to speak for", { speaks_for: [] }, "/transmitters/0/speaks_for names nobody"],
  ["an issuer nobody configured", { speaks_for: ["https://x"] }, "which is no configured issuer"],
  ["no audience", { audience: undefined }, "/transmitters/0/audience is missing"],
  ["no algorithm", { algorithms: [] }, "/transmitters/0/algorithms is empty"],
  ["a secret", { algorithms: ["HS256"] }, "has `HS256`"],
  ["no keys", { keys: undefined }, "/transmitters/0/keys is missing"],
  ["a format that names nobody", { bare: ["phone_number"] }, "/transmitters/0/bare may have"],
  ["bare ids of one of several", { bare: ["email"], speaks_for: [IDP, OTHER] }, "needs one issuer"],
  ["a lease of no time", { lease: "0s" }, "/transmitters/0/lease is no duration"],
  ["a time to keep that is a number", { keep: 5 }, "/transmitters/0/keep is no duration"],
  ["a member nobody knows", { hs256: true }, "/transmitters/0/hs256 is no member"],
])("a configuration with %s is refused", (_, more, said) => {
  const kept = Object.entries({ ...TRANSMITTER, ...more }).filter(([, one]) => one !== undefined);
  const read = readSignals([Object.fromEntries(kept)]);
  const problems = read.ok ? [] : read.problems.map(({ at, message }) => `${at} ${message}`);
  expect(problems.join("\n")).toContain(said);
});

test("SPEC §15.7 names every event that is taken", () => {
  const spec = readFileSync(new URL("../../../SPEC.md", import.meta.url), "utf8");
  const section = spec.slice(spec.indexOf("### 15.7"), spec.indexOf("## Appendix A"));
  for (const type of EVENTS.keys()) {
    const name = nameOfEvent(type);
    expect(section, name).toMatch(new RegExp(`[\`/]${name}\``));
  }
});

test("a transmitter is not configured twice", () => {
  expect(readSignals([TRANSMITTER])).toMatchObject({ ok: true });
  expect(readSignals([TRANSMITTER, TRANSMITTER])).toMatchObject({
    problems: [{ at: "/transmitters/1", message: "is there twice" }],
  });
});
