/**
 * A thread beside a module that may never give its own thread back: ends the process once whoever started it is
 * gone, so that a service that is killed leaves no process behind that computes for ever.
 */
import { workerData } from "node:worker_threads";

const EVERY_MS = 500;

/** The process that started this one; the system gives an orphan another parent. */
const parent = Number(workerData);

function look(): void {
  if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
}

look();
setInterval(look, EVERY_MS);
