/**
 * The Token Status Lists that tokens name: read where their issuer's configuration lets them stand, kept for a while, and
 * read again behind the decisions that use them.
 */
import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { LRUCache } from "lru-cache";
import { type Fetched, fetchBytes, readUrl } from "../egress/fetch.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import type { Issuer, StatusLists } from "../identity/issuer.ts";
import { readClaims, readCompactJws } from "../identity/jws.ts";
import { verifyAmong } from "../identity/verify.ts";
import type { JsonLimits } from "../limits.ts";
import {
  readList,
  refusalOfStatus,
  refuseList,
  type StatusList,
  type StatusReference,
} from "./list.ts";

export interface Statuses {
  /**
   * Why a token does not count by its status; `undefined` where it does. A promise only where its list was not read for so
   * long that it is not believed. `nowMs`: since the Unix epoch, by the later of the clocks.
   */
  refusal(
    reference: StatusReference,
    issuer: Issuer,
    nowMs: () => number,
  ): DelegationRefusal | undefined | Promise<DelegationRefusal | undefined>;
}

export interface StatusesParts {
  /** Milliseconds on a clock that nobody sets. */
  readonly elapsedMs: () => number;
  readonly fetch?: (uri: string, lists: StatusLists, etag: string | undefined) => Promise<Fetched>;
  readonly times?: StatusTimes;
  /** Told of lists that could not be read or are refused; missing = nobody is. */
  readonly onFault?: ((fault: Error) => void) | undefined;
}

/** Milliseconds. */
export interface StatusTimes {
  /** A list is read anew after its `ttl`, but no sooner and no later than this. */
  readonly refreshLeast: number;
  readonly refreshMost: number;
  /** Older lists are not believed. */
  readonly stale: number;
  /** Between two attempts. */
  readonly cooldown: number;
}

export const STATUS_TIMES: StatusTimes = {
  refreshLeast: 5_000,
  refreshMost: 60_000,
  stale: 300_000,
  cooldown: 5_000,
};

const FETCH_TIMEOUT_MS = 5_000;

/** A million tokens of which a tenth is revoked, at one bit each, has some 80 KiB. */
const LIST_LIMITS: JsonLimits = {
  byteCount: 1024 * 1024,
  depth: 16,
  memberCount: 500,
  valueCount: 2_000,
};

/** Of one list: 64 million tokens at one bit. */
const INFLATED_BYTES_MAX = 8 * 1024 * 1024;

const LISTS_MOST = 1_000;
const BYTES_MOST = 64 * 1024 * 1024;

interface Held {
  readonly list: StatusList;
  /** Of the key that verified it: it counts only as long as that key does. */
  readonly thumbprint: string;
  readonly etag: string | undefined;
  readonly atMs: number;
}

/** The latest attempt to read one, and why it came to nothing. */
interface Attempt {
  readonly atMs: number;
  readonly failure: Promise<DelegationRefusal | undefined>;
}

interface Asked {
  readonly uri: string;
  readonly issuer: Issuer;
  readonly status: StatusLists;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export function createStatuses(parts: StatusesParts): Statuses {
  const { elapsedMs, times = STATUS_TIMES } = parts;
  const lists = new LRUCache<string, Held>({
    max: LISTS_MOST,
    maxSize: BYTES_MOST,
    sizeCalculation: ({ list }) => list.bytes.length + 1,
  });
  const attempts = new LRUCache<string, Attempt>({ max: LISTS_MOST });

  const isBelieved = (held: Held | undefined, { issuer, now }: Asked): held is Held =>
    held !== undefined && elapsedMs() - held.atMs < times.stale && isGood(held, issuer, now());

  /** Never rejects. */
  const read = (key: string, asked: Asked): Promise<DelegationRefusal | undefined> => {
    const before = attempts.get(key);
    if (before !== undefined && elapsedMs() - before.atMs < times.cooldown) return before.failure;
    const failure = readAnew(lists.get(key), asked, parts)
      .catch(() => unavailable("it failed"))
      .then((outcome) => {
        if (!("ok" in outcome)) return void lists.set(key, outcome);
        tell(`${asked.uri}: ${outcome.why}`, parts);
        return outcome;
      });
    attempts.set(key, { atMs: elapsedMs(), failure });
    return failure;
  };

  return {
    refusal(reference, issuer, now) {
      const { status } = issuer;
      if (typeof status !== "object") return NOT_ACCEPTED;
      // No URI and no name has a line break.
      const key = `${issuer.type}\n${issuer.name}\n${reference.uri}`;
      const asked: Asked = { uri: reference.uri, issuer, status, now };
      const held = lists.get(key);
      if (isBelieved(held, asked)) {
        // Not awaited: what it finds is for whoever asks next.
        if (elapsedMs() - held.atMs >= refreshAfter(held.list, times)) void read(key, asked);
        return refusalOfStatus(held.list, reference.index);
      }
      if (!isAmong(reference.uri, status)) return NOT_ACCEPTED;
      return read(key, asked).then((failure) => {
        if (failure !== undefined) return failure;
        const found = lists.get(key);
        if (isBelieved(found, asked)) return refusalOfStatus(found.list, reference.index);
        return unavailable("it was read too long ago");
      });
    },
  };
}

/** Of those that are read at once, the first that speaks against what names it; a promise only where there are any. */
export function firstRefusal(
  pending: readonly Promise<DelegationRefusal | undefined>[],
): Promise<DelegationRefusal | undefined> | undefined {
  if (pending.length === 0) return undefined;
  return Promise.all(pending).then((all) => all.find((one) => one !== undefined));
}

/** Who cannot be told changes nothing. */
function tell(why: string, { onFault }: StatusesParts): void {
  try {
    onFault?.(new Error(why));
  } catch {
    // Nobody awaits a list that is read behind a decision, so nothing may be thrown from it.
  }
}

const NOT_ACCEPTED = refuseDelegation(
  "status_not_accepted",
  "its status stands where its issuer is not configured to have any",
);

function unavailable(why: string): DelegationRefusal {
  return refuseDelegation("status_unavailable", `its status cannot be read: ${why}`);
}

/** As a URL has one spelling only, and leads where the configuration says. */
function isAmong(uri: string, { lists }: StatusLists): boolean {
  const read = readUrl(uri);
  if (!read.ok || read.url.href !== uri) return false;
  return lists.some((list) => (list.endsWith("/") ? uri.startsWith(list) : uri === list));
}

function isGood({ list, thumbprint }: Held, issuer: Issuer, nowMs: number): boolean {
  const isOver = list.expiresAtMs !== undefined && list.expiresAtMs <= nowMs;
  return !isOver && issuer.keys.current()?.has(thumbprint) === true;
}

function refreshAfter({ ttlMs }: StatusList, { refreshLeast, refreshMost }: StatusTimes): number {
  return Math.min(Math.max(ttlMs ?? refreshMost, refreshLeast), refreshMost);
}

async function readAnew(
  held: Held | undefined,
  asked: Asked,
  { fetch = fetchList, elapsedMs }: StatusesParts,
): Promise<Held | DelegationRefusal> {
  const { uri, issuer, status, now } = asked;
  const known = held !== undefined && isGood(held, issuer, now()) ? held : undefined;
  const atMs = elapsedMs();
  const fetched = await fetch(uri, status, known?.etag);
  switch (fetched.kind) {
    case "failed":
      return unavailable(fetched.because);
    case "same":
      return known === undefined ? unavailable("it was answered with 304") : { ...known, atMs };
    case "body": {
      const verified = await verifyList(fetched, asked);
      if ("ok" in verified) return verified;
      // Whoever stands between could show again what was said before a token was revoked.
      if (held !== undefined && verified.list.issuedAtMs < held.list.issuedAtMs) {
        return refuseList("it is older than the one before");
      }
      return { ...verified, etag: fetched.etag, atMs };
    }
  }
}

function fetchList(
  uri: string,
  { privateNetworks }: StatusLists,
  etag: string | undefined,
): Promise<Fetched> {
  return fetchBytes({
    url: new URL(uri),
    privateNetworks,
    etag,
    accept: LIST_MEDIA_TYPE,
    byteCountMax: LIST_LIMITS.byteCount,
    timeoutMs: FETCH_TIMEOUT_MS,
  });
}

const LIST_TYPE = "statuslist+jwt";
const LIST_MEDIA_TYPE = `application/${LIST_TYPE}`;

async function verifyList(
  { bytes, contentType = "" }: Extract<Fetched, { kind: "body" }>,
  { uri, issuer, now }: Asked,
): Promise<Pick<Held, "list" | "thumbprint"> | DelegationRefusal> {
  const [mediaType = ""] = contentType.split(";");
  if (mediaType.trim().toLowerCase() !== LIST_MEDIA_TYPE) {
    return refuseList(`it is sent as something else than ${LIST_MEDIA_TYPE}`);
  }
  const jws = readCompactJws(Buffer.from(bytes).toString("latin1"), LIST_LIMITS);
  if (!jws.ok) return refuseList(jws.why);
  if (jws.type !== LIST_TYPE) return refuseList(`its \`typ\` is not \`${LIST_TYPE}\``);
  const claims = readClaims(jws, LIST_LIMITS);
  if (claims === undefined) return refuseList("it holds no JSON object");
  const verified = await verifyAmong(jws, issuer);
  if (!verified.ok) return refuseList(verified.why);
  const list = readList(claims, uri, issuer.name, now());
  if (!list.ok) return list;
  const { compressed, ok: _, ...said } = list;
  const inflated = await inflateList(compressed);
  if (inflated === undefined) {
    return refuseList(`its \`lst\` is no ZLIB of at most ${INFLATED_BYTES_MAX} bytes`);
  }
  return { list: { ...said, bytes: inflated }, thumbprint: verified.key.thumbprint };
}

const inflateBytes = promisify(inflate) as (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
) => Promise<Uint8Array>;

/** Beside the decisions, in a thread of Node's, and never more than is asked for. */
async function inflateList(compressed: Uint8Array): Promise<Uint8Array | undefined> {
  try {
    return await inflateBytes(compressed, { maxOutputLength: INFLATED_BYTES_MAX });
  } catch {
    return undefined; // What is no list is expected here, and told in one way only.
  }
}
