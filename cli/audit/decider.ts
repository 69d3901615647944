/** What decides recorded decisions again: a policy of ours, or a bundle of OPA's. */
import { type Again, openAgain, type RecordedDecision } from "../../engine/audit/again.ts";
import { digestOfProgram } from "../../engine/bundle.ts";
import { generateEvaluator } from "../../engine/evaluate/javascript.ts";
import { openRegoAgain } from "../../engine/opa/again.ts";
import type { Input, Io } from "../command.ts";
import { loadPolicy } from "../files.ts";
import { isOpaBundle, openRegoAlone, refuseRegoOptions } from "../rego.ts";

export interface Decider {
  readonly digest: string;
  again(record: RecordedDecision): Again;
}

/** `undefined` where the policy is none: what is wrong has been said. */
export async function openDecider(
  path: string,
  input: Input,
  io: Io,
): Promise<Decider | undefined> {
  if (isOpaBundle(path, input)) {
    const rego = openRegoAlone(path, input, io);
    return { digest: rego.digest, again: openRegoAgain(rego) };
  }
  refuseRegoOptions(input);
  const policy = await loadPolicy(path, io, input);
  if (policy === undefined) return undefined;
  const { program } = policy;
  const digest = digestOfProgram(program);
  return { digest, again: openAgain({ program, digest, evaluator: generateEvaluator(program) }) };
}
