/** How long a request of 1 KiB takes to read, beside `JSON.parse`, which checks nothing of what we do. */
import { readJson } from "../engine/json.ts";

const ROUNDS = 9;
const CALLS = 50_000;

const request = {
  agent: {
    id: "spiffe://acme.example/agent/teller",
    kind: "autonomous",
    groups: ["assistants"],
    attested: true,
    trust: 0.93,
  },
  principal: { id: "alice", kind: "human" },
  delegation: { tokens: [`eyJ${"a".repeat(210)}`, `eyJ${"b".repeat(210)}`] },
  intent: {
    task: "pay_invoice",
    purpose: "payments",
    source: "user",
    reason: "the December bill is due",
  },
  tool: {
    name: "send_money",
    server: "mcp://bank",
    args: { recipient: "GB29NWBK60161331926819", amount: 98.7, date: "2026-01-02" },
  },
  resource: { type: "account", id: "acc-1", sensitivity: "confidential" },
  session: { id: "s-81" },
  context: { ip: "10.1.2.3" },
};

const bodies = {
  "1 KiB request": JSON.stringify(request),
  "with escapes and umlauts": JSON.stringify(request)
    .replace("December bill", 'Dezember-\\"Rechnung\\"')
    .replace("is due", "ist fällig"),
  "64 KiB of text": JSON.stringify({ body: "lorem ipsum ".repeat(5_400) }),
  "10,000 values": JSON.stringify(Array.from({ length: 100 }, () => Array(98).fill(12.5))),
};

for (const [name, text] of Object.entries(bodies)) {
  const bytes = Buffer.from(text);
  const calls = Math.ceil((CALLS * 1_000) / (bytes.length + 1_000));
  const ours = microsecondsPerCall(calls, () => readJson(bytes));
  const theirs = microsecondsPerCall(calls, () => JSON.parse(bytes.toString()));
  console.log(
    `${name.padEnd(26)} ${String(bytes.length).padStart(6)} bytes  ` +
      `readJson ${ours.toFixed(2).padStart(8)} µs  JSON.parse ${theirs.toFixed(2).padStart(8)} µs`,
  );
}

/** The best of several rounds: what it costs when the machine does nothing else. */
function microsecondsPerCall(calls: number, call: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    for (let index = 0; index < calls; index += 1) call();
    best = Math.min(best, ((performance.now() - start) * 1_000) / calls);
  }
  return best;
}
