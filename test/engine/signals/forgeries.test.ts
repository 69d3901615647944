/** The attacks of every place that verifies, and those of events: no forged event takes anything back. */
import { beforeAll, describe, expect, test } from "vitest";
import { AGE_MOST_MS, verifySet } from "../../../engine/signals/set.ts";
import type { Transmitter } from "../../../engine/signals/transmitter.ts";
import { START } from "../../support/engine.ts";
import { type ForgedPlace, HEADERS, SPELLINGS, sound } from "../../support/forgeries.ts";
import { HERE, type Json, NOW_S, sign, signer } from "../../support/identity.ts";
import {
  CAEP,
  EVENTS_HERE,
  IDP,
  issSub,
  keys,
  SIGNALS,
  setClaims,
  TRANSMITTER,
  tokenOf,
  transmittersOf,
} from "../../support/signals.ts";

let transmitters: readonly Transmitter[];
beforeAll(async () => {
  const other = signer("ES256");
  const another = { ...TRANSMITTER, issuer: "https://another.example", speaks_for: [IDP] };
  transmitters = await transmittersOf(TRANSMITTER, {
    ...another,
    keys: { jwks: { keys: [other.jwk] } },
  });
});

const EVENT = `${CAEP}session-revoked`;
const PLACE: ForgedPlace = {
  type: "secevent+jwt",
  signer: keys.signals,
  claims: setClaims(EVENT, {}, issSub("alice")),
};

async function said(token: string): Promise<string | undefined> {
  const set = await verifySet(token, transmitters, START);
  return set.ok ? "ok" : set.cause;
}

const DAYS = AGE_MOST_MS / 1_000;

const CLAIMS: readonly (readonly [what: string, cause: string, more: Json])[] = [
  ["no issuer", "issuer_unknown", { iss: undefined }],
  ["an unknown issuer", "issuer_unknown", { iss: "https://evil.example" }],
  ["an issuer of tokens", "issuer_unknown", { iss: IDP }],
  ["an issuer with a slash more", "issuer_unknown", { iss: `${SIGNALS}/` }],
  ["an issuer that is a list", "issuer_unknown", { iss: [SIGNALS] }],
  ["another transmitter's name", "key_unknown", { iss: "https://another.example" }],
  ["no audience", "claims_invalid", { aud: undefined }],
  ["no audience in a list", "claims_invalid", { aud: [] }],
  ["an audience that is a number", "claims_invalid", { aud: 5 }],
  ["another audience", "audience_mismatch", { aud: "https://other.example" }],
  ["the audience of tokens", "audience_mismatch", { aud: HERE }],
  ["an audience in other letters", "audience_mismatch", { aud: EVENTS_HERE.toUpperCase() }],
  ["an end", "claims_invalid", { exp: NOW_S + 60 }],
  ["a subject of a token", "claims_invalid", { sub: "alice" }],
  ["no id", "claims_invalid", { jti: undefined }],
  ["an empty id", "claims_invalid", { jti: "" }],
  ["an id that is a number", "claims_invalid", { jti: 5 }],
  ["a hidden character in its id", "claims_invalid", { jti: "a\u200bb" }],
  ["no time", "claims_invalid", { iat: undefined }],
  ["a time that is a text", "claims_invalid", { iat: "now" }],
  ["a time in milliseconds", "claims_invalid", { iat: NOW_S * 1_000 }],
  ["a time to come", "token_not_yet_valid", { iat: NOW_S + 31 }],
  ["a time long ago", "token_expired", { iat: NOW_S - DAYS - 1 }],
  ["a time of its event that is a text", "claims_invalid", { toe: "now" }],
  ["no events", "claims_invalid", { events: undefined }],
  ["events that are a list", "claims_invalid", { events: [EVENT] }],
  ["no event among its events", "claims_invalid", { events: {} }],
  ["an event that is null", "claims_invalid", { events: { [EVENT]: null } }],
  ["five events", "claims_invalid", { events: { a: {}, b: {}, c: {}, d: {}, e: {} } }],
];

describe("an event", () => {
  test("is accepted as it is", async () => {
    expect(await said(await sound(PLACE))).toBe("ok");
  });

  test.each([...HEADERS, ...SPELLINGS])("with %s: %s", async (_, causes, make) => {
    expect([causes].flat()).toContain(await said(await make(PLACE)));
  });

  test.each(CLAIMS)("with %s: %s", async (_, cause, more) => {
    expect(await said(await sound(PLACE, {}, more))).toBe(cause);
  });

  test("has more than sixty forgeries", () => {
    expect(HEADERS.length + SPELLINGS.length + CLAIMS.length).toBeGreaterThan(80);
  });

  test("at the edges of its times is accepted", async () => {
    for (const iat of [NOW_S + 30, NOW_S - DAYS]) {
      expect(await said(await sound(PLACE, {}, { iat }))).toBe("ok");
    }
  });

  test("is no token, and a token no event", async () => {
    expect(await said(await tokenOf({}))).toBe("token_type");
    expect(await said(await sign(PLACE.claims, keys.signals, { typ: "at+jwt" }))).toBe(
      "token_type",
    );
    expect(await said(await sign(PLACE.claims, keys.signals))).toBe("token_type");
    expect(await said(await sign(PLACE.claims, keys.idp, { typ: "secevent+jwt" }))).toBe(
      "key_unknown",
    );
  });

  test("with any character changed is refused", async () => {
    const token = await sound(PLACE);
    for (let index = 0; index < token.length; index += 3) {
      const other = token[index] === "A" ? "B" : "A";
      const changed = token.slice(0, index) + other + token.slice(index + 1);
      expect(await said(changed), String(index)).not.toBe("ok");
    }
  });
});
