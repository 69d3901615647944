/** Tries a candidate on what a service is really asked: it decides beside the policy in force, and answers nobody. */
import type { Active } from "../../engine/active.ts";
import { digestOfProgram } from "../../engine/bundle.ts";
import type { DecisionService } from "../../engine/http/index.ts";
import type { ModuleRunner } from "../../engine/opa/answer.ts";
import { trustedModules } from "../../engine/opa/asked.ts";
import {
  createShadow,
  type Difference,
  type Shadow,
  type ShadowParts,
  type ShadowReport,
  type Summary,
} from "../../engine/shadow.ts";
import type { Program } from "../../lang/ir.ts";
import { type Input, type Io, Misuse, type Option } from "../command.ts";
import { loadPolicy } from "../files.ts";
import { count, painter, printable } from "../terminal.ts";

export const SHADOW_OPTIONS: readonly Option[] = [
  {
    name: "shadow",
    value: "POLICY",
    help: "let this one decide beside the other, and tell where it would have decided otherwise",
  },
];

interface AroundParts extends Pick<ShadowParts, "clock" | "ids"> {
  readonly store: ShadowParts["store"] | undefined;
}

export interface FoundShadow {
  /** Around the policy in force; nothing where none was asked for. */
  around(active: Active, parts: AroundParts): Promise<DecisionService>;
  /** What it has come to; `undefined` where there is none. */
  report(): ShadowReport | undefined;
  /** Says it. */
  stop(): void;
}

/** `undefined` where it cannot be loaded: what is wrong has been said. */
export async function findShadow(input: Input, io: Io): Promise<FoundShadow | undefined> {
  const path = input.values.get("shadow");
  if (path === undefined)
    return { around: async (active) => active, report: () => undefined, stop: () => {} };
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined) return undefined;
  const { program } = policy;
  const candidate = {
    program,
    digest: digestOfProgram(program),
    modules: modulesOf(program, input),
  };
  let shadow: Shadow | undefined;
  return {
    async around(active, { store, ...parts }) {
      if (store === undefined) {
        throw new Misuse(
          "`--shadow` cannot see state on another machine",
          "`--state FILE`, or memory",
        );
      }
      const onDifference = (difference: Difference) => tell(difference, input, io);
      shadow = createShadow({ ...parts, store, active, candidate, onDifference });
      await shadow.warmUp();
      return shadow.service;
    },
    report: () => shadow?.report(),
    stop() {
      if (shadow !== undefined) sumUp(shadow.report(), input, io);
    },
  };
}

/** Decisions do not wait for a candidate, so that it asks no other process. */
function modulesOf(program: Program, input: Input): ModuleRunner | undefined {
  if (program.modules.length === 0) return undefined;
  if (input.flags.has("trust-modules")) return trustedModules(program);
  throw new Misuse(
    "a candidate with `import rego` decides in the service's process",
    "add `--trust-modules`, where its modules are yours",
  );
}

function tell(difference: Difference, { json }: Input, io: Io): void {
  if (json) {
    io.out(`${JSON.stringify({ event: "shadow_differs", ...difference })}\n`);
    return;
  }
  const { tool = "?", active, candidate, id } = difference;
  const paint = painter(io);
  io.out(
    `${paint("yellow", "shadow")} ${printable(tool)}: ${spell(active)}, the candidate ${spell(candidate)} ${paint("dim", `(${id})`)}\n`,
  );
}

function spell({ decision, code, rules }: Summary): string {
  const by = rules.length === 0 ? "" : ` by ${rules.join(", ")}`;
  return `${decision}${code === undefined ? "" : ` ${code}`}${by}`;
}

function sumUp(report: ShadowReport, { json }: Input, io: Io): void {
  const { alike, differing, failed } = report;
  const kinds = [...report.kinds].sort(([, a], [, b]) => b - a);
  if (json) {
    const event = "shadow_report";
    io.out(
      `${JSON.stringify({ event, alike, differing, failed, kinds: Object.fromEntries(kinds) })}\n`,
    );
    return;
  }
  const total = alike + differing + failed;
  io.out(`shadow: ${count(total, "decision")}, ${differing} otherwise\n`);
  for (const [kind, times] of kinds) io.out(`  ${times} × ${kind}\n`);
  if (failed > 0) io.out(`  ${failed} × no answer of the candidate\n`);
}
