import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { digestInTurns } from "../../../engine/bundles/bytes-digest.ts";
import { EXAMINER_LIMITS } from "../../../engine/bundles/thread.ts";
import { digestOfBytes } from "../../../engine/digest.ts";
import { createRegoChooser } from "../../../engine/opa/chooser.ts";
import { type ChosenRego, chooseRego } from "../../../engine/opa/opened.ts";
import { newPair, opaBundle } from "../../support/opa-bundles.ts";
import { AUTHZ } from "./modules.ts";

const SIGNED = readFileSync(new URL("modules/signed.tar.gz", import.meta.url));
const KEY = {
  pem: readFileSync(new URL("modules/signed.pub", import.meta.url)).toString(),
  alg: "RS256",
};
const PAIR = newPair();
const WANTED = { key: { pem: PAIR.pem, alg: "ES256" }, entrypoint: undefined };
const bundled = (data: string, wasm: Uint8Array = AUTHZ.wasm) =>
  opaBundle({ revision: "r1", entrypoint: "authz/allow", wasm, data }, PAIR);

function chooserWith(limits: Partial<typeof EXAMINER_LIMITS> = {}) {
  const chooser = createRegoChooser({ ...EXAMINER_LIMITS, ...limits });
  onTestFinished(() => chooser.close());
  return chooser;
}

/** Bytes as bytes, whichever class they came in. */
function plain(found: ChosenRego | { readonly ok: false }) {
  if (!found.ok) return found;
  const { wasm, data } = found.source;
  return { ...found, source: { wasm: [...wasm], data: [...(data ?? [])] } };
}

test("the thread finds what is found without it", async () => {
  const chooser = chooserWith();
  const wanted = [
    [SIGNED, { key: KEY, entrypoint: undefined }],
    [SIGNED, { key: KEY, entrypoint: "authz/nothing" }],
    [SIGNED, { key: undefined, entrypoint: undefined }],
    [bundled("{}"), WANTED],
    [bundled("[]"), WANTED],
    [bundled("{}", Buffer.alloc(1024 * 1024 + 1)), WANTED],
    [gzipSync(Buffer.alloc(1024 * 1024)), WANTED],
    [Buffer.from("nothing"), WANTED],
  ] as const;
  for (const [bytes, parts] of wanted) {
    expect(plain(await chooser.choose(bytes, parts))).toEqual(plain(chooseRego(bytes, parts)));
  }
});

test("while a bundle is read, everybody else has a turn", async () => {
  const chooser = chooserWith();
  const bytes = bundled(JSON.stringify({ a: Array.from({ length: 100_000 }, () => 7) }));
  let isRead = false;
  const reading = chooser.choose(bytes, WANTED).finally(() => {
    isRead = true;
  });
  let turns = 0;
  for (; !isRead; turns += 1) await setImmediate();
  expect((await reading).ok).toBe(true);
  // Two where it is read at once.
  expect(turns).toBeGreaterThan(10);
});

test("one that takes too long is given up, and the next is read", async () => {
  const hasty = chooserWith({ timeoutMs: 1 });
  expect(await hasty.choose(SIGNED, { key: KEY, entrypoint: undefined })).toMatchObject({
    code: "crashed",
    because: "its examination took longer than 0.001 s",
  });
  const small = chooserWith({ heapMegabytes: 32 });
  const greedy = bundled(JSON.stringify({ a: Array.from({ length: 1_000_000 }, () => 7) }));
  expect(await small.choose(greedy, WANTED)).toMatchObject({ ok: false, code: "crashed" });
  expect(await small.choose(bundled("{}"), WANTED)).toMatchObject({ ok: true });
});

test("a module that is too large is refused before it is handed to what runs it", () => {
  expect(chooseRego(bundled("{}", Buffer.alloc(1024 * 1024 + 1)), WANTED)).toEqual({
    ok: false,
    code: "no_program",
    because: "its module cannot be run: it has 1048577 bytes; 1048576 are the most",
  });
});

test("a digest made in turns is the same", async () => {
  for (const length of [0, 1, 4 * 1024 * 1024, 9 * 1024 * 1024 + 1]) {
    const bytes = Buffer.alloc(length, 7);
    expect(await digestInTurns(bytes)).toBe(digestOfBytes(bytes));
  }
});
