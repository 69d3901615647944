import { createEngine, type Engine } from "../../../engine/index.ts";
import { compile } from "../../../lang/index.ts";

/** A request that `paymentsEngine` allows. */
export const SOUND = {
  agent: {
    id: "spiffe://acme.example/agent/teller",
    kind: "autonomous",
    groups: ["assistants"],
    attested: true,
    trust: 0.93,
  },
  principal: { id: "alice", kind: "human", known_payees: ["GB29NWBK60161331926819"] },
  delegation: {
    chain: [
      {
        from: { id: "alice", kind: "human" },
        to: "spiffe://acme.example/agent/teller",
        scope: ["payments:write"],
        approved: true,
      },
    ],
  },
  intent: { purpose: "payments", source: "user", reason: "the December bill is due" },
  tool: {
    name: "send_money",
    server: "mcp://bank",
    args: { recipient: "GB29NWBK60161331926819", amount: 98.7, date: "2026-01-02", copies: 1 },
  },
  resource: { type: "account", id: "acc-1", labels: ["private"] },
  session: { id: "s-81" },
  context: { ip: "10.1.2.3" },
};

export const POLICY = `package acme.payments

purpose payments
label private

tool send_money {
  effect write,
  args { recipient: String, amount: Decimal, date: String, copies: Int }
}

resource  account {}
principal { known_payees: Set<String> = [] }

permit pay_known_payee
  agent   in group "assistants"
  tool    send_money
  purpose within payments
  when    args.recipient in principal.known_payees and args.amount <= 100.00
  with    credential { scope: ["payments:write"], ttl: 60s }

forbid planted
  when intent.source == document
  because "the instruction came from a document"
`;

/** The engine itself, under `POLICY`. */
export function paymentsEngine(): Engine {
  const files = [{ path: "payments.writ", text: POLICY }];
  const { program, diagnostics } = compile({ directory: "", files });
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  return createEngine({
    program,
    digest: "sha256:00",
    clock: () => Date.parse("2026-01-02T09:00:00Z"),
  });
}
