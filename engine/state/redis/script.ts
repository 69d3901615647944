/**
 * What runs inside Redis: each operation reads, checks and changes in one step. One script for all of them,
 * since they share the arithmetic of `window.ts`; its parts are in `script/`, and `arguments.ts` writes what it takes.
 * Sent as a script, all of it runs at each call; sent as a library (`library.ts`), only `run` does: nothing may be left
 * from one run to the next.
 *
 * Written in what Lua 5.1 and 5.3 have in common; a library may name no global but in functions. Numbers are floats,
 * exact to 2^53 − 1. All arguments are read and all that is stored is understood before anything is written,
 * since Redis takes nothing back of a script that fails half-way. Keys never expire by themselves: whether
 * something is over is for the clock in it to say.
 */
import { ATTEMPT } from "./script/attempt.ts";
import { CELL_CHANGES } from "./script/cell-changes.ts";
import { CELLS } from "./script/cells.ts";
import { CLOCK } from "./script/clock.ts";
import { COUNTING } from "./script/counting.ts";
import { DISTINCT } from "./script/distinct.ts";
import { FORGETTING } from "./script/forgetting.ts";
import { GIVEN } from "./script/given.ts";
import { HELLO } from "./script/hello.ts";
import { LATCHES } from "./script/latches.ts";
import { LEDGER } from "./script/ledger.ts";
import { LOSSES } from "./script/losses.ts";
import { OPERATOR } from "./script/operator.ts";
import { SEEN } from "./script/seen.ts";
import { SEQUENCES } from "./script/sequences.ts";
import { SESSIONS } from "./script/sessions.ts";
import { SETTLE } from "./script/settle.ts";
import { SUMS } from "./script/sums.ts";
import { SWEEPING } from "./script/sweeping.ts";
import { TASKS } from "./script/tasks.ts";

const RUN = `
local OPERATIONS = {
  attempt = attempt, settle = settle, call = call, counting = counting, unfilled = unfilled, fill = fill,
  sequence = sequence, session = session, hello = hello, change = change,
}
local function run(keys, arguments)
  given, at, named, key = arguments, 0, keys, 1
  others = {}
  META = keys[1]
  local operation = OPERATIONS[take()] or error('WRIT no such operation')
  known, seenWrites, expected = take(), takeWhole(), take()
  return operation()
end
return run(KEYS, ARGV)
`;

/** Each part uses what those before it define. */
export const SCRIPT = [
  GIVEN,
  CLOCK,
  LOSSES,
  SUMS,
  DISTINCT,
  LATCHES,
  CELLS,
  FORGETTING,
  SWEEPING,
  CELL_CHANGES,
  SESSIONS,
  SEEN,
  TASKS,
  ATTEMPT,
  SETTLE,
  COUNTING,
  SEQUENCES,
  OPERATOR,
  LEDGER,
  HELLO,
  RUN,
].join("");
