/** A SQLite file whose disk fails when it is told to, and what is on that disk at any moment. */
import { copyFileSync, existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { type Durability, openDatabase } from "../../engine/state/sqlite/database.ts";

/** Of the next transaction: nothing of it is kept, or all of it, and either way it is said to have failed. */
export type DiskFault = "full" | "broken" | "broken behind it";

const FULL = 13;
const BROKEN = 10;

export class FaultyFile {
  fault: DiskFault | undefined;
  /** Called in the midst of the next transaction. */
  inTheMidst: (() => void) | undefined;

  readonly open = (path: string, durability: Durability): DatabaseSync => {
    const database = openDatabase(path, durability);
    const prepare = database.prepare.bind(database);
    database.prepare = (sql) => {
      const statement = prepare(sql);
      if (sql !== "COMMIT") return statement;
      const run = statement.run.bind(statement);
      statement.run = () => this.#commit(run);
      return statement;
    };
    return database;
  };

  #commit<Result>(run: () => Result): Result {
    this.inTheMidst?.();
    this.inTheMidst = undefined;
    const { fault } = this;
    if (fault === "full") throw diskError(FULL, "database or disk is full");
    if (fault === "broken") throw diskError(BROKEN, "disk I/O error");
    const result = run();
    if (fault === "broken behind it") throw diskError(BROKEN, "disk I/O error");
    return result;
  }
}

function diskError(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });
}

/** As a process that is killed now would leave it. */
export function copyFile(from: string, to: string): void {
  for (const suffix of ["", "-wal"]) {
    if (existsSync(`${from}${suffix}`)) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
  }
}
