import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const launcher = fileURLToPath(new URL("../../bin/writ.js", import.meta.url));

test.each([
  { args: ["--version"], status: 0, stdout: /^writ \d+\.\d+\.\d+\n$/ },
  { args: ["--help"], status: 0, stdout: /^usage: writ / },
  { args: ["no-such-command"], status: 2, stdout: /^$/ },
])("writ $args exits with $status", ({ args, status, stdout }) => {
  const run = spawnSync(process.execPath, [launcher, ...args], { encoding: "utf8" });
  expect(run.status).toBe(status);
  expect(run.stdout).toMatch(stdout);
});
