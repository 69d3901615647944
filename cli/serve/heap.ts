/** How often all of the heap is gone through, and at whose cost. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";

/**
 * When it has three times as much as was in use. V8 would not wait for a quarter of that, since others mark while the
 * program goes on; but where there is one core for all, they and what answers take turns, for a tenth of a second.
 */
export function collectSeldom(): void {
  setFlagsFromString("--heap-growing-percent=200");
}

/** The least there is: in the time that nobody else wants. */
const LAST = 19;

/**
 * Threads that V8 has beside the one that answers, which mark the heap and compile: they work while that one waits. Only
 * Linux has a priority for each thread, and only within a process's own group is it held against others.
 */
export function letHelpersWait(): void {
  const threads = existsSync(THREADS) ? readdirSync(THREADS) : [];
  for (const thread of threads) {
    try {
      const name = readFileSync(join(THREADS, thread, "comm"), "utf8").trim();
      if (name === "V8Worker") setPriority(Number(thread), LAST);
    } catch {
      // A thread that has ended, or may not be changed: collections are felt more then, and nothing else is different.
    }
  }
}

const THREADS = "/proc/self/task";
