/**
 * A pool of modules that is waited for: it lives in a thread, and whoever asks sleeps until the answer is there.
 * For commands, which have nothing else to do meanwhile; a service would stand still.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import { failed, type ModuleAnswer } from "./answer.ts";
import type { ModuleSource } from "./open.ts";
import type { Described, Question } from "./pool.ts";

export interface BlockingPool {
  describe(module: number): Described;
  ask(question: Question): ModuleAnswer;
  close(): void;
}

/** What the thread is started with. */
export interface RelayParts {
  readonly modules: readonly ModuleSource[];
  readonly deadlineMs: number;
  /** Set to 1 when an answer has been posted. */
  readonly answered: SharedArrayBuffer;
}

export type RelayQuestion =
  | { readonly kind: "describe"; readonly id: number; readonly module: number }
  | { readonly kind: "ask"; readonly id: number; readonly question: Question };

export interface RelayAnswer {
  readonly id: number;
  readonly answer: Described | ModuleAnswer;
}

/** Beyond the deadline of the pool, which answers by then, and beyond starting a process and loading. */
const GRACE_MS = 20_000;

export function blockingPool(parts: Omit<RelayParts, "answered">): BlockingPool {
  const answered = new SharedArrayBuffer(4);
  const flag = new Int32Array(answered);
  const relay = `./relay${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`;
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(new URL(relay, import.meta.url), {
    workerData: { ...parts, answered } satisfies RelayParts,
    argv: [],
    env: {},
  });
  worker.postMessage(port2, [port2]);
  // Who has nothing else to do may end: the processes end with what they are spoken to through.
  worker.unref();
  port.unref();
  let asked = 0;
  const wait = (question: RelayQuestion): RelayAnswer["answer"] | undefined => {
    Atomics.store(flag, 0, 0);
    port.postMessage(question);
    const untilMs = performance.now() + parts.deadlineMs + GRACE_MS;
    while (performance.now() < untilMs) {
      Atomics.wait(flag, 0, 0, untilMs - performance.now());
      Atomics.store(flag, 0, 0);
      for (
        let got = receiveMessageOnPort(port);
        got !== undefined;
        got = receiveMessageOnPort(port)
      ) {
        const { id, answer } = got.message as RelayAnswer;
        if (id === question.id) return answer;
      }
    }
    return undefined;
  };
  return {
    describe: (module) => {
      const answer = wait({ kind: "describe", id: ++asked, module });
      return answer !== undefined && "ok" in answer
        ? answer
        : { ok: false, why: "cannot be looked at: its process does not answer" };
    },
    ask: (question) => {
      const answer = wait({ kind: "ask", id: ++asked, question });
      return answer !== undefined && "kind" in answer
        ? answer
        : failed("its process does not answer");
    },
    close: () => void worker.terminate(),
  };
}
