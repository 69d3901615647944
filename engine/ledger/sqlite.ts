/** The ledger in a file of its own: a change is on the disk before it counts, since it is rarely made. */
import type { DatabaseSync } from "node:sqlite";
import type { Readiness } from "../answer.ts";
import { messageOf } from "../fault.ts";
import {
  type FileKind,
  helpWithout,
  identityCheck,
  numberFrom,
  openFile,
  refusalOf,
  StateFileRefused,
} from "../state/sqlite/database.ts";
import type { Ledger, LedgerKind } from "./ledger.ts";
import { type LedgerKeeper, MemoryLedger } from "./memory.ts";

/** Says in the file's header whose it is: `WrLg`. */
const APPLICATION_ID = 0x57_72_4c_67;
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE entries (
    kind TEXT NOT NULL, id TEXT NOT NULL, until_ms INTEGER NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (kind, id)) WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

const LEDGER_FILE: FileKind = {
  schema: SCHEMA,
  pageBytes: 4_096,
  walPages: 1_000,
  checkOwner,
  damaged,
  without: "nothing is revoked, and what was used once may be used again",
};

/** Throws `StateFileRefused` where the file cannot be used. */
export function openSqliteLedger(path: string): Ledger {
  // A revocation that was answered must not be gone when the power was.
  const database = openFile(path, "power", LEDGER_FILE);
  try {
    return restored(database, path);
  } catch (fault) {
    database.close();
    throw refusalOf(path, fault, LEDGER_FILE);
  }
}

function checkOwner(database: DatabaseSync, path: string): void {
  const isOurs =
    numberFrom(database, "PRAGMA application_id") === APPLICATION_ID &&
    numberFrom(database, "PRAGMA user_version") === SCHEMA_VERSION;
  if (!isOurs) throw damaged(path);
}

function damaged(path: string): StateFileRefused {
  return new StateFileRefused(
    `${path} is damaged, or no ledger of this version of Writ`,
    helpWithout(LEDGER_FILE.without),
  );
}

function restored(database: DatabaseSync, path: string): Ledger {
  const checkIdentity = identityCheck(path);
  /** Why the last change was not kept; missing once one is again. */
  let unkept: string | undefined;
  const write = database.prepare(
    "INSERT OR REPLACE INTO entries (kind, id, until_ms, entry) VALUES (?, ?, ?, ?)",
  );
  const forget = database.prepare("DELETE FROM entries WHERE kind = ? AND id = ?");
  const keeper: LedgerKeeper = {
    write: (kind, id, { untilMs, text }) => {
      try {
        write.run(kind, id, untilMs, text);
        checkIdentity();
        unkept = undefined;
      } catch (fault) {
        unkept = messageOf(fault);
        throw fault;
      }
    },
    forget: (kind, id) => void forget.run(kind, id),
  };
  const ledger = new MemoryLedger(keeper);
  for (const row of database.prepare("SELECT kind, id, until_ms, entry FROM entries").iterate()) {
    const entry = { text: String(row.entry), untilMs: Number(row.until_ms) };
    ledger.take(row.kind as LedgerKind, String(row.id), entry);
  }
  return Object.assign(ledger, {
    readiness: () => readinessOf(path, unkept),
    close: () => void (database.isOpen && database.close()),
  });
}

/** What was revoked is in force in this process, and what could not be used up is not allowed: decisions go on. */
function readinessOf(path: string, unkept: string | undefined): Readiness {
  if (unkept === undefined) return { ready: true };
  const what = "revocations, approvals, tasks and what is used once";
  return { ready: true, warnings: [`${what} cannot be kept in ${path}: ${unkept}`] };
}
