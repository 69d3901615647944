/** Approvals as they are kept: opened by a hold, decided by people, used once. */
import { requestDigest } from "../canonical-json.ts";
import type { Decision } from "../decision.ts";
import type { VouchedDelegation } from "../identity/vouched.ts";
import { parseJsonText } from "../json-text.ts";
import type { Kept, Ledger, LedgerEntry } from "../ledger/ledger.ts";
import {
  type Approval,
  type ApprovalStatus,
  refuseTaking,
  revokedUnless,
  statusAt,
  type Taken,
  takeVerdict,
} from "./approval.ts";
import { type Approvers, isStillBy } from "./approvers.ts";
import type { ApprovalFact } from "./fact.ts";
import { openedBy, shownBy, widened } from "./opening.ts";
import { type Statement, type StatementReading, verifyStatement } from "./statement.ts";
import { Waiting } from "./waiting.ts";

export interface ApprovalsParts {
  readonly ledger: Ledger;
  readonly approvers: Approvers;
  /** Milliseconds since the Unix epoch, by the later of the clocks there are: nothing lives longer than it should. */
  readonly now: () => number;
  /** The same by the earlier of them: what has not begun by either has not. */
  readonly earliest: () => number;
  /** Whether it was opened, or somebody said something of it, at a time that was taken back since. */
  readonly isRevoked?: (approval: Standing) => boolean;
}

/** What revocations are asked of. */
type Standing = Pick<Approval, "request" | "openedAtMs" | "verdicts" | "except">;

export interface Found {
  readonly approval: Approval;
  readonly entry: LedgerEntry;
}

/** A statement that was verified. */
type Said = Extract<StatementReading, { ok: true }>;

/** An agent whose calls nobody looks at must not fill the list of all, nor all that it hands on to, which costs nothing. */
const OPEN_MOST_EACH = 100;
const OPEN_MOST_THROUGH = 1_000;

/** Times that a change is tried again which another process was faster with. */
const TRIES = 5;

export class Approvals {
  readonly #parts: ApprovalsParts;
  readonly #waiting = new Waiting();

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
    const { ledger } = parts;
    const learn = (digest: string) => this.#waiting.set(digest, this.ofDigest(digest));
    for (const [digest] of ledger.entries("approval")) learn(digest);
    ledger.watch("approval", learn);
  }

  now(): number {
    return this.#parts.now();
  }

  /** So many of them, and how many there are: no more are read, each with its request, than are shown. */
  newest(
    most: number,
    status?: ApprovalStatus,
  ): { readonly approvals: readonly Approval[]; readonly count: number } {
    const digests = this.#waiting.newest(status, (one) => this.statusOf(one));
    const shown = digests.slice(0, most);
    return { approvals: shown.flatMap((one) => this.ofDigest(one) ?? []), count: digests.length };
  }

  /** How many people may approve. */
  get approverCount(): number {
    return this.#parts.approvers.count;
  }

  /** With what was revoked since. */
  statusOf(approval: Standing & Pick<Approval, "status" | "untilMs">): ApprovalStatus {
    return revokedUnless(statusAt(approval, this.now()), () => this.isRevoked(approval));
  }

  /** One that another process opened a moment ago is asked for. Rejects where it cannot be. */
  async lookUp(id: string): Promise<Approval | undefined> {
    await this.#catchUp(id);
    return this.byId(id);
  }

  async #catchUp(id: string): Promise<void> {
    if (this.#waiting.digestOf(id) === undefined) await this.#parts.ledger.refresh?.();
  }

  byId(id: string): Approval | undefined {
    const digest = this.#waiting.digestOf(id);
    return digest === undefined ? undefined : this.ofDigest(digest);
  }

  /** The last one of this exact request under this exact policy, whatever became of it. */
  ofDigest(digest: string): Approval | undefined {
    const entry = this.#parts.ledger.get("approval", digest);
    return entry && read(entry);
  }

  /** Nobody is asked any more, and who approves it now is refused; `false` where it waits no longer. */
  async withdraw(digest: string, id: string): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = this.#parts.ledger.get("approval", digest);
      const known = was && read(was);
      if (known?.id !== id || known.status !== "pending") return false;
      const kept = await this.#put(digest, was, this.#entry({ ...known, status: "withdrawn" }));
      if (kept === "kept") return true;
    }
    throw new Error("others change it all the time");
  }

  /** Approved, not used, not ended: of this request under this policy. Costs a digest where there is any approval. */
  approvedOf(input: unknown, policy: string | undefined): Found | undefined {
    const { ledger } = this.#parts;
    const [any] = ledger.entries("approval");
    if (any === undefined || policy === undefined) return undefined;
    const entry = ledger.get("approval", requestDigest(input, policy));
    if (entry === undefined) return undefined;
    const approval = read(entry);
    return this.statusOf(approval) === "approved" ? { approval, entry } : undefined;
  }

  /** Takes it out of use before anybody decides on it: `undefined` where somebody else has. */
  async use({ approval, entry }: Found): Promise<Found | undefined> {
    const used: Approval = { ...approval, status: "used" };
    const next = this.#entry(used);
    const kept = await this.#put(approval.digest, entry, next);
    return kept === "kept" ? { approval: used, entry: next } : undefined;
  }

  /**
   * Nothing was allowed on it after all. What the same request opened meanwhile makes way, unless people have approved
   * or refused that by now. Rejects where it stays used.
   */
  async giveBack({ approval, entry }: Found): Promise<void> {
    const { digest } = approval;
    let was: LedgerEntry | undefined = entry;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const kept = await this.#put(digest, was, this.#entry({ ...approval, status: "approved" }));
      if (kept === "kept") return;
      if (kept === "full") throw new Error("there is no room to give an approval back");
      was = this.#parts.ledger.get("approval", digest);
      if (was !== undefined && this.#isDecided(read(was))) return;
    }
    throw new Error("others change it all the time");
  }

  #isDecided(approval: Approval): boolean {
    const status = this.statusOf(approval);
    return status === "refused" || status === "approved";
  }

  /**
   * The approval that a hold waits for: the one there is of this very request, or a new one. `undefined` where
   * there is no room for it, or nobody who might approve it: then nobody is asked.
   */
  async open(
    held: Decision,
    input: unknown,
    delegation?: VouchedDelegation,
  ): Promise<Approval | undefined> {
    const { ledger, approvers } = this.#parts;
    const { approval: wanted } = held;
    if (wanted === undefined || approvers.count === 0) return undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = ledger.get("approval", wanted.digest);
      const known = was && read(was);
      const standing = known !== undefined && this.#stands(known) ? known : undefined;
      const opened = standing
        ? widened(standing, wanted)
        : { ...openedBy(held, wanted, input, this.now()), ...shownBy(delegation) };
      if (opened === standing) return standing;
      if (was === undefined && this.#hasMany(opened)) return undefined;
      const kept = await this.#put(wanted.digest, was, this.#entry(opened));
      if (kept === "kept") return opened;
      if (kept === "full") return undefined;
    }
    return undefined;
  }

  /** What a statement says of it, once it is verified; `recorded` is awaited before it is kept. */
  async take(
    token: string,
    verdict: Statement["verdict"],
    recorded: (approval: Approval, by: string) => Promise<void>,
  ): Promise<Taken> {
    const { approvers, earliest } = this.#parts;
    const times = { latestMs: this.now(), earliestMs: earliest() };
    const verified = await verifyStatement(token, approvers, times);
    if (!verified.ok) return refuseTaking("approval_refused", `the statement: ${verified.why}`);
    const { approver, statement } = verified;
    if (statement.verdict !== verdict) {
      return refuseTaking("approval_refused", `the statement says \`${statement.verdict}\``);
    }
    await this.#catchUp(statement.approval);
    return this.#keep(verified, token, async (approval) => recorded(approval, approver.id));
  }

  async #keep(
    said: Said,
    token: string,
    recorded: (approval: Approval) => Promise<void>,
  ): Promise<Taken> {
    let recordedAs: Approval["status"] | undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = this.#parts.ledger.get("approval", said.statement.digest);
      const known = was && read(was);
      const taken = this.#judge(known, said, token);
      const is = taken.ok ? taken.approval : known;
      // Where others were faster, the last record says what became of it.
      const isRecorded = taken.ok || recordedAs !== undefined;
      if (isRecorded && is?.id === said.statement.approval && is.status !== recordedAs) {
        await recorded(is);
        recordedAs = is.status;
      }
      if (!taken.ok) return taken;
      const kept = await this.#put(taken.approval.digest, was, this.#entry(taken.approval));
      if (kept === "kept") return taken;
    }
    throw new Error("others change it all the time");
  }

  /** What becomes of it by this statement, or why nothing does. */
  #judge(known: Approval | undefined, { approver, statement }: Said, token: string): Taken {
    if (known === undefined || known.id !== statement.approval) {
      return refuseTaking("unknown_approval", "there is no such approval of such a request");
    }
    if (this.isRevoked(known)) return refuseTaking("approval_closed", "it was revoked");
    const { id: by, also, groups } = approver;
    const { verdict, because, issuedAt } = statement;
    const nowMs = this.now();
    const given = {
      by,
      also,
      groups,
      verdict,
      atMs: nowMs,
      statement: token,
      ...(because === undefined ? {} : { because }),
    };
    const signed = { ...given, atMs: Math.min(issuedAt * 1_000, nowMs) };
    if (this.#parts.isRevoked?.({ ...known, verdicts: [signed] }) === true) {
      return refuseTaking("approval_refused", `${by} was revoked`);
    }
    return takeVerdict(known, given, nowMs);
  }

  /**
   * Whether it was opened, or somebody said something of it, at a time that was taken back since; or somebody approved
   * it who may not any more.
   */
  isRevoked(approval: Standing): boolean {
    const { isRevoked, approvers } = this.#parts;
    if (isRevoked?.(approval) === true) return true;
    const given = approval.verdicts.filter(({ verdict }) => verdict === "approve");
    return !given.every((one) => isStillBy(one, approval, approvers));
  }

  /** A refusal counts until its end, so that asking again is no way to another answer. */
  #stands(approval: Approval): boolean {
    if (approval.untilMs <= this.now()) return false;
    if (approval.status === "refused") return true;
    const isOver = approval.status === "used" || approval.status === "withdrawn";
    return !isOver && !this.isRevoked(approval);
  }

  #hasMany({ request, except }: Approval): boolean {
    const nowMs = this.now();
    return (
      this.#waiting.countFor(request, nowMs) >= OPEN_MOST_EACH ||
      except.some((id) => this.#waiting.countThrough(id, nowMs) >= OPEN_MOST_THROUGH)
    );
  }

  #entry(approval: Approval): LedgerEntry {
    return entryOf(approval, this.now());
  }

  async #put(id: string, was: LedgerEntry | undefined, next: LedgerEntry): Promise<Kept> {
    const nowMs = this.now();
    return await this.#parts.ledger.put({ kind: "approval", id, was, next, nowMs });
  }
}

/** What decisions are told. */
export function factsOf({ digest, verdicts }: Approval): readonly ApprovalFact[] {
  return verdicts.flatMap(({ by, also, groups, verdict }) =>
    verdict === "approve" ? [{ by, also, groups, digest }] : [],
  );
}

function read({ text }: LedgerEntry): Approval {
  return parseJsonText(text) as Approval;
}

/** What is over makes room where room is needed; a refusal stands until its end. */
function entryOf(approval: Approval, nowMs: number): LedgerEntry {
  const { status, untilMs } = approval;
  const isOver = status === "used" || status === "withdrawn";
  return { text: JSON.stringify(approval), untilMs: isOver ? Math.min(untilMs, nowMs) : untilMs };
}
