/** What runs in the thread of `chooser.ts`: it answers one message after the other, in order. */
import { parentPort } from "node:worker_threads";
import type { ChooserRequest } from "./chooser.ts";
import { chooseRego } from "./opened.ts";

parentPort?.on("message", ({ bytes, ...wanted }: ChooserRequest) =>
  parentPort?.postMessage(chooseRego(bytes, wanted)),
);
