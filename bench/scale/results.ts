import type { Speed } from "../bare-script.ts";
import type { Machine } from "../machine.ts";

/** What `bench/results/scale.json` holds. */
export interface ScaleResults {
  readonly machine: Machine & { readonly redis: string };
  readonly seconds: number;
  /** In one process: a decision, and its outcome reported. */
  readonly inProcess: readonly Titled[];
  /** One `writ serve`, asked for decisions. */
  readonly served: readonly Titled[];
  /** So many processes on one Redis: a decision, and its outcome reported. */
  readonly shared: readonly Shared[];
  readonly bareScript: Speed;
  readonly footprints: readonly Footprint[];
}

export interface Titled extends Speed {
  readonly title: string;
  /** Processor time of one. */
  readonly cpuUs: number;
}

export interface Shared extends Speed {
  readonly processCount: number;
  /** Processor time of one: of the process that decides, and of Redis. */
  readonly cpuUs: number;
  readonly redisCpuUs: number;
}

/** Bytes of one key. */
export interface Footprint {
  readonly kind: string;
  readonly memory: number;
  readonly file: number;
  readonly redis: number;
}
