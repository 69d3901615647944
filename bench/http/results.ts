import type { Machine } from "../machine.ts";
import type { LoadReport } from "./load.ts";

/** What `bench/results/http.json` holds. */
export interface HttpResults {
  readonly machine: Machine & {
    /** Server and load each had a core of their own. */
    readonly isPinned: boolean;
  };
  readonly seconds: number;
  readonly measured: readonly HttpResult[];
}

export interface HttpResult {
  readonly server: string;
  readonly title: string;
  readonly how: string;
  readonly ruleCount: number;
  /** As fast as 64 connections are answered. */
  readonly full: LoadReport;
  /** Asked half as often. */
  readonly half: LoadReport;
  /** Processor time of the server for one request at full load. */
  readonly cpuMicros: number;
}
