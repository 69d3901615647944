/** Access requests as they are kept: beside approvals, so that every process of a fleet knows them. */
import { createHash, randomBytes } from "node:crypto";
import type { Approval } from "../approvals/approval.ts";
import type { Approvals } from "../approvals/approvals.ts";
import { canonicalJson, requestDigest } from "../canonical-json.ts";
import { equalSecrets } from "../equal-secrets.ts";
import { parseJsonText } from "../json-text.ts";
import type { Kept, Ledger, LedgerEntry } from "../ledger/ledger.ts";
import { isObject } from "../value-reader.ts";
import {
  type AccessRequest,
  type ApprovalReference,
  type Ended,
  endedBy,
  referenceTo,
  type Standing,
  TASK_PREFIX,
  taskOf,
} from "./access-request.ts";

export interface AccessRequestsParts {
  readonly ledger: Ledger;
  readonly approvals: Approvals;
  /** Digest of the policy in force. */
  readonly policy: () => string | undefined;
  /** Resolves once it is recorded; missing = nothing is recorded. */
  readonly record?: ((action: RecordedAction) => Promise<void>) | undefined;
}

export interface RecordedAction {
  readonly action: "access_request.submit" | "access_request.cancel";
  readonly by: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Submission {
  readonly caller: string;
  /** Two of one caller with one key are one submission, or a mistake. */
  readonly key: string;
  /** Digest of the body. */
  readonly body: string;
  readonly evaluation: string;
  readonly approval: string;
  readonly digest: string;
}

export type Submitted =
  | { readonly kind: "taken"; readonly request: AccessRequest }
  | { readonly kind: "duplicate" | "not_requestable" | "full" };

/** After its end a task is told of for an hour, and its key remembered for a day (ARAP, Access Request Submission). */
export const TOLD_MS = 3_600_000;
const REMEMBERED_MS = 86_400_000;

/** Kept of one enforcement point: one that does not stop asking must leave room for others. */
const MOST_EACH = 5_000;

/** Characters of base64url of 128 bits. */
const PART = 22;

/** Whether an approval may be used that an evaluation names, or why not. */
export type Reference =
  | { readonly ok: true; readonly approval: string; readonly reference: ApprovalReference }
  | { readonly ok: false; readonly reason: ReferenceFault };
export type ReferenceFault = "approval_expired" | "out_of_scope" | "approval_unverifiable";

export class AccessRequests {
  readonly #parts: AccessRequestsParts;

  constructor(parts: AccessRequestsParts) {
    this.#parts = parts;
  }

  now(): number {
    return this.#parts.approvals.now();
  }

  /** What was submitted with this key, whatever came of it since; `undefined` where nothing was. */
  known(given: Pick<Submission, "caller" | "key" | "body">): Submitted | undefined {
    const known = this.#at(placeOf(given.caller, given.key));
    return known && repeated(known.request, given);
  }

  /** Recorded before it is kept; the same again is the one there is. */
  async submit(given: Submission): Promise<Submitted> {
    const place = placeOf(given.caller, given.key);
    const known = this.known(given);
    if (known !== undefined) return known;
    const opened = this.#open(place, given);
    if (opened === undefined) return { kind: "not_requestable" };
    if (this.#countOf(given.caller) >= MOST_EACH) return { kind: "full" };
    await this.#record("access_request.submit", opened);
    const kept = await this.#put(place, undefined, opened);
    if (kept === "kept") return { kind: "taken", request: opened };
    const other = kept === "changed" ? this.#at(place) : undefined;
    return other === undefined ? { kind: "full" } : repeated(other.request, given);
  }

  /** What is not known here may have been said to another process, a moment ago. */
  async catchUp(): Promise<void> {
    await this.#parts.ledger.refresh?.();
  }

  /** Of this caller; to every other there is none of that name. */
  find(id: string, caller: string): AccessRequest | undefined {
    const found = this.#at(id.slice(TASK_PREFIX.length, TASK_PREFIX.length + PART));
    if (found === undefined || !equalSecrets(found.request.id, id)) return undefined;
    return found.request.caller === caller ? found.request : undefined;
  }

  /** `undefined` while it waits. What was told once is kept, so that it is told for good. */
  async ended(request: AccessRequest): Promise<Ended | undefined> {
    const ended = endedBy(request, this.#standing(request), this.now());
    if (ended === undefined || request.ended !== undefined) return ended;
    return this.#end(request, ended);
  }

  /** `false`: it has ended otherwise. Nobody is asked any more, unless others wait for the same approval. */
  async cancel(request: AccessRequest): Promise<boolean> {
    if ((await this.ended(request)) !== undefined) return false;
    await this.#record("access_request.cancel", request);
    if (!this.#isSharedBy(request)) {
      const { digest, approval } = request;
      if (!(await this.#parts.approvals.withdraw(digest, approval))) return false;
    }
    const { status } = await this.#end(request, { status: "cancelled" });
    await this.#withdrawIfLast(request);
    return status === "cancelled";
  }

  /** Two that are cancelled at once leave the approval to each other: whoever ends last sees that nobody waits. */
  async #withdrawIfLast(request: AccessRequest): Promise<void> {
    const { digest, approval } = request;
    await this.catchUp();
    if (!this.#isSharedBy(request)) await this.#parts.approvals.withdraw(digest, approval);
  }

  /** What a caller presents as its approval of this very request; it must be as it was handed out. */
  async judge(presented: unknown, caller: string, input: unknown): Promise<Reference> {
    const id = isObject(presented) ? presented.id : undefined;
    const task = typeof id === "string" ? taskOf(id) : undefined;
    if (task === undefined) return fault("approval_unverifiable");
    const found = (await this.#approved(task, caller)) ?? (await this.#approvedBy(task, caller));
    if (found === undefined) return fault("approval_unverifiable");
    const { request, ended } = found;
    const reference = referenceTo(request, ended.approvedAtMs);
    if (canonicalJson(presented) !== canonicalJson(reference))
      return fault("approval_unverifiable");
    const { approval, isRevoked } = this.#standing(request);
    const { policy } = this.#parts;
    const isLost = approval?.id !== request.approval || approval.status !== "approved";
    if (isLost || isRevoked || request.untilMs <= this.now()) return fault("approval_expired");
    if (requestDigest(input, policy() ?? "") === request.digest) {
      return { ok: true, approval: approval.id, reference };
    }
    const wasSame = requestDigest(input, approval.policy.digest) === request.digest;
    return fault(wasSame ? "approval_expired" : "out_of_scope");
  }

  /** The approval that a hold opened, while something can come of it. */
  approvalOf(digest: string, id: string): Approval | undefined {
    const { approvals } = this.#parts;
    const approval = approvals.ofDigest(digest);
    if (approval?.id !== id || approval.untilMs <= this.now()) return undefined;
    const isOver = approval.status === "used" || approval.status === "withdrawn";
    return isOver || approvals.isRevoked(approval) ? undefined : approval;
  }

  async #approved(task: string, caller: string) {
    const request = this.find(task, caller);
    const ended = request && (await this.ended(request));
    return request !== undefined && ended?.status === "approved" ? { request, ended } : undefined;
  }

  /** Once all is here. */
  async #approvedBy(task: string, caller: string) {
    await this.catchUp();
    return this.#approved(task, caller);
  }

  #open(place: string, { key: _, ...given }: Submission): AccessRequest | undefined {
    const approval = this.approvalOf(given.digest, given.approval);
    if (approval === undefined) return undefined;
    return {
      ...given,
      id: `${TASK_PREFIX}${place}${randomBytes(16).toString("base64url")}`,
      openedAtMs: this.now(),
      untilMs: approval.untilMs,
    };
  }

  #standing({ digest }: AccessRequest): Standing {
    const { approvals } = this.#parts;
    const approval = approvals.ofDigest(digest);
    return { approval, isRevoked: approval !== undefined && approvals.isRevoked(approval) };
  }

  async #end(request: AccessRequest, ended: Ended): Promise<Ended> {
    const place = request.id.slice(TASK_PREFIX.length, TASK_PREFIX.length + PART);
    const was = this.#at(place);
    if (was?.request.ended !== undefined) return was.request.ended;
    await this.#put(place, was?.entry, { ...request, ended });
    // Where another process was faster, what it told counts.
    return this.#at(place)?.request.ended ?? ended;
  }

  #isSharedBy({ id, approval }: AccessRequest): boolean {
    for (const [, { text }] of this.#parts.ledger.entries("request")) {
      if (!text.includes(approval)) continue;
      const other = parseJsonText(text) as AccessRequest;
      if (other.approval === approval && other.id !== id && other.ended === undefined) return true;
    }
    return false;
  }

  #countOf(caller: string): number {
    const named = `"caller":${JSON.stringify(caller)}`;
    let count = 0;
    for (const [, { text }] of this.#parts.ledger.entries("request")) {
      if (text.includes(named)) count += 1;
    }
    return count;
  }

  #at(place: string): { request: AccessRequest; entry: LedgerEntry } | undefined {
    const entry = this.#parts.ledger.get("request", place);
    return entry && { request: parseJsonText(entry.text) as AccessRequest, entry };
  }

  async #put(id: string, was: LedgerEntry | undefined, request: AccessRequest): Promise<Kept> {
    const untilMs = request.untilMs + REMEMBERED_MS;
    const next = { text: JSON.stringify(request), untilMs };
    return await this.#parts.ledger.put({ kind: "request", id, was, next, nowMs: this.now() });
  }

  async #record(action: RecordedAction["action"], request: AccessRequest): Promise<void> {
    const { id, caller, evaluation, approval, digest } = request;
    const details = { task: id, evaluation, approval, request: digest };
    await this.#parts.record?.({ action, by: caller, details });
  }
}

function repeated(known: AccessRequest, { body }: Pick<Submission, "body">): Submitted {
  return known.body === body ? { kind: "taken", request: known } : { kind: "duplicate" };
}

function fault(reason: ReferenceFault): Reference {
  return { ok: false, reason };
}

/** Two processes that are sent one submission at once keep it in one place. */
function placeOf(caller: string, key: string): string {
  const digest = createHash("sha256")
    .update(canonicalJson([caller, key]))
    .digest();
  return digest.subarray(0, 16).toString("base64url");
}
