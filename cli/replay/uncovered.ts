/**
 * Tools that brought what the attacker wrote with no label `untrusted` on it: members that a policy's vocabulary
 * forgot. Told from the answer key, for whoever writes the policy; no decision sees it.
 */
import { Inquiry } from "../../engine/state/origin/finding.ts";
import { Seen } from "../../engine/state/origin.ts";
import type { ToolDecl } from "../../lang/ir.ts";
import { type Json, UNTRUSTED_LABEL } from "../../lang/type.ts";

/** No policy can declare a label of this name. */
const FOUND = "(found)";
/** Shorter lines may stand in any output. */
const LEAST = 20;

export class Uncovered {
  /** Outputs, by tool. */
  readonly counts = new Map<string, number>();

  note(tool: ToolDecl, values: Json, injections: readonly string[]): void {
    if (tool.effect !== "read") return;
    const seen = new Seen();
    const returning = { yields: tool.yields, labels: [], own: [] };
    seen.observe(returning, [{ value: values, labels: [FOUND] }]);
    const isBare = injections.map(tellingLine).some((line) => {
      const labels = line === undefined ? undefined : seen.origin(line, new Inquiry());
      return labels instanceof Set && labels.has(FOUND) && !labels.has(UNTRUSTED_LABEL);
    });
    if (isBare) this.counts.set(tool.wire, (this.counts.get(tool.wire) ?? 0) + 1);
  }
}

/** Outputs differ from injections in blanks and line ends; a line of it is found all the same. */
function tellingLine(injection: string): string | undefined {
  const [longest = ""] = injection
    .split("\n")
    .map((line) => line.trim())
    .sort((a, b) => b.length - a.length);
  return longest.length >= LEAST ? longest : undefined;
}
