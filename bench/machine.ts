/** What a run says of the machine that it ran on. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  /** Processes that wanted to run in the last minute of the run: above `cores`, others were in the way. */
  readonly load: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly platform: string;
}

export function machineFacts(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    load: Math.round(loadavg()[0] ?? 0),
    memoryGb: Math.round(totalmem() / 1_073_741_824),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Processor time of a process with all its threads, so far; throws where there is no `/proc`. */
export function cpuUsOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const TICK_US = 10_000;
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}
