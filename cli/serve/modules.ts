/** Imported modules of Rego while the service runs: contained, or trusted by the operator. */
import type { OperatedService } from "../../engine/active.ts";
import type { ModuleRunner } from "../../engine/opa/answer.ts";
import { type AskingService, trustedModules, withModules } from "../../engine/opa/asked.ts";
import { EVALUATION_LIMITS } from "../../engine/opa/limits.ts";
import type { Program } from "../../lang/ir.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";

export const MODULE_OPTIONS: readonly Option[] = [
  {
    name: "module-deadline",
    value: "MS",
    help: `milliseconds that an imported module has for its answer (${EVALUATION_LIMITS.deadlineMs})`,
  },
  {
    name: "trust-modules",
    help: "run imported modules in this process: quicker, and nothing stops one that does not end",
  },
];

export interface ServedModules {
  /** What the engine of a policy asks while deciding: trusted modules. */
  partsFor(program: Program): { readonly modules?: ModuleRunner };
  /** The engine, asking the modules of its policy before it decides. */
  around(engine: OperatedService, program: Program): OperatedService;
  close(): void;
}

export function openModules(input: Input, io: Io, now: () => number): ServedModules {
  const deadlineMs = moduleDeadline(input);
  const trusted = input.flags.has("trust-modules");
  // Requests under way may still ask those of the policy before.
  const open: AskingService[] = [];
  return {
    partsFor: (program) =>
      trusted && program.modules.length > 0 ? { modules: trustedModules(program) } : {},
    around(engine, program) {
      if (trusted || program.modules.length === 0) return engine;
      const names = program.modules.map(({ binary, name }) => ({ binary, name }));
      const service = withModules(engine, {
        program,
        now,
        deadlineMs,
        onTrouble: ({ module, why }) => {
          const name = names.find(({ binary }) => binary === module)?.name;
          io.err(`imported module \`${name ?? module}\`: ${why}\n`);
        },
      });
      open.push(service);
      if (open.length > 2) open.shift()?.close();
      return service;
    },
    close: () => {
      for (const service of open) service.close();
    },
  };
}

export function moduleDeadline({ values }: Input): number {
  const given = values.get("module-deadline");
  if (given === undefined) return EVALUATION_LIMITS.deadlineMs;
  const ms = Number(given);
  if (/^[0-9]+$/.test(given) && ms >= 1 && ms <= 10_000) return ms;
  throw new Misuse(
    `\`--module-deadline\` is a number from 1 to 10000, not ${JSON.stringify(given)}`,
  );
}
