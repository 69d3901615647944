/** A Redis of a test's own: a child process on a free port, with a directory that goes with it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@redis/client";
import { describe } from "vitest";

const BINARY = process.env.WRIT_REDIS ?? "redis-server";

const isThere = spawnSync(BINARY, ["--version"]).status === 0;

/** Skips loudly where there is no Redis, and fails there in CI. */
export const describeRedis: (name: string, tests: () => void) => void = (name, tests) => {
  if (isThere) return describe(name, tests);
  if (process.env.CI !== undefined) throw new Error(`${BINARY} is missing, and CI needs it`);
  console.warn(`skipped, since ${BINARY} is missing: ${name}`);
  return describe.skip(name, tests);
};

export interface TestRedis {
  readonly port: number;
  readonly url: string;
  /** The process that is running now. */
  readonly pid: number;
  command(...command: readonly string[]): Promise<unknown>;
  /** As `kill -9` would, and gone when it resolves. */
  kill(): Promise<void>;
  /** With the files it left. */
  start(more?: readonly string[]): Promise<void>;
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

export async function startRedis(settings: readonly string[] = []): Promise<TestRedis> {
  const redis = new Running(await freePort(), settings);
  await redis.start();
  return redis;
}

class Running implements TestRedis {
  readonly port: number;
  readonly #directory = mkdtempSync(join(tmpdir(), "writ-redis-"));
  readonly #settings: readonly string[];
  #child: ChildProcess | undefined;

  constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/test`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(more: readonly string[] = []): Promise<void> {
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#directory];
    const args = [...own, "--save", "", ...this.#settings, ...more];
    this.#child = spawn(BINARY, args, { stdio: "ignore" });
    for (let tries = 0; ; tries++) {
      try {
        if ((await this.command("PING")) === "PONG") return;
      } catch (fault) {
        if (tries > 500) throw fault;
      }
      await pause(10);
    }
  }

  async command(...command: readonly string[]): Promise<unknown> {
    const socket = { host: "127.0.0.1", port: this.port, reconnectStrategy: false } as const;
    const client = createClient({ socket, RESP: 2, disableClientInfo: true });
    client.on("error", () => {});
    await client.connect();
    try {
      return await client.sendCommand([...command]);
    } finally {
      client.destroy();
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
