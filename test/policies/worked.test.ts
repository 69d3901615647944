import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { writ } from "../support/cli.ts";

const cwd = fileURLToPath(new URL("../../", import.meta.url));

describe.each(["policies/payments", "policies/starter"])("%s", (path) => {
  test("is laid out in the one way, and has nothing to be warned of", async () => {
    expect(await writ(["fmt", "--check", path], { cwd })).toMatchObject({ code: 0 });
    expect(await writ(["check", "--warnings-as-errors", path], { cwd })).toMatchObject({ code: 0 });
  });

  test("passes its tests, which try every rule", async () => {
    const { code, out } = await writ(["test", "--coverage", "--min-coverage", "85", path], { cwd });
    expect(code, out).toBe(0);
    // Conditions are indented below their rule.
    expect(out).not.toMatch(/^\w+ +–/m);
  });

  test("its README names its files", () => {
    const readme = readFileSync(join(cwd, path, "README.md"), "utf8");
    const files = readdirSync(join(cwd, path)).filter((name) => name.endsWith(".writ"));
    for (const file of files) expect(readme).toContain(`\`${file}\``);
  });
});

test.each([
  { example: "transactions", decision: "allow", rule: "read_own" },
  { example: "unverified-transfer", decision: "deny", rule: "unverified_delegation" },
])(
  "the example $example is $decision by $rule, and says why",
  async ({ example, decision, rule }) => {
    const request = `policies/payments/examples/${example}.json`;
    const { out } = await writ(["decide", "--json", "policies/payments", request], { cwd });
    const because = expect.stringMatching(/\w+ \w+/);
    const at = expect.stringMatching(/^rules\.writ:\d+:\d+$/);
    expect(JSON.parse(out)).toMatchObject({ decision, reasons: [{ rule, because, at }] });
  },
);

test("no invariant of the worked policy has a counterexample", async () => {
  const { code, out } = await writ(["test", "--never-budget", "20000", "policies/payments"], {
    cwd,
  });
  expect(code).toBe(0);
  expect(out).toMatch(/^held +never unattested_write/m);
});

test("an explanation names tools as the rule does: by name, or by effect", async () => {
  const request = { agent: { id: "bot" }, session: { id: "s" } };
  const args = { page: "p", text: "t" };
  const edit = { ...request, tool: { name: "edit_page", args } };
  const read = { ...request, tool: { name: "read_page", args: { page: "p" } } };
  const explained = async (asked: object) => {
    const words = ["explain", "policies/starter", "-"];
    return (await writ(words, { cwd, stdin: JSON.stringify(asked) })).out;
  };
  expect(await explained(edit)).toContain("✓ tool edit_page, delete_page\n");
  expect(await explained(read)).toContain("✓ tool effect read\n");
});

test("what a counter lacks is named, where a request has no session", async () => {
  const agent = { id: "writer", groups: ["editors"] };
  const tool = { name: "edit_page", args: { page: "p", text: "t" } };
  const words = ["explain", "policies/starter", "-"];
  const { out } = await writ(words, { cwd, stdin: JSON.stringify({ agent, tool }) });
  expect(out).toContain(
    "because: `haste` could not be decided (more than 10 changes in a minute)\n",
  );
  expect(out).toContain("edits = unknown (absent: `session`)\n");
});
