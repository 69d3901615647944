import { lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { listenOnSocket } from "../../../engine/http/socket.ts";
import { directoryWith } from "../../support/cli.ts";
import { serve } from "./support.ts";

async function listening(path: string) {
  const one = await listenOnSocket(serve(), path, 100);
  onTestFinished(() => one.stop());
  return one;
}

/** The status of `GET /health`, or why there is none. */
function health(socketPath: string): Promise<number | string | undefined> {
  return new Promise((tell) => {
    const asked = request({ socketPath, path: "/health", agent: false }, (answer) => {
      answer.resume();
      tell(answer.statusCode);
    });
    asked.on("error", (error: NodeJS.ErrnoException) => tell(error.code));
    asked.end();
  });
}

test("it answers, only to this user, and is gone when it stops", async () => {
  const directory = directoryWith({});
  const path = join(directory, "a.sock");
  const one = await listening(path);
  expect(await health(path)).toBe(200);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(directory)).toEqual(["a.sock"]);
  await one.stop();
  expect(readdirSync(directory)).toEqual([]);
});

test("one that is left over is replaced; one that answers is not", async () => {
  const directory = directoryWith({});
  const path = join(directory, "a.sock");
  const first = await listening(path);
  await expect(listenOnSocket(serve(), path)).rejects.toThrow("another service listens");
  // As after `kill -9`: the file stays, and nobody listens.
  renameSync(path, join(directory, "kept"));
  await first.stop();
  renameSync(join(directory, "kept"), path);
  expect(await health(path)).toBe("ECONNREFUSED");
  await listening(path);
  expect(await health(path)).toBe(200);
  expect(readdirSync(directory)).toEqual(["a.sock"]);
});

test("it never removes what is another's", async () => {
  const directory = directoryWith({ "a.sock": "somebody's file" });
  await expect(listenOnSocket(serve(), join(directory, "a.sock"))).rejects.toThrow("is no socket");
  const path = join(directory, "b.sock");
  const one = await listening(path);
  renameSync(path, join(directory, "moved"));
  writeFileSync(path, "somebody's file");
  await one.stop();
  expect(readdirSync(directory)).toContain("b.sock");
});

test("a path that is too long is refused, not cut off", async () => {
  const deep = join(directoryWith({}), "d".repeat(120));
  mkdirSync(deep);
  await expect(listenOnSocket(serve(), join(deep, "a.sock"))).rejects.toThrow("103 bytes");
  expect(readdirSync(deep)).toEqual([]);
});
