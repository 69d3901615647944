/**
 * A process that writes a log as fast as 32 askers make it, and says what it was told is written; until it is
 * killed, or told that nothing more is.
 */
import { DISK } from "../../engine/audit/disk.ts";
import { LogStopped, openLog } from "../../engine/audit/log.ts";

const [path = "", run = "", sync = ""] = process.argv.slice(2);
const log = await openLog({
  disk: DISK,
  path,
  origin: "writ.example/audit",
  sync: sync === "sync",
  clock: Date.now,
  limits: { checkpointCount: 50, rotateBytes: 200_000 },
  onTrouble: (message) => process.stderr.write(`${message}\n`),
});
let count = 0;

async function ask(): Promise<never> {
  for (;;) {
    const id = `${run}-${count++}.`;
    log.append({ kind: "decision", id, filling: "x".repeat(count % 700) });
    await log.written();
    process.stdout.write(`${id}\n`);
  }
}

try {
  await Promise.all(Array.from({ length: 32 }, ask));
} catch (fault) {
  if (!(fault instanceof LogStopped)) throw fault;
  process.stderr.write(fault.message);
  process.exit(3);
}
