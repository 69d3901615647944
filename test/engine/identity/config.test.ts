/** An identity configuration that says less than it should, or something else, is refused with what to do. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readIdentityConfig } from "../../../engine/identity/config.ts";
import { type Json, signer } from "../../support/identity.ts";

const key = signer();
const keys = { jwks: { keys: [key.jwk] } };
const access: Json = {
  type: "access-token",
  issuer: "https://idp",
  keys,
  algorithms: ["Ed25519"],
  audience: "here",
};
const link: Json = {
  type: "link",
  issuer: "https://links",
  keys,
  algorithms: ["Ed25519"],
  audience: "here",
  roots: "alice",
};
const { kid: _, ...unnamed } = key.jwk;
const svid: Json = {
  type: "jwt-svid",
  trust_domain: "acme.example",
  keys: { jwks: { keys: [{ ...key.jwk, use: "jwt-svid" }] } },
  algorithms: ["Ed25519"],
  audience: "here",
};

function said(config: unknown): string {
  const read = readIdentityConfig(config);
  return read.ok ? "ok" : read.problems.map(({ at, message }) => `${at} ${message}`).join("\n");
}

const one = (issuer: Json, more: Json = {}) => said({ issuers: [{ ...issuer, ...more }] });
const without = (issuer: Json, name: string) =>
  said({
    issuers: [Object.fromEntries(Object.entries(issuer).filter(([member]) => member !== name))],
  });

test("one of each type is accepted together", () => {
  const transaction = { ...access, type: "transaction-token", issuer: "https://txn", prefix: "" };
  expect(said({ issuers: [{ ...access, prefix: "" }, transaction, svid, link] })).toBe("ok");
});

test.each<[string, string]>([
  [said(null), "is not an object but null"],
  [said({}), "/issuers is not a list of at least one issuer"],
  [said({ issuers: [] }), "/issuers is not a list of at least one issuer"],
  [said({ issuers: [access], keys: [] }), "/keys is no member"],
  [said({ issuers: ["x"] }), "/issuers/0 is not an object"],
  [one(access, { type: "saml" }), "/issuers/0/type is none of `access-token`"],
  [one(access, { type: Object.create(null) }), "/issuers/0/type is none of `access-token`"],
  [one(access, { roots: ["x"] }), "/issuers/0/roots is no member"],
  [one(access, { hs256: true }), "/issuers/0/hs256 is no member"],
  [without(access, "issuer"), "/issuers/0/issuer is missing"],
  [without(access, "keys"), "/issuers/0/keys is missing"],
  [without(access, "algorithms"), "/issuers/0/algorithms is missing"],
  [
    without(access, "audience"),
    "/issuers/0/audience is missing: say as whom this engine is addressed",
  ],
  [one(access, { audience: [] }), "/issuers/0/audience is missing"],
  [one(access, { audience: 5 }), "/issuers/0/audience is not a text or a list"],
  [one(access, { algorithms: [] }), "/issuers/0/algorithms is empty"],
  [
    one(access, { algorithms: ["HS256"] }),
    "/issuers/0/algorithms has `HS256`, and may have `RS256`",
  ],
  [one(access, { algorithms: ["none"] }), "/issuers/0/algorithms has `none`"],
  [
    one(access, { types: ["id+jwt"] }),
    "/issuers/0/types has `id+jwt`, and may have `at+jwt`, `JWT`",
  ],
  [one(access, { types: [] }), "/issuers/0/types is empty"],
  [one(access, { human: true }), "/issuers/0/human is not an object"],
  [one(access, { human: {} }), "/issuers/0/human/claim is missing"],
  [one(access, { claims: { actor: "x" } }), "/issuers/0/claims/actor is no member"],
  [one(access, { keys: {} }), "/issuers/0/keys has not exactly one of"],
  [one(access, { keys: { ...keys, url: "https://x" } }), "/issuers/0/keys has not exactly one of"],
  [
    one(access, { keys: { ...keys, private_network: true } }),
    "/issuers/0/keys has not exactly one of",
  ],
  [
    one(access, { keys: { url: "http://idp.example/jwks" } }),
    "/issuers/0/keys/url is not https, and not of this machine",
  ],
  [one(access, { keys: { url: "file:///etc/jwks" } }), "/issuers/0/keys/url is `file:`"],
  [one(access, { keys: { url: "jwks" } }), "/issuers/0/keys/url is no URL"],
  [
    one(access, { keys: { url: "https://a:b@idp/jwks" } }),
    "/issuers/0/keys/url holds a user or a password",
  ],
  [
    one(access, { keys: { jwks: [] } }),
    "/issuers/0/keys/jwks is no key set: it has no list `keys`",
  ],
  [
    one(access, { keys: { jwks: { keys: [{ ...key.jwk, d: "x" }] } } }),
    "is private: it must stay with its owner",
  ],
  [one(access, { keys: { jwks: { keys: [key.jwk, key.jwk] } } }), "two of its keys have one `kid`"],
  [
    one(access, { keys: { jwks: { keys: [{ kty: "RSA", n: "AQ", e: "AQAB" }] } } }),
    "has a bad key: key 1: it has 1 bits",
  ],
  [
    one(access, { keys: { jwks: { keys: [{ ...unnamed, use: "enc" }] } } }),
    'has a bad key: key 1: its use is "enc"',
  ],
  [said({ issuers: [access, access] }), "/issuers/1 is there twice for `at+jwt`"],
  [
    said({ issuers: [access, { ...access, issuer: "https://other" }] }),
    "/issuers/1/prefix is missing: with several issuers",
  ],
  [without(link, "roots"), "/issuers/0/roots is missing: say whom its links may begin with"],
  [
    one(svid, { trust_domain: "spiffe://acme.example" }),
    "/issuers/0/trust_domain is no trust domain",
  ],
  [one(svid, { trust_domain: "Acme" }), "/issuers/0/trust_domain is no trust domain"],
  [one(svid, { attested: "yes" }), "/issuers/0/attested is not true or false"],
  [one(svid, { issuer: "x" }), "/issuers/0/issuer is no member"],
])("refused: %s", (found, wanted) => {
  expect(found).toContain(wanted);
});

test("the configurations of docs/delegation.md are accepted", () => {
  const text = readFileSync(new URL("../../../docs/delegation.md", import.meta.url), "utf8");
  const shown = [...text.matchAll(/^```yaml\n(?!# approvers\.yaml)(.*?)^```/gms)].map(
    ([, yaml = ""]) => yaml,
  );
  expect(shown.length).toBeGreaterThan(2);
  for (const yaml of shown) expect(said(parse(yaml)), yaml).toBe("ok");
});
