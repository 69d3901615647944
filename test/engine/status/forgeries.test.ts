/** The attacks of every place that verifies, and those of status lists: no forged list makes a token count. */
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type ForgedPlace, HEADERS, SPELLINGS, sound } from "../../support/forgeries.ts";
import { type Json, NOW_S, sign, signer } from "../../support/identity.ts";
import { bodyOf, IDP, LIST, LISTS, listClaims, listWorld, packed } from "../../support/statuses.ts";

const idp = signer("ES256");
const PLACE: ForgedPlace = {
  type: "statuslist+jwt",
  signer: idp,
  claims: listClaims([0], { iss: IDP, exp: NOW_S + 600 }),
};

/** What a token comes to whose list is this. */
async function said(token: string, contentType?: string): Promise<string> {
  const at = await listWorld(idp);
  at.answer = () => bodyOf(token, contentType === undefined ? {} : { contentType });
  return at.ask();
}

const zlib = (bytes: Uint8Array) => deflateSync(bytes).toString("base64url");
const list = (status_list: unknown): Json => ({ status_list });
const sized = (bits: unknown): Json => list({ ...(packed([0]) as object), bits });
const compressed = (lst: unknown): Json => list({ bits: 8, lst });

const CLAIMS: readonly (readonly [what: string, more: Json])[] = [
  ["no subject", { sub: undefined }],
  ["another subject", { sub: `${LISTS}2` }],
  ["a subject with a slash more", { sub: `${LIST}/` }],
  ["a subject that is a list", { sub: [LIST] }],
  ["another issuer", { iss: "https://other.example" }],
  ["no time", { iat: undefined }],
  ["a time that is a text", { iat: "now" }],
  ["a time to come", { iat: NOW_S + 31 }],
  ["a beginning to come", { nbf: NOW_S + 31 }],
  ["an end now", { exp: NOW_S }],
  ["an end in the past", { exp: NOW_S - 1 }],
  ["an end that is a text", { exp: "never" }],
  ["a time to live of nothing", { ttl: 0 }],
  ["a negative time to live", { ttl: -1 }],
  ["a time to live that is a text", { ttl: "60" }],
  ["no list", { status_list: undefined }],
  ["a list of statuses", { status_list: [0] }],
  ["no bits", list({ lst: zlib(Uint8Array.of(0)) })],
  ["three bits", sized(3)],
  ["sixteen bits", sized(16)],
  ["no bit", sized(0)],
  ["bits that are a text", sized("1")],
  ["no bytes", list({ bits: 1 })],
  ["bytes that are a list", compressed([0])],
  ["bytes in another alphabet", compressed("eNpj+/8=")],
  ["bytes with padding", compressed(`${zlib(Uint8Array.of(0, 0, 0))}=`)],
  ["bytes that are not compressed", compressed(Buffer.alloc(9).toString("base64url"))],
  ["bytes of gzip", compressed(gzipSync(Uint8Array.of(0)).toString("base64url"))],
  ["bytes without a header", compressed(deflateRawSync(Uint8Array.of(0)).toString("base64url"))],
  ["bytes that are cut off", compressed(zlib(Buffer.alloc(999)).slice(0, -4))],
  ["bytes with a changed checksum", compressed(`${zlib(Uint8Array.of(0)).slice(0, -4)}AAAA`)],
  ["no status in it", compressed(zlib(new Uint8Array()))],
  ["nothing at all", compressed("")],
  ["a bomb of 9 MiB", compressed(zlib(Buffer.alloc(9 * 1024 * 1024)))],
  ["a bomb of 300 MiB", compressed(zlib(Buffer.alloc(300 * 1024 * 1024)))],
];

describe("a status list", () => {
  test("is accepted as it is", async () => {
    expect(await said(await sound(PLACE))).toBe("ok");
    expect(await said(await sound(PLACE, {}, { exp: undefined, iss: undefined }))).toBe("ok");
  });

  test.each([...HEADERS, ...SPELLINGS])("with %s is refused", async (_, _cause, make) => {
    expect(await said(await make(PLACE))).toBe("status_invalid");
  });

  test.each(CLAIMS)("with %s is refused", async (_, more) => {
    expect(await said(await sound(PLACE, {}, more))).toBe("status_invalid");
  });

  test("that is longer than a mebibyte is refused", async () => {
    const more = { padding: "A".repeat(1024 * 1024) };
    expect(await said(await sound(PLACE, {}, more))).toBe("status_invalid");
  });

  test.each(["application/jwt", "text/plain", "application/statuslist+cwt", ""])(
    "that is sent as %j is refused",
    async (contentType) => {
      expect(await said(await sound(PLACE), contentType)).toBe("status_invalid");
    },
  );

  test("is no token of another type", async () => {
    expect(await said(await sign(PLACE.claims, idp, { typ: "at+jwt" }))).toBe("status_invalid");
    expect(await said(await sign(PLACE.claims, idp, { typ: "secevent+jwt" }))).toBe(
      "status_invalid",
    );
  });

  test("has more than sixty forgeries", () => {
    expect(HEADERS.length + SPELLINGS.length + CLAIMS.length).toBeGreaterThan(80);
  });
});
