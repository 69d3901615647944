/** One request of a trace, explained as `writ explain` does. */

import type { Decision } from "../../engine/decision.ts";
import { type Unfolded, unfold } from "../../engine/explain/explain.ts";
import { textsOf } from "../../engine/explain/texts.ts";
import type { ReplayPolicy } from "../../engine/replay.ts";
import { type ExitCode, Misuse } from "../command.ts";
import { showDecision, showUnfolded } from "../explanation.ts";
import { painter } from "../terminal.ts";
import { type Asked, identityJson } from "./asked.ts";
import { wrongWith } from "./case-report.ts";
import type { Case } from "./cases.ts";
import { cut } from "./report.ts";

/** `decider` makes what decides cases one after the other. */
export function explainCase(
  id: string,
  cases: readonly Case[],
  decider: (
    policy: ReplayPolicy,
    whose: "POLICY",
    begin: () => void,
  ) => (one: Case) => { readonly decision: Decision },
  { policy, other, sources, input, io }: Asked,
): ExitCode {
  if (other !== undefined) {
    throw new Misuse("`--explain` explains under POLICY alone", "leave out `--against`");
  }
  if (policy.engine !== undefined) {
    throw new Misuse(
      "Rego explains itself",
      "`writ explain BUNDLE REQUEST`, or `opa eval --explain`",
    );
  }
  const one = find(id, cases);
  const texts = textsOf(policy.program, sources);
  let unfolded: Unfolded | undefined;
  let isLast = false;
  const { program, evaluator } = policy;
  const watched: ReplayPolicy = {
    ...policy,
    evaluator: {
      ...evaluator,
      // State is read here: deciding changes it.
      touches(request, facts) {
        if (isLast) unfolded = unfold({ program, request, facts }, texts);
        return evaluator.touches(request, facts);
      },
    },
  };
  // What was asked of its history explains nothing of a request that no rule is asked about.
  const decide = decider(watched, "POLICY", () => {
    unfolded = undefined;
  });
  // Whoever brings a history has no part in the state of others.
  const earlier = one.before === undefined ? cases.slice(0, cases.indexOf(one)) : [];
  for (const before of earlier) decide(before);
  isLast = true;
  const { decision } = decide(one);
  const wrong = wrongWith(one, decision);
  const code = wrong === undefined ? 0 : 1;
  if (input.json) {
    const found = { ok: code === 0, ...identityJson(policy, other), name: one.name, why: wrong };
    io.out(`${JSON.stringify({ ...found, decision, ...unfolded }, null, 2)}\n`);
    return code;
  }
  const paint = painter(io);
  io.out(showDecision(decision, paint));
  if (unfolded !== undefined) io.out(showUnfolded(decision, unfolded, paint));
  if (wrong !== undefined) io.out(`\n${paint("red", cut(`${one.name}: ${wrong}`))}\n`);
  return code;
}

/** By name, or by line where the trace is one file. */
function find(id: string, cases: readonly Case[]): Case {
  const named = cases.filter(({ name }) => name === id);
  const found = named.length > 0 ? named : cases.filter(({ line }) => `line ${line}` === id);
  const [one, another] = found;
  if (one === undefined) {
    const some = cases.slice(0, 3).map(({ name }) => `\`${cut(name, 40)}\``);
    throw new Misuse(
      `there is no \`${cut(id, 60)}\` in the trace`,
      some.length === 0 ? undefined : `there is ${some.join(", ")}${cases.length > 3 ? ", …" : ""}`,
    );
  }
  if (another === undefined) return one;
  const lines = found.slice(0, 5).map(({ line }) => `\`line ${line}\``);
  throw new Misuse(
    `${found.length} requests are called \`${cut(id, 60)}\``,
    `say which, of one TRACE: ${lines.join(", ")}${found.length > 5 ? ", …" : ""}`,
  );
}
