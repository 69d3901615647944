/** How often all of the heap is gone through. */
import { setFlagsFromString } from "node:v8";

/**
 * When it has three times as much as was in use. V8 would not wait for a quarter of that, since others mark while the
 * program goes on; but where there is one core for all, they and what answers take turns, for a tenth of a second.
 *
 * And what dies young is not taken for old: where nothing had died yet when V8 first looked, as of the first calls and
 * their shares of counters, it makes all later ones beside what lasts, and only going through all of that frees them.
 */
export function collectSeldom(): void {
  setFlagsFromString("--heap-growing-percent=200");
  setFlagsFromString("--no-allocation-site-pretenuring");
}
