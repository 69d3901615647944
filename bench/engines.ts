import type { BenchEngine } from "./engine.ts";
import { casbin } from "./peers/casbin.ts";
import { casl } from "./peers/casl.ts";
import { cedar, cedarSliced } from "./peers/cedar.ts";
import { cel } from "./peers/cel.ts";
import { handWritten, handWrittenBoolean } from "./peers/hand-written.ts";
import { opaData, opaRules } from "./peers/opa.ts";
import { writ, writInterpreter } from "./peers/writ.ts";

/** In the order in which tables list them. */
export const ENGINES: readonly BenchEngine[] = [
  handWritten,
  handWrittenBoolean,
  writ,
  writInterpreter,
  casl,
  cel,
  opaRules,
  opaData,
  cedar,
  cedarSliced,
  casbin,
];

export function enginesFor(ruleCount: number): readonly BenchEngine[] {
  return ENGINES.filter(({ ruleCountMost }) => ruleCount <= (ruleCountMost ?? ruleCount));
}

export function engineNamed(name: string): BenchEngine {
  const found = ENGINES.find((engine) => engine.name === name);
  if (found === undefined) throw new Error(`there is no engine \`${name}\``);
  return found;
}
