/** What shells complete of `writ`: everything that `--help` lists, in the scripts and as bash runs its own. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { COMMON_OPTIONS } from "../../cli/command.ts";
import { SHELLS } from "../../cli/completion.ts";
import { REGISTRY } from "../../cli/registry.ts";
import { writ } from "../support/cli.ts";

const commands = await Promise.all(REGISTRY.map(async ({ load }) => (await load()).command));

async function scriptFor(shell: string): Promise<string> {
  const { code, out, err } = await writ(["completion", shell]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

/** What bash offers for the last of `words`. */
async function offered(words: readonly string[]): Promise<readonly string[]> {
  const script = `${await scriptFor("bash")}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _writ; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync("bash", ["--norc", "-c", script, "bash", "writ", ...words]);
  return out.toString().split("\n").filter(Boolean);
}

describe("bash offers", () => {
  test("every command", async () => {
    const names = commands.map(({ name }) => name);
    expect(await offered([""])).toEqual([...names, "--help", "--version"]);
    expect(await offered(["re"])).toEqual(names.filter((name) => name.startsWith("re")));
  });

  test.each(commands.map((command) => [command.name, command] as const))(
    "every option of %s, and its words",
    async (name, { options, words = [] }) => {
      const all = [...options, ...COMMON_OPTIONS].map((option) => `--${option.name}`);
      expect(await offered([name, "--"])).toEqual(all);
      expect(await offered([name, ""])).toEqual(words);
    },
  );

  test("what an option is one of, and files where it knows nothing better", async () => {
    expect(await offered(["check", "--color", "a"])).toEqual(["auto", "always"]);
    expect(await offered(["check", "--pep", ""])).toEqual([]);
    expect(await scriptFor("bash")).toContain("complete -o default");
  });
});

describe.each(["zsh", "fish"])("%s is told", (shell) => {
  test("of every command, option and word", async () => {
    const script = await scriptFor(shell);
    for (const { name, options, words = [] } of commands) {
      const from = script.indexOf(
        shell === "zsh" ? `    ${name}) ` : `seen_subcommand_from ${name}'`,
      );
      expect(from).toBeGreaterThan(0);
      const own = script.slice(from);
      for (const option of [...options, ...COMMON_OPTIONS]) expect(own).toContain(option.name);
      expect(own).toContain(words.join(" "));
    }
  });
});

test("a word that stands first is told of in the command's help", () => {
  for (const { usage, description, words = [] } of commands) {
    for (const word of words) expect([usage, ...description].join("\n")).toContain(word);
  }
});

test("another shell is none", async () => {
  const { code, err } = await writ(["completion", "tcsh"]);
  expect(code).toBe(2);
  expect(err).toBe(`writ completion: \`tcsh\` is no shell that is known\n  ${SHELLS.join(", ")}\n`);
});
