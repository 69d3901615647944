import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSignedBundle, readUnverified } from "../../../engine/bundles/contents.ts";
import { FIRST_LINE, SIGNED_BYTES_MAX } from "../../../engine/bundles/signed.ts";
import { makeKeyPair, readSigningKey, readVerifyingKey } from "../../../engine/signing-key.ts";
import {
  bundleOf,
  newKey,
  policyText,
  relist,
  resigned,
  signedText,
} from "../../support/bundles.ts";
import { directoryWith } from "../../support/cli.ts";
import { seedFrom } from "../../support/seed.ts";

const key = newKey();
const other = newKey();
const bundle = bundleOf(policyText(1), key, { serial: 7, revision: "r7" });

/** `ok`, or why the bundle is refused. */
function read(bytes: Uint8Array, keys = [key]): string {
  const reading = readSignedBundle(
    bytes,
    keys.map(({ verifying }) => verifying),
  );
  return reading.ok ? "ok" : `${reading.code}: ${reading.because}`;
}

test("what was written is read again, with its texts and tests", () => {
  const reading = readSignedBundle(bundle, [other.verifying, key.verifying]);
  if (!reading.ok) throw new Error(reading.because);
  expect(reading).toMatchObject({
    keyId: key.id,
    manifest: {
      package: "example",
      serial: 7,
      revision: "r7",
      created: "2026-01-02T12:00:00.000Z",
    },
    contents: { sources: [{ path: "policy.writ", text: policyText(1) }] },
  });
  expect(reading.contents.tests).toHaveLength(1);
});

test("any of its signatures will do, so that keys can be replaced", () => {
  const both = bundleOf(policyText(1), key, { keys: [key, other] });
  expect(read(both, [other])).toBe("ok");
  expect(read(both, [key])).toBe("ok");
  expect(read(both, [newKey()])).toMatch(
    /^unknown_key: it is signed by [0-9a-f]{16}, [0-9a-f]{16}/,
  );
});

describe("nothing of it can be changed", () => {
  test("every cut is refused", () => {
    for (let length = 0; length < bundle.length; length++) {
      expect(read(bundle.subarray(0, length)), `${length} bytes`).toMatch(
        /^(?:malformed|unsigned): /,
      );
    }
  });

  test("every flipped bit is refused", () => {
    const at = fc.record({ byte: fc.nat(bundle.length - 1), bit: fc.nat(7) });
    const flipped = fc.property(at, ({ byte, bit }) => {
      const bytes = Buffer.from(bundle);
      bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
      return read(bytes) !== "ok";
    });
    fc.assert(flipped, { numRuns: 3_000, seed: seedFrom("BUNDLE_SEED") });
  });

  test("bytes at the end, and before", () => {
    expect(read(Buffer.concat([bundle, Buffer.from(" ")]))).toMatch(
      /^malformed: it is followed by/,
    );
    expect(read(Buffer.concat([Buffer.from("\n"), bundle]))).toMatch(/^malformed/);
  });

  test("another's signature, none, one under another name, one in another spelling", () => {
    const text = bundle.toString("utf8");
    expect(read(bundleOf(policyText(1), other))).toMatch(/^unknown_key/);
    expect(read(Buffer.from(text.replace(/^signed .*\n/m, "")))).toMatch(/^unsigned/);
    const renamed = bundleOf(policyText(1), other).toString("utf8").replace(other.id, key.id);
    expect(read(Buffer.from(renamed))).toMatch(/^bad_signature/);
    const respelt = text.replace(/(.)(==\n\n)/, (_, last: string, end: string) => {
      return `${String.fromCharCode(last.charCodeAt(0) + 1)}${end}`;
    });
    expect(respelt).not.toBe(text);
    expect(read(Buffer.from(respelt))).toMatch(/^malformed: a line of its signatures is none/);
  });

  test("a signature is of the first line as well", () => {
    const forged = Buffer.from(
      key.sign(Buffer.from(`${bundle.toString("utf8").split("\n")[1]}\n`)),
    );
    const text = bundle.toString("utf8");
    const swapped = text.replace(/^signed .*$/m, `signed ${key.id} ${forged.toString("base64")}`);
    expect(read(Buffer.from(swapped))).toMatch(/^bad_signature/);
  });

  test("looking at one without its key still finds what is not whole", () => {
    expect(readUnverified(bundle).ok).toBe(true);
    const touched = Buffer.from(bundle.toString("utf8").replace("by 1", "by 2"));
    expect(readUnverified(touched)).toMatchObject({ ok: false, code: "wrong_digest" });
  });
});

describe("whoever holds the key is not believed either", () => {
  test.each<[string, Parameters<typeof resigned>[2]]>([
    ["malformed: its manifest has an unknown member", ({ manifest }) => (manifest.toString = 1)],
    ["malformed: its manifest has an unknown member", ({ manifest }) => (manifest.evil = 1)],
    ["`serial` that cannot be read", ({ manifest }) => (manifest.serial = 0)],
    ["`serial` that cannot be read", ({ manifest }) => (manifest.serial = 1.5)],
    ["`serial` that cannot be read", ({ manifest }) => delete manifest.serial],
    ["`package` that cannot be read", ({ manifest }) => (manifest.package = "../../etc")],
    ["`revision` that cannot be read", ({ manifest }) => (manifest.revision = "a\u001b[31m")],
    ["`created` that cannot be read", ({ manifest }) => (manifest.created = "soon")],
    ["`expires` that cannot be read", ({ manifest }) => (manifest.expires = 5)],
    ["`parts` that cannot be read", ({ manifest }) => (manifest.parts[0].name = "../program")],
    ["`parts` that cannot be read", ({ manifest }) => (manifest.parts[0].name = "constructor")],
    ["`parts` that cannot be read", ({ manifest }) => (manifest.parts[0].bytes = -1)],
    ["`parts` that cannot be read", ({ manifest }) => (manifest.parts[0].path = "/etc")],
    ["has parts twice or out of order", ({ manifest }) => manifest.parts.reverse()],
    ["has parts twice", ({ manifest }) => manifest.parts.push(manifest.parts[0])],
    ["has no program", ({ manifest }) => manifest.parts.shift()],
    ["has parts of more than", ({ manifest }) => (manifest.parts[0].bytes = SIGNED_BYTES_MAX)],
    ["malformed: it is cut off", ({ manifest }) => (manifest.parts[0].bytes += 1)],
    ["wrong_digest: its program", ({ parts }) => void parts[0]?.write(" ", 5)],
    [
      "newer_version: it holds IR 2.0",
      ({ manifest }) => (manifest.version = { major: 2, minor: 0 }),
    ],
    ["newer_version: it holds IR 1.9", ({ manifest }) => (manifest.version.minor = 9)],
    [
      "wrong_digest: its manifest names",
      ({ manifest }) => (manifest.digest = `sha256:${"0".repeat(64)}`),
    ],
    ["names another package", ({ manifest }) => (manifest.package = "acme.other")],
  ])("%s", (says, change) => {
    expect(read(resigned(bundle, key, change))).toContain(says);
  });

  test.each<[string, number, (text: string) => string]>([
    ["not strict JSON: the key occurs twice", 0, (text) => text.replace("{", '{"agent":[],')],
    ["its program is not strict JSON", 0, () => ""],
    ["its program is not strict JSON", 0, () => `${"[".repeat(3_000)}${"]".repeat(3_000)}`],
    ["no_program: it holds no program", 0, () => "[]"],
    ["no_program", 0, (text) => text.replace('"effect":"permit"', '"effect":"bless"')],
    ["cannot be shown", 0, (text) => text.replace('"policy.writ"', '"\\u202etirw"')],
    ["its tests cannot be read", 1, () => '[{"name":1}]'],
    ["its sources are not those", 2, () => "[]"],
    ["its sources are not those", 2, (text) => text.replace('"policy.writ"', '"/etc/passwd"')],
  ])("%s (part %d)", (says, index, change) => {
    const changed = resigned(bundle, key, (taken) => {
      taken.parts[index] = Buffer.from(change(taken.parts[index]?.toString("utf8") ?? ""));
      relist(taken);
    });
    expect(read(changed)).toContain(says);
  });

  test("a manifest with a member twice, one that never ends, a file that is huge", () => {
    const manifest = bundle.toString("utf8").split("\n")[1] ?? "";
    const twice = manifest.replace("{", '{"serial":1,');
    expect(read(signedText(twice, [], key))).toMatch(/^malformed: its manifest is not strict JSON/);
    expect(read(Buffer.from(`${FIRST_LINE}\n${"x".repeat(20_000)}\n`))).toMatch(
      /^malformed: its second line does not end/,
    );
    expect(read(Buffer.alloc(SIGNED_BYTES_MAX + 1))).toMatch(/^too_large/);
  });
});

describe("keys", () => {
  test("one half is not taken for the other, nor another algorithm, nor text", () => {
    const pair = makeKeyPair();
    expect(readVerifyingKey(pair.privatePem)).toMatchObject({ ok: false });
    expect(readSigningKey(pair.publicPem)).toMatchObject({ ok: false });
    expect(readVerifyingKey("ssh-ed25519 AAAA")).toMatchObject({
      ok: false,
      why: "it is no PEM file",
    });
    const label = "PUBLIC KEY";
    expect(
      readVerifyingKey(`-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`),
    ).toMatchObject({
      ok: false,
      why: "the key in it cannot be read",
    });
  });

  test("OpenSSL makes such keys and verifies such signatures", () => {
    const cwd = directoryWith({});
    const openssl = (...words: string[]) => execFileSync("openssl", words, { cwd }).toString();
    const pem = openssl("genpkey", "-algorithm", "ed25519");
    const reading = readSigningKey(pem);
    if (!reading.ok) throw new Error(reading.why);
    const made = bundleOf(policyText(1), reading.key);
    const [first, second, signature = ""] = made.toString("utf8").split("\n");
    writeFileSync(join(cwd, "signed"), `${first}\n${second}\n`);
    writeFileSync(join(cwd, "signature"), Buffer.from(signature.split(" ")[2] ?? "", "base64"));
    writeFileSync(join(cwd, "key.pub"), reading.key.verifying.pem);
    const asked = ["-verify", "-pubin", "-inkey", "key.pub", "-rawin", "-in", "signed"];
    expect(openssl("pkeyutl", ...asked, "-sigfile", "signature")).toContain(
      "Verified Successfully",
    );
  });
});
