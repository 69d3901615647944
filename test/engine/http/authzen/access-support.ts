/** A service at which approvals can be asked for, its two enforcement points, and the people who approve. */
import { AccessRequests } from "../../../../engine/access/access-requests.ts";
import { createBinder } from "../../../../engine/access/binding.ts";
import { Approvals } from "../../../../engine/approvals/approvals.ts";
import { readApprovers } from "../../../../engine/approvals/approvers.ts";
import { approving } from "../../../../engine/approvals/approving.ts";
import { issueStatement, type Statement } from "../../../../engine/approvals/statement.ts";
import type { Vouched } from "../../../../engine/engine.ts";
import { readMapping, serveAuthzen } from "../../../../engine/http/authzen/index.ts";
import { createCredential } from "../../../../engine/http/index.ts";
import type { JsonValue } from "../../../../engine/json.ts";
import type { Ledger } from "../../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../../engine/ledger/memory.ts";
import { makeKeyPair, readSigningKey, readVerifyingKey } from "../../../../engine/signing-key.ts";
import { drive } from "../../../support/engine.ts";
import { send, serve } from "../support.ts";

export type Json = Readonly<Record<string, unknown>>;

const POLICY = `
tool pay { effect write, args { amount: Decimal } }
tool look { effect read }
environment { frozen: Bool? }
latch looked = completed look per session
permit paying tool pay when args.amount <= 500.00
permit looking tool look
forbid tainted tool pay when looked
forbid frozen tool pay when has environment.frozen and environment.frozen
hold boss tool pay when args.amount > 10.00 until approved by "carol" within 10m
hold second tool pay when args.amount > 100.00 until approved by "dave" within 10m
`;

const MAPPING = {
  policy_decision_point: "https://pdp.example",
  access_requests: {
    key: "access.key",
    enforcement_points: [{ id: "gateway", credential: "gateway.secret" }],
  },
  entities: {
    subjects: ["alice", "bob"].map((id) => ({ type: "user", id })),
    resources: [],
    actions: [],
  },
  requests: [
    {
      request: {
        agent: {
          id: { $from: "subject", path: "/properties/act/sub", else: "bot" },
        },
        principal: { id: { $from: "subject", path: "/id" } },
        session: { id: { $from: "context", path: "/session" } },
        context: { frozen: { $from: "context", path: "/frozen" } },
        tool: {
          name: { $from: "action", path: "/name" },
          args: { amount: { $from: "resource", path: "/properties/amount" } },
        },
      },
    },
  ],
};

export const asking = (amount = 50, more: Json = {}): Json => ({
  subject: { type: "user", id: "alice" },
  action: { name: "pay" },
  resource: { type: "account", id: "a-1", properties: { amount } },
  context: { session: "s", time: "12:00" },
  ...more,
});

export const SECRETS = {
  gateway: "gateway-0123456789abcdefghijklmnopqrstuvwxyzABCDEF",
  other: "another-0123456789abcdefghijklmnopqrstuvwxyzABCDEF",
};
export type Caller = keyof typeof SECRETS;

const PEOPLE = { carol: makeKeyPair(), dave: makeKeyPair() };
const KEY = signing(makeKeyPair().privatePem);

function signing(pem: string) {
  const read = readSigningKey(pem);
  if (!read.ok) throw new Error(read.why);
  return read.key;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // What a test looks into, it says.
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer
  readonly json: any;
}

/** `shared`: with processes of the same service, instead of a memory of its own. */
export function accessDesk(shared?: Ledger) {
  const driver = drive(POLICY);
  const memory = new MemoryLedger();
  const ledger = shared ?? memory;
  const people = Object.keys(PEOPLE).map((id) => ({ id, keys: [id] }));
  const read = readApprovers({ approvers: people }, (id) =>
    readVerifyingKey(PEOPLE[id as keyof typeof PEOPLE].publicPem),
  );
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const at = { policy: "sha256:test", revoked: false, vouched: {} as Vouched, mayRecord: true };
  const recorded: string[] = [];
  const approvals = new Approvals({
    ledger,
    approvers: read.approvers,
    now: () => driver.nowMs,
    earliest: () => driver.nowMs,
    isRevoked: () => at.revoked,
  });
  const policy = () => at.policy;
  const onFault = (fault: unknown) => recorded.push(`fault ${fault}`);
  const engine = approving(driver.engine, { approvals, policy, onFault });
  const service: typeof engine = {
    ...engine,
    decide: (input, vouched) => engine.decide(input, { ...vouched, ...at.vouched }),
  };
  const requests = new AccessRequests({
    ledger,
    approvals,
    policy,
    async record({ action, by, details }) {
      if (!at.mayRecord) throw new Error("no room");
      recorded.push(`${action} ${by} ${details.approval}`);
    },
  });
  const reading = readMapping(MAPPING as unknown as JsonValue);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  const url = "https://pdp.example";
  const enforcementPoints = Object.entries(SECRETS).map(([id, text]) => {
    const made = createCredential(text);
    if (!made.ok) throw new Error(made.why);
    return { id, credential: made.value };
  });
  const binder = createBinder({ key: KEY, issuer: url, audience: `${url}/access/v1/requests` });
  const access = { requests, binder, enforcementPoints };
  const app = serve(service, {
    allowedHosts: ["pdp.example"],
    extend: (one) =>
      serveAuthzen(one, { service, mapping: reading.mapping, access, clock: () => driver.nowMs }),
  });
  const desk = {
    driver,
    ledger: memory,
    approvals,
    requests,
    recorded,
    at,
    app,
    async ask(
      method: string,
      path: string,
      body?: unknown,
      caller: Caller | "nobody" = "gateway",
      headers: Record<string, string | undefined> = {},
    ): Promise<Answered> {
      const authorization = caller === "nobody" ? undefined : `Bearer ${SECRETS[caller]}`;
      const type = body === undefined ? undefined : "application/json";
      const sent = { authorization, "content-type": type, ...headers };
      const response = await send(app, { method, path, body: body ?? "", headers: sent });
      return { status: response.statusCode, headers: response.headers, json: response.json() };
    },
    /** The context of the answer, and its decision. */
    async evaluate(body: Json = asking(), caller: Caller = "gateway") {
      const { status, json } = await desk.ask("POST", "/access/v1/evaluation", body, caller);
      if (status !== 200) throw new Error(JSON.stringify(json));
      return { decision: json.decision, ...json.context };
    },
    /** What a caller that was held sends. */
    submissionOf: (held: Json, body: Json = asking()): Json => {
      const { access_request: requestable, evaluation_id, reason } = held;
      const { expires_at, binding_token } = requestable as Json;
      return { ...body, denial: { evaluation_id, reason, expires_at, binding_token } };
    },
    submit: (body: unknown, key?: string, caller: Caller = "gateway") =>
      desk.ask("POST", "/access/v1/requests", body, caller, { "idempotency-key": key }),
    /** Held, and asked for. */
    async pending(amount = 50, caller: Caller = "gateway") {
      const held = await desk.evaluate(asking(amount), caller);
      const submitted = desk.submissionOf(held, asking(amount));
      const { json } = await desk.submit(submitted, undefined, caller);
      return {
        held,
        submitted,
        task: json.task,
        path: new URL(json.task.status_endpoint).pathname,
      };
    },
    status: (path: string, caller: Caller = "gateway") => desk.ask("GET", path, undefined, caller),
    async say(held: Json, by: keyof typeof PEOPLE, verdict: Statement["verdict"] = "approve") {
      const { id, digest } = (held.writ as { approval: { id: string; digest: string } }).approval;
      const said = { approval: id, digest, verdict, issuedAt: driver.nowMs / 1_000 };
      const statement = issueStatement(by, said, signing(PEOPLE[by].privatePem));
      const taken = await approvals.take(statement, verdict, async () => {});
      return taken.ok ? taken.approval.status : taken.problem;
    },
    /** Asks again, with what the task came to. */
    async again(
      path: string,
      body: Json = asking(),
      caller: Caller = "gateway",
      change: Json = {},
    ) {
      const { json } = await desk.status(path);
      const approval = { ...json.result?.approval, ...change };
      return desk.evaluate({ ...body, context: { ...(body.context as Json), approval } }, caller);
    },
  };
  return desk;
}
