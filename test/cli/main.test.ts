import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { directoryWith, SMALL } from "../support/cli.ts";

const launcher = fileURLToPath(new URL("../../bin/writ.js", import.meta.url));

test("a process tests a policy and ends with its exit code", () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [launcher, ...words], { cwd, encoding: "utf8" });
  const good = run("test", "--never-budget", "100");
  expect({ status: good.status, out: good.stdout, err: good.stderr }).toMatchObject({
    status: 0,
    out: expect.stringContaining("pass  a helper looks\n"),
    err: "",
  });
  expect(run("test", "--filter", "nothing").status).toBe(2);
  expect(run("test", "--min-coverage", "100").status).toBe(1);
});

test("whoever reads no further ends nothing with a stack trace", async () => {
  const tests = Array.from({ length: 3_000 }, (_, at) => `test "t${at}" { when look }`);
  const cwd = directoryWith({ "p.writ": `${SMALL}${tests.join("\n")}\n` });
  const child = spawn(process.execPath, [launcher, "test", "--no-never"], { cwd });
  child.stdout.destroy();
  let err = "";
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  expect({ status, err }).toEqual({ status: 0, err: "" });
}, 60_000);

test.skipIf(process.platform !== "linux")(
  "what cannot be said is no success, and why is told",
  () => {
    const cwd = directoryWith({ "p.writ": SMALL });
    const full = openSync("/dev/full", "w");
    try {
      const { status, stderr } = spawnSync(process.execPath, [launcher, "check"], {
        cwd,
        encoding: "utf8",
        stdio: ["ignore", full, "pipe"],
      });
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: "writ: not all could be written on standard output: ENOSPC\n",
      });
    } finally {
      closeSync(full);
    }
  },
);
