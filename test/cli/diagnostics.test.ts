import { expect, test } from "vitest";
import { directoryWith, writ } from "../support/cli.ts";

const using = (names: readonly string[]) =>
  ["package p", "tool look { effect read }"]
    .concat(names.map((name, at) => `permit r${at} tool ${name}`))
    .join("\n");

async function checked(names: readonly string[], ...more: readonly string[]): Promise<string> {
  const cwd = directoryWith({ "p.writ": using(names) });
  const { code, out, err } = await writ(["check", "p.writ", ...more], { cwd });
  expect(code).toBe(1);
  return out + err;
}

test("what is wrong in many places in the same words is said once, with the places", async () => {
  expect(await checked(Array.from({ length: 8 }, () => "looks").concat("other"))).toBe(
    `p.writ:3:16: error E207: unknown tool \`looks\`
  3 | permit r0 tool looks
    |                ^^^^^
  help: did you mean \`look\`?
  also: p.writ:4:16, p.writ:5:16, p.writ:6:16, p.writ:7:16, p.writ:8:16, and 2 more

p.writ:11:16: error E207: unknown tool \`other\`
  11 | permit r8 tool other
     |                ^^^^^
  help: declare it: \`tool other { … }\`

9 errors in 1 file
`,
  );
});

test("what is wrong in three is said of each, and JSON has them all", async () => {
  const names = ["looks", "looks", "looks"];
  expect((await checked(names)).match(/unknown tool/g)).toHaveLength(3);
  const { diagnostics } = JSON.parse(await checked([...names, ...names], "--json"));
  expect(diagnostics).toHaveLength(6);
});
