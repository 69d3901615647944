import { lstatSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Diagnostic } from "../../lang/diagnostic.ts";
import { format } from "../../lang/print.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { diagnosticsJson, renderDiagnostics } from "../diagnostics.ts";
import { decodeText, readPolicyText } from "../files.ts";
import { count, painter } from "../terminal.ts";
import { replaceFile } from "../whole-file.ts";

export const command: Command = {
  name: "fmt",
  summary: "lay policies out in the one way",
  usage: "[options] [PATH…]",
  description: [
    "Rewrites each `.writ` file in its canonical layout: files as named, and all below a directory (the current one by default). Comments stay where they were. A file with syntax errors is left alone.",
    "With `-`, reads standard input and writes the result on standard output.",
    "Examples:\n  writ fmt\n  writ fmt --check policies\n  writ fmt - < draft.writ",
  ],
  options: [{ name: "check", help: "write nothing; list what would change, and exit with 1 then" }],
  positionals: { least: 0, most: 10_000 },
  run: fmt,
};

async function fmt(input: Input, io: Io): Promise<ExitCode> {
  if (input.positionals.includes("-")) return formatStdin(input, io);
  const paths = input.positionals.length === 0 ? ["."] : input.positionals;
  const files = paths.flatMap((path) => policyFilesBelow(path, io.cwd));
  if (files.length === 0) throw new Misuse("there are no `.writ` files here");
  const results = files.map((path) => formatFile(path, input.flags.has("check"), io.cwd));
  const isOk = (one: Result) =>
    one.diagnostics.length === 0 && !(one.changed && input.flags.has("check"));
  const ok = results.every(isOk);
  if (input.json) {
    const shown = results.map(({ path, changed, text, diagnostics }) => ({
      path,
      changed,
      diagnostics: diagnosticsJson({ diagnostics, shown: [{ path, text }] }),
    }));
    io.out(`${JSON.stringify({ ok, files: shown }, null, 2)}\n`);
  } else report(results, input.flags.has("check"), io);
  return ok ? 0 : 1;
}

interface Result {
  readonly path: string;
  /** As it was. */
  readonly text: string;
  readonly changed: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

function formatFile(path: string, checkOnly: boolean, cwd: string): Result {
  const full = resolve(cwd, path);
  const text = readPolicyText(full);
  const formatted = format({ path, text });
  if (!("text" in formatted)) return { path, text, changed: false, ...formatted };
  const changed = formatted.text !== text;
  if (changed && !checkOnly) replaceFile(full, formatted.text, path);
  return { path, text, changed, diagnostics: [] };
}

function report(results: readonly Result[], checkOnly: boolean, io: Io): void {
  const paint = painter(io);
  for (const { path, text, diagnostics } of results) {
    io.err(renderDiagnostics({ diagnostics, shown: [{ path, text }] }, io));
  }
  const changed = results.filter((one) => one.changed);
  for (const { path } of changed) io.out(`${path}\n`);
  const broken = results.filter((one) => one.diagnostics.length > 0).length;
  const done = checkOnly ? "would change" : "changed";
  const summary = [
    ...(broken > 0 ? [paint("red", `${count(broken, "file")} with errors`)] : []),
    changed.length > 0
      ? `${count(changed.length, "file")} ${done}`
      : `${count(results.length - broken, "file")} laid out already`,
  ];
  io.err(`${summary.join(", ")}\n`);
}

async function formatStdin(input: Input, io: Io): Promise<ExitCode> {
  if (input.positionals.length > 1) throw new Misuse("`-` stands alone");
  const text = decodeText(await io.stdin(), "standard input");
  const source = { path: "<stdin>", text };
  const formatted = format(source);
  if (!("text" in formatted)) {
    const found = { diagnostics: formatted.diagnostics, shown: [source] };
    if (input.json)
      io.out(`${JSON.stringify({ ok: false, diagnostics: diagnosticsJson(found) }, null, 2)}\n`);
    else io.err(renderDiagnostics(found, io));
    return 1;
  }
  const ok = formatted.text === text || !input.flags.has("check");
  if (input.json) io.out(`${JSON.stringify({ ok, text: formatted.text }, null, 2)}\n`);
  else if (!input.flags.has("check")) io.out(formatted.text);
  return ok ? 0 : 1;
}

/** Links are not followed: what they lead to is formatted where it lies. */
function policyFilesBelow(path: string, cwd: string): readonly string[] {
  const full = resolve(cwd, path);
  const stat = lstatSync(full, { throwIfNoEntry: false });
  if (stat === undefined) throw new Misuse(`there is no \`${path}\``);
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.name.startsWith(".") || entry.name === "node_modules") return [];
      const inner = path === "." ? entry.name : join(path, entry.name);
      if (entry.isDirectory()) return policyFilesBelow(inner, cwd);
      return entry.isFile() && entry.name.endsWith(".writ") ? [inner] : [];
    });
}
