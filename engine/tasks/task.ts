/** One task that was granted, from its start to its end (SPEC §16.3). Pure. */
import { spellTime } from "../../lang/scalar/time.ts";
import { type DelegationRefusal, refuseDelegation } from "../identity/cause.ts";
import type { Rest } from "../identity/rest.ts";
import type { TokenUse } from "../identity/revocation.ts";
import type { AcceptedDelegation, VouchedFacts, VouchedHop } from "../identity/vouched.ts";
import { issuedAt } from "../revocations/revocation.ts";
import type { Members } from "./asking.ts";

/** As it is kept: JSON. What ended is never active again; what has expired is told by the clock. */
export interface KeptTask {
  readonly id: string;
  /** As the policy declares it. */
  readonly name: string;
  /** Its SPIFFE ID. */
  readonly identity: string;
  readonly status: "active" | "ended";
  readonly agent: string;
  readonly session: string;
  readonly startedAtMs: number;
  readonly untilMs: number;
  /** Of the grant as it was handed out: no other token is a grant of this task. */
  readonly digest: string;
  /** The decision that allowed it. */
  readonly decision: string;
  /** What was decided on, without tool, tokens and free text. */
  readonly request: Members;
  /** What its tokens came to; missing where hops were asserted. */
  readonly vouched?: AcceptedDelegation;
  /** Of these tokens, what is asked of their issuers at every use. */
  readonly rests: readonly Rest[];
  /** Who handed on to whom, root first, up to the agent, for whom alone the last hop is replaced by the grant's. */
  readonly through: readonly VouchedHop[];
  /** Arguments of the tool that was decided on. */
  readonly args: Members;
  readonly ended?: TaskEnd;
}

export interface TaskEnd {
  readonly by: string;
  readonly because: string;
  readonly atMs: number;
}

export type TaskStatus = KeptTask["status"] | "expired" | "revoked";

/** What was granted on may be revoked later than it was used; `why` says what was. */
export type IsRevoked = (use: TokenUse) => string | undefined;

export function statusOf(task: KeptTask, nowMs: number, isRevoked: IsRevoked): TaskStatus {
  if (task.status === "ended") return "ended";
  if (task.untilMs <= nowMs) return "expired";
  return revokedOf(task, isRevoked) === undefined ? "active" : "revoked";
}

export const TASK_UNKNOWN = refuseDelegation(
  "task_unknown",
  "no task with this grant is kept here",
);

/** Why nothing is called in it any more; `digest` is of the grant that was shown. */
export function refusalOf(
  task: KeptTask | undefined,
  digest: string | undefined,
  nowMs: number,
  isRevoked: IsRevoked,
): DelegationRefusal | undefined {
  if (task === undefined || task.digest !== digest) {
    return TASK_UNKNOWN;
  }
  if (task.status === "ended") return { ok: false, code: "revoked", why: "the task was ended" };
  if (task.untilMs <= nowMs) return refuseDelegation("token_expired", "the task's grant has ended");
  const why = revokedOf(task, isRevoked);
  return why === undefined ? undefined : { ok: false, code: "revoked", why };
}

function revokedOf(task: KeptTask, isRevoked: IsRevoked): string | undefined {
  return usesOf(task)
    .map(isRevoked)
    .find((why) => why !== undefined);
}

/** This run, the task, and each token that it was started with: as old as the oldest hop that they came to. */
function usesOf({ id, name, startedAtMs, through, vouched }: KeptTask): readonly TokenUse[] {
  const parties = [...new Set(through.flatMap(({ from, to }) => [from.id, to.id]))];
  const issued = through.map(({ issued_at: at }) => (at === undefined ? 0 : issuedAt(at)));
  const issuedAtMs = Math.min(...issued);
  const own = { issuer: "", digest: "", parties, issuedAtMs: startedAtMs };
  const shown = vouched?.tokens ?? [];
  const tokens = shown.map(({ type, issuer, digest, twin, id: jti }) => ({
    // A link is of whoever issued what it continues, though another signed it.
    issuer: type === "link" ? (shown[0]?.issuer ?? issuer) : issuer,
    digest,
    ...(twin === undefined ? {} : { twin }),
    parties,
    issuedAtMs,
    ...(jti === undefined ? {} : { id: jti }),
  }));
  return [{ ...own, id }, { ...own, id: name }, ...tokens];
}

/** The whole chain of a call: who handed on up to the agent, the grant in the agent's place, and links behind it. */
export function joinedTo(
  { through, vouched, session }: KeptTask,
  shown: AcceptedDelegation,
): AcceptedDelegation {
  const [grant, ...links] = shown.chain;
  const last = through.at(-1);
  if (grant === undefined || last === undefined || shown.task === undefined) {
    throw new Error("a task is granted by one to another");
  }
  const handed = { ...grant, from: last.from, to: last.to };
  // Kinds were told when it was started, and no link tells them.
  const [next, ...more] = links;
  const behind = next === undefined ? [] : [{ ...next, from: last.to }, ...more];
  return {
    ok: true,
    chain: [...through.slice(0, -1), handed, ...behind],
    agent: links.length === 0 ? { ...doubtOf(vouched), ...shown.agent } : shown.agent,
    principal: vouched?.principal ?? {},
    task: { ...shown.task, session },
    ...(vouched === undefined ? { asserted: true as const } : {}),
    tokens: [...shown.tokens, ...(vouched?.tokens ?? [])],
  };
}

/** That an agent was attested then says nothing of now; that it was not, holds until it shows otherwise. */
function doubtOf(vouched: AcceptedDelegation | undefined): VouchedFacts {
  return vouched?.agent.attested === false ? { attested: false } : {};
}

/** What callers and operators see. */
export interface TaskView {
  readonly id: string;
  readonly task: string;
  readonly identity: string;
  readonly status: TaskStatus;
  readonly agent: string;
  readonly root: string;
  readonly session: string;
  readonly started: string;
  readonly until: string;
  readonly decision: string;
  readonly ended?: { readonly by: string; readonly because: string; readonly at: string };
}

export function viewOf(task: KeptTask, nowMs: number, isRevoked: IsRevoked): TaskView {
  const { id, name, identity, agent, session, startedAtMs, untilMs, decision, ended } = task;
  return {
    id,
    task: name,
    identity,
    status: statusOf(task, nowMs, isRevoked),
    agent,
    root: task.through[0]?.from.id ?? agent,
    session,
    started: spellTime(startedAtMs),
    until: spellTime(untilMs),
    decision,
    ...(ended === undefined
      ? {}
      : { ended: { by: ended.by, because: ended.because, at: spellTime(ended.atMs) } }),
  };
}
