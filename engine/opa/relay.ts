/** The thread of `blocking.ts`: asks the pool on behalf of a thread that sleeps until it is woken. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { RelayAnswer, RelayParts, RelayQuestion } from "./blocking.ts";
import { createModulePool } from "./pool.ts";

const { modules, deadlineMs, answered } = workerData as RelayParts;
const flag = new Int32Array(answered);
// One process: whoever waits asks one question at a time.
const pool = createModulePool({ modules, deadlineMs, size: 1 });

parentPort?.once("message", (port: MessagePort) => {
  const answer = (id: number, given: RelayAnswer["answer"]) => {
    port.postMessage({ id, answer: given } satisfies RelayAnswer);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
  port.on("message", async (message: RelayQuestion) => {
    const { id } = message;
    if (message.kind === "describe") answer(id, await pool.describe(message.module));
    else {
      // The first question comes before the first process is ready.
      await pool.describe(message.question.module);
      answer(id, await pool.ask(message.question));
    }
  });
});
