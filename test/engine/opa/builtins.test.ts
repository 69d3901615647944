/** Builtins where it is easy to answer otherwise than OPA: what each of these gave in OPA 1.22.2. */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import { BuiltinError } from "../../../engine/opa/builtins/builtin.ts";
import { BUILTINS } from "../../../engine/opa/builtins/index.ts";
import { parseRego, type Rego, spellRego } from "../../../engine/opa/rego.ts";
import { contextAtNoon } from "./modules.ts";

/** `undefined` where the builtin fails, as in a policy. */
function answerOf(name: string, args: string): string | undefined {
  try {
    const answer = BUILTINS.get(name)?.(parseRego(args) as readonly Rego[], contextAtNoon());
    return answer === undefined ? undefined : spellRego(answer);
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

test.each([
  ["uri.parse", '["mailto:bo@x.example"]', '{"scheme":"mailto"}'],
  ["uri.parse", '["javascript:alert(1)"]', '{"scheme":"javascript"}'],
  ["uri.parse", '["///a"]', '{"path":"///a","raw_path":"///a"}'],
  ["uri.parse", '["/a b"]', '{"path":"/a b","raw_path":"/a b"}'],
  ["uri.parse", '["/a%20b"]', '{"path":"/a b","raw_path":"/a b"}'],
  ["uri.parse", '["/a%2fb"]', '{"path":"/a/b","raw_path":"/a%2fb"}'],
  ["uri.parse", '["//u@a?b"]', '{"hostname":"a","raw_query":"b"}'],
  ["uri.parse", '["http://a%C3%A9"]', '{"hostname":"aé","scheme":"http"}'],
  ["uri.parse", '["http://%61.example"]', undefined],
  ["uri.parse", '["http://a b"]', undefined],
  ["uri.parse", '["http://a:1:2"]', undefined],
  ["uri.parse", '["db://a:1:2"]', '{"hostname":"a:1","port":"2","scheme":"db"}'],
  ["uri.parse", '["http://a\\\\@b"]', undefined],
  ["uri.parse", '["http://[1.2.3.4]"]', undefined],
  ["uri.parse", '["http://[::1%25e]:8"]', '{"hostname":"::1%e","port":"8","scheme":"http"}'],
  ["uri.parse", '["http://[::1%25]"]', undefined],
  ["uri.parse", '["a#%zz"]', undefined],
  ["uri.is_valid", '[" "]', "true"],
  ["uri.is_valid", '["http://x{}"]', "false"],
  ["semver.compare", '["v1.0.0", "1.0.0"]', "0"],
  ["semver.compare", '["1.0.0 ", "1.0.0"]', undefined],
  ["semver.compare", '["9007199254740993.0.0", "9007199254740992.0.0"]', "1"],
  ["semver.compare", '["1.0.0-9007199254740993", "1.0.0-9007199254740992"]', "1"],
  ["semver.compare", '["9223372036854775808.0.0", "1.0.0"]', undefined],
  ["semver.is_valid", '["v1.0.0"]', "true"],
  ["semver.is_valid", '["1.0.0\\n"]', "false"],
  ["semver.is_valid", '["1.0.0-01"]', "false"],
  ["strings.split_n", '["a,b,c", ",", -1]', '["c"]'],
  ["strings.split_n", '["a,b,c", ",", -9]', '["a","b","c"]'],
  ["object.subset", "[[], set()]", "false"],
  ["object.subset", "[[1, 1], {1, 2}]", "true"],
  ["net.cidr_contains_matches", '["10.0.0.0/8", null]', "set()"],
  ["time.date", '[[0, "Europe/Berlin"]]', "[1970,1,1]"],
  ["time.date", '[[0, "europe/berlin"]]', undefined],
  ["time.date", '[[0, "utc"]]', undefined],
  ["time.date", '[[0, "PST"]]', undefined],
  ["time.date", '[[0, "US/Eastern"]]', "[1969,12,31]"],
  ["time.date", "[1e18]", "[2001,9,9]"],
  ["time.diff", '[0, [0, "Nowhere/City"]]', undefined],
  ["time.format", '[[0, "UTC", "_2006 05.000000000000"]]', '"_1970 00.000000000"'],
  ["time.parse_ns", '["RFC822", "02 Jan 26 12:00 ABCDE"]', undefined],
  ["time.parse_ns", '["RFC822", "02 Jan 26 12:00 GMT+2"]', "1767355200000000000"],
  ["time.parse_rfc3339_ns", '["2026-01-02T1:00:00Z"]', "1767315600000000000"],
  ["time.parse_duration_ns", '["0.3333333333333333333h"]', "1200000000000"],
  ["yaml.unmarshal", '["010"]', "8"],
  ["yaml.unmarshal", '["[08, 0b11, 1_000, 0X1f, 1e400]"]', '[8,3,1000,31,"1e400"]'],
  ["yaml.unmarshal", '["9223372036854775807"]', "9223372036854775807"],
  ["yaml.unmarshal", '["18446744073709551616"]', "18446744073709552000"],
  ["yaml.unmarshal", '[".inf"]', undefined],
  ["yaml.is_valid", '["[.nan]"]', "false"],
  ["yaml.unmarshal", '["&a [*a]"]', undefined],
  ["yaml.is_valid", '["&a [*a]"]', "false"],
  [
    "yaml.unmarshal",
    '["a: &x {role: admin}\\nb: {<<: *x}"]',
    '{"a":{"role":"admin"},"b":{"role":"admin"}}',
  ],
  ["yaml.unmarshal", '["{a: 1, a: 2}"]', '{"a":2}'],
  ["yaml.unmarshal", '["a\\n---\\nb"]', '"a"'],
  ["yaml.unmarshal", '["[1]: a"]', undefined],
  ["yaml.is_valid", '["a\\u0000"]', "false"],
  ["graph.reachable_paths", '[{"a": ["a", "b"]}, ["a"]]', '{["a","a"],["a"]}'],
  ["json.patch", '[[1, 2], [{"op": "remove", "path": "/+1"}]]', "[1]"],
  ["json.marshal_with_options", "[{null: 1, 2: 3}, {}]", '"{\\"2\\":3,\\"null\\":1}"'],
  ["uuid.parse", '["(6ba7b810-9dad-41d1-80b4-00c04fd430c8)"]', '{"variant":"RFC4122","version":4}'],
  ["sprintf", '["%[2]d %[1]s", ["a", 7]]', '"7 a"'],
  ["sprintf", '["%[3]d", [1]]', '"%!d(BADINDEX)"'],
  ["sprintf", '["%*d|%-*d|%.*f", [4, 1, 4, 2, 1, 2.55]]', '"   1|2   |2.5"'],
  ["sprintf", '["%*d", ["a", 1]]', '"%!(BADWIDTH)1"'],
  ["sprintf", '["%v %v %v", [1234567.5, 0.00001, -1.5]]', '"1.2345675e+06 1e-05 -1.5"'],
  ["sprintf", '["%s %d", [1, -1.5]]', '"%!s(int64=1) %!d(float64=-1.5)"'],
  [
    "sprintf",
    '["%05s|%5c|%U|%q", ["ab", 955, 955, "\\u2028\\u0001"]]',
    '"000ab|    λ|U+03BB|\\"\\\\u2028\\\\x01\\""',
  ],
  ["sprintf", '["%v", [["\\u007f\\u0001"]]]', '"[\\"\\\\x7f\\\\x01\\"]"'],
  ["sprintf", '["%99999999999d", [1]]', '"%!(NOVERB)%!(EXTRA int64=1)"'],
  [
    "sprintf",
    '["%.0f %.0f %.2f %.1e %.2g", [2.5, 3.5, 0.125, 2.5, 0.125]]',
    '"2 4 0.12 2.5e+00 0.12"',
  ],
  ["sprintf", '["%c", [1114112]]', '"�"'],
  ["regex.replace", '["ab", "a", "-$é"]', '"-b"'],
  ["regex.globs_match", '["a", "[a-]"]', undefined],
  ["regex.globs_match", '["-", "[-a]"]', undefined],
  ["regex.globs_match", '["-", "[\\\\-a]"]', "true"],
])("%s of %s", (name, args, expected) => {
  expect(answerOf(name, args)).toBe(expected);
});

function signedWith(header: object, sign: (text: string) => Buffer): string {
  const [head, claims] = [header, { iss: "i" }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  return `${head}.${claims}.${sign(`${head}.${claims}`).toString("base64url")}`;
}

const byMac = (text: string) => createHmac("sha256", "secret").update(text).digest();

test.each([
  [{ crit: [] }, {}],
  [{ kid: 1 }, {}],
  [{}, { iss: 1 }],
  [{}, { aud: null }],
  [{}, { time: null }],
])("a token with %j is not verified with %j", (header, constraints) => {
  const verified = (more: object, wanted: object) =>
    answerOf(
      "io.jwt.decode_verify",
      JSON.stringify([
        signedWith({ alg: "HS256", ...more }, byMac),
        { secret: "secret", ...wanted },
      ]),
    );
  expect(verified({}, {})).toMatch(/^\[true,/);
  expect(verified(header, constraints)).toBeUndefined();
});

test("ES256 is not of secp256k1, and of two keys none is taken", () => {
  const pairs = ["prime256v1", "prime256v1", "secp256k1"].map((namedCurve) =>
    generateKeyPairSync("ec", { namedCurve }),
  );
  const pems = pairs.map(({ publicKey }) =>
    String(publicKey.export({ type: "spki", format: "pem" })),
  );
  const tokens = pairs.map(({ privateKey }) =>
    signedWith({ alg: "ES256" }, (text) =>
      sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }),
    ),
  );
  const verified = (at: number, pem: string) =>
    answerOf("io.jwt.verify_es256", JSON.stringify([tokens[at], pem]));
  expect(verified(0, `of the issuer\n${pems[0]}`)).toBe("true");
  expect(verified(0, `${pems[0]}${pems[1]}`)).toBeUndefined();
  expect(verified(0, `${pems[1]}${pems[0]}`)).toBeUndefined();
  expect(verified(2, pems[2] ?? "")).not.toBe("true");
});
