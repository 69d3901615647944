/** All that was revoked, by the ids that requests and tokens have: most have none, and one look-up says so. Pure. */
import { keyOf, type Revocable, type Revocation } from "./revocation.ts";

/** What an id is where it stands. One id is one party, whatever part it plays. */
export type Role = "party" | Exclude<Revocable, "agent" | "principal">;

const KINDS: Readonly<Record<Role, readonly Revocation["kind"][]>> = {
  party: ["agent", "principal", "standing"],
  session: ["session"],
  task: ["task"],
  token: ["token"],
  issuer: ["issuer"],
  everything: ["everything"],
};

/** Something that may have been revoked; of a token, whose it is. */
export type Name = readonly [role: Role, id: unknown, issuer?: string];

export class KnownRevocations {
  readonly #byKey = new Map<string, Revocation>();
  readonly #byId = new Map<string, readonly Revocation[]>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): Revocation | undefined {
    return this.#byKey.get(key);
  }

  all(): readonly Revocation[] {
    return [...this.#byKey.values()];
  }

  /** Takes the place of what has this key; `undefined` = nothing has. */
  set(key: string, revocation: Revocation | undefined): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) this.#remove(key, before.id);
    if (revocation === undefined) return;
    this.#byKey.set(key, revocation);
    this.#byId.set(revocation.id, [...(this.#byId.get(revocation.id) ?? []), revocation]);
  }

  #remove(key: string, id: string): void {
    this.#byKey.delete(key);
    const others = (this.#byId.get(id) ?? []).filter((one) => keyOf(one) !== key);
    if (others.length > 0) this.#byId.set(id, others);
    else this.#byId.delete(id);
  }

  /** The first that is of one of these names, and `counts`. */
  reaching(
    names: readonly Name[],
    counts: (revocation: Revocation) => boolean,
  ): Revocation | undefined {
    for (const [role, id, issuer] of names) {
      const found = typeof id === "string" ? this.#byId.get(id) : undefined;
      const reached = found?.find(
        (one) =>
          KINDS[role].includes(one.kind) &&
          (one.issuer === undefined || one.issuer === issuer) &&
          counts(one),
      );
      if (reached !== undefined) return reached;
    }
    return undefined;
  }
}
