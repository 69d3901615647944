/** Requests behind each other on one connection, by a client that does not wait: a third of what `inject` costs. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Sent } from "./support.ts";

export interface Answered {
  readonly statusCode: number;
  readonly body: string;
}

export interface Pipeline {
  /** In their order; rejects where the connection ends before. */
  send(requests: readonly Sent[]): Promise<readonly Answered[]>;
  close(): Promise<void>;
}

export async function openPipeline(app: FastifyInstance): Promise<Pipeline> {
  const directory = mkdtempSync(join(tmpdir(), "writ-"));
  const path = join(directory, "s");
  await app.listen({ path });
  const socket = connect(path);
  return {
    send: (requests) =>
      new Promise((done, failed) => {
        let kept: Buffer = Buffer.alloc(0);
        const answers: Answered[] = [];
        const stop = (told: () => void) => {
          socket.removeAllListeners();
          told();
        };
        const lost = () =>
          stop(() => failed(new Error(`it ended after ${answers.length} answers`)));
        socket.on("close", lost).on("error", lost);
        socket.on("data", (bytes) => {
          kept = takeAnswers(Buffer.concat([kept, bytes]), answers);
          if (answers.length >= requests.length) stop(() => done(answers));
        });
        socket.write(Buffer.concat(requests.map(spell)));
      }),
    async close() {
      socket.destroy();
      await app.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** What stays is the beginning of the next one. */
function takeAnswers(bytes: Buffer, answers: Answered[]): Buffer {
  let from = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", from);
    if (end < 0) return bytes.subarray(from);
    const head = bytes.toString("latin1", from, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    const until = end + 4 + length;
    if (Number.isNaN(length)) throw new Error(`an answer without a length: ${head}`);
    if (bytes.length < until) return bytes.subarray(from);
    const body = bytes.toString("utf8", end + 4, until);
    answers.push({ statusCode: Number(head.slice("HTTP/1.1 ".length, 12)), body });
    from = until;
  }
}

function spell({ path = "/decide", method = "POST", headers = {}, body }: Sent): Buffer {
  const bytes = Buffer.from((body as Buffer | string | undefined) ?? "");
  const length = method === "GET" ? undefined : String(bytes.length);
  const given = {
    host: "localhost",
    "content-type": "application/json",
    "content-length": length,
    ...headers,
  };
  const lines = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}
