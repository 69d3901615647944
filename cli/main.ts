/** The process: standard streams, signals and the exit code. Everything else is `run.ts`, which tests can call. */
import { readFileSync } from "node:fs";
import { Misuse } from "./command.ts";
import { run, type World } from "./run.ts";
import { screenOf } from "./screen.ts";

/** Requests and policies are far smaller; a pipe that never ends must not fill memory. */
const STDIN_BYTES_MAX = 64 * 1024 * 1024;

const { stdin, stdout, stderr } = process;

/** Why not all could be said. */
let unsaid: string | undefined;

for (const stream of [stdout, stderr]) {
  // Whoever reads has seen enough (`| head`): what is still written goes nowhere, and the exit code stays honest.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || unsaid !== undefined) return;
    unsaid = error.code ?? error.message;
    process.exitCode = 2;
    if (stream === stdout)
      stderr.write(`writ: not all could be written on standard output: ${unsaid}\n`);
  });
}

let stopped: Promise<void> | undefined;

const world: World = {
  version: findManifest().version,
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  terminal: stdout.isTTY === true && stderr.isTTY === true,
  interactive: stderr.isTTY === true,
  ...screenOf(stdin, stdout),
  env: process.env,
  cwd: process.cwd(),
  stdin: readStdin,
  get stopped() {
    stopped ??= new Promise((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    return stopped;
  },
};

const code = await run(process.argv.slice(2), world);
process.exitCode = unsaid === undefined ? code : 2;

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > STDIN_BYTES_MAX)
      throw new Misuse(`standard input is longer than ${STDIN_BYTES_MAX} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** The package's own manifest: one folder up from the sources, two from the build. */
function findManifest(): { version: string } {
  const up = import.meta.url.endsWith(".ts") ? "../package.json" : "../../package.json";
  return JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8"));
}
