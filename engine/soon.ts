/** When what was decided together is written. */
import { setImmediate as nextTurn } from "node:timers";

/**
 * Once all of it is decided. A write is over sooner than the next requests are read, and a sync of the disk is not: it waits for
 * them, since it is of all that were decided meanwhile.
 */
export function soon(isSynced: boolean, write: () => void): void {
  if (isSynced) nextTurn(write);
  else process.nextTick(write);
}
