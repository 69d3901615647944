/**
 * State in this process that survives it (SPEC §7.7). Decisions are made on the tables of the memory store; what
 * they change is written at the end of the same turn of the event loop, all in one transaction.
 */
import type { Readiness } from "../answer.ts";
import type { StateStore } from "./store.ts";

export interface Journal {
  readonly store: StateStore;
  /** The latest time that state was kept at: milliseconds since the Unix epoch, 0 where there is none. */
  readonly latestMs: number;
  /** Everything that was decided until now is kept, or it throws `StateUnavailable`. */
  flush(): void;
  /** The same for all who ask in one turn; rejects with `StateUnavailable`. */
  flushed(): Promise<void>;
  readiness(): Readiness;
  /** Keeps what is left and lets go of the file; nothing is decided afterwards. */
  close(): void;
}
