/** What metrics tell of a service besides its decisions. Each is missing where the service has none. */
import type { Readiness } from "../../answer.ts";
import type { ExportCounts } from "../../trace/exporter.ts";
import type { Waits } from "../waits.ts";

export interface Vitals {
  /** `undefined` before there is a policy. */
  readonly policy?: () => PolicyVitals | undefined;
  readonly reloads?: (() => ReloadVitals) | undefined;
  readonly shadow?: () => ShadowVitals | undefined;
  readonly state?: PartVitals;
  readonly audit?: PartVitals & { readonly queued: () => number };
  /** Security events, by what became of them. */
  readonly events?: () => Readonly<Record<string, number>>;
  /** Tasks that were granted, by how they stand. */
  readonly tasks?: () => Readonly<Record<string, number>>;
  /** Transmitters whose events are fetched, and when they were last: milliseconds since the Unix epoch. */
  readonly polled?: () => readonly { readonly transmitter: string; readonly atMs: number }[];
  readonly spans?: (() => ExportCounts) | undefined;
}

export interface PolicyVitals {
  readonly package: string;
  readonly digest: string;
  readonly revision?: string | undefined;
  readonly rules: number;
}

/** Times are milliseconds since the Unix epoch. */
export interface ReloadVitals {
  readonly activationCount: number;
  readonly refusalCounts: ReadonlyMap<string, number>;
  readonly activatedAtMs?: number;
  readonly checkedAtMs?: number;
  readonly expiresMs?: number | undefined;
  readonly failing?: object;
}

export interface ShadowVitals {
  readonly alike: number;
  readonly differing: number;
  readonly failed: number;
}

/** Something that decisions wait for. */
export interface PartVitals {
  readonly readiness: () => Readiness;
  readonly waits?: Waits | undefined;
}
