/** Imported modules of Rego while the service runs: contained, or trusted, by their signature or by the operator. */
import type { OperatedService } from "../../engine/active.ts";
import { withModules } from "../../engine/opa/asked.ts";
import { EVALUATION_LIMITS } from "../../engine/opa/limits.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import type { NamedPolicy } from "./policy.ts";

export const MODULE_OPTIONS: readonly Option[] = [
  {
    name: "module-deadline",
    value: "MS",
    help: `milliseconds that an imported module has for its answer (${EVALUATION_LIMITS.deadlineMs})`,
  },
  {
    name: "trust-modules",
    help: "run modules that nobody signed in a thread of this process as well: quicker, and less apart",
  },
  {
    name: "contain-modules",
    help: "run modules of signed bundles, too, in processes of their own",
  },
];

/** An engine, asking the modules of its policy before it decides. */
export type AskModules = (engine: OperatedService, policy: NamedPolicy) => OperatedService;

export function askingModules(input: Input, io: Io, now: () => number): AskModules {
  const deadlineMs = moduleDeadline(input);
  return (engine, { program, signedBy }) => {
    const names = program.modules.map(({ binary, name }) => ({ binary, name }));
    return withModules(engine, {
      program,
      now,
      deadlineMs,
      isTrusted: trusts(input, signedBy !== undefined),
      onTrouble: ({ module, why }) => {
        const name = names.find(({ binary }) => binary === module)?.name;
        io.err(`imported module \`${name ?? module}\`: ${why}\n`);
      },
    });
  };
}

/** Whether modules run in this process: who signs a bundle could as well have written what decides. */
export function trusts({ flags }: Input, isSigned: boolean): boolean {
  return !flags.has("contain-modules") && (isSigned || flags.has("trust-modules"));
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
