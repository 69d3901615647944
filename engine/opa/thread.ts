/**
 * A thread of this process that runs trusted modules: quicker than a process of their own, and as well ended when
 * an answer takes too long. V8's limits hold for its heap, and `host.ts` bounds the memory of each module; a way
 * out of V8 itself would lead into the service, which is why it is for those who are trusted.
 */
import { Worker } from "node:worker_threads";
import type { Child, ChildEvents } from "./process.ts";
import type { FromChild } from "./protocol.ts";

/** This file's own ending: sources run unbuilt in development. */
const ANSWERING = new URL(
  `./thread-child${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

/** As those of a process. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 24 } as const;

export function startThread({ onAnswer, onEnd }: ChildEvents): Child {
  const worker = new Worker(ANSWERING, { resourceLimits: LIMITS, argv: [], env: {} });
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    // Interrupts whatever it computes.
    void worker.terminate();
    onEnd();
  };
  worker.once("error", end);
  worker.once("exit", end);
  worker.once("messageerror", end);
  worker.on("message", (answer: FromChild) => {
    if (!ended) onAnswer(answer);
  });
  // A thread that waits for questions keeps nobody from ending: who waits for an answer has a deadline running.
  worker.unref();
  return { send: (message) => worker.postMessage(message), kill: end };
}
