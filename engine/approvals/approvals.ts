/** Approvals as they are kept: opened by a hold, decided by people, used once. */
import { randomBytes } from "node:crypto";
import { canonicalJson, requestDigest } from "../canonical-json.ts";
import type { Decision } from "../decision.ts";
import type { VouchedDelegation } from "../identity/vouched.ts";
import { parseJsonText } from "../json-text.ts";
import type { Kept, Ledger, LedgerEntry } from "../ledger/ledger.ts";
import { type Approval, refuseTaking, statusAt, type Taken, takeVerdict } from "./approval.ts";
import type { Approvers } from "./approvers.ts";
import type { ApprovalFact } from "./fact.ts";
import { type Statement, verifyStatement } from "./statement.ts";
import { Waiting } from "./waiting.ts";

export interface ApprovalsParts {
  readonly ledger: Ledger;
  readonly approvers: Approvers;
  /** Milliseconds since the Unix epoch, by the later of the clocks there are: nothing lives longer than it should. */
  readonly now: () => number;
  /** Whether it was opened at a time that was taken back since. */
  readonly isRevoked?: (approval: Approval) => boolean;
}

export interface Found {
  readonly approval: Approval;
  readonly entry: LedgerEntry;
}

/** An agent whose calls nobody looks at must not fill the list of all. */
const OPEN_MOST_EACH = 100;

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

  /** Newest first. */
  all(): readonly Approval[] {
    const entries = [...this.#parts.ledger.entries("approval")];
    return entries.map(([, entry]) => read(entry)).sort((a, b) => b.openedAtMs - a.openedAtMs);
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
      const kept = await this.#put(digest, was, entryOf({ ...known, status: "withdrawn" }));
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
    return statusAt(approval, this.now()) === "approved" && !this.isRevoked(approval)
      ? { approval, entry }
      : undefined;
  }

  /** Takes it out of use before anybody decides on it: `undefined` where somebody else has. */
  async use({ approval, entry }: Found): Promise<Found | undefined> {
    const used: Approval = { ...approval, status: "used" };
    const next = entryOf(used);
    const kept = await this.#put(approval.digest, entry, next);
    return kept === "kept" ? { approval: used, entry: next } : undefined;
  }

  /** Nothing was allowed on it after all. */
  async giveBack({ approval, entry }: Found): Promise<void> {
    await this.#put(approval.digest, entry, entryOf({ ...approval, status: "approved" }));
  }

  /**
   * The approval that a hold waits for: the one there is of this very request, or a new one. `undefined` where
   * there is no room for it: then nobody is asked.
   */
  async open(
    held: Decision,
    input: unknown,
    delegation?: VouchedDelegation,
  ): Promise<Approval | undefined> {
    const { ledger } = this.#parts;
    const { approval: wanted } = held;
    if (wanted === undefined) return undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = ledger.get("approval", wanted.digest);
      const known = was && read(was);
      const standing = known !== undefined && this.#stands(known) ? known : undefined;
      const opened = standing
        ? widened(standing, wanted.by)
        : { ...openedBy(held, wanted, input, this.now()), ...shownBy(delegation) };
      if (opened === standing) return standing;
      if (was === undefined && this.#hasMany(opened)) return undefined;
      const kept = await this.#put(wanted.digest, was, entryOf(opened));
      if (kept === "kept") return opened;
      if (kept === "full") return undefined;
    }
    return undefined;
  }

  /** What a statement says of it, once it is verified; `recorded` is awaited before it is kept. */
  async take(
    token: string,
    verdict: Statement["verdict"],
    recorded: (taken: Approval, by: string) => Promise<void>,
  ): Promise<Taken> {
    const { approvers, ledger } = this.#parts;
    const verified = await verifyStatement(token, approvers, this.now());
    if (!verified.ok) return refuseTaking("approval_refused", `the statement: ${verified.why}`);
    const { approver, statement } = verified;
    if (statement.verdict !== verdict) {
      return refuseTaking("approval_refused", `the statement says \`${statement.verdict}\``);
    }
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = ledger.get("approval", statement.digest);
      const known = was && read(was);
      if (known === undefined || known.id !== statement.approval) {
        return refuseTaking("unknown_approval", "there is no such approval of such a request");
      }
      if (this.isRevoked(known)) return refuseTaking("approval_closed", "it was revoked");
      const given = {
        by: approver.id,
        also: approver.also,
        groups: approver.groups,
        verdict,
        atMs: this.now(),
        statement: token,
        ...(statement.because === undefined ? {} : { because: statement.because }),
      };
      const taken = takeVerdict(known, given, this.now());
      if (!taken.ok) return taken;
      if (tries === 0) await recorded(taken.approval, approver.id);
      const kept = await this.#put(known.digest, was, entryOf(taken.approval));
      if (kept === "kept") return taken;
    }
    throw new Error("others change it all the time");
  }

  /** Whether it was opened at a time that was taken back since. */
  isRevoked(approval: Approval): boolean {
    return this.#parts.isRevoked?.(approval) === true;
  }

  /** A refusal counts until its end, so that asking again is no way to another answer. */
  #stands(approval: Approval): boolean {
    if (approval.untilMs <= this.now()) return false;
    if (approval.status === "refused") return true;
    const isOver = approval.status === "used" || approval.status === "withdrawn";
    return !isOver && !this.isRevoked(approval);
  }

  #hasMany({ request }: Approval): boolean {
    return this.#waiting.countFor(request, this.now()) >= OPEN_MOST_EACH;
  }

  async #put(id: string, was: LedgerEntry | undefined, next: LedgerEntry): Promise<Kept> {
    const nowMs = this.now();
    return await this.#parts.ledger.put({ kind: "approval", id, was, next, nowMs });
  }
}

/** By the time of the retry more may hold it than did before: what was said still counts, and is not enough. */
function widened(approval: Approval, wanted: Approval["by"]): Approval {
  const known = new Set(approval.by.map(canonicalJson));
  const more = wanted.filter((one) => !known.has(canonicalJson(one)));
  if (more.length === 0 || approval.status === "refused") return approval;
  return { ...approval, by: [...approval.by, ...more], status: "pending" };
}

/** What decisions are told. */
export function factsOf({ digest, verdicts }: Approval): readonly ApprovalFact[] {
  return verdicts.flatMap(({ by, also, groups, verdict }) =>
    verdict === "approve" ? [{ by, also, groups, digest }] : [],
  );
}

function openedBy(
  { because, reasons, policy }: Decision,
  { by, except, digest, until }: NonNullable<Decision["approval"]>,
  input: unknown,
  nowMs: number,
): Approval {
  return {
    id: `a-${randomBytes(12).toString("base64url")}`,
    digest,
    status: "pending",
    by,
    except,
    openedAtMs: nowMs,
    untilMs: Date.parse(until),
    request: withoutTokens(input),
    reasons,
    policy,
    verdicts: [],
    ...(because === undefined ? {} : { because }),
  };
}

function shownBy(delegation: VouchedDelegation | undefined): Pick<Approval, "shown"> {
  if (delegation?.ok !== true) return {};
  const { chain, self, tokens } = delegation;
  const actors = self === undefined ? chain.map(({ to }) => to.id).reverse() : [self.party.id];
  return { shown: { actors, issuers: tokens.map(({ issuer }) => issuer) } };
}

/** Tokens are good for more than to look at. */
function withoutTokens(input: unknown): unknown {
  const { delegation, ...request } = input as Readonly<Record<string, unknown>>;
  if (delegation === undefined) return request;
  const { tokens: _, ...rest } = delegation as Readonly<Record<string, unknown>>;
  return Object.keys(rest).length === 0 ? request : { ...request, delegation: rest };
}

function read({ text }: LedgerEntry): Approval {
  return parseJsonText(text) as Approval;
}

function entryOf(approval: Approval): LedgerEntry {
  return { text: JSON.stringify(approval), untilMs: approval.untilMs };
}
