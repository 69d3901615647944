/** One child process that runs modules: started, spoken to line by line, ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJsonText } from "../json-text.ts";
import { MODULE_LIMITS } from "./limits.ts";
import { type FromChild, LINE_BYTES_MAX, type ToChild } from "./protocol.ts";

export interface Child {
  /** Of one message at a time. */
  send(message: ToChild): void;
  kill(): void;
}

export interface ChildEvents {
  /** One for each message, in order. */
  readonly onAnswer: (answer: FromChild) => void;
  /** It has ended, whoever wanted that; nothing follows. */
  readonly onEnd: () => void;
}

const HERE = dirname(fileURLToPath(import.meta.url));

/** This file's own ending: sources run unbuilt in development. */
const CHILD = join(HERE, `child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`);

/** Limits of V8 and of Node, in which a module that finds a way out of its memory is still caught. */
const FLAGS = [
  "--max-old-space-size=64",
  "--max-semi-space-size=8",
  `--wasm-max-mem-pages=${MODULE_LIMITS.memoryPages}`,
  `--wasm-max-table-size=${MODULE_LIMITS.tableSize}`,
  "--disallow-code-generation-from-strings",
  "--disable-proto=delete",
  "--no-warnings",
  "--permission",
  // For the one that watches whether this process is still there.
  "--allow-worker",
];

/** What it must read: this program, and the libraries that builtins are made of. */
function readable(): readonly string[] {
  const root = dirname(dirname(HERE));
  const libraries = dirname(
    realpathSync(dirname(dirname(fileURLToPath(import.meta.resolve("re2js"))))),
  );
  return [root, libraries].map((path) => `--allow-fs-read=${path}`);
}

export function startChild({ onAnswer, onEnd }: ChildEvents): Child {
  const child = spawn(process.execPath, [...FLAGS, ...readable(), CHILD, String(process.pid)], {
    // Nothing of the service's environment: it may hold secrets, and options of Node's.
    env: {},
    stdio: ["pipe", "pipe", "ignore"],
  });
  unref(child);
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    child.kill("SIGKILL");
    onEnd();
  };
  child.once("error", end);
  child.once("exit", end);
  // A pipe whose reader is gone says so here; that it ended is told by `exit`.
  child.stdin?.on("error", () => {});
  readLines(
    child,
    (line) => {
      if (ended) return;
      const answer = parsed(line);
      if (answer === undefined) end();
      else onAnswer(answer);
    },
    end,
  );
  return {
    send: (message) => void child.stdin?.write(`${JSON.stringify(message)}\n`),
    kill: end,
  };
}

/** A process that waits for questions keeps nobody from ending: who waits for an answer has a deadline running. */
function unref(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) {
    if (pipe !== null && "unref" in pipe && typeof pipe.unref === "function") pipe.unref();
  }
}

function readLines(
  { stdout }: ChildProcess,
  onLine: (line: string) => void,
  onTooLong: () => void,
): void {
  let waiting = "";
  stdout?.setEncoding("utf8");
  stdout?.on("data", (chunk: string) => {
    waiting += chunk;
    if (waiting.length > LINE_BYTES_MAX) return onTooLong();
    const lines = waiting.split("\n");
    waiting = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
}

/** What a process says that a module may have taken over is looked at like any stranger's. */
function parsed(line: string): FromChild | undefined {
  try {
    const json = parseJsonText(line) as Partial<Record<string, unknown>> | null;
    if (json?.kind === "answer" && typeof json.text === "string") {
      return { kind: "answer", text: json.text };
    }
    if (json?.kind === "failed" && typeof json.why === "string") {
      return { kind: "failed", why: json.why };
    }
    if (json?.kind === "ready") return { kind: "ready" };
    if (json?.kind !== "loaded") return undefined;
    return { kind: "loaded", entrypoints: texts(json.entrypoints), builtins: texts(json.builtins) };
  } catch {
    return undefined;
  }
}

function texts(json: unknown): readonly string[] {
  return Array.isArray(json) ? json.filter((item) => typeof item === "string") : [];
}
