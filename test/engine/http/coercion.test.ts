import { expect, test } from "vitest";
import { paymentsEngine, SOUND } from "./sample.ts";
import { send, serve } from "./support.ts";

// What a lenient reader would turn into something else: each is refused, and none is read as what it resembles.
const app = serve(paymentsEngine());

async function answerTo(body: unknown): Promise<string> {
  const response = await send(app, { body });
  const { decision, code, pointer } = response.json();
  return response.statusCode === 200 ? `${decision} ${code ?? ""}`.trim() : `400 ${pointer}`;
}

/** The sound request with one member set; `undefined` removes it. */
function withMember(pointer: string, value: unknown): unknown {
  const body = structuredClone(SOUND);
  const steps = pointer.split("/").slice(1);
  let place = body as unknown as Record<string, unknown>;
  for (const step of steps.slice(0, -1)) place = place[step] as Record<string, unknown>;
  place[steps.at(-1) ?? ""] = value;
  return body;
}

test("the request as it should be is allowed", async () => {
  expect(await answerTo(SOUND)).toBe("allow");
});

test.each<[string, unknown]>([
  ["/agent", null],
  ["/agent", []],
  ["/agent", "spiffe://acme.example/agent/teller"],
  ["/agent", [SOUND.agent]],
  ["/agent", undefined],
  ["/agent/id", 1],
  ["/agent/id", null],
  ["/agent/id", ""],
  ["/agent/id", ["spiffe://acme.example/agent/teller"]],
  ["/agent/id", { toString: "spiffe://acme.example/agent/teller" }],
  ["/agent/id", "spiffe://acme.example/agent/teller\u0000"],
  ["/agent/id", "\ufeffspiffe://acme.example/agent/teller"],
  ["/agent/kind", "Autonomous"],
  ["/agent/kind", ["autonomous"]],
  ["/agent/groups", "assistants"],
  ["/agent/groups", { 0: "assistants", length: 1 }],
  ["/agent/groups", null],
  ["/agent/groups", [1]],
  ["/agent/attested", "true"],
  ["/agent/attested", "false"],
  ["/agent/attested", 1],
  ["/agent/attested", null],
  ["/agent/trust", "0.93"],
  ["/agent/trust", true],
  ["/agent/trust", 1.01],
  ["/agent/trust", -0.01],
  ["/agent/trust", [0.93]],
  ["/principal", "alice"],
  ["/principal", null],
  ["/principal/id", 7],
  ["/principal/known_payees", "GB29NWBK60161331926819"],
  ["/delegation", []],
  ["/delegation/chain", SOUND.delegation.chain[0]],
  ["/delegation/chain/0", "alice"],
  ["/delegation/chain/0/scope", "payments:write"],
  ["/delegation/chain/0/approved", "true"],
  ["/delegation/chain/0/approved", 1],
  ["/delegation/chain/0/expires_at", 4102444800],
  ["/intent", "payments"],
  ["/intent/purpose", ["payments"]],
  ["/intent/source", "USER"],
  ["/intent/reason", 1],
  ["/tool", "send_money"],
  ["/tool/name", ["send_money"]],
  ["/tool/name", "Send_Money"],
  ["/tool/args", null],
  ["/tool/args", []],
  ["/tool/args", "{}"],
  ["/tool/args/amount", true],
  ["/tool/args/amount", null],
  ["/tool/args/amount", ""],
  ["/tool/args/amount", " 98.7"],
  ["/tool/args/amount", "98,7"],
  ["/tool/args/amount", "1e2"],
  ["/tool/args/amount", "0x10"],
  ["/tool/args/amount", [98.7]],
  ["/tool/args/amount", 98.70001],
  ["/tool/args/copies", "1"],
  ["/tool/args/copies", 1.5],
  ["/tool/args/copies", true],
  ["/tool/args/copies", null],
  ["/tool/args/copies", undefined],
  ["/tool/args/recipient", 29],
  ["/tool/args/recipient", ["GB29NWBK60161331926819"]],
  ["/tool/args/date", null],
  ["/tool/args/extra", "x"],
  ["/resource", "acc-1"],
  ["/resource/type", ["account"]],
  ["/resource/labels", "private"],
  ["/session", "s-81"],
  ["/session/id", 81],
  ["/context", []],
  ["/context", "10.1.2.3"],
  ["/context/ip", 167838211],
  ["/context/ip", "010.1.2.3"],
  ["/Agent", SOUND.agent],
  ["/agents", []],
  ["/decision", "allow"],
])("%s: %j", async (pointer, value) => {
  const answer = await answerTo(withMember(pointer, value));
  if (answer === "deny invalid_request") return;
  // Pointed at, or at what it is part of, or within.
  const [, at = "none"] = /^400 (.*)$/.exec(answer) ?? [];
  expect(pointer.startsWith(at) || at.startsWith(pointer), `${pointer} → ${answer}`).toBe(true);
});

test.each<[string, unknown]>([
  ["null", null],
  ["a list", [SOUND]],
  ["text", JSON.stringify(JSON.stringify(SOUND))],
  ["a number", 1],
  ["true", true],
  ["nothing", {}],
])("%s is no request", async (_, body) => {
  expect(await answerTo(body)).toMatch(/^400 /);
});
