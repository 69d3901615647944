import { chmodSync, copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";

/** A directory with a policy, a request, and the key pair `release`. */
async function workplace(): Promise<string> {
  const cwd = directoryWith({ "p.writ": SMALL, "request.json": JSON.stringify(PAYMENT) });
  expect(await writ(["keys", "new", "release"], { cwd })).toMatchObject({ code: 0 });
  return cwd;
}

describe("writ keys new", () => {
  test("makes a pair whose private half its owner alone can read, and replaces none", async () => {
    const cwd = await workplace();
    expect(statSync(join(cwd, "release.key")).mode & 0o777).toBe(0o600);
    const before = readFileSync(join(cwd, "release.key"), "utf8");
    const again = await writ(["keys", "new", "release"], { cwd });
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining("is already there") });
    expect(readFileSync(join(cwd, "release.key"), "utf8")).toBe(before);
    expect(readFileSync(join(cwd, "release.pub"), "utf8")).toContain("BEGIN PUBLIC KEY");
  });

  test("says what it made, and what else it does not do", async () => {
    const cwd = directoryWith({});
    const { out } = await writ(["keys", "new", "--json", "a"], { cwd });
    expect(JSON.parse(out)).toEqual({
      ok: true,
      key: expect.stringMatching(/^[0-9a-f]{16}$/),
      private: "a.key",
      public: "a.pub",
    });
    expect(await writ(["keys", "list", "a"], { cwd })).toMatchObject({ code: 2 });
  });
});

describe("writ build --sign", () => {
  test("writes a bundle that every command takes, with the texts that explanations show", async () => {
    const cwd = await workplace();
    const built = await writ(
      ["build", "--json", "--sign", "release.key", "--serial", "41", "--revision", "r7", "p.writ"],
      { cwd },
    );
    const summary = JSON.parse(built.out);
    expect(summary).toMatchObject({ ok: true, file: "small.writb", serial: 41, revision: "r7" });
    const [first, manifest = "", signature = ""] = readFileSync(
      join(cwd, "small.writb"),
      "utf8",
    ).split("\n");
    expect(first).toBe("writ-bundle 1");
    expect(JSON.parse(manifest)).toMatchObject({ digest: summary.digest, serial: 41 });
    expect(signature).toMatch(new RegExp(`^signed ${summary.signedBy[0]} `));
    const decided = await writ(["decide", "--json", "small.writb", "request.json"], { cwd });
    expect(JSON.parse(decided.out)).toMatchObject({
      decision: "allow",
      policy: { digest: summary.digest },
    });
    expect((await writ(["test", "small.writb"], { cwd })).out).toContain("1 passed");
    const explained = await writ(["explain", "small.writb", "request.json"], { cwd });
    expect(explained.out).toContain("args.to in principal.payees");
  });

  test("the serial grows by itself, and expiry is a time or a duration to come", async () => {
    const cwd = await workplace();
    const build = (...words: string[]) =>
      writ(["build", "--json", "--sign", "release.key", "-o", "x.writb", ...words, "."], { cwd });
    copyFileSync(join(cwd, "release.key"), join(cwd, "open.key"));
    chmodSync(join(cwd, "open.key"), 0o644);
    const before = Date.now();
    expect(JSON.parse((await build()).out).serial).toBeGreaterThanOrEqual(before);
    await build("--expires", "30d");
    const manifest = JSON.parse(readFileSync(join(cwd, "x.writb"), "utf8").split("\n")[1] ?? "");
    expect(Date.parse(manifest.expires) - Date.parse(manifest.created)).toBe(30 * 86_400_000);
    for (const words of [
      ["--expires", "2020-01-01"],
      ["--expires", "soon"],
      ["--serial", "0"],
      ["--serial", "1e3"],
      ["--revision", "two\nlines"],
      ["--sign", "open.key"],
      ["--sign", "release.key"],
      ["--sign", "nowhere.key"],
    ]) {
      expect((await build(...words)).code, words.join(" ")).toBe(2);
    }
    expect((await build("--expires", "100000000d")).out).toContain("is after the year 9999");
    expect((await build("--sign", "open.key")).out).toContain("chmod 600 open.key");
    expect((await writ(["build", "--serial", "3", "."], { cwd })).err).toContain("`--sign KEY`");
  });

  test("on standard output it is what it is in a file, hidden characters and all", async () => {
    const cwd = await workplace();
    writeFileSync(join(cwd, "p.writ"), SMALL.replace('because "', 'because "\\u{ad}\\u{1b}'));
    const words = ["build", "--sign", "release.key", "-o"];
    const { out } = await writ([...words, "-", "."], { cwd });
    expect(out).toContain("\u00ad");
    writeFileSync(join(cwd, "out.writb"), out);
    const request = JSON.stringify(PAYMENT);
    const decided = await writ(["decide", "out.writb", "-"], { cwd, stdin: request });
    expect(decided).toMatchObject({ code: 0, err: "" });
    await writ(["build", "-o", "file.json", "."], { cwd });
    const bare = await writ(["build", "-o", "-", "."], { cwd });
    expect(bare.out).toBe(readFileSync(join(cwd, "file.json"), "utf8"));
  });

  test("a bundle that was touched is refused wherever it is used", async () => {
    const cwd = await workplace();
    await writ(["build", "--sign", "release.key", "."], { cwd });
    const text = readFileSync(join(cwd, "small.writb"), "utf8");
    writeFileSync(join(cwd, "small.writb"), text.replace("5000000", "9000000"));
    const touched = await writ(["decide", "small.writb", "request.json"], { cwd });
    expect(touched).toMatchObject({
      code: 2,
      err: expect.stringContaining("is not what was signed"),
    });
  });
});
