/**
 * The same attacks at every place that verifies: each token type, and a link behind another. Each is made of a
 * token that is accepted there, by one change to its header, its claims or its spelling.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { type ForgedPlace, HEADERS, SPELLINGS, sound } from "../../support/forgeries.ts";
import {
  causeOf,
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

/** A place of tokens, and what stands before one there. */
interface Place extends ForgedPlace {
  readonly name: string;
  readonly before: readonly string[];
}

let verifier: Verifier;
const places: Record<string, Place> = {};
const PLACES = [
  "access token",
  "transaction token",
  "JWT-SVID",
  "first link",
  "link behind a link",
];

beforeAll(async () => {
  const keys = {
    idp: signer("RS256"),
    tts: signer("PS256"),
    spire: signer("ES256"),
    links: signer("ES256"),
  };
  verifier = await verifierOf([
    issuerOf(keys.idp, { type: "access-token", issuer: IDP, prefix: "" }),
    issuerOf(keys.tts, { type: "transaction-token", issuer: TTS, prefix: "" }),
    issuerOf(keys.spire, {
      type: "jwt-svid",
      trust_domain: "acme.example",
      keys: { jwks: { keys: [{ ...keys.spire.jwk, use: "jwt-svid" }] } },
    }),
    issuerOf(keys.links, { type: "link", issuer: LINKS, roots: ["alice"] }),
  ]);
  const holder = signer();
  const link = linkClaims("alice", "planner", holder, undefined);
  const first = await sign(link, keys.links, { typ: "writ-link+jwt" });
  const times = { aud: HERE, iat: NOW_S, exp: NOW_S + 60 };
  const access = { iss: IDP, sub: "alice", client_id: "bot", jti: "t", scope: "pay", ...times };
  const txn = {
    iss: TTS,
    sub: "alice",
    txn: "x",
    req_wl: "gw",
    scope: "pay",
    act: { sub: "bot" },
    ...times,
  };
  const svid = { sub: "spiffe://acme.example/bot", ...times };
  const next = linkClaims("planner", "bot", signer(), first, 1);
  const all: readonly Place[] = [
    { name: "access token", type: "at+jwt", signer: keys.idp, claims: access, before: [] },
    { name: "transaction token", type: "txntoken+jwt", signer: keys.tts, claims: txn, before: [] },
    { name: "JWT-SVID", type: "JWT", signer: keys.spire, claims: svid, before: [] },
    { name: "first link", type: "writ-link+jwt", signer: keys.links, claims: link, before: [] },
    {
      name: "link behind a link",
      type: "writ-link+jwt",
      signer: holder,
      claims: next,
      before: [first],
    },
  ];
  for (const place of all) places[place.name] = place;
});

function placeOf(name: string): Place {
  const place = places[name];
  if (place === undefined) throw new Error(`there is no place ${name}`);
  return place;
}

async function said({ before }: Place, token: string): Promise<string> {
  return causeOf(await verifier.verify([...before, token]));
}

/** What no token may leave out or misspell, whatever its type. */
const CLAIMS: readonly (readonly [what: string, cause: string, more: Json])[] = [
  ["no audience", "claims_invalid", { aud: undefined }],
  ["an audience that is null", "claims_invalid", { aud: null }],
  ["no audience in a list", "claims_invalid", { aud: [] }],
  ["an audience that is a number", "claims_invalid", { aud: 5 }],
  ["an audience of lists", "claims_invalid", { aud: [[HERE]] }],
  ["another audience", "audience_mismatch", { aud: "https://other.example" }],
  ["an audience in other letters", "audience_mismatch", { aud: HERE.toUpperCase() }],
  ["an audience with a slash more", "audience_mismatch", { aud: `${HERE}/` }],
  ["an audience that begins alike", "audience_mismatch", { aud: [HERE.slice(0, -1)] }],
  ["no end", "claims_invalid", { exp: undefined }],
  ["an end that is null", "claims_invalid", { exp: null }],
  ["an end that is a text", "claims_invalid", { exp: String(NOW_S + 60) }],
  ["an end beyond all dates", "claims_invalid", { exp: 1e15 }],
  ["an end now", "token_expired", { exp: NOW_S }],
  ["an end a moment ago", "token_expired", { exp: NOW_S - 0.001 }],
  ["an end in milliseconds of the past", "token_expired", { exp: 5 }],
  ["a beginning in the future", "token_not_yet_valid", { iat: NOW_S + 31 }],
  ["a beginning that is a text", "claims_invalid", { iat: "now" }],
];

describe.each(PLACES)("%s", (name) => {
  test("is accepted as it is", async () => {
    expect(await said(placeOf(name), await sound(placeOf(name)))).toBe("ok");
  });

  test.each([...HEADERS, ...SPELLINGS])("with %s: %s", async (_, causes, make) => {
    const place = placeOf(name);
    expect([causes].flat()).toContain(await said(place, await make(place)));
  });

  test.each(CLAIMS)("with %s: %s", async (_, cause, more) => {
    const place = placeOf(name);
    expect(await said(place, await sound(place, {}, more))).toBe(cause);
  });
});

test("at every place there are more than sixty", () => {
  expect(HEADERS.length + SPELLINGS.length + CLAIMS.length).toBeGreaterThan(60);
});

test("a token of one type is none of another", async () => {
  for (const one of PLACES) {
    for (const other of PLACES) {
      const [from, as] = [placeOf(one), placeOf(other)];
      if (from.type === as.type) continue;
      const { iss: _, sub: __, ...claims } = as.claims;
      const forged = await sign(
        { ...from.claims, ...claims, iss: as.claims.iss, sub: as.claims.sub },
        from.signer,
        {
          typ: as.type,
        },
      );
      expect(await said(as, forged), `${one} as ${other}`).not.toBe("ok");
    }
  }
});
