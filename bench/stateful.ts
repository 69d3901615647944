/** The policy and the requests of everything that measures state: two counters, a latch, and a task with a sequence. */
import { compile } from "../lang/compile.ts";
import type { Program } from "../lang/ir.ts";

/** The same without latch and task. */
export const COUNTERS_ALONE = `package stateful

tool send_money { effect write, args { recipient: String, amount: Decimal } }
tool freeze { effect execute }
counter calls = count allowed per session within 1m
counter spend = sum args.amount of allowed send_money per principal within 24h

permit pay
  agent in group "tellers"
  tool  send_money
  when  calls < 1000000
  when  spend + args.amount <= 900000000.00
`;

export const STATEFUL = `${COUNTERS_ALONE}
latch frozen = completed freeze per session
task errand { sequence (send_money | freeze)+ limit calls <= 1000000000 }

forbid after_freezing
  tool send_money
  when has session and frozen
`;

export const PARTIES = 1_000;

export function programFrom(text: string): Program {
  const files = [{ path: "rules.writ", text }];
  const { program, diagnostics } = compile({ directory: "stateful", files });
  if (program === undefined) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return program;
}

/** Of as many people as one likes, each with an agent and a session. */
export function paymentOf(party: number, more: object = {}): object {
  return {
    agent: { id: `spiffe://bank.example/agent/${party}`, groups: ["tellers"] },
    principal: { id: `person-${party}`, kind: "human" },
    tool: { name: "send_money", args: { recipient: "GB29NWBK60161331926819", amount: 12.5 } },
    session: { id: `session-${party}` },
    ...more,
  };
}

/** Within the task whose sequence is kept. */
export const IN_TASK = { intent: { task: "errand" } };
