import type { Readiness } from "../answer.ts";
import {
  type Change,
  ENTRIES_MOST,
  type Kept,
  type Ledger,
  type LedgerEntry,
  type LedgerKind,
} from "./ledger.ts";

export interface LedgerKeeper {
  /** Before it counts; what it throws makes the change none. */
  write(kind: LedgerKind, id: string, entry: LedgerEntry): void;
  forget(kind: LedgerKind, id: string): void;
}

const NOWHERE: LedgerKeeper = { write: () => {}, forget: () => {} };

/** In this process, and forgotten with it unless `keeper` writes it down. */
export class MemoryLedger implements Ledger {
  readonly #tables: Readonly<Record<LedgerKind, Map<string, LedgerEntry>>> = {
    approval: new Map(),
    revocation: new Map(),
    use: new Map(),
    request: new Map(),
    event: new Map(),
    task: new Map(),
  };
  readonly #watchers: { readonly kind: LedgerKind; readonly changed: (id: string) => void }[] = [];
  readonly #keeper: LedgerKeeper;
  readonly #most: Readonly<Record<LedgerKind, number>>;

  constructor(keeper: LedgerKeeper = NOWHERE, most = ENTRIES_MOST) {
    this.#keeper = keeper;
    this.#most = most;
  }

  get(kind: LedgerKind, id: string): LedgerEntry | undefined {
    return this.#tables[kind].get(id);
  }

  entries(kind: LedgerKind): Iterable<readonly [id: string, entry: LedgerEntry]> {
    return this.#tables[kind];
  }

  watch(kind: LedgerKind, changed: (id: string) => void): void {
    this.#watchers.push({ kind, changed });
  }

  put({ kind, id, was, next, nowMs }: Change): Kept {
    const table = this.#tables[kind];
    const is = table.get(id);
    if (is?.text !== was?.text || is?.untilMs !== was?.untilMs) return "changed";
    if (is === undefined && !this.hasRoom(kind, nowMs)) return "full";
    this.#keeper.write(kind, id, next);
    this.take(kind, id, next);
    return "kept";
  }

  /** What was read back from where it is kept. */
  take(kind: LedgerKind, id: string, entry: LedgerEntry): void {
    this.#tables[kind].set(id, entry);
    this.#tell(kind, id);
  }

  drop(kind: LedgerKind, id: string): void {
    this.#tables[kind].delete(id);
    this.#tell(kind, id);
  }

  readiness(): Readiness {
    return { ready: true };
  }

  close(): void {}

  /** Whether there is, once what has ended is gone. */
  hasRoom(kind: LedgerKind, nowMs: number): boolean {
    const table = this.#tables[kind];
    if (table.size < this.#most[kind]) return true;
    for (const [id, { untilMs }] of table) {
      if (untilMs > nowMs) continue;
      this.#keeper.forget(kind, id);
      this.drop(kind, id);
    }
    return table.size < this.#most[kind];
  }

  #tell(kind: LedgerKind, id: string): void {
    for (const watcher of this.#watchers) if (watcher.kind === kind) watcher.changed(id);
  }
}
