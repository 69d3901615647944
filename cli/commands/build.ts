import { renameSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { makeBundle, serializeBundle } from "../../engine/bundle.ts";
import { type Command, type ExitCode, type Input, type Io, Misuse } from "../command.ts";
import { loadPolicy } from "../files.ts";
import { count, painter } from "../terminal.ts";
import { failedTests } from "../tests.ts";

export const command: Command = {
  name: "build",
  summary: "compile a policy into one file to ship",
  usage: "[options] POLICY",
  description: [
    "Checks POLICY, runs its tests, and writes what they were run of as one JSON file: the compiled rules, the tests, and a digest of what the rules mean. Every command that takes a policy takes that file as well; whoever loads it checks the digest and refuses what was built by a newer major version.",
    "The same sources give the same bytes on every machine. Comments, layout and the names of files leave the digest as it is.",
    'Examples:\n  writ build policies/payments -o payments.json\n  writ build --revision "$(git rev-parse HEAD)" -o - policies/payments > payments.json',
  ],
  options: [
    {
      name: "output",
      short: "o",
      value: "FILE",
      help: "where to write; `-` is standard output (PACKAGE.json)",
    },
    {
      name: "revision",
      value: "TEXT",
      help: "what you call this state of the sources, such as a commit",
    },
    { name: "no-test", help: "do not run the tests, and leave them out" },
  ],
  positionals: { least: 1, most: 1 },
  run: build,
};

async function build(input: Input, io: Io): Promise<ExitCode> {
  const [path = ""] = input.positionals;
  const output = input.values.get("output");
  if (output === "-" && input.json) {
    throw new Misuse(
      "`--json` and the bundle cannot both be on standard output",
      "name a file with `-o`",
    );
  }
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined) return 1;
  const tested = !input.flags.has("no-test");
  const failed = tested ? failedTests(policy) : [];
  if (failed.length > 0) return refuse(failed, policy.tests.length, input, io);
  const revision = input.values.get("revision");
  const bundle = makeBundle({
    program: policy.program,
    ...(tested ? { tests: policy.tests } : {}),
    ...(revision === undefined ? {} : { revision }),
  });
  const text = `${serializeBundle(bundle)}\n`;
  const summary = {
    ok: true,
    package: policy.program.package,
    digest: bundle.digest,
    version: bundle.version,
    rules: policy.program.rules.length,
    tests: tested ? policy.tests.length : 0,
    bytes: Buffer.byteLength(text),
    ...(revision === undefined ? {} : { revision }),
  };
  if (output === "-") {
    io.out(text);
    return 0;
  }
  const file = output ?? `${policy.program.package}.json`;
  write(resolve(io.cwd, file), text, file);
  if (input.json) io.out(`${JSON.stringify({ ...summary, file }, null, 2)}\n`);
  else {
    const tests = tested ? `${count(summary.tests, "test")} passed` : "tests not run";
    const size = `${count(summary.rules, "rule")}, ${tests}, ${summary.bytes} bytes`;
    io.out(
      `${painter(io)("green", "built")} ${file}: ${summary.package}, ${size}\n${bundle.digest}\n`,
    );
  }
  return 0;
}

function refuse(failed: readonly string[], total: number, { json }: Input, io: Io): ExitCode {
  if (json) io.out(`${JSON.stringify({ ok: false, failed }, null, 2)}\n`);
  else {
    io.err(
      `${painter(io)("red", "not built")}: ${failed.length} of ${count(total, "test")} failed\n`,
    );
    for (const name of failed) io.err(`  ${name}\n`);
    io.err("see `writ test`\n");
  }
  return 1;
}

/** Whole or not at all: whoever reads the file meanwhile has the old one. */
function write(file: string, text: string, shown: string): void {
  const partial = join(dirname(file), `.${process.pid}.writ-build`);
  try {
    writeFileSync(partial, text, { flag: "wx" });
    renameSync(partial, file);
  } catch (error) {
    throw new Misuse(
      `cannot write ${JSON.stringify(shown)}: ${error instanceof Error ? error.message : error}`,
    );
  }
}
