/** When lists are read, how long they are believed, and where they may stand. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import { createKeySource } from "../../../engine/identity/keys.ts";
import { createStatuses, STATUS_TIMES } from "../../../engine/status/statuses.ts";
import { START } from "../../support/engine.ts";
import {
  causeOf,
  configOf,
  HERE,
  issuerOf,
  type Json,
  NOW_S,
  sign,
  signer,
  verifierOf,
} from "../../support/identity.ts";
import {
  bodyOf,
  IDP,
  LIST,
  LISTS,
  listClaims,
  listWorld,
  packed,
  signList,
} from "../../support/statuses.ts";

const idp = signer("ES256");
const { refreshLeast, refreshMost, stale, cooldown } = STATUS_TIMES;

/** Answers with this list from now on. */
async function serve(
  at: Awaited<ReturnType<typeof listWorld>>,
  statuses: readonly number[],
  more: Json = {},
): Promise<void> {
  const token = await signList(listClaims(statuses, more), idp);
  at.answer = () => bodyOf(token);
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe("a token with a status", () => {
  test.each([
    [0, "ok"],
    [1, "revoked"],
    [2, "status_suspended"],
    [3, "status_refused"],
    [4, "status_refused"],
    [5, "status_invalid"],
  ])("at index %d: %s", async (index, said) => {
    const at = await listWorld(idp);
    await serve(at, [0, 1, 2, 3, 12]);
    expect(await at.ask(index)).toBe(said);
  });

  test("counts again when its suspension ends", async () => {
    const at = await listWorld(idp);
    await serve(at, [2]);
    expect(await at.ask()).toBe("status_suspended");
    await serve(at, [0], { iat: NOW_S + 1 });
    at.elapsedMs = stale;
    expect(await at.ask()).toBe("ok");
  });

  test.each<[what: string, status: unknown, said: string]>([
    ["a list elsewhere", { status_list: { idx: 0, uri: `${IDP}/other/1` } }, "status_not_accepted"],
    [
      "a list of somebody else",
      { status_list: { idx: 0, uri: "https://evil.example/lists/1" } },
      "status_not_accepted",
    ],
    [
      "a way out of its place",
      { status_list: { idx: 0, uri: `${LISTS}../secret` } },
      "status_not_accepted",
    ],
    [
      "a hidden way out of its place",
      { status_list: { idx: 0, uri: `${LISTS}%2e%2e/secret` } },
      "status_not_accepted",
    ],
    [
      "another spelling of its place",
      { status_list: { idx: 0, uri: "https://IDP.acme.example/lists/1" } },
      "status_not_accepted",
    ],
    ["a place in a page", { status_list: { idx: 0, uri: `${LIST}#a` } }, "status_not_accepted"],
    ["no URL", { status_list: { idx: 0, uri: "lists/1" } }, "status_not_accepted"],
    ["another mechanism", { other: {} }, "status_not_accepted"],
    ["none in an object", {}, "status_not_accepted"],
    ["a text", "valid", "claims_invalid"],
    ["null", null, "claims_invalid"],
    ["a list", [], "claims_invalid"],
    ["a list that is a text", { status_list: LIST }, "claims_invalid"],
    ["no place", { status_list: { idx: 0 } }, "claims_invalid"],
    ["no index", { status_list: { uri: LIST } }, "claims_invalid"],
    ["a negative index", { status_list: { idx: -1, uri: LIST } }, "claims_invalid"],
    ["a broken index", { status_list: { idx: 0.5, uri: LIST } }, "claims_invalid"],
    ["an index that is a text", { status_list: { idx: "0", uri: LIST } }, "claims_invalid"],
  ])("that is %s", async (_, status, said) => {
    const at = await listWorld(idp);
    await serve(at, [0]);
    expect(await at.ask(0, { status })).toBe(said);
    expect(at.fetched).toEqual([]);
  });

  test("needs an issuer that is configured to have any, or to be believed without", async () => {
    const strict = await listWorld(idp, {});
    expect(await strict.ask()).toBe("status_not_accepted");
    expect(await strict.ask(0, { status: { other: {} } })).toBe("status_not_accepted");
    expect(await strict.ask(0, { status: undefined })).toBe("ok");
    const lax = await listWorld(idp, { status: "ignore" });
    expect(await lax.ask()).toBe("ok");
    expect(await lax.ask(0, { status: { other: {} } })).toBe("ok");
    expect([...strict.fetched, ...lax.fetched]).toEqual([]);
  });

  test("is refused for what is wrong with itself before anything is read", async () => {
    const at = await listWorld(idp);
    await serve(at, [0]);
    expect(await at.ask(0, { aud: "https://other.example" })).toBe("audience_mismatch");
    expect(await at.ask(0, { exp: NOW_S })).toBe("token_expired");
    expect(at.fetched).toEqual([]);
  });

  test("that has ended while its list was read does not count", async () => {
    const at = await listWorld(idp);
    const token = await signList(listClaims([0]), idp);
    at.answer = () => {
      at.nowMs = START + 60_000;
      return bodyOf(token);
    };
    expect(await at.ask(0, { exp: NOW_S + 60 })).toBe("token_expired");
  });
});

describe("a list", () => {
  test("is read once for all, and not waited for while it is believed", async () => {
    const at = await listWorld(idp);
    await serve(at, [0, 1]);
    const first = await Promise.all([at.ask(0), at.ask(1), at.ask(0)]);
    expect(first).toEqual(["ok", "revoked", "ok"]);
    expect(await at.askNow(0)).toEqual({ said: "ok", waited: false });
    expect(await at.askNow(1)).toEqual({ said: "revoked", waited: false });
    expect(at.fetched).toEqual([{ uri: LIST, etag: undefined }]);
  });

  test("is read anew behind the decisions that use it", async () => {
    const at = await listWorld(idp);
    await serve(at, [0]);
    expect(await at.ask()).toBe("ok");
    await serve(at, [1], { iat: NOW_S + 1 });
    at.elapsedMs = refreshMost - 1;
    expect(await at.ask()).toBe("ok");
    expect(at.fetched).toHaveLength(1);
    at.elapsedMs = refreshMost;
    expect(await at.askNow()).toEqual({ said: "ok", waited: false });
    await expect.poll(() => at.ask()).toBe("revoked");
    expect(at.fetched).toHaveLength(2);
  });

  test.each([
    [1, refreshLeast],
    [30, 30_000],
    [86_400, refreshMost],
  ])("that says it lives for %d s is read anew after %d ms", async (ttl, after) => {
    const at = await listWorld(idp);
    await serve(at, [0], { ttl });
    await at.ask();
    at.elapsedMs = after - 1;
    await at.ask();
    expect(at.fetched).toHaveLength(1);
    at.elapsedMs = after;
    await at.ask();
    expect(at.fetched).toHaveLength(2);
  });

  test("that cannot be read anew is believed for a while, and no longer", async () => {
    const at = await listWorld(idp);
    await serve(at, [0]);
    await at.ask();
    at.answer = () => ({ kind: "failed", code: "unreachable", because: "nobody is there" });
    at.elapsedMs = stale - 1;
    expect(await at.askNow()).toEqual({ said: "ok", waited: false });
    await settled();
    at.elapsedMs = stale + cooldown;
    expect(await at.ask()).toBe("status_unavailable");
    await serve(at, [0]);
    expect(await at.ask(), "not asked so soon again").toBe("status_unavailable");
    at.elapsedMs += cooldown;
    expect(await at.ask()).toBe("ok");
  });

  test("is not believed after its end, however often it is sent", async () => {
    const at = await listWorld(idp);
    await serve(at, [0], { exp: NOW_S + 60 });
    expect(await at.ask()).toBe("ok");
    at.nowMs = START + 60_000;
    at.elapsedMs = 30_000;
    expect(await at.ask()).toBe("status_invalid");
  });

  test("does not go back to what was said before", async () => {
    const at = await listWorld(idp);
    await serve(at, [1], { iat: NOW_S });
    expect(await at.ask()).toBe("revoked");
    await serve(at, [0], { iat: NOW_S - 1 });
    at.elapsedMs = refreshMost;
    await at.ask();
    await settled();
    expect(await at.ask()).toBe("revoked");
    at.elapsedMs = stale + refreshMost;
    expect(await at.ask()).toBe("status_invalid");
  });

  test("that is still the same is believed anew, without being sent", async () => {
    const at = await listWorld(idp);
    const token = await signList(listClaims([0]), idp);
    at.answer = () => bodyOf(token, { etag: '"1"' } as object);
    await at.ask();
    at.answer = () => ({ kind: "same" });
    at.elapsedMs = stale;
    expect(await at.ask()).toBe("ok");
    expect(at.fetched.at(-1)).toEqual({ uri: LIST, etag: '"1"' });
    at.elapsedMs += stale - 1;
    expect(await at.askNow()).toEqual({ said: "ok", waited: false });
  });

  test("that cannot be read is told, once for each attempt", async () => {
    const told: string[] = [];
    const statuses = createStatuses({
      elapsedMs: () => 0,
      fetch: async () => ({ kind: "failed", code: "unreachable", because: "nobody is there" }),
      onFault: ({ message }) => told.push(message),
    });
    const usual = { type: "access-token", issuer: IDP, status: { lists: [LISTS] } };
    const verifier = await verifierOf([issuerOf(idp, usual)], { statuses });
    const times = { aud: HERE, iat: NOW_S, exp: NOW_S + 600 };
    const status = { status_list: { idx: 0, uri: LIST } };
    const claims = { iss: IDP, sub: "alice", client_id: "bot", jti: "t", ...times, status };
    const token = await sign(claims, idp, { typ: "at+jwt" });
    for (let time = 0; time < 3; time += 1) {
      expect(causeOf(await verifier.verify([token]))).toBe("status_unavailable");
    }
    expect(told).toEqual([`${LIST}: its status cannot be read: nobody is there`]);
  });

  test("that fails as nothing should is one that cannot be read", async () => {
    const at = await listWorld(idp);
    at.answer = () => {
      throw new Error("a fault");
    };
    expect(await at.ask()).toBe("status_unavailable");
  });

  test("by a key that its issuer has withdrawn is not believed", async () => {
    const [old, fresh] = [signer("ES256"), signer("ES256")];
    let keys = [old.jwk, fresh.jwk];
    const elapsed = { ms: 0 };
    const statuses = createStatuses({
      elapsedMs: () => elapsed.ms,
      fetch: async () => bodyOf(await signList(listClaims([0]), old)),
    });
    const usual = { type: "access-token", issuer: IDP, status: { lists: [LIST] } };
    const [config] = configOf([issuerOf(old, usual)]);
    if (config === undefined) throw new Error("there is no issuer");
    const issuer = { ...config, keys: await sourceOf(() => keys) };
    const reference = { uri: LIST, index: 0 };
    expect(await statuses.refusal(reference, issuer, () => START)).toBeUndefined();
    keys = [fresh.jwk];
    issuer.keys = await sourceOf(() => keys);
    elapsed.ms = cooldown;
    const refused = await statuses.refusal(reference, issuer, () => START);
    expect(refused?.cause).toBe("status_invalid");
  });
});

async function sourceOf(keys: () => readonly Json[]) {
  const source = createKeySource({
    load: async () => new TextEncoder().encode(JSON.stringify({ keys: keys() })),
    use: "sig",
    elapsedMs: () => 0,
    onFault: () => {},
  });
  await source.refresh();
  return source;
}

describe("a list of a real server", () => {
  const asked: IncomingMessage[] = [];
  let body = "";
  const server = createServer((request, response) => {
    asked.push(request);
    response.setHeader("content-type", "application/statuslist+jwt");
    response.end(body);
  });
  afterAll(() => void server.close());

  test("is fetched as it wants, and decides", async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/lists/`;
    const uri = `${at}1`;
    const usual = { type: "access-token", issuer: IDP, status: { lists: [at] } };
    const verifier = await verifierOf([issuerOf(idp, usual)]);
    const tokenAt = (idx: number) =>
      sign(
        {
          iss: IDP,
          sub: "alice",
          client_id: "bot",
          jti: "t",
          aud: HERE,
          iat: NOW_S,
          exp: NOW_S + 600,
          status: { status_list: { idx, uri } },
        },
        idp,
        { typ: "at+jwt" },
      );
    body = await signList(listClaims([], { sub: uri, status_list: packed([0, 1]) }), idp);
    expect(causeOf(await verifier.verify([await tokenAt(0)]))).toBe("ok");
    expect(causeOf(await verifier.verify([await tokenAt(1)]))).toBe("revoked");
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.accept).toBe("application/statuslist+jwt");
  });
});

test.each<[what: string, status: unknown, said: string]>([
  ["a text", "on", "is not an object, or `ignore`, but a string"],
  ["no lists", {}, "/status/lists is missing"],
  ["no list", { lists: [] }, "/status/lists is empty"],
  ["a list without TLS", { lists: ["http://idp.acme.example/"] }, "is not https"],
  ["a list in another spelling", { lists: ["https://IDP.acme.example/"] }, "is not spelled"],
  ["a list of a page", { lists: ["https://idp.acme.example/#a"] }, "has a `#`"],
  ["a member nobody knows", { lists: [LISTS], keys: [] }, "/status/keys is no member"],
])("a configuration with %s is refused", (_, status, said) => {
  expect(() => configOf([issuerOf(idp, { type: "access-token", issuer: IDP, status })])).toThrow(
    said,
  );
});

test("links and JWT-SVIDs have no lists", () => {
  const given = { type: "link", issuer: IDP, roots: ["a"], status: { lists: [LISTS] } };
  expect(() => configOf([issuerOf(idp, given)])).toThrow("/status is no member");
});
