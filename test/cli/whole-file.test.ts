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
import { expect, test } from "vitest";
import { replaceFile } from "../../cli/whole-file.ts";
import { directoryWith, SMALL, writ } from "../support/cli.ts";

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
