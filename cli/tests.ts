import { failedTests as failed } from "../engine/testing/gate.ts";
import type { Policy } from "./files.ts";
import { printable } from "./terminal.ts";

/** Tests of a policy that fail, each in a line for people; empty when all hold. */
export function failedTests(policy: Pick<Policy, "program" | "tests">): readonly string[] {
  return failed(policy).map(printable);
}
