import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseFile } from "../../lang/parse.ts";
import type { Json } from "../../lang/type.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { parseJson } from "../documents.ts";
import { decodeText, policyFiles, readPolicyText, readText } from "../files.ts";
import { importTools } from "../mcp/vocabulary.ts";
import { checkPackageName } from "../package-name.ts";
import { count, painter } from "../terminal.ts";
import { replaceFile } from "../whole-file.ts";

export const command: Command = {
  name: "import",
  summary: "turn what other tools describe into declarations",
  usage: "[options] mcp FILE",
  description: [
    "Writes `tool` declarations for the tools of an MCP server. FILE (`-` is standard input) is its answer to `tools/list`, the list of tools alone, or a list of servers with their tools.",
    "Effects come from the server's annotations or from the names; wherever that is a guess, or a schema says what the language cannot, a comment that begins with `// check:` says so. Arguments that are not listed are refused. What tools return is labelled `untrusted` unless the server says that it comes from nowhere else.",
    "Examples:\n  npx @modelcontextprotocol/inspector --cli SERVER --method tools/list > tools.json\n  writ import mcp -o mypolicy/tools.writ tools.json\n  writ import mcp --server files --pin -o files.writ - < tools.json",
  ],
  options: [
    {
      name: "server",
      value: "NAME",
      help: "the server whose tools they are; of several listed, the one to declare",
    },
    {
      name: "package",
      value: "NAME",
      help: "the package that the declarations are of (that of the `.writ` files beside --output, else tools)",
    },
    { name: "pin", help: "name each definition's digest: a tool that changes is refused" },
    { name: "output", short: "o", value: "FILE", help: "where to write (standard output)" },
  ],
  words: ["mcp"],
  positionals: { least: 2, most: 2 },
  run: importDeclarations,
};

const LIST_BYTES_MAX = 64 * 1024 * 1024;

async function importDeclarations(input: Input, io: Io): Promise<ExitCode> {
  const [kind, file = ""] = input.positionals;
  if (kind !== "mcp") throw new Misuse(`cannot import \`${kind}\``, "`writ import mcp FILE`");
  const output = input.values.get("output");
  const name = input.values.get("package") ?? packageBeside(output, io) ?? "tools";
  checkPackageName(name, "acme.tools");
  const text =
    file === "-"
      ? decodeText(await io.stdin(), "-")
      : readText(resolve(io.cwd, file), LIST_BYTES_MAX);
  const server = input.values.get("server");
  const imported = importTools(parseJson(text, JSON.stringify(file)) as Json, {
    package: name,
    pin: input.flags.has("pin"),
    ...(server === undefined ? {} : { server }),
  });
  if (output !== undefined) replaceFile(resolve(io.cwd, output), imported.text, output);
  if (input.json) {
    const shown = output === undefined ? { text: imported.text } : { file: output };
    io.out(
      `${JSON.stringify({ ok: true, package: name, tools: imported.tools, ...shown }, null, 2)}\n`,
    );
    return 0;
  }
  if (output === undefined) io.out(imported.text);
  const doubtful = imported.tools.filter(({ checks }) => checks.length > 0).length;
  const note = doubtful === 0 ? "" : `, ${doubtful} to look at (\`// check:\`)`;
  io.err(`${painter(io)("green", "imported")} ${count(imported.tools.length, "tool")}${note}\n`);
  return 0;
}

/** Files of one directory are one package, so what is written there is of theirs. */
function packageBeside(output: string | undefined, { cwd }: Io): string | undefined {
  if (output === undefined) return undefined;
  const directory = dirname(resolve(cwd, output));
  const [name] = existsSync(directory) ? policyFiles(directory) : [];
  if (name === undefined) return undefined;
  const { file } = parseFile({ path: name, text: readPolicyText(join(directory, name)) });
  return file.package.text || undefined;
}
