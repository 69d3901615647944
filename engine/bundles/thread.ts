/** Examines bundles in a thread of its own, which is begun anew when it fails. */
import { Worker } from "node:worker_threads";
import type { VerifyingKey } from "../signing-key.ts";
import type { Admission } from "./admit.ts";
import type { Examination, Passed } from "./examine.ts";
import { joinProgram } from "./pieces.ts";
import { type Refusal, refuse } from "./refusal.ts";
import type { Reply } from "./worker.ts";

export interface Examiner {
  examine(bytes: Uint8Array, examination: Examination): Promise<Passed | Refusal>;
  close(): Promise<void>;
}

/** What goes to the thread: keys as PEM. */
export interface ExaminerRequest extends Admission {
  readonly bytes: Uint8Array;
  readonly keys: readonly string[];
  readonly runsTests: boolean;
}

export type PassedInPieces = Omit<Passed, "program">;

export interface ExaminerLimits {
  /** Of one bundle, its tests included. */
  readonly timeoutMs: number;
  readonly heapMegabytes: number;
}

/** 10,000 rules are examined in some two seconds; ten times that is a mistake, or meant to be one. */
export const EXAMINER_LIMITS: ExaminerLimits = { timeoutMs: 60_000, heapMegabytes: 1_024 };

export function createExaminer(limits: ExaminerLimits = EXAMINER_LIMITS): Examiner {
  let worker: Worker | undefined;
  const end = async () => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };
  return {
    async examine(bytes, { keys, ...examination }) {
      worker ??= startWorker(limits);
      const request = { ...examination, bytes, keys: keys.map(pemOf) };
      const reply = await ask(worker, request, limits.timeoutMs);
      if (reply.ok) {
        const { pieces, ...passed } = reply;
        return { ...passed, program: await joinProgram(pieces) };
      }
      if (reply.code === "crashed") await end();
      return reply;
    },
    close: end,
  };
}

function pemOf({ pem }: VerifyingKey): string {
  return pem;
}

function startWorker({ heapMegabytes }: ExaminerLimits): Worker {
  const isSource = import.meta.url.endsWith(".ts");
  const worker = new Worker(new URL(isSource ? "./worker.ts" : "./worker.js", import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    env: {},
  });
  // What waits for it holds the process; it alone does not.
  worker.unref();
  return worker;
}

/** One at a time: whoever asks waits for the answer. */
function ask(worker: Worker, request: ExaminerRequest, timeoutMs: number): Promise<Reply> {
  return new Promise((resolve) => {
    const finish = (reply: Reply) => {
      clearTimeout(timer);
      worker.off("message", finish).off("error", onError).off("exit", onExit);
      resolve(reply);
    };
    const crashed = (because: string) => finish(refuse("crashed", because));
    const onError = (error: Error) => crashed(`its examination failed: ${error.message}`);
    const onExit = () => crashed("its examination ended before it was done");
    const timer = setTimeout(
      () => crashed(`its examination took longer than ${timeoutMs / 1_000} s`),
      timeoutMs,
    );
    worker.on("message", finish).on("error", onError).on("exit", onExit);
    worker.postMessage(request);
  });
}
