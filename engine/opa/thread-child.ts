/** What runs in the thread of `thread.ts`: it answers one message after the other, in order. */
import { parentPort } from "node:worker_threads";
import { createAnswerer } from "./answerer.ts";
import type { FromChild, ToChild } from "./protocol.ts";

const answer = createAnswerer({ reuse: true });

parentPort?.on("message", (message: ToChild) => parentPort?.postMessage(answer(message)));
parentPort?.postMessage({ kind: "ready" } satisfies FromChild);
