import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { createTar, createTarGzip } from "nanotar";
import { describe, expect, test } from "vitest";
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

function nested(depth: number): string {
  return `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
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

/** What a module reads. */
async function dataIn(files: Files): Promise<string> {
  const reading = readOpaBundle(await bundleOf({ ...WHOLE, "/data.json": "{}", ...files }));
  if (!reading.ok) throw new Error(reading.why);
  return Buffer.from(reading.bundle.entrypoints.get("authz/allow")?.data ?? "").toString();
}

test("two numbers that no double tells apart are two", async () => {
  const ids =
    '{"a":1234567890123456789,"b":1234567890123456790,"c":0.10000000000000000001,"d":1e400}';
  expect(await dataIn({ "/data.json": ids })).toBe(ids);
  // Modules take none but these for a place in a list.
  expect(await dataIn({ "/data.json": '{"a":1.0,"b":1e2,"c":-0,"d":12.50e1,"e":1.5}' })).toBe(
    '{"a":1,"b":100,"c":0,"d":125,"e":1.5}',
  );
});

test("YAML is read as OPA reads it", async () => {
  const yaml = `a: 010
b: 1_000
c: 12345678901234567890
d: 0b11
e: !!binary aGVsbG8=
<<: { f: no }
`;
  expect(
    JSON.parse(await dataIn({ "/x/data.yaml": yaml.replace("12345678901234567890", "7") })),
  ).toEqual({ x: { a: 8, b: 1000, c: 7, d: 3, e: "hello", f: "no" } });
  expect(await dataIn({ "/x/data.yml": yaml })).toContain('"c":12345678901234567890');
});

const wasm = (...entrypoints: readonly string[]) =>
  entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" }));
const manifestOf = (json: object) => JSON.stringify({ wasm: wasm("authz/allow"), ...json });

test("what a bundle speaks of is within its roots", async () => {
  const files = { "/data.json": '{"authz":{"a":1},"x":{"y":{"z":1}}}' };
  const roots = ["/authz", "x/y/"];
  expect(await dataIn({ ...files, ".manifest": manifestOf({ roots }) })).toContain('"z":1');
});

test.each<readonly [string, Files, string]>([
  ["an entrypoint twice", { ...WHOLE, ".manifest": manifestOf({ wasm: wasm("a", "a") }) }, "twice"],
  ["two manifests", { ...WHOLE, "/x/.manifest": "{}" }, "two manifests"],
  ["a manifest that is a list", { ...WHOLE, ".manifest": "[]" }, "manifest that cannot be read"],
  [
    "an entrypoint outside of the roots",
    { ...WHOLE, ".manifest": manifestOf({ roots: ["authz/all", "a"] }) },
    "the entrypoint `authz/allow` outside of its roots",
  ],
  [
    "data outside of the roots",
    {
      ...WHOLE,
      "/data.json": '{"x":{"w":1}}',
      ".manifest": manifestOf({ roots: ["authz", "x/y"] }),
    },
    "data at `x/w`, outside of its roots",
  ],
  ["no roots", { ...WHOLE, ".manifest": manifestOf({ roots: [] }) }, "outside of its roots"],
  [
    "roots within each other",
    { ...WHOLE, ".manifest": manifestOf({ roots: ["authz", "authz/x"] }) },
    "roots within each other",
  ],
  [
    "data without end",
    { ...WHOLE, "/data.json": nested(100_000) },
    "`data.json` that cannot be read",
  ],
  ["data that is nested deep", { ...WHOLE, "/data.json": nested(600) }, "deeper than"],
  ["an infinite number", { ...WHOLE, "/data.yaml": "a: .inf" }, "`data.yaml` that cannot be read"],
  [
    "much data",
    { ...WHOLE, "/data.json": JSON.stringify("x".repeat(9 * 1024 * 1024)) },
    "`data.json` of more than",
  ],
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
      "signatures nested without end",
      changed({ [dataOf(".signatures.json").name]: `{"\\n":${nested(100_000)}}` }),
      {},
      "cannot be read",
    ],
    [
      "data that is no JSON by now",
      changed({ [dataOf("data.json").name]: "{" }),
      {},
      "`data.json` that cannot be read",
    ],
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

/** A header with its data: of type `x` pax records, `5` a directory. */
function entry(name: string, type: string, data: string): Uint8Array {
  const padded = data.padEnd(Math.ceil(data.length / 512) * 512, "\0");
  const made = createTar([{ name, data: padded }]).slice(0, 512 + padded.length);
  const size = `${data.length.toString(8).padStart(11, "0")}\0`;
  Buffer.from(made.buffer).write(`${size}`, 124, "latin1");
  made[156] = type.charCodeAt(0);
  Buffer.from(made.buffer).write("        ", 148, "latin1");
  const sum = made.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  Buffer.from(made.buffer).write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return made;
}

const record = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
};

describe("headers of pax", () => {
  const plain = createTar([{ name: "short", data: "one" }]);
  const behind = (records: string) => readTar(Buffer.concat([entry("p", "x", records), plain]));

  test("give long names, and much else that is passed over", () => {
    const long = `${"x".repeat(50)}/`.repeat(3);
    expect(behind(record("path", `${long}e`))).toMatchObject([{ name: `${long}e` }]);
    expect(behind(record("mtime", "1.5") + record("path", "a b"))).toMatchObject([{ name: "a b" }]);
  });

  test("are read once, however many records there are", () => {
    expect(behind("5 a=\n".repeat(40_000))).toMatchObject([{ name: "short" }]);
    expect(() => behind("5 a=\n".repeat(220_000))).toThrow("broken header");
  });

  test.each([
    ["a size of its own", record("size", "1"), "size of their own"],
    ["holes", record("GNU.sparse.realsize", "9999"), "size of their own"],
    ["a record that does not end", "9 path=ab", "broken header"],
    ["a record that is longer than all of them", "99 path=a\n", "broken header"],
    ["a record without a key", "4 =\n", "broken header"],
    ["a length that is none", "x path=a\n", "broken header"],
  ])("with %s are refused", (_, records, why) => {
    expect(() => behind(records)).toThrow(why);
  });
});

test("a directory holds nothing that some readers would go on with", () => {
  const hidden = entry("d", "5", "x".repeat(512));
  expect(() => readTar(hidden)).toThrow("a directory of a size of its own");
});
