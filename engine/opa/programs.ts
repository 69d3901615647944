/** The modules that a program imports: what they are run from, and who is asked about a request. */
import type { Program } from "../../lang/ir.ts";
import { failed, type ModuleAnswer, type ModuleAnswers, type ModuleRunner } from "./answer.ts";
import { blockingPool } from "./blocking.ts";
import type { ModuleSource } from "./open.ts";
import type { Question } from "./pool.ts";

/** Each once, in the order of the program's binaries. */
export function sourcesOf({ binaries = [] }: Program): readonly ModuleSource[] {
  return binaries.map(({ wasm, data }) => ({
    wasm: Buffer.from(wasm, "base64"),
    ...(data === undefined ? {} : { data: Buffer.from(data) }),
  }));
}

/** What to ask of module `index`; an answer where there is nothing to ask. */
export function questionFor(
  { modules }: Program,
  index: number,
  input: string,
  nowMs: number,
): Question | ModuleAnswer {
  const { binary, entrypoint } = modules[index] ?? {};
  if (binary === undefined || entrypoint === undefined) return failed("its file is not here");
  return { module: binary, entrypoint, input, nowMs };
}

/** For tests, explanations and replays, which can wait for seconds and must not decide by a busy machine. */
export const PATIENT_MS = 2_000;

/** A module that ran once is asked again by the next engine of the same program. */
const RUNNERS = new WeakMap<Program, ModuleRunner>();

/**
 * Asks the modules of `program` in processes of their own, and waits for them: for whoever decides one request
 * after the other. Who serves many asks before deciding (`asked.ts`). `undefined` where none is imported.
 */
export function containedModules(program: Program): ModuleRunner | undefined {
  if (program.modules.length === 0) return undefined;
  const known = RUNNERS.get(program) ?? waitingRunner(program);
  RUNNERS.set(program, known);
  return known;
}

function waitingRunner(program: Program): ModuleRunner {
  const pool = blockingPool({ modules: sourcesOf(program), deadlineMs: PATIENT_MS });
  return {
    about(input, nowMs): ModuleAnswers {
      const text = JSON.stringify(input);
      return (index) => {
        const question = questionFor(program, index, text, nowMs);
        return "kind" in question ? question : pool.ask(question);
      };
    },
  };
}
