/**
 * Around an engine whose policy imports modules: asks those that a request may need, all at once, in processes
 * or threads of their own, and then decides. The service answers others meanwhile.
 */

import type { Program } from "../../lang/ir.ts";
import type { OperatedService } from "../active.ts";
import type { Vouched } from "../engine.ts";
import { messageOf } from "../fault.ts";
import {
  failed,
  type ModuleAnswer,
  type ModuleAnswers,
  type ModuleRunner,
  modulesAsked,
  readAnswer,
} from "./answer.ts";
import { contextAt, openModule } from "./open.ts";
import { createModulePool, type ModulePool, type Trouble } from "./pool.ts";
import { questionFor, sourcesOf } from "./programs.ts";

export interface AskedParts {
  readonly program: Program;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly deadlineMs: number;
  /** They run in threads of this process, and else in processes. */
  readonly isTrusted: boolean;
  readonly onTrouble?: (trouble: Trouble) => void;
}

/** What it is asked after it was closed, modules do not answer. */
export function withModules(engine: OperatedService, parts: AskedParts): OperatedService {
  const { program, now, deadlineMs, isTrusted, onTrouble } = parts;
  if (program.modules.length === 0) return engine;
  const sources = sourcesOf(program);
  const pool = createModulePool({
    modules: sources,
    deadlineMs,
    isTrusted,
    ...(onTrouble === undefined ? {} : { onTrouble }),
  });
  // Who asks while the first processes start waits for them; each has seconds to load, and then is given up.
  let loaded = false;
  const loading = Promise.all(sources.map((_, module) => pool.describe(module))).then(() => {
    loaded = true;
  });
  const asked = modulesAsked(program);
  const vouch = async (input: unknown, vouched: Vouched = {}): Promise<Vouched> => {
    await loading;
    const modules = await answersFrom(pool, asked(input), input, { program, nowMs: now() });
    return { ...vouched, modules };
  };
  const { preview } = engine;
  return {
    ...engine,
    decide: async (input, vouched) => await engine.decide(input, await vouch(input, vouched)),
    ...(preview === undefined
      ? {}
      : { preview: async (input, vouched) => await preview(input, await vouch(input, vouched)) }),
    readiness: () =>
      loaded ? engine.readiness() : { ready: false, because: "imported modules are being loaded" },
    warmUp: async () => {
      await engine.warmUp?.();
      await loading;
    },
    close: pool.close,
  };
}

async function answersFrom(
  pool: ModulePool,
  modules: readonly number[],
  input: unknown,
  { program, nowMs }: { readonly program: Program; readonly nowMs: number },
): Promise<ModuleAnswers> {
  if (modules.length === 0) return notAsked;
  const text = JSON.stringify(input);
  const answers = new Map<number, ModuleAnswer>();
  const ask = async (index: number) => {
    const question = questionFor(program, index, text, nowMs);
    answers.set(index, "kind" in question ? question : await pool.ask(question));
  };
  await Promise.all(modules.map(ask));
  return (index) => answers.get(index) ?? notAsked();
}

function notAsked(): ModuleAnswer {
  return failed("it was not asked");
}

/**
 * Modules that are trusted, in this very thread: for whoever cannot wait for an answer, with no deadline. Throws
 * what keeps one from being run.
 */
export function trustedModules(program: Program): ModuleRunner {
  const hosts = sourcesOf(program).map((source) => openModule(source, { reuse: true }));
  const ask = (index: number, input: Uint8Array, nowMs: number): ModuleAnswer => {
    const { binary = -1, entrypoint = "" } = program.modules[index] ?? {};
    const host = hosts[binary];
    const number = host?.described.entrypoints.get(entrypoint);
    if (host === undefined || number === undefined) return failed("its file is not here");
    try {
      return readAnswer(host.evaluate(number, input, contextAt(nowMs)));
    } catch (error) {
      return failed(messageOf(error));
    }
  };
  return {
    about(input, nowMs) {
      const bytes = Buffer.from(JSON.stringify(input));
      return (index) => ask(index, bytes, nowMs);
    },
  };
}
