/** Mutated requests: none is a server error, and none that is malformed is allowed. */
import { Ajv2020 } from "ajv/dist/2020.js";
import type { LightMyRequestResponse } from "fastify";
import { expect, test } from "vitest";
import { DECISION_SCHEMA, PROBLEM_SCHEMA, REQUEST_SCHEMA } from "../../../engine/http/schemas.ts";
import { seedFrom } from "../../support/seed.ts";
import { damage } from "./mutate.ts";
import { type Random, randomFrom } from "./random.ts";
import { paymentsEngine, SOUND } from "./sample.ts";
import { type Sent, send, serve } from "./support.ts";

const RUNS = Number(process.env.WRIT_HTTP_RUNS ?? 30_000);
const SEED = seedFrom("WRIT_HTTP_SEED");

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

function mutate(random: Random): Sent {
  const value = structuredClone(SOUND);
  if (random.below(4) === 0) value.tool.args.amount = random.pick(AMOUNTS);
  return damage(value, random);
}

const AMOUNTS = [0, -1, 99.99, 100, 100.0001, 101, 1e6];
