import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export const MIB = 1024 * 1024;

// A new context has the collector that this one was started without.
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** What the garbage collector goes through: what is garbage by now counts for nothing. */
export function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
