/** What a replay is asked to do. */
import type { ReplayPolicy } from "../../engine/replay.ts";
import type { SourceFile } from "../../lang/source.ts";
import type { Input, Io } from "../command.ts";
import type { Setup } from "./setup.ts";

export interface Asked {
  readonly policy: ReplayPolicy;
  /** Of the policy. */
  readonly sources: readonly SourceFile[];
  readonly other: ReplayPolicy | undefined;
  readonly setup: Setup;
  readonly traces: readonly string[];
  readonly input: Input;
  readonly io: Io;
}

export function identityJson(policy: ReplayPolicy, other: ReplayPolicy | undefined) {
  const identity = ({ program, digest }: ReplayPolicy) => ({ package: program.package, digest });
  return { policy: identity(policy), ...(other === undefined ? {} : { against: identity(other) }) };
}
