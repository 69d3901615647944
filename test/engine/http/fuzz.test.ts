/** Mutated requests: none is a server error, and none that is malformed is allowed. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { LightMyRequestResponse } from "fastify";
import { expect, test } from "vitest";
import { DECISION_SCHEMA, PROBLEM_SCHEMA, REQUEST_SCHEMA } from "../../../engine/http/schemas.ts";
import { randomFrom, seedOf } from "./random.ts";
import { paymentsEngine, SOUND } from "./sample.ts";
import { type Sent, send, serve } from "./support.ts";

const RUNS = Number(process.env.WRIT_HTTP_RUNS ?? 30_000);
const SEED = seedOf(process.env.WRIT_HTTP_SEED);

const ajv = new Ajv2020({ allowUnionTypes: true, strictTypes: false });
const isRequest = ajv.compile(REQUEST_SCHEMA);
const isDecision = ajv.compile(DECISION_SCHEMA);
const isProblem = ajv.compile(PROBLEM_SCHEMA);

test(`mutated requests, seed ${SEED}`, { timeout: 60_000 + RUNS * 2 }, async () => {
  const random = randomFrom(SEED);
  let app = serve(paymentsEngine());
  const counts = { allowed: 0, denied: 0, refused: 0 };
  for (let run = 0; run < RUNS; run += 1) {
    // What was allowed is remembered, and there is an end to what can be.
    if (run % 5_000 === 0) app = serve(paymentsEngine());
    const sent = mutate(random);
    const start = performance.now();
    const response = await send(app, sent);
    const took = performance.now() - start;
    const fault = faultOf(sent, response, took);
    if (fault !== undefined) {
      expect.fail(`run ${run}: ${fault}: ${spell(sent)} → ${response.statusCode} ${response.body}`);
    }
    if (response.statusCode !== 200) counts.refused += 1;
    else counts[response.json().decision === "allow" ? "allowed" : "denied"] += 1;
  }
  // A generator that always breaks the request, or never does, tests nothing.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(RUNS / 50);
});

function faultOf(
  sent: Sent,
  { statusCode, json }: LightMyRequestResponse,
  took: number,
): string | undefined {
  const answer = json();
  // No measure of speed: a busy machine pauses, and a loop that does not end stays.
  if (took > 10_000) return "hung";
  if (statusCode >= 500) return "a server error";
  if (statusCode !== 200) {
    return isProblem(answer) && answer.status === statusCode ? undefined : "no problem document";
  }
  if (!isDecision(answer)) return "no decision";
  return answer.decision === "allow" && !mayBeAllowed(sent) ? "wrongly allowed" : undefined;
}

function spell({ body, headers }: Sent): string {
  return `${JSON.stringify(headers)} ${JSON.stringify((body as Buffer).toString("latin1"))}`;
}

/** Read anew, by other means than ours. */
function mayBeAllowed({ body, headers = {} }: Sent): boolean {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
    body as Uint8Array,
  );
  const request: unknown = JSON.parse(text);
  if (!isRequest(request)) return false;
  const { agent, principal, intent, tool } = request as unknown as typeof SOUND;
  const { recipient, amount } = tool.args;
  const isSmall = ["number", "string"].includes(typeof amount) && Number(amount) <= 100;
  return (
    agent.groups.includes("assistants") &&
    tool.name === "send_money" &&
    isSmall &&
    principal.known_payees.includes(recipient) &&
    (intent.purpose ?? "payments") === "payments" &&
    intent.source !== "document" &&
    (headers.host ?? "localhost") === "localhost"
  );
}

type Random = ReturnType<typeof randomFrom>;

function mutate(random: Random): Sent {
  const value = structuredClone(SOUND);
  if (random.below(4) === 0) value.tool.args.amount = random.pick(AMOUNTS);
  for (let count = random.below(3); count > 0; count -= 1) mutateValue(value, random);
  let bytes: Buffer = Buffer.from(JSON.stringify(value));
  for (let count = random.below(4) === 0 ? 1 + random.below(3) : 0; count > 0; count -= 1) {
    bytes = mutateBytes(bytes, random);
  }
  const headers = random.below(12) === 0 ? random.pick(HEADERS) : {};
  return { body: bytes, headers };
}

const AMOUNTS = [0, -1, 99.99, 100, 100.0001, 101, 1e6];

const HEADERS: readonly Record<string, string>[] = [
  { host: "evil.example" },
  { origin: "null" },
  { "content-type": "text/plain" },
  { "content-type": "application/json; charset=utf-16" },
  { "content-encoding": "gzip" },
  { "x-request-id": "\r\nx: y".trim() },
  { "content-length": "1" },
  { "x-forwarded-host": "localhost" },
];

const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  100,
  100.0001,
  101,
  1e21,
  5e-324,
  2 ** 53,
  "",
  " ",
  "0",
  "1",
  "true",
  "null",
  "100",
  "1e3",
  "NaN",
  "allow",
  "\u0000",
  "\u202eadmin",
  "\ufeff",
  "é",
  "e\u0301",
  "😀",
  "x".repeat(300),
  "../..",
  "*",
  [],
  [[]],
  [null],
  [1, "1"],
  ["assistants"],
  {},
  { id: "x" },
  { $ne: null },
  { toString: 1 },
  { length: 1 },
];
const NAMES = [
  "id",
  "kind",
  "agent",
  "Agent",
  "AGENT",
  "tool",
  "args",
  "amount",
  "Amount",
  "extra",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "",
  "id ",
  "verified",
  "approved",
  "decision",
  "attested",
  "\u0000",
  "0",
];

/** Changes one member somewhere below `value`. */
function mutateValue(value: unknown, random: Random): void {
  if (typeof value !== "object" || value === null) return;
  const members = value as Record<string, unknown>;
  const names = Object.keys(members);
  const name = names.length === 0 ? "0" : random.pick(names);
  const member = members[name];
  if (typeof member === "object" && member !== null && random.below(4) > 0) {
    mutateValue(member, random);
    return;
  }
  const added = random.pick(NAMES);
  switch (random.below(5)) {
    case 0:
      delete members[name];
      break;
    case 1:
      Object.defineProperty(members, added, {
        value: structuredClone(random.pick(ODD)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    case 2:
      delete members[name];
      Object.defineProperty(members, added, {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      });
      break;
    default:
      members[name] = structuredClone(random.pick(ODD));
  }
}

const PIECES = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\u0000",
  "\n",
  " ",
  "0",
  "9",
  "e",
  "-",
  ".",
  "\\u0000",
  "\\ud800",
  "null",
  '"agent":{},',
  '"tool":{"name":"x"},',
  '"amount":1,',
  "/**/",
  "\ufeff",
  "1e999",
  "99999999999999999999",
].map((text) => Buffer.from(text));

function mutateBytes(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const until = Math.min(bytes.length, at + random.below(8));
  const [before, cut, after] = [
    bytes.subarray(0, at),
    bytes.subarray(at, until),
    bytes.subarray(until),
  ];
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([before, after]);
    case 1:
      return Buffer.concat([before, cut, cut, after]);
    case 2:
      return Buffer.concat([before, random.pick(PIECES), cut, after]);
    case 3:
      return Buffer.concat([before, Buffer.of(random.below(256)), bytes.subarray(at + 1)]);
    case 4:
      return before;
    default:
      return Buffer.concat([bytes, random.pick(PIECES)]);
  }
}
