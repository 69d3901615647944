/** What was revoked, as it is kept and asked: in force in this process from the moment it is said. */
import type { Readiness } from "../answer.ts";
import type { Approval } from "../approvals/approval.ts";
import type { DelegationRefusal } from "../identity/cause.ts";
import type { TokenUse } from "../identity/revocation.ts";
import { FOR_EVER, type Ledger, type LedgerEntry } from "../ledger/ledger.ts";
import { isObject } from "../value-reader.ts";
import {
  further,
  keyOf,
  type Revocable,
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

/** A name that was revoked, and of what it would be; a token's perhaps with its issuer. */
type Name = readonly [kind: Revocable | "standing", id: unknown, issuer?: string];

const EVERYTHING: Name = ["everything", ""];

export class Revocations {
  readonly #ledger: Ledger;
  readonly #now: () => number;
  /** Said here, and not known to be kept: it counts all the same. */
  readonly #unkept = new Map<string, Revocation>();

  constructor({ ledger, now }: RevocationsParts) {
    this.#ledger = ledger;
    this.#now = now;
  }

  /** Those said last first. */
  all(): readonly Revocation[] {
    const kept = [...this.#ledger.entries("revocation")].map(([, entry]) => read(entry));
    const merged = new Map(kept.map((one) => [keyOf(one), one]));
    for (const [key, one] of this.#unkept) merged.set(key, one);
    return [...merged.values()].sort((a, b) => b.atMs - a.atMs);
  }

  /** In force before it is kept. Rejects where it is not known to be kept, and is in force here all the same. */
  async revoke(order: RevocationOrder): Promise<Revocation> {
    const key = keyOf(order);
    const unkept = revokedBy(order, this.#find(key), this.#now());
    this.#unkept.set(key, unkept);
    const kept = await this.#change(key, (before) => further(unkept, before), order.keepUntilMs);
    if (kept === undefined) throw new Error("a revocation was not made");
    this.#unkept.delete(key);
    return kept;
  }

  /** `undefined` where there is nothing to re-activate. */
  async reactivate(order: RevocationOrder): Promise<Revocation | undefined> {
    const key = keyOf(order);
    const unkept = this.#unkept.get(key);
    const kept = await this.#change(key, (before) =>
      reactivatedBy(order, unkept ?? before, this.#now()),
    );
    if (kept !== undefined) this.#unkept.delete(key);
    return kept;
  }

  /** What an issuer says of somebody, if it is newer than what it said before. Rejects as `revoke` does. */
  async stand(order: StandingOrder): Promise<Verdict> {
    const { standing } = order;
    const key = keyOf({ kind: "standing", id: order.id });
    const said = revocationOf(order, this.#now());
    const isStricter = judge(standing, this.#find(key)?.standing).kind === "new" && said.active;
    if (isStricter) this.#unkept.set(key, said);
    let verdict: Verdict = { kind: "new" };
    await this.#change(key, (before) => {
      verdict = judge(standing, before?.standing);
      return verdict.kind === "new" ? said : undefined;
    });
    if (this.#unkept.get(key) === said || verdict.kind === "new") this.#unkept.delete(key);
    return verdict;
  }

  /** Of one token at its use (`engine/identity/revocation.ts`). */
  revoked({ issuer, id, digest, issuedAtMs, parties }: TokenUse): string | undefined {
    const names: Name[] = [EVERYTHING, ["issuer", issuer], ["token", digest]];
    if (id !== undefined) names.push(["token", id], ["token", id, issuer], ["task", id]);
    for (const party of parties) names.push(...namesOf(party));
    const nowMs = this.#now();
    return this.#reaching(names, (found) => reaches(found, nowMs, issuedAtMs));
  }

  /** Of a request, whatever vouches for it: what it names must not be revoked, or what is must be known. */
  refusalOf(input: unknown): DelegationRefusal | undefined {
    const readiness = this.#ledger.readiness();
    if (!readiness.ready) return { ok: false, code: "state_unavailable", why: readiness.because };
    if (!isObject(input) || this.#isEmpty()) return undefined;
    const nowMs = this.#now();
    const why =
      this.#reaching(namesIn(input), (found) => stops(found, nowMs)) ??
      hopsIn(input)
        .map((hop) => this.#reachingHop(hop, nowMs))
        .find((found) => found !== undefined);
    return why === undefined ? undefined : { ok: false, code: "revoked", why };
  }

  /** Whether what was revoked is known. */
  readiness(): Readiness {
    return this.#ledger.readiness();
  }

  /** Whether an approval is as old as something that was taken back. */
  reachesApproval({ request, openedAtMs }: Approval): boolean {
    const names = isObject(request)
      ? [...namesIn(request), ...hopsIn(request).flatMap(partiesOf)]
      : [];
    const nowMs = this.#now();
    return this.#reaching(names, (found) => reaches(found, nowMs, openedAtMs)) !== undefined;
  }

  /** What is asserted of a hop: without a time it is said now. */
  #reachingHop(hop: Hop, nowMs: number): string | undefined {
    const { issued_at: at } = hop;
    const issuedAtMs = typeof at === "string" ? Date.parse(at) : Number.POSITIVE_INFINITY;
    const counts = (found: Revocation) => reaches(found, nowMs, issuedAtMs);
    return this.#reaching([EVERYTHING, ...partiesOf(hop)], counts);
  }

  #reaching(names: readonly Name[], counts: (found: Revocation) => boolean): string | undefined {
    for (const [kind, id, issuer] of names) {
      if (typeof id !== "string") continue;
      const found = this.#find(keyOf(issuer === undefined ? { kind, id } : { kind, id, issuer }));
      if (found !== undefined && counts(found)) return spellRevocation(found);
    }
    return undefined;
  }

  /** As nearly always: then nothing is looked for. */
  #isEmpty(): boolean {
    const [any] = this.#ledger.entries("revocation");
    return any === undefined && this.#unkept.size === 0;
  }

  #find(key: string): Revocation | undefined {
    const entry = this.#ledger.get("revocation", key);
    return this.#unkept.get(key) ?? (entry && read(entry));
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
    ...namesOf(idOf(agent)),
    ...namesOf(idOf(principal)),
    ["session", idOf(session)],
    ["task", isObject(intent) ? intent.task : undefined],
  ];
}

/** One id is one party, whatever part it plays. */
function namesOf(id: unknown): readonly Name[] {
  return [
    ["agent", id],
    ["principal", id],
    ["standing", id],
  ];
}

function hopsIn({ delegation }: Parts): readonly Hop[] {
  const chain = isObject(delegation) ? delegation.chain : undefined;
  return Array.isArray(chain) ? chain.filter(isObject) : [];
}

function partiesOf({ from, to }: Hop): readonly Name[] {
  return [...namesOf(idOf(from)), ...namesOf(idOf(to))];
}

function idOf(party: unknown): unknown {
  return isObject(party) ? party.id : party;
}

function read({ text }: LedgerEntry): Revocation {
  return JSON.parse(text) as Revocation;
}
