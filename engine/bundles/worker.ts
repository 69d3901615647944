/** The thread in which bundles are examined: what is wrong with one, or slow, keeps no decision waiting. */
import { parentPort } from "node:worker_threads";
import { readVerifyingKey } from "../signing-key.ts";
import { examine } from "./examine.ts";
import { cutProgram, type Piece } from "./pieces.ts";
import type { Refusal } from "./refusal.ts";
import type { ExaminerRequest, PassedInPieces } from "./thread.ts";

export type Reply = Refusal | (PassedInPieces & { readonly pieces: readonly Piece[] });

parentPort?.on("message", ({ bytes, keys, ...examination }: ExaminerRequest) => {
  parentPort?.postMessage(answer({ bytes, keys, ...examination }));
});

function answer({ bytes, keys: pems, ...examination }: ExaminerRequest): Reply {
  const keys = pems.map((pem) => {
    const reading = readVerifyingKey(pem);
    if (!reading.ok) throw new Error(reading.why);
    return reading.key;
  });
  const found = examine(bytes, { ...examination, keys });
  if (!found.ok) return found;
  const { program, ...passed } = found;
  return { ...passed, pieces: cutProgram(program) };
}
