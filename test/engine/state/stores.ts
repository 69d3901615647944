/** Stores of this process for tests: in memory, journalled, and journalled by processes that end all the time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, type Engine } from "../../../engine/engine.ts";
import type { Journal } from "../../../engine/state/journal.ts";
import { createMemoryStore } from "../../../engine/state/memory.ts";
import { PACE, type Pace } from "../../../engine/state/sqlite/backlog.ts";
import { openSqliteJournal } from "../../../engine/state/sqlite/journal.ts";
import type { StateStore } from "../../../engine/state/store.ts";
import { copyFile } from "../../simulation/faulty-file.ts";
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
    const journal = openSqliteJournal({ path: join(directory, "state.db"), limits, pace: SHORT });
    return {
      engine: (parts) => engineOn(journal.store, parts),
      stop: () => {
        journal.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
};

/** By which tables follow the journal at once, in the smallest steps. */
export const SHORT: Pace = { length: 150, rowCount: 1 };

/** Whatever is asked is asked of a process that has just started, after one that ended or was killed. */
export const RESTARTED: ContractStore = {
  name: "a SQLite journal opened anew for every question",
  start: (limits) => {
    const directory = temporary();
    let path = join(directory, "0.db");
    let starts = 0;
    let journal: Journal | undefined;
    const fresh = (parts: ContractEngineParts): Engine => {
      if (starts % 2 === 0) journal?.close();
      else path = killed(journal, path, join(directory, `${starts}.db`));
      journal = openSqliteJournal({ path, limits, pace: starts % 3 === 0 ? SHORT : PACE });
      starts += 1;
      return engineOn(journal.store, parts);
    };
    return {
      engine: (parts) => ({
        decide: (input, vouched) => fresh(parts).decide(input, vouched),
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

/** What a process that is killed once its answers have left finds when it starts again. */
function killed(journal: Journal | undefined, path: string, copy: string): string {
  journal?.flush();
  copyFile(path, copy);
  journal?.close();
  for (const suffix of ["", "-wal", "-turns-0", "-turns-1"])
    rmSync(`${path}${suffix}`, { force: true });
  return copy;
}

function engineOn(store: StateStore, parts: ContractEngineParts): Engine {
  return createEngine({ ...parts, store });
}

/** A directory that the test removes. */
export function temporary(): string {
  return mkdtempSync(join(tmpdir(), "writ-state-"));
}
