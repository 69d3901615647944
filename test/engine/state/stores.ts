/** Stores of this process for tests: in memory, journalled, and journalled by processes that end all the time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, type Engine } from "../../../engine/engine.ts";
import type { Journal } from "../../../engine/state/journal.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../../engine/state/store.ts";
import type { ContractEngineParts, ContractStore } from "./contract.ts";

export const IN_MEMORY: ContractStore = {
  name: "the memory store",
  start: (limits) => {
    const store = createMemoryStore(limits);
    return { engine: (parts) => engineOn(store, parts), stop: () => {} };
  },
};

export const ON_SQLITE: ContractStore = {
  name: "the SQLite journal",
  start: (limits) => {
    const directory = temporary();
    const journal = openSqliteJournal({ path: join(directory, "state.db"), limits });
    return {
      engine: (parts) => engineOn(journal.store, parts),
      stop: () => {
        journal.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
};

/** Whatever is asked is asked of a process that has just started. */
export const RESTARTED: ContractStore = {
  name: "a SQLite journal opened anew for every question",
  start: (limits) => {
    const directory = temporary();
    const path = join(directory, "state.db");
    let journal: Journal | undefined;
    const fresh = (parts: ContractEngineParts): Engine => {
      journal?.close();
      journal = openSqliteJournal({ path, limits });
      return engineOn(journal.store, parts);
    };
    return {
      engine: (parts) => ({
        decide: (input) => fresh(parts).decide(input),
        outcome: (input) => fresh(parts).outcome(input),
        sessions: {
          interrupt: (id) => fresh(parts).sessions.interrupt(id),
          reinstate: (id) => fresh(parts).sessions.reinstate(id),
          declassify: (id, label) => fresh(parts).sessions.declassify(id, label),
        },
        get inspection() {
          return fresh(parts).inspection;
        },
      }),
      stop: () => {
        journal?.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
};

function engineOn(store: StateStore, parts: ContractEngineParts): Engine {
  return createEngine({ ...parts, store });
}

/** A directory that the test removes. */
export function temporary(): string {
  return mkdtempSync(join(tmpdir(), "writ-state-"));
}
