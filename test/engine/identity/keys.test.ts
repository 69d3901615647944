/** Where keys come from, and how long they are believed. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "vitest";
import { createIdentity } from "../../../engine/identity/identity.ts";
import { createKeySource, type KeySource, loadUrl } from "../../../engine/identity/keys.ts";
import { openIssuers } from "../../../engine/identity/open.ts";
import { START } from "../../support/engine.ts";
import {
  causeOf,
  configOf,
  HERE,
  issuerOf,
  type Json,
  NOW_S,
  type Signer,
  sign,
  signer,
} from "../../support/identity.ts";

const MINUTE = 60_000;
const [first, second] = [signer("ES256"), signer("ES256")];
const IDP = "https://idp.acme.example";

const bytesOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const setOf = (...keys: readonly Signer[]) => bytesOf({ keys: keys.map(({ jwk }) => jwk) });

/** A source whose document and clock the test holds. */
function held(document: () => Uint8Array, use = "sig") {
  const state = { elapsedMs: 0, loads: 0, faults: [] as string[] };
  const source: KeySource = createKeySource({
    use,
    load: async () => {
      state.loads++;
      return document();
    },
    elapsedMs: () => state.elapsedMs,
    onFault: ({ message }) => state.faults.push(message),
  });
  return { state, source };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("keys are read anew behind the decisions that use them, and believed for an hour", async () => {
  let document = setOf(first);
  const { state, source } = held(() => document);
  expect(source.current()).toBeUndefined();
  await source.refresh();
  document = setOf(second);
  state.elapsedMs = 4 * MINUTE;
  expect(source.current()?.has(first.kid)).toBe(true);
  expect(state.loads).toBe(1);
  state.elapsedMs = 5 * MINUTE;
  expect(source.current()?.has(first.kid)).toBe(true);
  await settled();
  expect([
    state.loads,
    source.current()?.has(first.kid),
    source.current()?.has(second.kid),
  ]).toEqual([2, false, true]);
  document = bytesOf("down");
  state.elapsedMs = 5 * MINUTE + 59 * MINUTE;
  expect(source.current()?.has(second.kid)).toBe(true);
  await settled();
  state.elapsedMs = 5 * MINUTE + 60 * MINUTE;
  expect(source.current()).toBeUndefined();
  expect(state.faults).toEqual(["it has no list `keys`"]);
});

test("whoever sends unknown `kid`s makes us ask twice a minute at most", async () => {
  const { state, source } = held(() => setOf(first));
  await Promise.all([source.refresh(), source.refresh(), source.refresh()]);
  await source.refresh();
  expect(state.loads).toBe(1);
  state.elapsedMs = 29_999;
  await source.refresh();
  expect(state.loads).toBe(1);
  state.elapsedMs = 30_000;
  await source.refresh();
  expect(state.loads).toBe(2);
});

test("a SPIFFE bundle counts only keys for JWT-SVIDs, and does not go back", async () => {
  let sequence = 5;
  const bundle = () =>
    bytesOf({
      spiffe_sequence: sequence,
      keys: [
        { ...first.jwk, use: "jwt-svid" },
        { ...second.jwk, use: "x509-svid" },
        signer("ES256").jwk,
      ],
    });
  const { state, source } = held(bundle, "jwt-svid");
  await source.refresh();
  expect(source.current()?.keys.map(({ id }) => id)).toEqual([first.kid]);
  sequence = 4;
  state.elapsedMs = MINUTE;
  await source.refresh();
  expect(state.faults).toEqual(["its sequence went back from 5"]);
});

test("an empty set takes every key back", async () => {
  let document = setOf(first);
  const { state, source } = held(() => document);
  await source.refresh();
  document = setOf();
  state.elapsedMs = MINUTE;
  await source.refresh();
  expect(source.current()?.keys).toEqual([]);
});

test.each([[{}], [[{}]], [7], [undefined]])(
  "a key whose curve is %j is left out, and the others stay",
  async (crv) => {
    const odd = { ...second.jwk, crv, kid: "odd" };
    const { state, source } = held(() => bytesOf({ keys: [first.jwk, odd] }));
    await source.refresh();
    expect(state.faults).toEqual([]);
    expect(source.current()?.keys.map(({ id }) => id)).toEqual([first.jwk.kid]);
  },
);

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
}

test("over HTTP: what is no key set leaves the keys as they were, and a redirect is not followed", async () => {
  let asked = 0;
  const url = await serving((_, response) => {
    asked++;
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  await expect(loadUrl(url, false)()).rejects.toThrow("leads elsewhere");
  expect(asked).toBe(1);
});

async function accessToken(by: Signer, more: Json = {}): Promise<string> {
  const claims = {
    iss: IDP,
    sub: "alice",
    client_id: "bot",
    aud: HERE,
    iat: NOW_S,
    exp: NOW_S + 60,
    jti: "t",
  };
  return sign({ ...claims, ...more }, by, { typ: "at+jwt" });
}

test("a provider that rotates its keys, withdraws one, and goes away", async () => {
  let answer: Uint8Array | undefined = setOf(first);
  let asked = 0;
  const url = await serving((_, response) => {
    asked++;
    if (answer === undefined) response.writeHead(503).end();
    else response.end(answer);
  });
  const clock = { ms: 0 };
  const faults: string[] = [];
  const issuers = await openIssuers(
    configOf([issuerOf(first, { type: "access-token", issuer: IDP, keys: { url } })]),
    { directory: "/", elapsedMs: () => clock.ms, onFault: ({ message }) => faults.push(message) },
  );
  const identity = createIdentity({ issuers, clock: () => START });
  const said = async (token: string) => causeOf(await identity.verify([token]));
  const [old, young] = [await accessToken(first), await accessToken(second)];
  expect([asked, await said(old), asked]).toEqual([1, "ok", 1]);
  // A new key is found by its `kid`, though not within half a minute of the last look.
  answer = setOf(first, second);
  expect([await said(young), asked]).toEqual(["key_unknown", 1]);
  clock.ms = 31_000;
  expect([await said(young), asked]).toEqual(["ok", 2]);
  // A withdrawn key takes with it the tokens that were seen under it.
  answer = setOf(second);
  clock.ms = 62_000;
  expect(await said(await accessToken(signer("ES256")))).toBe("key_unknown");
  expect(asked).toBe(3);
  expect([await said(old), await said(young)]).toEqual(["key_unknown", "ok"]);
  answer = undefined;
  clock.ms += 3_600_000;
  expect([await said(young), await said(await accessToken(second))]).toEqual([
    "keys_unavailable",
    "keys_unavailable",
  ]);
  expect(faults[0]).toContain(
    `the keys of ${IDP} could not be read from ${url}: it was answered with 503`,
  );
});
