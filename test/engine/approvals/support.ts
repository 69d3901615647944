/** Approvers with keys, and an engine whose holds they decide. */
import type { Approval } from "../../../engine/approvals/approval.ts";
import { Approvals } from "../../../engine/approvals/approvals.ts";
import { type Approvers, readApprovers } from "../../../engine/approvals/approvers.ts";
import { approving } from "../../../engine/approvals/approving.ts";
import { issueStatement, type Statement } from "../../../engine/approvals/statement.ts";
import type { Decision } from "../../../engine/decision.ts";
import type { DecisionService } from "../../../engine/http/service.ts";
import type { Ledger } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { Revocations } from "../../../engine/revocations/revocations.ts";
import { makeKeyPair, readSigningKey, readVerifyingKey } from "../../../engine/signing-key.ts";
import { drive, START } from "../../support/engine.ts";

export type Json = Readonly<Record<string, unknown>>;

export const POLICY = `
tool pay { effect write, args { amount: Decimal } }
counter spend = sum args.amount of allowed pay per principal within 24h
permit paying tool pay when spend + args.amount <= 500.00
oblige noted tool pay with notify "desk"
hold boss tool pay when args.amount > 10.00 until approved by delegation.root within 10m
hold desk tool pay when args.amount > 100.00 until approved by 2 of group "treasury" within 10m
`;

const PEOPLE = {
  alice: ["staff"],
  carol: ["treasury"],
  dave: ["treasury"],
  erin: ["treasury"],
  mallory: ["staff"],
};
export type Person = keyof typeof PEOPLE;

const KEYS = Object.fromEntries([...Object.keys(PEOPLE), "new"].map((id) => [id, makeKeyPair()]));
const ALSO: Readonly<Record<string, readonly string[]>> = { erin: ["planner"] };

export function approversOf(people: readonly Json[]) {
  return readApprovers({ approvers: people }, (id) => readVerifyingKey(KEYS[id]?.publicPem ?? ""));
}

export function keyOf(id: string) {
  const read = readSigningKey(KEYS[id]?.privatePem ?? "");
  if (!read.ok) throw new Error(read.why);
  return read.key;
}

export const PAYMENT = {
  agent: { id: "bot" },
  principal: { id: "alice", kind: "human" },
  delegation: {
    chain: [
      {
        from: { id: "alice", kind: "human" },
        to: "planner",
        scope: ["pay"],
        expires_at: "2026-01-02T13:00:00Z",
      },
      { from: "planner", to: "bot", scope: ["pay"], expires_at: "2026-01-02T13:00:00Z" },
    ],
  },
  tool: { name: "pay", args: { amount: 50 } },
  session: { id: "s" },
};

export const paying = (amount: number): Json => ({
  ...PAYMENT,
  tool: { name: "pay", args: { amount } },
});

export interface Desk {
  nowMs: number;
  /** So far is one clock behind the other. */
  behindMs: number;
  readonly approvals: Approvals;
  readonly revocations: Revocations;
  readonly recorded: string[];
  readonly service: DecisionService;
  ask(request?: Json): Promise<Decision>;
  /** `approve a-81 by carol` → its status, or why not. */
  say(
    verdict: Statement["verdict"],
    held: Decision,
    by: Person,
    more?: Partial<Statement>,
  ): Promise<string>;
  send(verdict: Statement["verdict"], statement: string): Promise<string>;
  sign(held: Decision, by: Person, said: Partial<Statement>): string;
}

export interface DeskParts {
  readonly policy?: string;
  readonly digest?: string;
  /** Of the configured people, by their ids: what is otherwise; `undefined` = who is not there. */
  readonly changed?: Readonly<Record<string, Json | undefined>>;
  /** Instead of these. */
  readonly approvers?: Approvers;
}

export function desk(
  ledger: Ledger = new MemoryLedger(),
  { policy = POLICY, digest = "sha256:test", changed = {}, approvers }: DeskParts = {},
): Desk {
  const people = Object.entries(PEOPLE).flatMap(([id, groups]) => {
    const person = { id, groups, keys: [id], also: ALSO[id] ?? [] };
    return id in changed && changed[id] === undefined ? [] : [{ ...person, ...changed[id] }];
  });
  const read = approversOf(people);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const driver = drive(policy, { digest });
  const now = () => driver.nowMs;
  const revocations = new Revocations({ ledger, now });
  const isRevoked = revocations.reachesApproval.bind(revocations);
  const earliest = () => driver.nowMs - made.behindMs;
  const approvals = new Approvals({
    ledger,
    approvers: approvers ?? read.approvers,
    now,
    earliest,
    isRevoked,
  });
  const recorded: string[] = [];
  const service = approving(driver.engine, {
    approvals,
    policy: () => digest,
    onFault: (fault) => recorded.push(`fault ${fault}`),
  });
  const made: Desk = {
    behindMs: 0,
    approvals,
    revocations,
    recorded,
    service,
    get nowMs() {
      return driver.nowMs;
    },
    set nowMs(ms) {
      driver.nowMs = ms;
    },
    async ask(request = PAYMENT) {
      const answer = await service.decide(request);
      if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
      return answer.value;
    },
    sign: (held, by, said) =>
      issueStatement(
        by,
        {
          approval: held.approval?.id ?? "",
          digest: held.approval?.digest ?? "",
          verdict: "approve",
          issuedAt: driver.nowMs / 1_000,
          ...said,
        },
        keyOf(by),
      ),
    say: (verdict, held, by, more = {}) =>
      made.send(verdict, made.sign(held, by, { verdict, ...more })),
    async send(verdict, statement) {
      const record = async ({ id }: Approval, by: string) =>
        void recorded.push(`${verdict} ${id} ${by}`);
      const taken = await approvals.take(statement, verdict, record);
      return taken.ok ? taken.approval.status : `${taken.problem}: ${taken.why}`;
    },
  };
  driver.nowMs = START;
  return made;
}
