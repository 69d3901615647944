/** Status lists that a test holds, and an engine that reads them. */
import { deflateSync } from "node:zlib";
import type { Fetched } from "../../engine/egress/fetch.ts";
import { createStatuses } from "../../engine/status/statuses.ts";
import {
  causeOf,
  HERE,
  issuerOf,
  type Json,
  NOW_S,
  type Signer,
  sign,
  signer,
  verifierOf,
} from "./identity.ts";

export const IDP = "https://idp.acme.example";
export const LISTS = `${IDP}/lists/`;
export const LIST = `${LISTS}1`;

/** Of one bit each: `[0, 1]` is valid, then invalid. */
export function packed(statuses: readonly number[], bits = 1): Json {
  const bytes = new Uint8Array(Math.ceil((statuses.length * bits) / 8));
  for (const [index, status] of statuses.entries()) {
    const at = Math.floor((index * bits) / 8);
    bytes[at] = (bytes[at] ?? 0) | (status << ((index * bits) % 8));
  }
  return { bits, lst: deflateSync(bytes).toString("base64url") };
}

export function listClaims(statuses: readonly number[], more: Json = {}, bits = 8): Json {
  return { sub: LIST, iat: NOW_S, status_list: packed(statuses, bits), ...more };
}

export function signList(claims: unknown, by: Signer, header: Json = {}): Promise<string> {
  return sign(claims, by, { typ: "statuslist+jwt", ...header });
}

export const bodyOf = (text: string, more: Partial<Fetched> = {}): Fetched => ({
  kind: "body",
  bytes: new TextEncoder().encode(text),
  etag: undefined,
  contentType: "application/statuslist+jwt",
  ...(more as object),
});

export type Answer = () => Fetched | Promise<Fetched>;

export interface ListWorld {
  nowMs: number;
  elapsedMs: number;
  /** What is answered, whichever list is asked for. */
  answer: Answer;
  readonly fetched: { readonly uri: string; readonly etag: string | undefined }[];
  /** Verifies a token at an index of `LIST`; `ok`, or the cause. */
  ask(index?: number, more?: Json): Promise<string>;
  /** Whether it was told without waiting. */
  askNow(index?: number, more?: Json): Promise<{ said: string; waited: boolean }>;
}

export async function listWorld(
  by = signer("ES256"),
  issuer: Json = { status: { lists: [LISTS] } },
): Promise<ListWorld> {
  const world = { elapsedMs: 0, fetched: [] as ListWorld["fetched"] };
  const statuses = createStatuses({
    elapsedMs: () => world.elapsedMs,
    fetch: async (uri, _lists, etag) => {
      world.fetched.push({ uri, etag });
      return found.answer();
    },
  });
  const usual = { type: "access-token", issuer: IDP, ...issuer };
  const verifier = await verifierOf([issuerOf(by, usual)], { statuses });
  const tokens = new Map<string, string>();
  const tokenOf = async (claims: Json) => {
    const key = JSON.stringify(claims);
    const known = tokens.get(key) ?? (await sign(claims, by, { typ: "at+jwt" }));
    tokens.set(key, known);
    return known;
  };
  const askNow: ListWorld["askNow"] = async (index = 0, more = {}) => {
    const times = { aud: HERE, iat: NOW_S, exp: NOW_S + 36_000 };
    const status = { status_list: { idx: index, uri: LIST } };
    const claims = {
      iss: IDP,
      sub: "alice",
      client_id: "bot",
      jti: "t",
      ...times,
      status,
      ...more,
    };
    const verified = verifier.verify([await tokenOf(claims)]);
    return { said: causeOf(await verified), waited: verified instanceof Promise };
  };
  const found: ListWorld = {
    answer: () => ({ kind: "failed", code: "unreachable", because: "nobody is there" }),
    fetched: world.fetched,
    get nowMs() {
      return verifier.nowMs;
    },
    set nowMs(ms) {
      verifier.nowMs = ms;
    },
    get elapsedMs() {
      return world.elapsedMs;
    },
    set elapsedMs(ms) {
      world.elapsedMs = ms;
    },
    askNow,
    ask: async (...asked) => (await askNow(...asked)).said,
  };
  return found;
}
