/** What was revoked, as it is kept and asked: in force in this process from the moment it is said. */
import type { Readiness } from "../answer.ts";
import type { Approval } from "../approvals/approval.ts";
import type { DelegationRefusal } from "../identity/cause.ts";
import type { TokenUse } from "../identity/revocation.ts";
import { parseJsonText } from "../json-text.ts";
import { FOR_EVER, type Ledger, type LedgerEntry } from "../ledger/ledger.ts";
import { isObject } from "../value-reader.ts";
import { KnownRevocations, type Name } from "./known.ts";
import {
  further,
  issuedAt,
  keyOf,
  type Revocation,
  type RevocationOrder,
  reaches,
  reactivatedBy,
  revokedBy,
  spellRevocation,
  stops,
} from "./revocation.ts";
import { judge, revocationOf, type StandingOrder, type Verdict } from "./standing.ts";

export interface RevocationsParts {
  readonly ledger: Ledger;
  /** Milliseconds since the Unix epoch, by the later of the clocks there are. */
  readonly now: () => number;
}

/** Times that a change is tried again which another process was faster with. */
const TRIES = 5;

const EVERYTHING: Name = ["everything", ""];

export class Revocations {
  readonly #ledger: Ledger;
  readonly #now: () => number;
  /** Said here, and not known to be kept: it counts all the same. */
  readonly #unkept = new Map<string, Revocation>();
  /** What is kept, and over it what is not. */
  readonly #known = new KnownRevocations();

  constructor({ ledger, now }: RevocationsParts) {
    this.#ledger = ledger;
    this.#now = now;
    for (const [key] of ledger.entries("revocation")) this.#learn(key);
    ledger.watch("revocation", (key) => this.#learn(key));
  }

  /** Those said last first. */
  all(): readonly Revocation[] {
    return [...this.#known.all()].sort((a, b) => b.atMs - a.atMs);
  }

  /** In force before it is kept. Rejects where it is not known to be kept, and is in force here all the same. */
  async revoke(order: RevocationOrder): Promise<Revocation> {
    const key = keyOf(order);
    const unkept = revokedBy(order, this.#known.get(key), this.#now());
    this.#hold(key, unkept);
    const kept = await this.#change(key, (before) => further(unkept, before), order.keepUntilMs);
    if (kept === undefined) throw new Error("a revocation was not made");
    this.#release(key, unkept);
    return kept;
  }

  /** `undefined` where there is nothing to re-activate. */
  async reactivate(order: RevocationOrder): Promise<Revocation | undefined> {
    const key = keyOf(order);
    const unkept = this.#unkept.get(key);
    const kept = await this.#change(key, (before) =>
      reactivatedBy(order, unkept ?? before, this.#now()),
    );
    if (kept !== undefined) this.#release(key, unkept);
    return kept;
  }

  /** What an issuer says of somebody, if it is newer than what it said before. Rejects as `revoke` does. */
  async stand(order: StandingOrder): Promise<Verdict> {
    const { standing } = order;
    const key = keyOf({ kind: "standing", id: order.id });
    const said = revocationOf(order, this.#now());
    const before = this.#unkept.get(key);
    const held = this.tighten(order);
    let verdict: Verdict = { kind: "new" };
    await this.#change(key, (kept) => {
      verdict = judge(standing, kept?.standing);
      return verdict.kind === "new" ? said : undefined;
    });
    this.#release(key, held);
    if (verdict.kind === "new") this.#release(key, before);
    return verdict;
  }

  /** What an issuer takes back by what it says is in force at once; what it gives back waits until it is kept. */
  tighten(order: StandingOrder): Revocation | undefined {
    const key = keyOf({ kind: "standing", id: order.id });
    const known = this.#known.get(key);
    if (judge(order.standing, known?.standing).kind !== "new") return undefined;
    const said = revocationOf(order, this.#now());
    const untilMs = Math.max(said.untilMs, known?.untilMs ?? 0);
    const held = said.active || known === undefined ? said : { ...known, untilMs };
    this.#hold(key, held);
    return held;
  }

  /** Of one token at its use (`engine/identity/revocation.ts`). */
  revoked({ issuer, id, digest, twin, issuedAtMs, parties }: TokenUse): string | undefined {
    const names: Name[] = [EVERYTHING, ["issuer", issuer], ["token", digest], ["token", twin]];
    if (id !== undefined) names.push(["token", id, issuer], ["task", id]);
    for (const party of parties) names.push(["party", party]);
    const nowMs = this.#now();
    return this.#reaching(names, (found) => reaches(found, nowMs, issuedAtMs));
  }

  /** Of a request, whatever vouches for it: what it names must not be revoked, or what is must be known. */
  refusalOf(input: unknown): DelegationRefusal | undefined {
    const readiness = this.#ledger.readiness();
    if (!readiness.ready) return { ok: false, code: "state_unavailable", why: readiness.because };
    if (!isObject(input) || this.#known.size === 0) return undefined;
    const nowMs = this.#now();
    const why =
      this.#reaching(namesIn(input), (found) => stops(found, nowMs)) ??
      hopsIn(input)
        .map((hop) => this.#reachingHop(hop, nowMs))
        .find((found) => found !== undefined);
    return why === undefined ? undefined : { ok: false, code: "revoked", why };
  }

  /** Whether what was revoked is known; and, as a warning, what a process that takes over would not know. */
  readiness(): Readiness {
    const readiness = this.#ledger.readiness();
    const count = this.#unkept.size;
    if (!readiness.ready || count === 0) return readiness;
    const which = count === 1 ? "a revocation is" : `${count} revocations are`;
    const warning = `${which} in force in this process and not known to be kept: revoke again, or it ends with the process`;
    return { ready: true, warnings: [...(readiness.warnings ?? []), warning] };
  }

  /** Whether an approval, or what somebody said of it, is as old as something that was taken back. */
  reachesApproval({
    request,
    openedAtMs,
    verdicts,
  }: Pick<Approval, "request" | "openedAtMs" | "verdicts">): boolean {
    const names = isObject(request)
      ? [...namesIn(request), ...hopsIn(request).flatMap(partiesOf)]
      : [];
    return (
      this.#reachesSince(names, openedAtMs) ||
      verdicts.some(({ by, also, atMs }) => this.#reachesSince([by, ...also].map(asParty), atMs))
    );
  }

  #reachesSince(names: readonly Name[], sinceMs: number): boolean {
    const nowMs = this.#now();
    return this.#reaching(names, (found) => reaches(found, nowMs, sinceMs)) !== undefined;
  }

  /** What is asserted of a hop: without a time it is said now. */
  #reachingHop(hop: Hop, nowMs: number): string | undefined {
    const { issued_at: at } = hop;
    const issuedAtMs = typeof at === "string" ? issuedAt(at) : Number.POSITIVE_INFINITY;
    const counts = (found: Revocation) => reaches(found, nowMs, issuedAtMs);
    return this.#reaching([EVERYTHING, ...partiesOf(hop)], counts);
  }

  #reaching(names: readonly Name[], counts: (found: Revocation) => boolean): string | undefined {
    const found = this.#known.reaching(names, counts);
    return found && spellRevocation(found);
  }

  /** Counts until it is kept. */
  #hold(key: string, unkept: Revocation): void {
    this.#unkept.set(key, unkept);
    this.#learn(key);
  }

  /** What is kept now; what was said meanwhile, and is not, goes on. */
  #release(key: string, kept: Revocation | undefined): void {
    if (this.#unkept.get(key) === kept) this.#unkept.delete(key);
    this.#learn(key);
  }

  #learn(key: string): void {
    const entry = this.#ledger.get("revocation", key);
    this.#known.set(key, this.#unkept.get(key) ?? (entry && read(entry)));
  }

  async #change(
    id: string,
    change: (before: Revocation | undefined) => Revocation | undefined,
    keepUntilMs = FOR_EVER,
  ): Promise<Revocation | undefined> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const was = this.#ledger.get("revocation", id);
      const made = change(was && read(was));
      if (made === undefined) return undefined;
      const next = {
        text: JSON.stringify(made),
        untilMs: Math.max(keepUntilMs, was?.untilMs ?? 0),
      };
      const nowMs = this.#now();
      const kept = await this.#ledger.put({ kind: "revocation", id, was, next, nowMs });
      if (kept === "kept") return made;
      if (kept === "full") throw new Error("there is no room for another revocation");
    }
    throw new Error("others change it all the time");
  }
}

type Parts = Readonly<Record<string, unknown>>;
type Hop = Parts;

function namesIn({ agent, principal, session, intent }: Parts): readonly Name[] {
  return [
    EVERYTHING,
    ["party", idOf(agent)],
    ["party", idOf(principal)],
    ["session", idOf(session)],
    ["task", isObject(intent) ? intent.task : undefined],
  ];
}

function hopsIn({ delegation }: Parts): readonly Hop[] {
  const chain = isObject(delegation) ? delegation.chain : undefined;
  return Array.isArray(chain) ? chain.filter(isObject) : [];
}

function partiesOf({ from, to }: Hop): readonly Name[] {
  return [from, to].map(idOf).map(asParty);
}

function asParty(id: unknown): Name {
  return ["party", id];
}

function idOf(party: unknown): unknown {
  return isObject(party) ? party.id : party;
}

function read({ text }: LedgerEntry): Revocation {
  return parseJsonText(text) as Revocation;
}
