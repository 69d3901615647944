/** A state file whose disk fails when it is told to, and what is on that disk at any moment. */
import { copyFileSync, existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../engine/state/sqlite/database.ts";
import { DISK, type Disk } from "../../engine/state/sqlite/turn-log.ts";

/** Of the next writing: a part of it is kept, or all of it, and either way it is said to have failed. */
export type DiskFault = "full" | "broken" | "broken behind it";

const FULL = 13;
const BROKEN = 10;

export class FaultyFile {
  fault: DiskFault | undefined;
  /** Called in the midst of the next writing. */
  inTheMidst: (() => void) | undefined;

  readonly open = (path: string): DatabaseSync => {
    const database = openDatabase(path);
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

  readonly disk: Disk = {
    ...DISK,
    write: (file, bytes, position) => {
      const { fault } = this;
      if (fault !== undefined || this.inTheMidst !== undefined) {
        DISK.write(file, bytes.subarray(0, bytes.length / 2), position);
      }
      this.inTheMidst?.();
      this.inTheMidst = undefined;
      if (fault === "full") throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      if (fault === "broken") throw Object.assign(new Error("i/o error"), { code: "EIO" });
      DISK.write(file, bytes, position);
      if (fault !== undefined) throw Object.assign(new Error("i/o error"), { code: "EIO" });
    },
  };

  #commit<Result>(run: () => Result): Result {
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

const SUFFIXES = ["", "-wal", "-turns-0", "-turns-1"];

/** As a process that is killed now would leave it. */
export function copyFile(from: string, to: string): void {
  for (const suffix of SUFFIXES) {
    if (existsSync(`${from}${suffix}`)) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
  }
}
