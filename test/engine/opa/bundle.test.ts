import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { createTar, createTarGzip } from "nanotar";
import { expect, test } from "vitest";
import { readOpaBundle } from "../../../engine/opa/bundle.ts";
import { readTar } from "../../../engine/opa/tar.ts";
import { AUTHZ, moduleNamed } from "./modules.ts";

const read = (name: string) => readFileSync(new URL(`modules/${name}`, import.meta.url));
const SIGNED = read("signed.tar.gz");
const KEY = { pem: read("signed.pub").toString(), alg: "RS256" };

type Files = Readonly<Record<string, string | Uint8Array>>;

const MANIFEST = JSON.stringify({
  revision: "r1",
  roots: [""],
  wasm: [{ entrypoint: "authz/allow", module: "/policy.wasm" }],
});
const WHOLE: Files = { ".manifest": MANIFEST, "/policy.wasm": AUTHZ.wasm, "/data.json": '{"a":1}' };

function bundleOf(files: Files): Promise<Uint8Array> {
  return createTarGzip(Object.entries(files).map(([name, data]) => ({ name, data })));
}

/** Why it is refused. */
async function refused(files: Files): Promise<string> {
  const reading = readOpaBundle(await bundleOf(files));
  return reading.ok ? "ok" : reading.why;
}

test("a bundle gives its module by entrypoint, with every document at its place", async () => {
  const reading = readOpaBundle(
    await bundleOf({ ...WHOLE, "/b/c/data.json": '{"d":2}', "x.rego": "?" }),
  );
  if (!reading.ok) throw new Error(reading.why);
  expect(reading.bundle.revision).toBe("r1");
  const source = reading.bundle.entrypoints.get("authz/allow");
  expect(JSON.parse(Buffer.from(source?.data ?? "").toString())).toEqual({
    a: 1,
    b: { c: { d: 2 } },
  });
  expect(source?.wasm).toEqual(new Uint8Array(moduleNamed("authz")));
});

test.each<readonly [string, Files, string]>([
  ["no manifest", { "policy.wasm": AUTHZ.wasm }, "names no compiled module"],
  ["a module that is not there", { ".manifest": MANIFEST }, "does not hold `/policy.wasm`"],
  ["a file twice", { ...WHOLE, "policy.wasm": "" }, "twice"],
  ["a way out", { ...WHOLE, "/../x": "" }, "a file of the name"],
  ["data that is no object", { ...WHOLE, "/data.json": "[]" }, "no object"],
  ["data in two places", { ...WHOLE, "/a/data.json": "{}" }, "two places"],
  [
    "data within a list",
    {
      ".manifest": MANIFEST,
      "policy.wasm": AUTHZ.wasm,
      "data.json": '{"a":[1]}',
      "a/data.json": '{"b":2}',
    },
    "two places",
  ],
  [
    "data where there is nothing",
    {
      ".manifest": MANIFEST,
      "policy.wasm": AUTHZ.wasm,
      "data.json": '{"a":null}',
      "a/data.json": '{"b":2}',
    },
    "two places",
  ],
  ["data that is no JSON", { ...WHOLE, "/data.json": "{" }, "cannot be read"],
  ["a delta", { ...WHOLE, "/patch.json": "{}" }, "is a delta"],
  ["signatures and no key", { ...WHOLE, "/.signatures.json": "{}" }, "no key was given"],
])("%s is refused", async (_, files, why) => {
  expect(await refused(files)).toContain(why);
});

test("what is no archive, and what inflates without end, is refused", () => {
  expect(readOpaBundle(Buffer.from("nothing"))).toMatchObject({ ok: false });
  expect(readOpaBundle(gzipSync(Buffer.alloc(65 * 1024 * 1024)))).toMatchObject({ ok: false });
});

test("a bundle that OPA signed is verified, whatever its data looks like", () => {
  const reading = readOpaBundle(SIGNED, KEY);
  expect(reading).toMatchObject({ ok: true, bundle: { revision: "r7" } });
});

/** The signed bundle with files changed; `undefined` leaves one out. */
function changed(changes: Readonly<Record<string, string | undefined>>): Uint8Array {
  const files = readTar(gunzipSync(SIGNED)).map(({ name, data }) => [name, data] as const);
  const all = new Map<string, string | Uint8Array | undefined>([
    ...files,
    ...Object.entries(changes),
  ]);
  const kept = [...all].flatMap(([name, data]) => (data === undefined ? [] : [{ name, data }]));
  return gzipSync(createTar(kept));
}

const dataOf = (name: string) => {
  const file = readTar(gunzipSync(SIGNED)).find((one) => one.name.endsWith(name));
  return { name: file?.name ?? "", text: Buffer.from(file?.data ?? "").toString() };
};

test("layout of JSON is not what is signed; all else is", () => {
  const { name, text } = dataOf("data.json");
  const laidOut = changed({ [name]: text.replaceAll(":", " :\n") });
  expect(readOpaBundle(laidOut, KEY)).toMatchObject({ ok: true });
  const roles = changed({ [name]: text.replace("reader", "writer") });
  expect(readOpaBundle(roles, KEY)).toMatchObject({
    ok: false,
    why: expect.stringContaining("another"),
  });
});

test.each<readonly [string, Uint8Array, Partial<typeof KEY> & { readonly scope?: string }, string]>(
  [
    ["a file more", changed({ "/more.txt": "" }), {}, "not signed"],
    [
      "a file less",
      changed({ [dataOf("policy.wasm").name]: undefined }),
      {},
      "lacks `policy.wasm`",
    ],
    [
      "another module",
      changed({ [dataOf("policy.wasm").name]: "another" }),
      {},
      "another `policy.wasm`",
    ],
    [
      "no signature",
      changed({ [dataOf(".signatures.json").name]: undefined }),
      {},
      "is not signed",
    ],
    [
      "two signatures",
      changed({ [dataOf(".signatures.json").name]: '{"signatures":["a.b.c","a.b.c"]}' }),
      {},
      "is not signed by",
    ],
    [
      "a signature that is no token",
      changed({ [dataOf(".signatures.json").name]: '{"signatures":[7]}' }),
      {},
      "is not signed by",
    ],
    ["another algorithm", SIGNED, { alg: "PS256" }, "is not signed by"],
    ["no algorithm", SIGNED, { alg: "none" }, "is not signed by"],
    ["the key as a secret", SIGNED, { alg: "HS256" }, "is not signed by"],
    ["another scope", SIGNED, { scope: "production" }, "is not signed by"],
    [
      "a key that is none",
      SIGNED,
      { pem: "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----" },
      "cannot be read",
    ],
  ],
)("%s is refused", (_, bytes, key, why) => {
  const reading = readOpaBundle(bytes, { ...KEY, ...key });
  expect(reading.ok ? "ok" : reading.why).toContain(why);
});

test("an archive that two readers could read differently is refused", () => {
  const plain = createTar([{ name: "a", data: "one" }]);
  expect(readTar(plain)).toMatchObject([{ name: "a" }]);
  expect(() => readTar(Buffer.concat([plain, createTar([{ name: "b", data: "two" }])]))).toThrow(
    "behind its end",
  );
  expect(() => readTar(plain.subarray(0, 512))).toThrow("ends within");
  const touched = Uint8Array.from(plain);
  touched[0] = 0x62;
  expect(() => readTar(touched)).toThrow("broken header");
  const link = createTar([{ name: "a", data: "", attrs: {} }]);
  link[156] = 0x32;
  link[148 + 5] = (link[148 + 5] ?? 0) + 2;
  expect(() => readTar(link)).toThrow();
});
