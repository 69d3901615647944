/** `POST /events`, as RFC 8935 has it. */
import { expect, test } from "vitest";
import { serveEvents } from "../../../engine/http/index.ts";
import { sign, signer } from "../../support/identity.ts";
import {
  CAEP,
  issSub,
  keys,
  OTHER,
  setClaims,
  signalsWorld,
  signSet,
} from "../../support/signals.ts";
import { outcomeOf, send, serve } from "./support.ts";

const at = await signalsWorld();
const app = serve({}, { extend: (own) => serveEvents(own, at.receiver) });
const SET = { "content-type": "application/secevent+jwt" };
const push = (body: string, headers: Record<string, string | undefined> = SET) =>
  send(app, { path: "/events", headers, body });

const REVOKED = `${CAEP}session-revoked`;
const claims = (more = {}) => setClaims(REVOKED, {}, issSub("alice"), more);

test("an event that is taken is answered with nothing", async () => {
  const token = await signSet(claims());
  for (const answer of [await push(token), await push(token)]) {
    expect(answer.statusCode).toBe(202);
    expect(answer.body).toBe("");
  }
});

test.each<[err: string, what: string, make: () => string | Promise<string>]>([
  ["invalid_request", "nothing", () => ""],
  ["invalid_request", "no token", () => "{}"],
  ["invalid_request", "bytes", () => "\u00e9.\u00e9.\u00e9"],
  ["invalid_request", "an end", () => signSet(claims({ exp: 1 }))],
  ["invalid_key", "a stranger's key", () => signSet(claims(), signer("ES256"))],
  ["invalid_issuer", "an unknown issuer", () => signSet(claims({ iss: "https://evil.example" }))],
  ["invalid_audience", "another audience", () => signSet(claims({ aud: "https://x.example" }))],
  ["access_denied", "another's subject", () => signSet(claims({ sub_id: issSub("alice", OTHER) }))],
  [
    "authentication_failed",
    "a stranger's signature",
    () => sign(claims(), { ...signer("ES256"), kid: keys.signals.kid }, { typ: "secevent+jwt" }),
  ],
])("%s: %s", async (err, _, make) => {
  const answer = await push(await make());
  expect(answer.statusCode).toBe(400);
  expect(answer.headers["content-type"]).toMatch(/^application\/json/);
  expect(answer.headers["content-language"]).toBe("en");
  expect(answer.json()).toEqual({ err, description: expect.any(String) });
});

test("what is sent as something else is not taken", async () => {
  const token = await signSet(claims());
  for (const type of ["application/json", "application/jwt", "text/plain", undefined]) {
    const answer = await push(token, { "content-type": type });
    expect(outcomeOf(answer), String(type)).toBe("400 unsupported_media_type");
  }
  expect(outcomeOf(await send(app, { headers: SET, body: "{}" }))).toBe(
    "400 unsupported_media_type",
  );
  expect(outcomeOf(await push("a".repeat(16 * 1024 + 1)))).toBe("400 too_large");
  expect(outcomeOf(await push(token, { ...SET, origin: "https://evil.example" }))).toBe(
    "403 cross_origin",
  );
  expect(outcomeOf(await send(serve(), { path: "/events", headers: SET, body: token }))).toBe(
    "404 not_found",
  );
});

test("what cannot be kept is to be sent again", async () => {
  const failing = serve(
    {},
    {
      extend: (own) =>
        serveEvents(own, {
          receive: async () => ({ kind: "unavailable", because: "the disk is full" }),
        }),
    },
  );
  const answer = await send(failing, { path: "/events", headers: SET, body: "x" });
  expect(outcomeOf(answer)).toBe("503 not_done");
});

test("it is described", async () => {
  const { paths } = (await send(app, { path: "/openapi.json", method: "GET" })).json();
  expect(paths["/events"].post).toMatchObject({
    requestBody: { content: { "application/secevent+jwt": { schema: { type: "string" } } } },
    responses: {
      "202": { description: expect.any(String) },
      "400": { content: { "application/json": { schema: { required: ["err", "description"] } } } },
    },
  });
});
