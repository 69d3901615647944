/** A service that grants tasks, as tests make it: with a clock and a ledger of the test's. */
import { concluding } from "../../../engine/conclude.ts";
import type { Decision } from "../../../engine/decision.ts";
import type { DecisionService } from "../../../engine/http/service.ts";
import { readIdentityConfig } from "../../../engine/identity/config.ts";
import { createIdentity } from "../../../engine/identity/identity.ts";
import { issueLink, publicJwk } from "../../../engine/identity/issue.ts";
import { openIssuers } from "../../../engine/identity/open.ts";
import { identified } from "../../../engine/identity/service.ts";
import { digestOfToken } from "../../../engine/identity/token.ts";
import type { Ledger } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { revocable } from "../../../engine/revocations/revocable.ts";
import { Revocations } from "../../../engine/revocations/revocations.ts";
import { makeKeyPair, readSigningKey, type SigningKey } from "../../../engine/signing-key.ts";
import type { Statuses } from "../../../engine/status/statuses.ts";
import { granted } from "../../../engine/tasks/granted.ts";
import { createTaskService, endingOf, type TaskService } from "../../../engine/tasks/service.ts";
import type { GrantView, Started } from "../../../engine/tasks/start.ts";
import { Tasks } from "../../../engine/tasks/tasks.ts";
import type { Program } from "../../../lang/ir.ts";
import { drive, outcomeOf, programOf, START } from "../../support/engine.ts";
import { configOf, type Json } from "../../support/identity.ts";

export const POLICY = `
package example.tasks
purpose payments, payments.refunds, support
tool start_task named "writ:start_task", continue_task named "writ:continue_task" {
  effect execute,
  args {
    task: String,
    lasts: Duration,
    depth: Int,
    holder: String,
    scope: Set<String>,
    tools: Set<String>?,
    bounds: Any?,
  },
}
tool look { effect read }
tool pay { effect write, args { amount: Decimal }, scope "pay" }
tool mail { effect send, scope "mail" }
counter started = count allowed start_task per agent within 1h
counter paid = sum args.amount of allowed pay per principal
task pay_invoice {
  purpose payments
  sequence look*, pay{0,2}
  limit calls <= 4, paid <= 10.00
}
task answer_mail { sequence mail }
task roam { purpose support }
permit starting
  tool start_task, continue_task
  when args.task in ["pay_invoice", "answer_mail"] and args.lasts <= 15m and agent.trust >= 0.70
  when delegation.root is not autonomous
forbid often
  tool start_task
  when started >= 20
permit working tool look, pay, mail
`;

export const DOMAIN = "spiffe://acme.example";

export function keyOf(): SigningKey {
  const read = readSigningKey(makeKeyPair().privatePem);
  if (!read.ok) throw new Error(read.why);
  return read.key;
}

export interface Rig {
  readonly tasks: TaskService;
  readonly service: DecisionService;
  readonly revocations: Revocations;
  readonly records: readonly Json[];
  readonly faults: readonly unknown[];
  nowMs: number;
  program: Program;
  /** What `POST /tasks` answers; the body is `asking` with `more` over it. */
  start(more?: Json): Promise<Started>;
  /** Of one that must be allowed. */
  grant(more?: Json): Promise<GrantView>;
  /** `allow`, or why not; an allowed call is reported `ok`. */
  ask(tokens: readonly string[], tool: string, more?: Json): Promise<string>;
  decide(tokens: readonly string[], tool: string, more?: Json): Promise<Decision>;
}

export interface RigParts {
  readonly ledger?: Ledger;
  readonly policy?: string;
  readonly key?: SigningKey;
  readonly issuers?: readonly Json[];
  readonly engine?: DecisionService;
  readonly statuses?: Statuses;
  readonly record?: (action: Json) => Promise<void>;
  /** What records and counts. */
  readonly around?: (service: DecisionService) => DecisionService;
}

/** The agent's. */
export const holder = keyOf();
const granter = { name: DOMAIN, key: keyOf() };

export function asking(more: Json = {}): Json {
  return {
    agent: { id: "bot", trust: 0.9 },
    principal: { id: "alice", kind: "human" },
    session: { id: "s" },
    intent: { task: "pay_invoice" },
    grant: { key: publicJwk(holder.verifying), lasts: "10m", depth: 2 },
    ...more,
  };
}

export const grantOf = (more: Json): Json => ({
  grant: { key: publicJwk(holder.verifying), lasts: "10m", depth: 2, ...more },
});

/** What an operator tells of an agent. */
export const told = (id: string, trust?: number) => ({
  agent: { id, ...(trust !== undefined && { trust }) },
  operator: "ann",
  because: "odd calls",
});

export async function rigOf(parts: RigParts = {}): Promise<Rig> {
  const { ledger = new MemoryLedger(), issuers = [] } = parts;
  const driver = drive(parts.policy ?? POLICY);
  const engine = parts.engine ?? driver.engine;
  const now = () => driver.nowMs;
  const revocations = new Revocations({ ledger, now });
  const tasks = new Tasks({ ledger, now, isRevoked: (use) => revocations.revoked(use) });
  const [records, faults]: [Json[], unknown[]] = [[], []];
  const record = parts.record ?? (async (action: Json) => void records.push(action));
  const end = endingOf(tasks, (action) => record(action as unknown as Json));
  const onFault = (fault: unknown) => void faults.push(fault);
  const own = issuerOf(parts.key ?? granter.key);
  const configs = [...(issuers.length > 0 ? configOf(issuers) : []), ...own];
  const opened = await openIssuers(configs, { directory: "/", elapsedMs: () => 0, onFault });
  const identity = createIdentity({
    issuers: opened,
    clock: now,
    revocations,
    tasks: true,
    ...(parts.statuses && { statuses: parts.statuses }),
  });
  const within = granted(engine, {
    tasks,
    identity,
    onFault,
    end: async (id, because) => void (await end(id, { by: "writ", because })),
  });
  const { around = (one: DecisionService) => one } = parts;
  const decided = around(concluding(revocable(within, revocations)));
  const service = identified(decided, { identity, onFault });
  const rig: Rig = {
    service,
    revocations,
    records,
    faults,
    program: programOf(parts.policy ?? POLICY),
    get nowMs() {
      return driver.nowMs;
    },
    set nowMs(ms: number) {
      driver.nowMs = ms;
    },
    tasks: createTaskService({
      granter: { ...granter, key: parts.key ?? granter.key },
      tasks,
      service,
      identity,
      end,
      onFault,
      record: (action) => record(action as unknown as Json),
      policy: () => ({ program: rig.program, digest: "sha256:test" }),
    }),
    async start(more) {
      const answer = await rig.tasks.start(definite(asking(more)));
      if (answer.kind === "answer") return answer.value;
      throw new Error(JSON.stringify(answer));
    },
    async grant(more) {
      const started = await rig.start(more);
      if (started.grant === undefined) throw new Error(JSON.stringify(started));
      return started.grant;
    },
    async decide(tokens, tool, more = {}) {
      const request = {
        agent: { id: "bot", trust: 0.9 },
        session: { id: "s" },
        delegation: { tokens },
        tool: { name: tool, ...(tool === "pay" ? { args: { amount: 5 } } : {}) },
        ...more,
      };
      const answer = await service.decide(definite(request));
      if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
      return answer.value;
    },
    async ask(tokens, tool, more) {
      const decision = await rig.decide(tokens, tool, more);
      if (decision.call !== undefined) await service.outcome({ call: decision.call, status: "ok" });
      return decision.cause ?? outcomeOf(decision);
    },
  };
  return rig;
}

/** As it is sent: without what is `undefined`. */
export function definite(json: Json): Json {
  return JSON.parse(JSON.stringify(json));
}

function issuerOf(key: SigningKey) {
  const keys = { jwks: { keys: [publicJwk(key.verifying)] } };
  const issuer = { type: "link", issuer: DOMAIN, algorithms: ["Ed25519"], roots: ["*"], keys };
  const read = readIdentityConfig({ audience: DOMAIN, issuers: [issuer] });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.issuers;
}

/** A link behind the last of `tokens`, by whoever holds that. */
export function handedOn(
  tokens: readonly string[],
  to: string,
  by: SigningKey = holder,
  more: Json = {},
): { readonly tokens: readonly string[]; readonly key: SigningKey } {
  const key = keyOf();
  const parent = digestOfToken(tokens.at(-1) ?? "");
  const link = issueLink(
    {
      origin: { parent },
      from: "bot",
      to,
      scope: ["pay"],
      audience: [DOMAIN],
      issuedAtMs: START,
      expiresAtMs: START + 60_000,
      depth: 0,
      holder: key.verifying,
      id: `link-${to}`,
      ...more,
    },
    by,
  );
  return { tokens: [...tokens, link], key };
}
