import { spawnSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createFile, replaceFile } from "../../cli/whole-file.ts";
import { directoryWith, SMALL, writ } from "../support/cli.ts";
import { straceIsThere } from "../support/strace.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/writ.js", import.meta.url));

test("a link leads where it led, and what it leads to may do what it might", () => {
  const cwd = directoryWith({ real: "old" });
  symlinkSync("real", join(cwd, "link"));
  writeFileSync(join(cwd, "real"), "old", { mode: 0o640 });
  const { mode } = statSync(join(cwd, "real"));
  replaceFile(join(cwd, "link"), "new", "link");
  expect(lstatSync(join(cwd, "link")).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(cwd, "real"), "utf8")).toBe("new");
  expect(statSync(join(cwd, "real")).mode).toBe(mode);
  expect(readdirSync(cwd).sort()).toEqual(["link", "real"]);
});

test("what is no file is written to, and stays what it is", async () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  symlinkSync("/dev/null", join(cwd, "nowhere"));
  expect((await writ(["build", "-o", "nowhere", "."], { cwd })).code).toBe(0);
  expect(lstatSync(join(cwd, "nowhere")).isSymbolicLink()).toBe(true);
  expect(readdirSync(cwd).sort()).toEqual(["nowhere", "p.writ"]);
});

test("what a killed build of the same number left behind does not stop the next", async () => {
  const cwd = directoryWith({ "p.writ": SMALL, [`.${process.pid}.writ-build`]: "half" });
  expect((await writ(["build", "."], { cwd })).code).toBe(0);
});

test.runIf(straceIsThere())(
  "of a new file that is being written when the command is killed, there is nothing",
  { timeout: 60_000 },
  () => {
    const cwd = directoryWith({});
    const kill = ["-f", "-o", "/dev/null", "-e", "inject=fsync:signal=KILL"];
    const keys = [process.execPath, LAUNCHER, "keys", "new", "release"];
    const { signal, stderr } = spawnSync("strace", [...kill, ...keys], { cwd, encoding: "utf8" });
    expect(signal, stderr).toBe("SIGKILL");
    expect(readdirSync(cwd).filter((name) => !name.endsWith(".writ-partial"))).toEqual([]);
  },
);

test("a new file is never put over one that is there", () => {
  const cwd = directoryWith({ there: "old" });
  expect(() => createFile(join(cwd, "there"), "new", 0o600, "there")).toThrow("there already");
  createFile(join(cwd, "new"), "new", 0o600, "new");
  expect(statSync(join(cwd, "new"))).toMatchObject({ nlink: 1, mode: 0o100600 });
  expect(readFileSync(join(cwd, "there"), "utf8")).toBe("old");
  expect(readdirSync(cwd).sort()).toEqual(["new", "there"]);
});

test("where nothing can be written, it is no bug, and nothing is left", async () => {
  const cwd = directoryWith({ "p.writ": SMALL, "tools.json": "[]" });
  mkdirSync(join(cwd, "taken"));
  const before = readdirSync(cwd);
  for (const [words, because] of [
    [["build", "-o", "taken", "."], 'cannot write "taken": it is a directory'],
    [["build", "-o", "no/where", "."], 'cannot write "no/where": there is no such directory'],
    [["import", "-o", "no/where", "mcp", "tools.json"], "there is no such directory"],
    [["test", "--output", "p.writ/report", "."], "it is below a file"],
    [["keys", "new", "no/where"], 'cannot write "no/where.key": there is no such directory'],
    [["init", "p.writ/below"], "it is below a file"],
    [["init", "p.writ"], "it is there already"],
  ] as const) {
    const { code, err } = await writ(words, { cwd });
    expect({ words, code, err }).toMatchObject({ code: 2, err: expect.stringContaining(because) });
  }
  expect(readdirSync(cwd)).toEqual(before);
});
