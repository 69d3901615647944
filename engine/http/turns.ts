/**
 * What comes in one turn of the event loop is answered at its end, step by step for many requests at once: what a
 * step needs is in the processor's caches then, and whoever waits for several answers is woken once.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as atEndOfTurn } from "node:timers";
import { type JsonReading, readJson } from "../json.ts";
import { type Asking, answerTo, type Said, sayProblem } from "./body.ts";
import { requestIdIn } from "./gate.ts";
import { problem } from "./problem.ts";
import { mayBeSent } from "./unread.ts";

export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** All of a body that did not come with its head. */
  readonly bytes?: Uint8Array;
  readonly asking: Asking<unknown>;
}

export interface TurnsParts {
  /** With each answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly onFault: (fault: unknown) => void;
}

/** So many go through each step together: more would wait longer for each other, and gain little. */
const TOGETHER = 32;

const NO_BYTES = Buffer.alloc(0);

/** What one request meets with is nothing to the others of its turn. */
export class Turns {
  readonly #headers: readonly string[];
  readonly #onFault: TurnsParts["onFault"];
  #waiting: Asked[] = [];

  constructor({ headers, onFault }: TurnsParts) {
    this.#headers = Object.entries(headers).flat();
    this.#onFault = onFault;
  }

  take(asked: Asked): void {
    if (this.#waiting.push(asked) === 1) atEndOfTurn(() => this.#answerAll());
  }

  #answerAll(): void {
    const all = this.#waiting.filter((asked) => this.#hasCome(asked));
    this.#waiting = [];
    for (let at = 0; at < all.length; at += TOGETHER) {
      const some = all.slice(at, at + TOGETHER);
      const read = some.map((asked) => ({ asked, reading: this.#read(asked) }));
      const decided = read.map(({ asked, reading }) => ({
        asked,
        said: this.#answer(asked, reading),
      }));
      for (const { asked, said } of decided) this.#sendWhenSaid(asked, said);
    }
  }

  /** Nearly every body has come with its head; any other takes its turn once it is there. */
  #hasCome(asked: Asked): boolean {
    const { request, bytes } = asked;
    if (bytes !== undefined || request.complete) return true;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => this.take({ ...asked, bytes: Buffer.concat(chunks) }));
    return false;
  }

  #read({ request, bytes, asking }: Asked): JsonReading | Said {
    try {
      return readJson(bytes ?? bodyOf(request), asking.limits);
    } catch (fault) {
      return this.#faulted(fault);
    }
  }

  #answer({ asking }: Asked, reading: JsonReading | Said): Said | Promise<Said> {
    if ("status" in reading) return reading;
    try {
      return answerTo(reading, asking.ask);
    } catch (fault) {
      return this.#faulted(fault);
    }
  }

  #sendWhenSaid(asked: Asked, said: Said | Promise<Said>): void {
    if (said instanceof Promise) {
      said.then(
        (late) => this.#send(asked, late),
        (fault) => this.#send(asked, this.#faulted(fault)),
      );
    } else {
      this.#send(asked, said);
    }
  }

  /** Says nothing of the fault to the caller, and is no decision. */
  #faulted(fault: unknown): Said {
    this.#onFault(fault);
    return sayProblem(problem("internal_error"));
  }

  #send({ request, response }: Asked, { status, type, text }: Said): void {
    try {
      const byteCount = Buffer.byteLength(text);
      if (!mayBeSent(response, byteCount)) return;
      const length = String(byteCount);
      const own = ["content-type", type, "content-length", length, ...this.#headers];
      const id = requestIdIn(request.headers);
      if (id !== undefined) own.push("x-request-id", id);
      response.writeHead(status, own).end(text);
    } catch (fault) {
      this.#onFault(fault);
      response.destroy();
    }
  }
}

/** What came in several pieces is read so from Node 26 on: the first alone may be a whole document, and not what was sent. */
function bodyOf(request: IncomingMessage): Uint8Array {
  const first: Buffer = request.read() ?? NO_BYTES;
  if (request.readableLength === 0) return first;
  const pieces = [first];
  while (request.readableLength > 0) pieces.push(request.read());
  return Buffer.concat(pieces);
}
