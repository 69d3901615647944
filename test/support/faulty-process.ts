/** `writ serve` in a process of its own, whose files fail as they are told to: strace answers in the kernel's place. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface DiskFault {
  /** In `.writ`. */
  readonly file: string;
  readonly call: "pwrite64" | "write" | "fdatasync" | "ftruncate" | "unlink" | "openat";
  readonly error: string;
  /** Which of these calls fail, as strace counts them: `3` the third, `3+` all from the third on. */
  readonly when: string;
}

export interface FaultyService {
  /** Missing where it ended without listening. */
  readonly url: string | undefined;
  /** `status` 0: the connection ended without an answer. */
  // biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks into
  ask(path: string, body?: object): Promise<{ readonly status: number; readonly json: any }>;
  /** SIGTERM. */
  stop(): void;
  /** `code` -1: by a signal. */
  readonly ended: Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
}

/** With `--json`, on any free port. One thread serves all calls that wait, so that theirs are counted in order. */
export async function serveOnFaulty(
  cwd: string,
  faults: readonly DiskFault[],
  words: readonly string[],
): Promise<FaultyService> {
  const calls = [...new Set(faults.map(({ call }) => call))];
  const strace = [
    ...["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", `trace=${calls.join(",")}`],
    ...faults.flatMap(({ file }) => ["-P", join(cwd, ".writ", file)]),
    ...faults.flatMap(({ call, error, when }) => [
      "-e",
      `inject=${call}:error=${error}:when=${when}`,
    ]),
  ];
  const serve = [process.execPath, MAIN, "serve", "--json", "--port", "0", ...words];
  const child = spawn("strace", [...strace, ...serve], {
    cwd,
    env: { ...process.env, UV_THREADPOOL_SIZE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code ?? -1, out, err }));
  const { promise: listening, resolve: listens } = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    out += `${line}\n`;
    if (line.startsWith('{"event":"listening"')) listens(JSON.parse(line).url);
  });
  const url = await Promise.race([listening, ended.then(() => undefined)]);
  return {
    url,
    ended,
    ask: (path, body) => ask(`${url}${path}`, body),
    // What strace is told, it does not pass on.
    stop: () => process.kill(childOf(child.pid ?? 0), "SIGTERM"),
  };
}

async function ask(url: string, body: object | undefined) {
  try {
    const headers = { "content-type": "application/json", connection: "close" };
    const sent = body && { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(url, sent);
    return { status: answer.status, json: await answer.json() };
  } catch {
    return { status: 0, json: undefined };
  }
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim());
}
