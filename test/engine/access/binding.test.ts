import { expect, test } from "vitest";
import { BINDING_TYPE, type Binding, createBinder } from "../../../engine/access/binding.ts";
import { signClaims } from "../../../engine/identity/issue.ts";
import { makeKeyPair, readSigningKey } from "../../../engine/signing-key.ts";
import { START } from "../../support/engine.ts";

const ISSUER = "https://pdp.example";
const AUDIENCE = `${ISSUER}/access/v1/requests`;
const [KEY, OTHER] = [newKey(), newKey()];
const binder = createBinder({ key: KEY, issuer: ISSUER, audience: AUDIENCE });

const BINDING: Binding = {
  evaluation: "d1",
  caller: "gateway",
  approval: "a-1",
  digest: "sha256:00",
  expiresAt: "2026-01-02T12:10:00Z",
  contextMembers: ["session"],
  hash: "x",
};

function newKey() {
  const read = readSigningKey(makeKeyPair().privatePem);
  if (!read.ok) throw new Error(read.why);
  return read.key;
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

const TOKEN = binder.issue(BINDING, START);
const CLAIMS = claimsOf(TOKEN);

test.each<[string, Binding]>([
  ["as it was issued", BINDING],
  ["with the actor of its subject", { ...BINDING, actorHash: "y" }],
  ["of no context", { ...BINDING, contextMembers: [] }],
])("is read %s", async (_, binding) => {
  expect(await binder.verify(binder.issue(binding, START))).toEqual({ ok: true, binding });
});

test("ends with the hold", () => {
  expect(CLAIMS).toMatchObject({
    iat: START / 1_000,
    exp: Date.parse(BINDING.expiresAt) / 1_000,
    jti: "d1",
  });
});

test.each<[string, unknown, string]>([
  ["no text", 7, "a token is a text"],
  ["no token", "a.b.c", "not base64url"],
  ["another signature", `${TOKEN.slice(0, -10)}AAAAAAAA${TOKEN.slice(-2)}`, "signature"],
  ["a claim exchanged", exchanged({ client_id: "other" }), "signature"],
  [
    "another's key",
    createBinder({ key: OTHER, issuer: ISSUER, audience: AUDIENCE }).issue(BINDING, START),
    "`kid`",
  ],
  [
    "another's key under the name of ours",
    renamed(signClaims(BINDING_TYPE, CLAIMS, OTHER)),
    "signature",
  ],
  ["another type", signClaims("writ-approval+jwt", CLAIMS, KEY), "`typ`"],
  [
    "another issuer",
    signClaims(BINDING_TYPE, { ...CLAIMS, iss: "https://x.example" }, KEY),
    "another service",
  ],
  [
    "another audience",
    signClaims(BINDING_TYPE, { ...CLAIMS, aud: ISSUER }, KEY),
    "another service",
  ],
  ["no audience", signClaims(BINDING_TYPE, { ...CLAIMS, aud: undefined }, KEY), "another service"],
  [
    "a claim missing",
    signClaims(BINDING_TYPE, { ...CLAIMS, request: undefined }, KEY),
    "none of ours",
  ],
])("is refused with %s", async (_, token, why) => {
  expect(await binder.verify(token)).toMatchObject({
    ok: false,
    why: expect.stringContaining(why),
  });
});

function exchanged(claims: object): string {
  const [head, , signature] = TOKEN.split(".");
  const body = Buffer.from(JSON.stringify({ ...CLAIMS, ...claims })).toString("base64url");
  return [head, body, signature].join(".");
}

function renamed(token: string): string {
  return [TOKEN.split(".")[0], ...token.split(".").slice(1)].join(".");
}
