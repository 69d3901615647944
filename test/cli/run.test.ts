import { describe, expect, test } from "vitest";
import { REGISTRY } from "../../cli/registry.ts";
import { run } from "../../cli/run.ts";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";

const BROKEN = "package broken\npermit p tool nothing\n";
const UGLY = "package ugly\ntool   t { effect read }\n";
const FAILING = SMALL.replace("then allow by looking", "then deny");

function workplace() {
  return directoryWith({
    "good/p.writ": SMALL,
    "broken/p.writ": BROKEN,
    "ugly/p.writ": UGLY,
    "failing/p.writ": FAILING,
    "request.json": JSON.stringify(PAYMENT),
    "text.json": "no JSON",
    "authz.rego": "package authz",
  });
}

describe("exit codes: 0 fine, 1 findings, 2 misuse", () => {
  test.each([
    [0, "--help"],
    [0, "--version"],
    [0, "help check"],
    [0, "check --help"],
    [2, "chekc"],
    [2, "--no-such-option"],
    [0, "check good"],
    [1, "check broken"],
    [2, "check nowhere"],
    [2, "check --no-such-option good"],
    [2, "check --pep nobody good"],
    [2, "check --json=yes good"],
    [2, "check --color sometimes good"],
    [1, "fmt --check ugly"],
    [0, "fmt ugly"],
    [2, "fmt nowhere"],
    [1, "fmt broken-syntax"],
    [0, "test good"],
    [1, "test failing"],
    [1, "test broken"],
    [1, "test --min-coverage 99 good"],
    [2, "test --min-coverage many good"],
    [2, "test --reporter stars good"],
    [2, "test --filter nothing-like-it good"],
    [0, "decide good request.json"],
    [0, "decide --expect allow good request.json"],
    [1, "decide --expect deny good request.json"],
    [2, "decide --expect maybe good request.json"],
    [2, "decide good"],
    [2, "decide good text.json"],
    [2, "decide good nowhere.json"],
    [1, "decide broken request.json"],
    [0, "explain good request.json"],
    [2, "explain good request.json more"],
  ])("%i: writ %s", async (code, words) => {
    const cwd = workplace();
    if (words.endsWith("broken-syntax")) {
      const { code: exit } = await writ(["fmt", "-"], { cwd, stdin: "package p\nrule" });
      expect(exit).toBe(code);
      return;
    }
    const ran = await writ(words.split(" "), { cwd });
    expect({ code: ran.code, said: `${ran.out}${ran.err}` }).toMatchObject({ code });
    expect(`${ran.out}${ran.err}`).not.toContain("this is a bug");
  });
});

describe("--json prints one document on standard output, whatever happens", () => {
  test.each([
    ["check good", ["ok", "errors", "warnings", "diagnostics", "policies"]],
    ["check broken", ["ok", "errors", "warnings", "diagnostics", "policies"]],
    ["check nowhere", ["ok", "error"]],
    ["check --no-such-option", ["ok", "error"]],
    ["fmt --check ugly", ["ok", "files"]],
    ["test good", ["ok", "package", "passed", "failed", "skipped", "tests", "invariants"]],
    [
      "test failing --no-never",
      ["ok", "package", "passed", "failed", "skipped", "tests", "invariants"],
    ],
    ["test broken", ["ok", "diagnostics"]],
    ["decide good request.json", ["decision", "id", "call", "reasons", "obligations", "policy"]],
    ["explain good request.json", ["decision", "applying", "nearly", "broken"]],
  ])("writ %s", async (words, members) => {
    const ran = await writ([...words.split(" "), "--json"], { cwd: workplace() });
    expect(Object.keys(JSON.parse(ran.out))).toEqual(members);
  });
});

describe("colour", () => {
  test.each([
    { terminal: false, env: {}, words: [], colored: false },
    { terminal: true, env: {}, words: [], colored: true },
    { terminal: true, env: { NO_COLOR: "1" }, words: [], colored: false },
    { terminal: true, env: { NO_COLOR: "" }, words: [], colored: true },
    { terminal: true, env: { TERM: "dumb" }, words: [], colored: false },
    { terminal: false, env: { FORCE_COLOR: "1" }, words: [], colored: true },
    { terminal: true, env: { FORCE_COLOR: "0" }, words: [], colored: false },
    { terminal: true, env: {}, words: ["--color", "never"], colored: false },
    { terminal: false, env: { NO_COLOR: "1" }, words: ["--color=always"], colored: true },
  ])("terminal $terminal, $env, $words: $colored", async ({ terminal, env, words, colored }) => {
    const ran = await writ(["check", ...words, "broken"], { cwd: workplace(), terminal, env });
    expect(ran.out.includes("\u001b[")).toBe(colored);
  });
});

describe("help", () => {
  test("lists every command with the summary it gives itself", async () => {
    const { out } = await writ(["--help"]);
    for (const entry of REGISTRY) {
      const { command } = await entry.load();
      expect({ name: command.name, summary: command.summary }).toEqual({
        name: entry.name,
        summary: entry.summary,
      });
      expect(out).toContain(entry.summary);
    }
  });

  test("has its summaries below each other", async () => {
    const { out } = await writ(["--help"]);
    const columns = REGISTRY.map(({ summary }) =>
      out
        .split("\n")
        .find((line) => line.endsWith(`  ${summary}`))
        ?.indexOf(summary),
    );
    expect(new Set(columns).size).toBe(1);
  });

  test.each(REGISTRY.map(({ name }) => name))(
    "writ %s --help keeps options narrow",
    async (name) => {
      const { out } = await writ([name, "--help"]);
      const listed = out.split("\n").filter((line) => /^ {2}(-\w, )?--|^ {20}/.test(line));
      expect(listed.filter((line) => line.length > 90)).toEqual([]);
    },
  );

  test("says of what may be given more than once that it may", async () => {
    const { out } = await writ(["delegate", "--help"]);
    expect(out).toMatch(/--audience NAME +which engines may rely on it \(repeatable\)$/m);
    expect(out).toMatch(/--purpose PURPOSE +what for$/m);
  });

  test.each(REGISTRY.map(({ name }) => name))("writ %s --help fits a terminal", async (name) => {
    const { out } = await writ([name, "--help"]);
    const said = out.split("\nExamples:\n")[0]?.split("\n").slice(1) ?? [];
    expect(said.filter((line) => line.length > 90 && !line.startsWith("    "))).toEqual([]);
  });

  test("of a service puts its options under headings", async () => {
    const { out } = await writ(["serve", "--help"]);
    expect(out).toMatch(
      /^What decides\n {2}--bundle SOURCE {2,}instead of POLICY.*^Rego\n.*^Options\n {2}--config/ms,
    );
  });

  test.each(REGISTRY.map(({ name }) => name))("writ %s --help shows an example", async (name) => {
    const { out, code } = await writ([name, "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^usage: writ ${name} `));
    expect(out).toMatch(new RegExp(`^ {2}writ ${name}`, "m"));
  });
});

describe("misuse says what was meant", () => {
  test.each([
    ["chekc", "there is no command `chekc`\n  did you mean `check`?"],
    ["check --jsn", "there is no option `--jsn`\n  did you mean `--json`?"],
    ["check --pep", "`--pep` needs a value: `--pep NAME`"],
    ["decide good", "REQUEST is missing\n  usage: writ decide [options] POLICY REQUEST"],
    ["replay good", "TRACE is missing\n"],
    ["import", "`mcp` is missing\n"],
    ["keys", "`new` is missing\n"],
    ["keys new", "NAME is missing\n"],
    ["audit", "`verify|show|replay|export|key` is missing\n"],
    ["eval", "there is no command `eval`\n  it is `writ decide`"],
    ["diff", "there is no command `diff`\n  it is `writ replay --against`"],
    ["version", "there is no command `version`\n  it is `writ --version`"],
    ["constructor", "there is no command `constructor`\n  see `writ --help`"],
    ["decide good text.json", '"text.json" is not JSON: '],
    ["check text.json", "name what it was built of: that was checked when it was built"],
    ["check authz.rego", "`opa build -t wasm -e PACKAGE/RULE FILE` makes a bundle of it"],
    ["decide good /dev/null", "where a command takes `-`, that is standard input"],
  ])("writ %s", async (words, said) => {
    const { err, out } = await writ(words.split(" "), { cwd: workplace() });
    expect(err).toContain(said);
    expect(out).toBe("");
  });
});

test("what the system refuses is no bug of ours", async () => {
  const { code, out } = await writ(["fmt", "--json", "x".repeat(5_000)], {
    cwd: directoryWith({}),
  });
  expect({ code, error: JSON.parse(out).error }).toMatchObject({
    code: 2,
    error: { kind: "misuse", message: expect.stringMatching(/^ENAMETOOLONG: name too long/) },
  });
});

test("a command that does not wait leaves Ctrl-C to end the process", async () => {
  let asked = 0;
  const world = {
    version: "1.2.3",
    out: () => {},
    err: () => {},
    terminal: false,
    interactive: false,
    cwd: "/",
    env: {},
    stdin: () => Promise.resolve(new Uint8Array()),
    get stopped() {
      asked += 1;
      return Promise.resolve();
    },
  };
  await run(["check", "no-such-place"], world);
  expect(asked).toBe(0);
});

describe("what strangers wrote moves no cursor", () => {
  const HOSTILE = "\u001b]0;x\u0007\u001b[2J\u009b31m\u202e\u{e0041}";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const MOVES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Cf}]/u;

  test.each([
    [["check", `--${HOSTILE}`]],
    [[HOSTILE]],
    [["decide", "good", "request.json"]],
    [["decide", "--json", "good", "request.json"]],
    [["explain", "good", "request.json"]],
    [["serve", "--config", "config.json", "good"]],
    [["init", `new${HOSTILE.replaceAll("/", "")}`]],
  ])("writ %j", async (words) => {
    const cwd = directoryWith({
      "good/p.writ": SMALL,
      "request.json": JSON.stringify({ ...PAYMENT, [HOSTILE]: 1 }),
      "config.json": JSON.stringify({ [HOSTILE]: 1 }),
    });
    const { out, err } = await writ(words, { cwd });
    expect(out + err).not.toBe("");
    expect(out).not.toMatch(MOVES);
    expect(err).not.toMatch(MOVES);
    if (words.includes("--json")) {
      expect(JSON.parse(out).error.message).toContain(HOSTILE);
    }
  });
});
