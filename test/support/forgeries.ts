/**
 * Forgeries of one token, for every place that verifies: each is made of a token that is accepted there, by one change
 * to its header or its spelling.
 */
import { createHmac, randomBytes } from "node:crypto";
import { type Json, type Signer, sign, signer } from "./identity.ts";

/** Where one token is verified: what is sound there. */
export interface ForgedPlace {
  readonly type: string;
  readonly signer: Signer;
  readonly claims: Json;
}

export const sound = (
  { claims, signer: by, type }: ForgedPlace,
  header: Json = {},
  more: Json = {},
) => sign({ ...claims, ...more }, by, { typ: type, ...header });

const encode = (json: unknown) => Buffer.from(JSON.stringify(json)).toString("base64url");

/** A token whose header and signature are as told: what no library would make. */
function raw(
  { type, signer: by, claims }: ForgedPlace,
  header: Json,
  signature = SIGNATURE,
): string {
  const whole = { typ: type, kid: by.kid, alg: by.algorithm, ...header };
  return `${encode(whole)}.${encode(claims)}.${signature}`;
}

const SIGNATURE = randomBytes(64).toString("base64url");

function hmacWithPublicKey(place: ForgedPlace): string {
  const head = raw(place, { alg: "HS256" }).split(".").slice(0, 2).join(".");
  const secret = JSON.stringify(place.signer.jwk);
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

function doubled(place: ForgedPlace, part: number): string {
  const parts = raw(place, {}).split(".");
  const text = Buffer.from(parts[part] ?? "", "base64url").toString();
  const name = part === 0 ? "alg" : "aud";
  parts[part] = Buffer.from(`{"${name}":"x",${text.slice(1)}`).toString("base64url");
  return parts.join(".");
}

const stranger = {
  ES256: signer("ES256"),
  RS256: signer("RS256"),
  PS256: signer("PS256"),
  Ed25519: signer(),
};
const strangerTo = ({ signer: { algorithm } }: ForgedPlace) =>
  stranger[algorithm as keyof typeof stranger];

export type Attack = readonly [
  what: string,
  /** Several where places tell it apart. */
  causes: string | readonly string[],
  make: (place: ForgedPlace) => string | Promise<string>,
];

const WRONG_ALGORITHM = ["algorithm_refused"];
const WRONG_KEY = ["key_unknown", "not_the_delegate"];

export const HEADERS: readonly Attack[] = [
  ["no algorithm and no signature", "token_malformed", (at) => raw(at, { alg: "none" }, "")],
  ["no algorithm and some signature", WRONG_ALGORITHM, (at) => raw(at, { alg: "none" })],
  ["`nOnE`", WRONG_ALGORITHM, (at) => raw(at, { alg: "nOnE" })],
  ["no `alg`", "token_malformed", (at) => raw(at, { alg: undefined })],
  ["an `alg` that is a list", "token_malformed", (at) => raw(at, { alg: [at.signer.algorithm] })],
  [
    "an `alg` in small letters",
    WRONG_ALGORITHM,
    (at) => raw(at, { alg: at.signer.algorithm.toLowerCase() }),
  ],
  ["an HMAC with the public key", WRONG_ALGORITHM, hmacWithPublicKey],
  ["another algorithm", WRONG_ALGORITHM, (at) => raw(at, { alg: "ES512" })],
  ["an algorithm of secrets", WRONG_ALGORITHM, (at) => raw(at, { alg: "HS512" })],
  [
    "a stranger's signature and key",
    WRONG_KEY,
    (at) => sign(at.claims, strangerTo(at), { typ: at.type }),
  ],
  [
    "a stranger's signature",
    "signature_invalid",
    (at) => sign(at.claims, strangerTo(at), { typ: at.type, kid: at.signer.kid }),
  ],
  [
    "a signature of zeros",
    "signature_invalid",
    (at) => raw(at, {}, Buffer.alloc(64).toString("base64url")),
  ],
  ["a short signature", "signature_invalid", (at) => raw(at, {}, "AAAA")],
  ["a long signature", "signature_invalid", (at) => raw(at, {}, "A".repeat(4_000))],
  [
    "a signature of another token",
    "signature_invalid",
    async (at) => raw(at, { extra: 1 }, (await sound(at)).split(".")[2]),
  ],
  ["a key in its header", "header_refused", (at) => sound(at, { jwk: strangerTo(at).jwk })],
  [
    "a key's address in its header",
    "header_refused",
    (at) => raw(at, { jku: "https://evil.example" }),
  ],
  ["a certificate in its header", "header_refused", (at) => raw(at, { x5c: ["AA=="] })],
  ["a certificate's address", "header_refused", (at) => raw(at, { x5u: "https://evil.example" })],
  ["`crit`", "header_refused", (at) => raw(at, { crit: ["exp"] })],
  ["an empty `crit`", "header_refused", (at) => raw(at, { crit: [] })],
  ["`b64`", "header_refused", (at) => raw(at, { b64: false })],
  ["`zip`", "header_refused", (at) => raw(at, { zip: "DEF" })],
  ["`enc`", "header_refused", (at) => raw(at, { enc: "A256GCM" })],
  [
    "iterations to count",
    "header_refused",
    (at) => raw(at, { alg: "PBES2-HS256+A128KW", p2c: 1e9 }),
  ],
  ["another `kid`", WRONG_KEY, (at) => sound(at, { kid: "other" })],
  ["a `kid` that is a path", WRONG_KEY, (at) => sound(at, { kid: "../../dev/null" })],
  ["a `kid` that is a query", WRONG_KEY, (at) => sound(at, { kid: "' OR 1=1 --" })],
  ["a `kid` that is a number", "token_malformed", (at) => raw(at, { kid: 5 })],
  ["a `kid` that is empty", "token_malformed", (at) => raw(at, { kid: "" })],
  ["a type nobody has", "token_type", (at) => sound(at, { typ: "logout+jwt" })],
  ["a WIT-SVID's type", "token_type", (at) => sound(at, { typ: "wit+jwt" })],
  [
    "the type of a cross-domain grant",
    "token_type",
    (at) => sound(at, { typ: "oauth-id-jag+jwt" }),
  ],
  ["a `typ` that is a number", "token_malformed", (at) => raw(at, { typ: 5 })],
];

export const SPELLINGS: readonly Attack[] = [
  ["five parts", "token_type", () => "e30.e30.e30.e30.e30"],
  [
    "two parts",
    "token_malformed",
    async (at) => (await sound(at)).split(".").slice(0, 2).join("."),
  ],
  ["nothing", "token_malformed", () => ""],
  ["a general JWS", "token_malformed", () => JSON.stringify({ payload: "", signatures: [] })],
  ["padding", "token_malformed", async (at) => `${await sound(at)}=`],
  ["padding of a part", "token_malformed", async (at) => (await sound(at)).replace(".", "=.")],
  ["a space before", "token_malformed", async (at) => ` ${await sound(at)}`],
  ["a line end behind", "token_malformed", async (at) => `${await sound(at)}\n`],
  ["a blank within", "token_malformed", async (at) => (await sound(at)).replace(".", " .")],
  ["a byte order mark", "token_malformed", async (at) => `\ufeff${await sound(at)}`],
  ["a scheme before", "token_malformed", async (at) => `Bearer ${await sound(at)}`],
  ["a full stop behind", "token_malformed", async (at) => `${await sound(at)}.`],
  ["percent signs", "token_malformed", async (at) => (await sound(at)).replace(".", "%2e")],
  ["the other alphabet", "token_malformed", (at) => raw(at, {}, "ab+/")],
  ["unused bits", "token_malformed", (at) => raw(at, {}, "AB")],
  ["wide characters", "token_malformed", async (at) => (await sound(at)).replace(/^e/, "\uff45")],
  ["a key twice in its header", "token_malformed", (at) => doubled(at, 0)],
  ["a key twice in its claims", "token_malformed", (at) => doubled(at, 1)],
  ["claims that are a list", "token_malformed", (at) => sign("[]", at.signer, { typ: at.type })],
  ["claims that are no JSON", "token_malformed", (at) => sign("{", at.signer, { typ: at.type })],
  ["claims that are empty", "token_malformed", (at) => sign("", at.signer, { typ: at.type })],
  [
    "`__proto__` in its claims",
    "token_malformed",
    (at) => sign('{"__proto__":{"sub":"alice"}}', at.signer, { typ: at.type }),
  ],
  [
    "a header in other bytes than UTF-8",
    "token_malformed",
    () => `${Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")}.e30.e30`,
  ],
  [
    "nested headers",
    "token_malformed",
    () => `${Buffer.from("[".repeat(99)).toString("base64url")}.e30.e30`,
  ],
  ["20,000 characters", "token_malformed", (at) => raw(at, {}, "A".repeat(20_000))],
];
