/** What tokens of each type come to, once verified. */

import { beforeAll, describe, expect, test } from "vitest";
import type { AcceptedDelegation } from "../../../engine/identity/vouched.ts";
import { START } from "../../support/engine.ts";
import {
  causeOf,
  chainOf,
  HERE,
  issuerOf,
  type Json,
  LINKS,
  linkClaims,
  NOW_S,
  sign,
  signer,
  type Verifier,
  verifierOf,
} from "../../support/identity.ts";

const IDP = "https://idp.acme.example";
const TTS = "https://txn.acme.example";
const TELLER = "spiffe://acme.example/agent/teller";

const keys = {
  idp: signer("RS256"),
  tts: signer("ES256"),
  spire: signer("ES256"),
  links: signer(),
};

let verifier: Verifier;

beforeAll(async () => {
  const { jwk } = keys.spire;
  verifier = await verifierOf([
    issuerOf(keys.idp, {
      type: "access-token",
      issuer: IDP,
      prefix: "",
      human: { claim: "amr" },
    }),
    issuerOf(keys.tts, {
      type: "transaction-token",
      issuer: TTS,
      prefix: "",
      audience: "acme.example",
      human: { claim: "auth", value: "user" },
    }),
    {
      type: "jwt-svid",
      trust_domain: "acme.example",
      keys: { jwks: { keys: [{ ...jwk, use: "jwt-svid" }] } },
      algorithms: ["ES256"],
      attested: true,
    },
    issuerOf(keys.links, {
      type: "link",
      issuer: LINKS,
      roots: ["alice", "spiffe://acme.example/*"],
      humans: ["alice"],
    }),
  ]);
});

const ACCESS: Json = {
  iss: IDP,
  sub: "alice",
  client_id: TELLER,
  aud: HERE,
  iat: NOW_S,
  exp: NOW_S + 300,
  jti: "t-1",
  scope: "payments:read payments:write",
  amr: ["pwd", "otp"],
};

const TXN: Json = {
  iss: TTS,
  sub: "alice",
  aud: "acme.example",
  iat: NOW_S,
  exp: NOW_S + 60,
  txn: "x-1",
  scope: "payments:write",
  req_wl: "gateway.acme.example",
  act: { sub: TELLER },
};

const SVID: Json = { sub: TELLER, aud: [HERE, "other"], exp: NOW_S + 60 };

const access = (more: Json = {}) => sign({ ...ACCESS, ...more }, keys.idp, { typ: "at+jwt" });
const txn = (more: Json = {}) => sign({ ...TXN, ...more }, keys.tts, { typ: "txntoken+jwt" });
const svid = (more: Json = {}) => sign({ ...SVID, ...more }, keys.spire, { typ: "JWT" });

async function accepted(...tokens: readonly string[]): Promise<AcceptedDelegation> {
  const vouched = await verifier.verify(tokens);
  if (!vouched.ok) throw new Error(`${vouched.cause}: ${vouched.why}`);
  return vouched;
}

async function refused(...tokens: readonly string[]): Promise<string> {
  return causeOf(await verifier.verify(tokens));
}

/** `alice (human) -> bot (autonomous)` */
function shown({ chain, self }: AcceptedDelegation): string {
  const say = ({ id, kind }: { id: string; kind: string }) => `${id} (${kind})`;
  const [first] = chain;
  if (first === undefined) return self === undefined ? "nobody" : say(self.party);
  return [say(first.from), ...chain.map(({ to }) => say(to))].join(" -> ");
}

describe("an access token", () => {
  test("is the client's, for its subject", async () => {
    const vouched = await accepted(await access());
    expect(shown(vouched)).toBe(`alice (human) -> ${TELLER} (autonomous)`);
    expect(vouched.chain[0]).toMatchObject({
      scope: ["payments:read", "payments:write"],
      expires_at: "2026-01-02T12:05:00Z",
      audience: [HERE],
    });
    expect(vouched.tokens).toMatchObject([{ issuer: IDP, subject: "alice", id: "t-1" }]);
  });

  test("has its actors in `act`, the current one outermost", async () => {
    const act = { sub: "c", act: { sub: "svc-b", act: { sub: "a" } } };
    const vouched = await accepted(await access({ act }));
    expect(shown(vouched)).toBe(
      "alice (human) -> a (autonomous) -> svc-b (workload) -> c (autonomous)",
    );
  });

  test.each<[string, Json]>([
    ["without evidence of a person", { amr: undefined }],
    ["of a client that is its own subject", { sub: TELLER, act: { sub: "x" } }],
    ["whose subject acts too", { act: { sub: "x", act: { sub: "alice" } } }],
    ["whose profile is another", { sub_profile: "ai_agent" }],
    ["whose evidence is empty", { amr: null }],
  ])("%s has no person for its root", async (_, more) => {
    expect(shown(await accepted(await access(more)))).toMatch(/^\S+ \(autonomous\)/);
  });

  test("whose client is its subject delegates nothing", async () => {
    const vouched = await accepted(await access({ sub: TELLER }));
    expect(vouched.chain).toEqual([]);
    expect(shown(vouched)).toBe(`${TELLER} (autonomous)`);
    expect(vouched.self?.scope).toEqual(["payments:read", "payments:write"]);
  });

  test("without scope grants none", async () => {
    expect((await accepted(await access({ scope: undefined }))).chain[0]?.scope).toEqual([]);
  });

  test("tells its subject's groups", async () => {
    const vouched = await accepted(await access({ groups: ["sre"] }));
    expect([vouched.principal, vouched.agent]).toEqual([{ groups: ["sre"] }, {}]);
  });

  const NINE = "abcdefghi".split("").reduce<Json>((act, sub) => ({ sub, act }), { sub: "j" });

  test.each<[string, Json]>([
    ["sub", { sub: undefined }],
    ["sub", { sub: 5 }],
    ["sub", { sub: "" }],
    ["sub", { sub: "al\u200bice" }],
    ["client_id", { client_id: undefined }],
    ["aud", { aud: undefined }],
    ["aud", { aud: [] }],
    ["aud", { aud: null }],
    ["exp", { exp: undefined }],
    ["exp", { exp: "soon" }],
    ["exp", { exp: -1 }],
    ["exp", { exp: 1e15 }],
    ["iat", { iat: undefined }],
    ["iat", { iat: "now" }],
    ["nbf", { nbf: [] }],
    ["jti", { jti: undefined }],
    ["jti", { jti: {} }],
    ["scope", { scope: ["a"] }],
    ["scope", { scope: "a  b" }],
    ["scope", { scope: 'a"b' }],
    ["act", { act: "bot" }],
    ["act", { act: {} }],
    ["act", { act: NINE }],
    ["act", { act: { sub: "x", iss: "https://other.example" } }],
    ["groups", { groups: "sre" }],
  ])("with a malformed `%s` is refused: %j", async (name, more) => {
    const vouched = await verifier.verify([await access(more)]);
    expect(vouched.ok ? "ok" : vouched.why).toMatch(new RegExp(`^token 1: \`${name}`));
    expect(causeOf(vouched)).toBe("claims_invalid");
  });
});

describe("a transaction token", () => {
  test("is its actor's, for its subject", async () => {
    expect(shown(await accepted(await txn({ auth: "user" })))).toBe(
      `alice (human) -> ${TELLER} (autonomous)`,
    );
  });

  const path = (...ids: readonly string[]) => ({
    chain_metadata: { hop_count: ids.length, txn_path: ids },
    current_actor: { identity: { workload_id: ids.at(-1) } },
    originator: { identity: { workload_id: ids[0] } },
  });

  test("has its path in the order of the hand-overs", async () => {
    const agentic_ctx = path("first", "second", TELLER);
    expect(shown(await accepted(await txn({ agentic_ctx })))).toBe(
      `alice (autonomous) -> first (autonomous) -> second (autonomous) -> ${TELLER} (autonomous)`,
    );
  });

  test("without an actor delegates nothing", async () => {
    expect((await accepted(await txn({ act: undefined }))).chain).toEqual([]);
  });

  test.each<[Json]>([
    [{ txn: undefined }],
    [{ scope: undefined }],
    [{ req_wl: undefined }],
    [{ purp: "trade" }],
    [{ principal: "alice" }],
    [{ agentic_ctx: path("first", "other") }],
    [{ agentic_ctx: { chain_metadata: { hop_count: 3, txn_path: ["x", TELLER] } } }],
    [{ agentic_ctx: { chain_metadata: { hop_count: 1, txn_path: [5] } } }],
    [{ agentic_ctx: { ...path("x", TELLER), current_actor: { identity: { workload_id: "x" } } } }],
    [{ agentic_ctx: { ...path("x", TELLER), originator: {} } }],
    [{ agentic_ctx: "x" }],
  ])("is refused with %j", async (more) => {
    expect(await refused(await txn(more))).toBe("claims_invalid");
  });
});

describe("a JWT-SVID", () => {
  test("says who the agent is, and nothing of what it may do", async () => {
    const vouched = await accepted(await svid());
    expect(shown(vouched)).toBe(`${TELLER} (autonomous)`);
    expect(vouched.self?.scope).toBeUndefined();
    expect(vouched.agent).toEqual({ attested: true });
  });

  test("shows that the agent is who holds the chain", async () => {
    const vouched = await accepted(await access(), await svid());
    expect(shown(vouched)).toBe(`alice (human) -> ${TELLER} (autonomous)`);
    expect(vouched.agent).toEqual({ attested: true });
    const other = await svid({ sub: "spiffe://acme.example/agent/other" });
    expect(await refused(await access(), other)).toBe("agent_mismatch");
    expect(await refused(await svid(), other)).toBe("tokens_conflict");
  });

  test.each<[string, Json]>([
    ["issuer_unknown", { sub: "spiffe://other.example/agent/teller" }],
    ["issuer_unknown", { sub: "alice" }],
    ["issuer_unknown", { sub: undefined }],
    ["issuer_unknown", { sub: "spiffe://acme.example/a//b" }],
    ["issuer_unknown", { sub: "spiffe://acme.example/../x" }],
    ["issuer_unknown", { sub: "SPIFFE://acme.example/x" }],
    ["audience_mismatch", { aud: "other" }],
    ["claims_invalid", { aud: undefined }],
    ["claims_invalid", { exp: undefined }],
    ["token_expired", { exp: NOW_S }],
  ])("is refused as %s with %j", async (cause, more) => {
    expect(await refused(await svid(more))).toBe(cause);
  });
});

describe("links", () => {
  test("hand on from an issuer's word to the agent", async () => {
    const { tokens } = await chainOf(["alice", "planner", TELLER], keys.links);
    const vouched = await accepted(...tokens);
    expect(shown(vouched)).toBe(`alice (human) -> planner (autonomous) -> ${TELLER} (autonomous)`);
    expect(vouched.tokens.map(({ issuer, subject }) => [issuer, subject])).toEqual([
      [LINKS, "planner"],
      ["planner", TELLER],
    ]);
  });

  test("continue an access token that names the holder's key", async () => {
    const holder = signer();
    const { kid: _, ...jwk } = holder.jwk;
    const first = await access({ cnf: { jwk } });
    const link = await sign(linkClaims(TELLER, "helper", signer(), first), holder, {
      typ: "writ-link+jwt",
    });
    expect(shown(await accepted(first, link))).toBe(
      `alice (human) -> ${TELLER} (autonomous) -> helper (autonomous)`,
    );
  });

  /** Behind a token of an agent that acts for itself, which makes no hop of its own. */
  async function ownAndLink(from: string, more: Json = {}): Promise<readonly [string, string]> {
    const holder = signer();
    const { kid: _, ...jwk } = holder.jwk;
    const first = await access({ sub: TELLER, cnf: { jwk } });
    const claims = { ...linkClaims(from, "helper", signer(), first), exp: NOW_S + 60, ...more };
    return [first, await sign(claims, holder, { typ: "writ-link+jwt" })];
  }

  test("continue an agent's own token, within what that grants", async () => {
    const tokens = await ownAndLink(TELLER);
    expect(shown(await accepted(...tokens))).toBe(`${TELLER} (autonomous) -> helper (autonomous)`);
  });

  test.each([
    ["somebody else's name", "chain_broken", "alice", {}],
    ["a scope that it lacks", "scope_widened", TELLER, { scope: ["admin"] }],
    ["another audience", "audience_widened", TELLER, { aud: [HERE, "https://other.example"] }],
    ["a later end", "expiry_widened", TELLER, { exp: NOW_S + 86_400 }],
  ])("do not continue an agent's own token with %s", async (_, cause, from, more) => {
    expect(await refused(...(await ownAndLink(from, more)))).toBe(cause);
  });

  test("call nobody a person but whom the configuration does", async () => {
    const { tokens } = await chainOf(["spiffe://acme.example/x", "alice"], keys.links);
    expect(shown(await accepted(...tokens))).toBe(
      "spiffe://acme.example/x (autonomous) -> alice (autonomous)",
    );
  });

  test("begin with nobody else than the issuer may speak for", async () => {
    const { tokens } = await chainOf(["mallory", TELLER], keys.links);
    expect(await refused(...tokens)).toBe("root_not_vouched");
  });
});

test("what was seen is kept by its size: a holder who makes large links without end fills no memory", async () => {
  const timed = await verifierOf(OF_LINKS);
  const scope = Array.from({ length: 300 }, (_, index) => `a-scope-of-some-length-${index}`);
  const { tokens, holders } = await chainOf(["alice", "planner"], keys.links, () => ({ scope }));
  const [first = ""] = tokens;
  const [planner = keys.links] = holders;
  const made: string[] = [];
  for (let count = 0; count < 800; count++) {
    const claims = { ...linkClaims("planner", "bot", planner, first), scope, jti: `l-${count}` };
    made.push(await sign(claims, planner, { typ: "writ-link+jwt" }));
  }
  expect(made.join("").length).toBeGreaterThan(8 * 1024 * 1024);
  for (const link of made) expect(causeOf(await timed.verify([first, link]))).toBe("ok");
  expect(timed.verify([first, made.at(-1) ?? ""])).not.toBeInstanceOf(Promise);
  const forgotten = timed.verify([first, made[0] ?? ""]);
  expect(forgotten).toBeInstanceOf(Promise);
  expect(causeOf(await forgotten)).toBe("ok");
});

const OF_LINKS = [issuerOf(keys.links, { type: "link", issuer: LINKS, roots: ["alice"] })];

test("what was seen is recalled without a promise, and counts only while it should", async () => {
  const { tokens } = await chainOf(["alice", "planner", TELLER], keys.links);
  const timed = await verifierOf(OF_LINKS);
  timed.nowMs = START - 31_000;
  expect(causeOf(await timed.verify(tokens))).toBe("token_not_yet_valid");
  timed.nowMs = START;
  expect(timed.verify(tokens)).not.toBeInstanceOf(Promise);
  expect(causeOf(await timed.verify(tokens))).toBe("ok");
  timed.nowMs = START + 600_000;
  expect(causeOf(await timed.verify(tokens))).toBe("token_expired");
  timed.nowMs = START;
  expect(causeOf(await timed.verify(tokens)), "set back, it revives nothing").toBe("token_expired");
});

test.each([
  ["set back, while time passes", { passedMs: 600_000, setMs: -3_600_000 }, "token_expired"],
  ["set ahead", { passedMs: 0, setMs: 3_600_000 }, "token_expired"],
  ["set back before the token began", { passedMs: 0, setMs: -3_600_000 }, "token_not_yet_valid"],
  ["left alone", { passedMs: 1_000, setMs: 0 }, "ok"],
])(
  "where the wall clock is %s, tokens end by the later clock and begin by the earlier",
  async (...given) => {
    const [, { passedMs, setMs }, wanted] = given;
    const at = { wallMs: START, steadyMs: START };
    const clock = { wallMs: () => at.wallMs, steadyMs: () => at.steadyMs };
    const timed = await verifierOf(OF_LINKS, { clock });
    const { tokens } = await chainOf(["alice", "planner", TELLER], keys.links);
    expect(causeOf(await timed.verify(tokens))).toBe("ok");
    at.steadyMs += passedMs;
    at.wallMs += passedMs + setMs;
    expect(causeOf(await timed.verify(tokens))).toBe(wanted);
  },
);

test("a revoked token is refused at its next use, seen or not", async () => {
  const revoked = new Set<string>();
  const watched = await verifierOf(
    [issuerOf(keys.links, { type: "link", issuer: LINKS, roots: ["alice"] })],
    { revocations: { revoked: ({ parties }) => parties.find((id) => revoked.has(id)) } },
  );
  const { tokens } = await chainOf(["alice", "planner", TELLER], keys.links);
  expect(causeOf(await watched.verify(tokens))).toBe("ok");
  revoked.add("planner");
  expect(causeOf(await watched.verify(tokens))).toBe("revoked");
});

test("what is said in place of a token is refused", async () => {
  expect(await refused()).toBe("chain_empty");
  expect(await refused(await access(), await txn())).toBe("tokens_conflict");
  expect(await refused(...Array.from({ length: 11 }, () => "x"))).toBe("chain_too_long");
});
