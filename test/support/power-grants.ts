/**
 * Approvals, tokens of single use and tasks at work on a ledger, and what must be there of them after the loss of power.
 * What each line says was answered:
 *
 *   approval DIGEST ID STATUS  it stands so
 *   token ID                   it was used
 *   task ID                    its grant was handed out
 *   task-end ID                it has ended
 */
import { expect } from "vitest";
import type { Approval } from "../../engine/approvals/approval.ts";
import { Approvals } from "../../engine/approvals/approvals.ts";
import { readApprovers } from "../../engine/approvals/approvers.ts";
import { issueStatement } from "../../engine/approvals/statement.ts";
import type { OperatorAction } from "../../engine/audit/record.ts";
import type { Decision } from "../../engine/decision.ts";
import { usedOnce } from "../../engine/identity/once.ts";
import type { AcceptedDelegation } from "../../engine/identity/vouched.ts";
import type { Ledger } from "../../engine/ledger/ledger.ts";
import { makeKeyPair, readSigningKey, readVerifyingKey } from "../../engine/signing-key.ts";
import type { KeptTask } from "../../engine/tasks/task.ts";
import { Tasks } from "../../engine/tasks/tasks.ts";

/** An hour: nothing ends meanwhile. */
const LASTS_MS = 3_600_000;
const POLICY = { package: "journalled", digest: "sha256:test" };

export interface Working {
  readonly ledger: Ledger;
  readonly say: (what: string, whom: string) => void;
  readonly record: (action: OperatorAction) => Promise<void>;
}

/** Each turn opens an approval, and takes some of them further; `name` is of the turn alone. */
export function grantsAtWork({ ledger, say, record }: Working): (name: string) => Promise<void> {
  const pair = makeKeyPair();
  const key = readSigningKey(pair.privatePem);
  const people = { approvers: [{ id: "carol", keys: ["carol"] }] };
  const read = readApprovers(people, () => readVerifyingKey(pair.publicPem));
  if (!key.ok || !read.ok) throw new Error("the approver is none");
  const { approvers } = read;
  const approvals = new Approvals({ ledger, approvers, now: Date.now, earliest: Date.now });
  const tasks = new Tasks({ ledger, now: Date.now, isRevoked: () => undefined });
  const stands = ({ digest, id, status }: Approval) => say("approval", `${digest} ${id} ${status}`);

  const approve = async ({ id, digest }: Approval) => {
    const issuedAt = Math.floor(Date.now() / 1_000);
    const said = { approval: id, digest, verdict: "approve", issuedAt } as const;
    const statement = issueStatement("carol", said, key.key);
    const taken = await approvals.take(statement, "approve", async ({ status }, by) =>
      record({ action: "approval.approve", by, details: { approval: id, status } }),
    );
    if (!taken.ok) throw new Error(taken.why);
    stands(taken.approval);
  };
  const useOf = async (digest: string) => {
    const entry = ledger.get("approval", digest);
    const approval = approvals.ofDigest(digest);
    const used = entry && approval && (await approvals.use({ approval, entry }));
    if (used === undefined) throw new Error("it was not used");
    stands(used.approval);
  };
  const token = async (name: string) => {
    const delegation = onceDelegation(name);
    const answer = await usedOnce(ALLOWING, { ledger, now: Date.now, onFault }).decide(
      {},
      { delegation },
    );
    if (answer.kind === "answer" && answer.value.decision === "allow") say("token", name);
  };
  const task = async (name: string, ends: boolean) => {
    if ((await tasks.open(taskOf(name))) !== "kept") throw new Error("it was not kept");
    await record({ action: "task.start", by: "bot", details: { task: name } });
    say("task", name);
    if (!ends) return;
    await tasks.end(name, { by: "op", because: "over" });
    say("task-end", name);
  };
  let turns = 0;
  return async (name) => {
    const turn = turns++;
    const opened = await approvals.open(heldAs(name), { agent: { id: `bot-${name}` } });
    if (opened === undefined) throw new Error("there is no room");
    stands(opened);
    if (turn % 3 > 0) await approve(opened);
    if (turn % 3 > 1) await useOf(opened.digest);
    if (turn % 2 === 0) await token(name);
    if (turn % 2 === 1) await task(name, turn % 4 === 1);
  };
}

function onFault(fault: unknown): never {
  throw fault;
}

const ALLOWED: Decision = {
  decision: "allow",
  id: "d",
  reasons: [],
  obligations: [],
  policy: POLICY,
};
const ALLOWING = {
  decide: () => ({ kind: "answer", value: ALLOWED }) as const,
  outcome: () => ({ kind: "unknown_call", because: "it is none" }) as const,
  readiness: () => ({ ready: true }) as const,
};

function heldAs(name: string): Decision {
  const until = new Date(Date.now() + LASTS_MS).toISOString();
  const by = [{ party: "carol", count: 1, rule: "held" }];
  const approval = { by, except: [], digest: `sha256:${name}`, until };
  return { ...ALLOWED, decision: "hold", approval };
}

function onceDelegation(id: string): AcceptedDelegation {
  const once_until = new Date(Date.now() + LASTS_MS).toISOString();
  const named = { type: "link", issuer: "https://idp", subject: "alice", id, digest: id } as const;
  const tokens = [{ ...named, once_until }];
  return { ok: true, chain: [], agent: {}, principal: {}, tokens };
}

function taskOf(id: string): KeptTask {
  const startedAtMs = Date.now();
  return {
    ...{ id, name: "errand", identity: `spiffe://test/task/${id}`, status: "active" },
    ...{ agent: `bot-${id}`, session: "s", startedAtMs, untilMs: startedAtMs + LASTS_MS },
    ...{ digest: id, decision: "d", request: {}, rests: [], through: [], args: {} },
  };
}

export interface GrantsAnswered {
  /** By digest: the latest, and how it stood at least. */
  readonly approvals: Map<string, { readonly id: string; readonly status: string }>;
  readonly tokens: Set<string>;
  readonly tasks: Map<string, "active" | "ended">;
}

export function noGrantsAnswered(): GrantsAnswered {
  return { approvals: new Map(), tokens: new Set(), tasks: new Map() };
}

export function noteGrant(line: string, { approvals, tokens, tasks }: GrantsAnswered): void {
  const [what, whom = "", id = "", status = ""] = line.split(" ");
  if (what === "approval") approvals.set(whom, { id, status });
  if (what === "token") tokens.add(whom);
  if (what === "task") tasks.set(whom, "active");
  if (what === "task-end") tasks.set(whom, "ended");
}

const STEPS = ["pending", "approved", "used"];

/** Whether the ledger has it: an approval may have gone further than was answered, and never back. */
export function checkGrantsKept(
  ledger: Ledger,
  { approvals, tokens, tasks }: GrantsAnswered,
): void {
  const kept = (kind: "approval" | "task", id: string) =>
    JSON.parse(ledger.get(kind, id)?.text ?? "{}");
  for (const [digest, { id, status }] of approvals) {
    const found = kept("approval", digest);
    expect(found.id, digest).toBe(id);
    expect(STEPS.indexOf(found.status), digest).toBeGreaterThanOrEqual(STEPS.indexOf(status));
  }
  for (const id of tokens) {
    const key = JSON.stringify(["https://idp", id]);
    expect(ledger.get("use", key)?.text, id).toBe("used");
  }
  for (const [id, status] of tasks) {
    const found = kept("task", id);
    if (status === "ended") expect(found.status, id).toBe("ended");
    else expect(found.id, id).toBe(id);
  }
}

/** Ids of approvals of which the ledger says that somebody approved them. */
export function approvedIn(ledger: Ledger): readonly string[] {
  return [...ledger.entries("approval")].flatMap(([, { text }]) => {
    const { id, verdicts } = JSON.parse(text) as Approval;
    return verdicts.length > 0 ? [id] : [];
  });
}
