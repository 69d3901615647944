import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { checkPackageName, packageNameOf } from "../package-name.ts";
import { painter, printable, quoteForShell } from "../terminal.ts";
import { makeDirectory, replaceFile } from "../whole-file.ts";

export const command: Command = {
  name: "init",
  summary: "start a policy from an example",
  usage: "[options] [DIR]",
  description: [
    "Writes a small package into DIR (the current directory by default): vocabulary, rules, tests that pass, a request to decide, a README and a workflow that checks it on every push. Writes nothing where one of the files is there already.",
    "Examples:\n  writ init policy\n  writ init --package acme.wiki .",
  ],
  options: [
    { name: "package", value: "NAME", help: "what the package is called (the name of DIR)" },
    { name: "force", help: "replace files that are there" },
  ],
  positionals: { least: 0, most: 1 },
  run: init,
};

/** Where each file of the starter goes; kept as a package of its own, which is tested like any other. */
const FILES: readonly (readonly [from: string, to: string])[] = [
  ["vocabulary.writ", "vocabulary.writ"],
  ["rules.writ", "rules.writ"],
  ["tests.writ", "tests.writ"],
  ["request.json", "request.json"],
  ["README.md", "README.md"],
  ["workflow.yml", ".github/workflows/writ.yml"],
];

async function init(input: Input, io: Io): Promise<ExitCode> {
  const directory = resolve(io.cwd, input.positionals[0] ?? ".");
  const name = input.values.get("package") ?? packageNameOf(basename(directory));
  checkPackageName(name, "acme.wiki");
  const there = FILES.map(([, to]) => to).filter((to) => existsSync(join(directory, to)));
  if (there.length > 0 && !input.flags.has("force")) {
    throw new Misuse(`already there: ${there.join(", ")}`, "`--force` replaces files");
  }
  const written = FILES.map(([from, to]) => write(from, join(directory, to), name));
  const shown = quoteForShell(relative(io.cwd, directory) || ".");
  if (input.json) {
    io.out(
      `${JSON.stringify({ ok: true, package: name, directory, files: FILES.map(([, to]) => to) }, null, 2)}\n`,
    );
    return 0;
  }
  const paint = painter(io);
  for (const path of written)
    io.out(`${paint("green", "wrote")} ${printable(relative(io.cwd, path))}\n`);
  const tried = printable(shown);
  const request = printable(quoteForShell(join(relative(io.cwd, directory), "request.json")));
  io.out(
    `\nTry it:  writ test ${tried}\n         writ explain ${tried} ${request}\n         writ serve ${tried}\n`,
  );
  return 0;
}

function write(from: string, to: string, name: string): string {
  const text = readFileSync(new URL(from, starter()), "utf8");
  const own = from.endsWith(".writ") ? text.replace(/^package starter$/m, `package ${name}`) : text;
  makeDirectory(dirname(to), dirname(to));
  replaceFile(to, own, to);
  return to;
}

/** In the package that this file is of: two folders up from the sources, three from the build. */
function starter(): URL {
  const up = import.meta.url.endsWith(".ts") ? "../../" : "../../../";
  return new URL(`${up}policies/starter/`, import.meta.url);
}
