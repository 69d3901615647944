/**
 * A process in which modules may do their worst: started by `process.ts` with V8's limits and without leave to
 * read, write, start or load anything but this program. It answers one message after the other, in order, and
 * whoever started it ends it when an answer takes too long.
 */
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { parseJsonText } from "../json-text.ts";
import { createAnswerer } from "./answerer.ts";
import type { FromChild, ToChild } from "./protocol.ts";

const answer = createAnswerer({ reuse: false });

function answerTo(line: string): FromChild {
  let message: ToChild;
  try {
    message = parseJsonText(line) as ToChild;
  } catch {
    return { kind: "failed", why: "it was asked nothing that can be read" };
  }
  return answer(message);
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
  process.stdout.write(`${JSON.stringify(answerTo(line))}\n`);
});
