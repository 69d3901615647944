/** A thread beside the one that decides, for what strangers' bundles are made of: begun anew when it fails. */
import { Worker } from "node:worker_threads";
import { type Refusal, refuse } from "./refusal.ts";

export interface Aside<Question, Reply> {
  /** One at a time: whoever asks waits for the answer. */
  ask(question: Question): Promise<Reply | Refusal>;
  close(): Promise<void>;
}

export interface AsideLimits {
  /** Of one answer. */
  readonly timeoutMs: number;
  readonly heapMegabytes: number;
}

/** `worker` answers each message with one; it is started by the first question. */
export function createAside<Question, Reply extends { readonly ok: boolean }>(
  worker: URL,
  limits: AsideLimits,
): Aside<Question, Reply> {
  let thread: Worker | undefined;
  const end = async () => {
    const ending = thread;
    thread = undefined;
    await ending?.terminate();
  };
  return {
    async ask(question) {
      thread ??= startThread(worker, limits);
      const reply = await answerOf<Reply>(thread, question, limits.timeoutMs);
      if (!reply.ok && "code" in reply && reply.code === "crashed") await end();
      return reply;
    },
    close: end,
  };
}

function startThread(url: URL, { heapMegabytes }: AsideLimits): Worker {
  const worker = new Worker(url, {
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    env: {},
  });
  // What waits for it holds the process; it alone does not.
  worker.unref();
  return worker;
}

function answerOf<Reply>(
  worker: Worker,
  question: unknown,
  timeoutMs: number,
): Promise<Reply | Refusal> {
  return new Promise((resolve) => {
    const finish = (reply: Reply | Refusal) => {
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
    worker.postMessage(question);
  });
}
