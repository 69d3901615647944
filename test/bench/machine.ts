import type { Machine } from "../../bench/machine.ts";

/** One on which nothing else ran. */
export const MACHINE: Machine = {
  date: "2026-01-02",
  cpu: "c",
  cores: 2,
  load: 0,
  memoryGb: 1,
  node: "v24.0.0",
  platform: "linux x64",
};
