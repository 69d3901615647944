/**
 * SIGTERM while 200 clients ask without a pause: nobody who was told of a decision finds it missing, no connection is
 * reset, and the process ends with 0.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;
const CLIENTS = 200;
const TIMES = Number(process.env.WRIT_DRAINS ?? 3);
/** Beyond HTTP_LIMITS.drainMs it would have been cut off. */
const STOPS_WITHIN_MS = 10_000;

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
}

async function start(cwd: string): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, "serve", "--json", "--port", "0", "small"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, url } = JSON.parse(line);
    child.stdout.resume();
    if (event === "listening") return { child, port: Number(new URL(url).port) };
  }
  throw new Error("it did not come up");
}

const BODY = JSON.stringify(PAYMENT);
const HEAD = `POST /decide HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n`;

/** Asks until it is told that the connection ends. */
class Client {
  /** Ids of decisions that were received whole. */
  readonly told: string[] = [];
  /** What went wrong while an answer was due. */
  trouble: string | undefined;
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  #have = "";
  #isDue = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1" });
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (text: string) => this.#receive(text));
    this.#socket.on("error", (error) => {
      this.trouble ??= error.message;
    });
    this.ended = new Promise((resolve) => {
      this.#socket.once("close", () => {
        if (this.#isDue) this.trouble ??= "closed without an answer";
        resolve();
      });
    });
  }

  async begin(): Promise<void> {
    await once(this.#socket, "connect");
    this.#ask();
  }

  /** Headers and a part of the body: a request under way. */
  async beginHalf(): Promise<void> {
    await once(this.#socket, "connect");
    this.#isDue = true;
    this.#socket.write(HEAD + BODY.slice(0, 20));
  }

  finish(): void {
    this.#socket.write(BODY.slice(20));
  }

  #ask(): void {
    this.#isDue = true;
    this.#socket.write(HEAD + BODY);
  }

  #receive(text: string): void {
    this.#have += text;
    const head = this.#have.indexOf("\r\n\r\n");
    const [, length] = /\r\ncontent-length: (\d+)/.exec(this.#have) ?? [];
    if (head < 0 || Buffer.byteLength(this.#have) < head + 4 + Number(length)) return;
    const answer = this.#have;
    this.#have = "";
    this.#isDue = false;
    const { id } = JSON.parse(answer.slice(head + 4));
    if (!answer.startsWith("HTTP/1.1 200 ")) this.trouble ??= answer;
    this.told.push(id);
    if (!/\r\nconnection: close/i.test(answer)) this.#ask();
  }
}

async function recordedIn(cwd: string): Promise<ReadonlySet<string>> {
  const verified = await writ(["audit", "verify", "--json"], { cwd });
  expect(verified.code, verified.out + verified.err).toBe(0);
  const lines = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8").trim().split("\n");
  return new Set(lines.map((line) => JSON.parse(line).record.id));
}

async function stopped({ child }: Running): Promise<number | null> {
  const began = performance.now();
  if (child.exitCode === null) await once(child, "exit");
  expect(performance.now() - began).toBeLessThan(STOPS_WITHIN_MS);
  return child.exitCode;
}

test(`${CLIENTS} clients that ask without a pause, ${TIMES} times`, {
  timeout: TIMES * 60_000,
}, async () => {
  const cwd = directoryWith({ "small/small.writ": SMALL });
  for (let time = 0; time < TIMES; time += 1) {
    const running = await start(cwd);
    const clients = Array.from({ length: CLIENTS }, () => new Client(running.port));
    await Promise.all(clients.map((client) => client.begin()));
    while (clients.some(({ told }) => told.length < 2)) await new Promise(setImmediate);
    running.child.kill("SIGTERM");
    expect(await stopped(running)).toBe(0);
    await Promise.all(clients.map(({ ended }) => ended));
    expect(clients.flatMap(({ trouble }) => trouble ?? [])).toEqual([]);
    const recorded = await recordedIn(cwd);
    const missing = clients.flatMap(({ told }) => told).filter((id) => !recorded.has(id));
    expect(missing).toEqual([]);
  }
});

test("requests whose bodies are still to come are answered", { timeout: 60_000 }, async () => {
  const cwd = directoryWith({ "small/small.writ": SMALL });
  const running = await start(cwd);
  const clients = Array.from({ length: CLIENTS }, () => new Client(running.port));
  await Promise.all(clients.map((client) => client.beginHalf()));
  // Answered over another connection: what was sent before has been read.
  const last = new Client(running.port);
  await last.begin();
  while (last.told.length < 2) await new Promise(setImmediate);
  running.child.kill("SIGTERM");
  await last.ended;
  for (const client of clients) client.finish();
  await Promise.all(clients.map(({ ended }) => ended));
  expect(await stopped(running)).toBe(0);
  expect(clients.flatMap(({ trouble }) => trouble ?? [])).toEqual([]);
  const recorded = await recordedIn(cwd);
  expect(clients.every(({ told: [id = ""] }) => recorded.has(id))).toBe(true);
});
