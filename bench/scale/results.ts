/** What `bench/results/scale.json` holds. */
export interface ScaleResults {
  readonly machine: {
    readonly date: string;
    readonly cpu: string;
    readonly cores: number;
    /** Processes that wanted to run in the last minute: above `cores`, others were in the way. */
    readonly load: number;
    readonly memoryGb: number;
    readonly node: string;
    readonly redis: string;
    readonly platform: string;
  };
  readonly seconds: number;
  /** In one process: a decision, and its outcome reported. */
  readonly inProcess: readonly InProcess[];
  /** One `writ serve`, asked for decisions. */
  readonly served: readonly Served[];
  /** So many processes on one Redis: a decision, and its outcome reported. */
  readonly shared: readonly Shared[];
  readonly bareScript: Speed;
  readonly footprints: readonly Footprint[];
}

export interface Speed {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface InProcess extends Speed {
  readonly title: string;
  /** Processor time of one. */
  readonly cpuUs: number;
}

export interface Served extends Speed {
  readonly title: string;
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
