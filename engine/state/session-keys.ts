/**
 * Keys of counters and latches that a session stands in, as `per session` and `per task` say: what is kept under them is the
 * session's, and is forgotten with it (SPEC §7.4). Pure.
 */
import type { CounterDecl, LatchDecl } from "../../lang/ir.ts";
import { scalarsOfKey } from "../value.ts";

type Declared = Pick<CounterDecl | LatchDecl, "per">;

export function isOfSessions(declared: Declared): boolean {
  return placeIn(declared) >= 0;
}

/** Of a key of what is of sessions. */
export function sessionIn(key: string, declared: Declared): string {
  return String(scalarsOfKey(key, declared.per.length)[placeIn(declared)]);
}

function placeIn({ per }: Declared): number {
  return per.findIndex(
    (part) =>
      part.kind === "attribute" &&
      part.name === "id" &&
      part.of.kind === "root" &&
      part.of.name === "session",
  );
}
