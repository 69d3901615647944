import type { DecisionService } from "../../../engine/http/index.ts";
import { createRequestReader } from "../../../engine/request-reader.ts";
import type { Program } from "../../../lang/ir.ts";
import { DENIAL } from "./support.ts";

/** A request that `allowing` allows. */
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

const PROGRAM: Program = {
  format: "writ.ir",
  version: { major: 1, minor: 0 },
  package: "acme.payments",
  packages: ["acme.payments"],
  levels: [],
  purposes: ["payments"],
  labels: ["private"],
  tools: [
    {
      name: "send_money",
      wire: "send_money",
      effect: "write",
      args: [
        { name: "recipient", type: { kind: "String" } },
        { name: "amount", type: { kind: "Decimal" } },
        { name: "date", type: { kind: "String" } },
        { name: "copies", type: { kind: "Int" } },
      ],
      open: false,
      yields: [],
      scope: [],
    },
  ],
  resources: [{ name: "account", attributes: [], open: false }],
  principal: [{ name: "known_payees", type: { kind: "Set", of: { kind: "String" } }, default: [] }],
  agent: [],
  session: [],
  environment: [],
  functions: [],
  modules: [],
  counters: [],
  latches: [],
  tasks: [],
  rules: [],
  nevers: [],
  readsOrigin: false,
  sources: ["payments.writ"],
  places: [],
};

/** Reads requests as the engine does, and allows the one agent small payments. */
export function allowing(): Partial<DecisionService> {
  const read = createRequestReader(PROGRAM);
  const context = { nowMs: Date.parse("2026-01-02T09:00:00Z"), session: () => undefined };
  return {
    decide: (input) => {
      const reading = read(input, context);
      if (!reading.ok && reading.kind === "malformed") {
        return { kind: "malformed", faults: reading.problems };
      }
      if (!reading.ok) {
        return { kind: "answer", value: { ...DENIAL, code: "invalid_request" } };
      }
      const { agent, args } = reading.request.roots;
      const isAllowed = agent.id === SOUND.agent.id && Number(args.amount) <= 1_000_000;
      if (!isAllowed) return { kind: "answer", value: DENIAL };
      const { code, because, ...rest } = DENIAL;
      return { kind: "answer", value: { ...rest, decision: "allow", call: "c-1" } };
    },
  };
}
