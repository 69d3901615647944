/** Examines bundles in a thread of its own. */
import type { VerifyingKey } from "../signing-key.ts";
import type { Admission } from "./admit.ts";
import { type AsideLimits, createAside } from "./aside.ts";
import type { Examination, Passed } from "./examine.ts";
import { joinProgram } from "./pieces.ts";
import type { Refusal } from "./refusal.ts";
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

/** 10,000 rules are examined in some two seconds, with their tests; ten times that is a mistake, or meant to be one. */
export const EXAMINER_LIMITS: AsideLimits = { timeoutMs: 60_000, heapMegabytes: 1_024 };

/** This file's own ending: sources run unbuilt in development. */
const WORKER = new URL(
  `./worker${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

export function createExaminer(limits: AsideLimits = EXAMINER_LIMITS): Examiner {
  const { ask, close } = createAside<ExaminerRequest, Reply>(WORKER, limits);
  return {
    async examine(bytes, { keys, ...examination }) {
      const reply = await ask({ ...examination, bytes, keys: keys.map(pemOf) });
      if (!reply.ok) return reply;
      const { pieces, ...passed } = reply;
      return { ...passed, program: await joinProgram(pieces) };
    },
    close,
  };
}

function pemOf({ pem }: VerifyingKey): string {
  return pem;
}
