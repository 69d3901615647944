import { Ajv2020 } from "ajv/dist/2020.js";
import type { DecisionService } from "../../../engine/http/index.ts";
import { REQUEST_SCHEMA } from "../../../engine/http/schemas.ts";
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
  principal: { id: "alice", kind: "human" },
  intent: { purpose: "payments", source: "user", reason: "the December bill is due" },
  tool: {
    name: "send_money",
    args: { recipient: "GB29NWBK60161331926819", amount: 98.7, date: "2026-01-02" },
  },
  resource: { type: "account", id: "acc-1" },
  session: { id: "s-81" },
  context: { ip: "10.1.2.3" },
};

/** Knows requests by their schema, and allows the one agent small payments. */
export function allowing(): Partial<DecisionService> {
  const isRequest = new Ajv2020({ strictTypes: false }).compile(REQUEST_SCHEMA);
  return {
    decide: (input) => {
      if (!isRequest(input)) {
        const [error] = isRequest.errors ?? [];
        const fault = { at: error?.instancePath ?? "", message: error?.message ?? "" };
        return { kind: "malformed", faults: [fault] };
      }
      const { agent, tool } = input as unknown as typeof SOUND;
      const amount: unknown = tool.args?.amount;
      const isSmall = typeof amount === "number" && amount <= 100;
      const isAllowed = agent.id === SOUND.agent.id && tool.name === SOUND.tool.name && isSmall;
      if (!isAllowed) return { kind: "answer", value: DENIAL };
      const { code, because, ...rest } = DENIAL;
      return { kind: "answer", value: { ...rest, decision: "allow", call: "c-1" } };
    },
  };
}
