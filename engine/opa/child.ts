/**
 * A process in which modules may do their worst: started by `process.ts` with V8's limits and without leave to
 * read, write, start or load anything but this program. It answers one message after the other, in order, and
 * whoever started it ends it when an answer takes too long.
 */
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import type { Host } from "./host.ts";
import { contextAt, openModule, reasonOf } from "./open.ts";
import type { FromChild, ToChild } from "./protocol.ts";

const hosts = new Map<number, Host>();

function answer(message: ToChild): FromChild {
  if (message.kind === "load") {
    const { wasm, data } = message;
    const source = {
      wasm: Buffer.from(wasm, "base64"),
      ...(data === undefined ? {} : { data: Buffer.from(data, "base64") }),
    };
    const host = openModule(source, { reuse: false });
    hosts.set(message.module, host);
    const { entrypoints, builtins } = host.described;
    return {
      kind: "loaded",
      entrypoints: [...entrypoints.keys()],
      builtins: [...builtins.keys()],
    };
  }
  const host = hosts.get(message.module);
  const entrypoint = host?.described.entrypoints.get(message.entrypoint);
  if (host === undefined || entrypoint === undefined) {
    return { kind: "failed", why: `it has no entrypoint \`${message.entrypoint}\`` };
  }
  const input = Buffer.from(message.input);
  return { kind: "answer", text: host.evaluate(entrypoint, input, contextAt(message.nowMs)) };
}

function answerOrWhy(line: string): FromChild {
  try {
    return answer(JSON.parse(line) as ToChild);
  } catch (error) {
    return { kind: "failed", why: reasonOf(error).slice(0, 1_000) };
  }
}

/** A module that loops keeps this thread, and with it every timer and the end of the pipe, from being seen. */
function watchParent(): void {
  const watch = `./watch-parent${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`;
  const watching = new Worker(new URL(watch, import.meta.url), {
    workerData: process.argv[2],
    argv: [],
    env: {},
  });
  // Without it nothing is run.
  watching.once("error", () => process.exit(1));
  watching.once("exit", () => process.exit(1));
  watching.unref();
}

watchParent();
process.stdout.write(`${JSON.stringify({ kind: "ready" } satisfies FromChild)}\n`);
createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answerOrWhy(line))}\n`);
});
