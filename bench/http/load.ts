/**
 * Asks a server over HTTP, from a process of its own: bare sockets and requests that are ready to be sent, so that
 * what is measured is the server. Every answer is checked. Orders come, and reports go, as messages.
 */
import { connect, type Socket } from "node:net";
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { tell } from "../told.ts";

export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  /** JSON, one for each request; asked in turn. */
  readonly bodies: readonly string[];
  /** What the body of an answer holds where the call is allowed, and whether it must be; missing = any answer will do. */
  readonly allowed?: { readonly marker: string; readonly expected: readonly boolean[] };
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second, sent when they are due, however slow answers are; missing = each after the one before. */
  readonly perSecond?: number;
}

export interface LoadReport {
  readonly perSecond: number;
  /** From when it was due, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMs: number;
  readonly count: number;
  /** The first answer that was not as it must be. */
  readonly wrong?: string;
}

const HEAD_END = Buffer.from("\r\n\r\n");
/** Times in microseconds; of longer ones nobody asks. */
const HISTOGRAM = { lowest: 1, highest: 60_000_000, figures: 3 } as const;

class Load {
  readonly #order: LoadOrder;
  readonly #requests: readonly Buffer[];
  readonly #marker: Buffer;
  readonly #latency: RecordableHistogram = createHistogram(HISTOGRAM);
  readonly #idle: Client[] = [];
  readonly #clients: Client[] = [];
  #next = 0;
  #count = 0;
  #wrong: string | undefined;
  #isOver = false;

  constructor(order: LoadOrder) {
    this.#order = order;
    this.#marker = Buffer.from(order.allowed?.marker ?? "");
    this.#requests = order.bodies.map((body) =>
      Buffer.from(
        `POST ${order.path} HTTP/1.1\r\nhost: localhost:${order.port}\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    );
  }

  async run(): Promise<LoadReport> {
    const { connections, seconds, perSecond } = this.#order;
    for (let index = 0; index < connections; index += 1) {
      this.#clients.push(await openClient(this.#order.port));
    }
    this.#idle.push(...this.#clients);
    const beganMs = performance.now();
    const endMs = beganMs + seconds * 1_000;
    if (perSecond === undefined) while (this.#idle.length > 0) this.#send(performance.now());
    await new Promise<void>((resolve) => {
      const tick = () => {
        const nowMs = performance.now();
        if (nowMs >= endMs || this.#wrong !== undefined) return resolve();
        if (perSecond === undefined) return void setTimeout(tick, 1);
        this.#sendDue(beganMs, perSecond, nowMs);
        // A timer would send late, and several at once; there is a core for this.
        setImmediate(tick);
      };
      tick();
    });
    this.#isOver = true;
    const tookSeconds = (performance.now() - beganMs) / 1_000;
    for (const client of this.#clients) client.socket.destroy();
    return this.#report(tookSeconds);
  }

  #report(seconds: number): LoadReport {
    const ms = (us: number) => us / 1_000;
    return {
      perSecond: this.#count / seconds,
      p50Ms: ms(this.#latency.percentile(50)),
      p99Ms: ms(this.#latency.percentile(99)),
      mostMs: ms(this.#latency.max),
      count: this.#count,
      ...(this.#wrong === undefined ? {} : { wrong: this.#wrong }),
    };
  }

  #sendDue(beganMs: number, perSecond: number, nowMs: number): void {
    for (;;) {
      const dueMs = beganMs + (this.#next * 1_000) / perSecond;
      if (dueMs > nowMs || this.#idle.length === 0) return;
      this.#send(dueMs);
    }
  }

  #send(dueMs: number): void {
    // The one that waited longest: one that is never asked for anything is closed in time.
    const client = this.#idle.shift();
    const at = this.#next % this.#requests.length;
    const request = this.#requests[at];
    if (client === undefined || request === undefined) return;
    this.#next += 1;
    client.ask(request, (status, body) => this.#answered(client, at, dueMs, status, body));
  }

  #answered(client: Client, at: number, dueMs: number, status: number, body: Buffer): void {
    if (this.#isOver) return;
    this.#latency.record(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)));
    this.#count += 1;
    if (!this.#isRight(at, status, body)) this.#wrong ??= `request ${at}: ${status} ${body}`;
    this.#idle.push(client);
    if (this.#order.perSecond === undefined) this.#send(performance.now());
  }

  #isRight(at: number, status: number, body: Buffer): boolean {
    const { allowed } = this.#order;
    if (status !== 200) return false;
    return allowed === undefined || body.includes(this.#marker) === allowed.expected[at];
  }
}

interface Client {
  readonly socket: Socket;
  ask(request: Buffer, answered: (status: number, body: Buffer) => void): void;
}

async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let have: Buffer = Buffer.alloc(0);
  let waiting: ((status: number, body: Buffer) => void) | undefined;
  socket.on("error", (error) => waiting?.(0, Buffer.from(error.message)));
  socket.on("data", (chunk) => {
    have = have.length === 0 ? chunk : Buffer.concat([have, chunk]);
    const read = readAnswer(have);
    if (read === undefined) return;
    have = have.subarray(read.length);
    waiting?.(read.status, read.body);
  });
  return {
    socket,
    ask(request, answered) {
      waiting = answered;
      socket.write(request);
    },
  };
}

/** `undefined` until all of it is here. Chunked answers of one chunk are read as well: Go sends long ones so. */
function readAnswer(
  bytes: Buffer,
): { readonly status: number; readonly body: Buffer; readonly length: number } | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.slice(9, 12));
  const start = headEnd + HEAD_END.length;
  const [, given] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  const length = given === undefined ? bytes.indexOf("\r\n0\r\n\r\n") + 7 : start + Number(given);
  if (length < start || bytes.length < length) return undefined;
  return { status, body: bytes.subarray(start, length), length };
}

tell((order: LoadOrder) => new Load(order).run());
