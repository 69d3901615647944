/** Bounds on what a stranger may send, each with its reason. */

/** Of one JSON body, a request unless said otherwise. A body over any of them is refused whole. */
export interface JsonLimits {
  /** A request is 1–2 KiB; arguments that quote a document or an e-mail stay well below this. */
  readonly byteCount: number;
  /** Nested containers, the outermost counted. The deepest requests of real tools reach 8. */
  readonly depth: number;
  /** Of one object or array. Bounds what an `any` or `all` over a list costs. */
  readonly memberCount: number;
  /** Of all values, containers included. 64 KiB of `[[],[],…` would otherwise be 22,000 of them. */
  readonly valueCount: number;
}

export const JSON_LIMITS: JsonLimits = {
  byteCount: 64 * 1024,
  depth: 32,
  memberCount: 1_000,
  valueCount: 10_000,
};

/**
 * Of an outcome, which may bring the page or the file that a tool returned. What is too large to report would
 * go without its labels.
 */
export const OUTCOME_LIMITS: JsonLimits = {
  byteCount: 1024 * 1024,
  depth: 32,
  memberCount: 10_000,
  valueCount: 50_000,
};

/**
 * Of a body that asks several things at once: `POST /decide/batch`, `POST /tools`, AuthZEN's evaluations. `askCount`
 * keeps an answer below a few MiB, and `askMs` is what one caller may have of the process before others.
 */
export const BATCH_LIMITS = {
  json: { byteCount: 512 * 1024, depth: 32, memberCount: 1_000, valueCount: 50_000 },
  askCount: 500,
  askMs: 1_000,
  /** After so long in one go, others are answered before the next is asked. */
  turnMs: 10,
} as const satisfies { readonly json: JsonLimits; readonly [name: string]: unknown };

/** Of a list, set or map in a request, whoever asks. How long deciding may take rests on it (`evaluate/steps.ts`). */
export const ELEMENTS_MAX = 10_000;

/** Of the HTTP service. Times are milliseconds. */
export const HTTP_LIMITS = {
  /** Enough for a long `traceparent` and a bearer token; a request of ours has some 300 bytes of headers. */
  headerByteCount: 8 * 1024,
  /** A client that takes longer holds a socket and sends nothing worth waiting for. */
  headersTimeoutMs: 3_000,
  /** Headers and body; 64 KiB arrive in less over any link a decision can be asked over. */
  requestTimeoutMs: 5_000,
  /** How often both are looked at. At Node's 30 s, 500 slow sockets lived for 29 s. */
  timeoutCheckMs: 500,
  /** Nothing moves on a connection, in either direction, while something is under way: nobody reads what was asked for. */
  stalledMs: 30_000,
  /**
   * Of answers that wait behind others on one connection: more than decisions on 64 KiB of requests come to, which are
   * read at once where a client sends them without waiting.
   */
  unreadByteCount: 2 * 1024 * 1024,
  /** Longer than the pauses of a busy enforcement point, shorter than what idle sockets are worth. */
  keepAliveMs: 30_000,
  /** Beyond it new connections are dropped: every socket has its share of memory. */
  connectionCount: 1_000,
  /** Then the client connects anew, so that a load balancer can move it. */
  requestsPerConnection: 100_000,
  /** So long nobody must ask before idle connections are closed: what was sent without knowing that we stop has come. */
  lastCallMs: 250,
  /** Who asks on and on over new connections keeps nothing open for longer than so many times that. */
  lastCallRounds: 8,
  /** How long shutting down waits for requests in flight. */
  drainMs: 10_000,
  /** An `X-Request-ID` to be echoed. */
  requestIdLength: 128,
} as const;
