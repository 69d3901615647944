/** Whether a bundle whose signature holds may be decided by now (SPEC §11.5). Pure. */
import { parseTime } from "../../lang/scalar/time.ts";
import type { Manifest } from "./manifest.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** The newest bundle that was ever decided by: none older replaces it, even after a restart. */
export interface Floor {
  readonly package: string;
  readonly serial: number;
  /** `sha256:…` of the signed lines, so that one serial is one bundle. */
  readonly manifest: string;
}

export interface Admission {
  readonly nowMs: number;
  /** How long after it has expired a bundle is still decided by. */
  readonly graceMs: number;
  readonly floor: Floor | undefined;
}

export function refusalOf(
  manifest: Manifest,
  manifestDigest: string,
  { nowMs, graceMs, floor }: Admission,
): Refusal | undefined {
  const untilMs = decidesUntil(manifest, graceMs);
  if (nowMs >= untilMs) {
    return refuse("expired", `it has expired on ${manifest.expires}, and its grace is over`);
  }
  if (floor === undefined) return undefined;
  if (manifest.package !== floor.package) {
    return refuse(
      "other_package",
      `it is of the package ${manifest.package}, and what was decided by is ${floor.package}`,
    );
  }
  if (manifest.serial < floor.serial) {
    return refuse("rolled_back", `its serial ${manifest.serial} is older than ${floor.serial}`);
  }
  if (manifest.serial === floor.serial && manifestDigest !== floor.manifest) {
    return refuse("rolled_back", `another bundle of the serial ${floor.serial} was there before`);
  }
  return undefined;
}

/** Milliseconds since the Unix epoch; `Infinity` for one that does not expire. */
export function decidesUntil({ expires }: Manifest, graceMs: number): number {
  if (expires === undefined) return Number.POSITIVE_INFINITY;
  const parsed = parseTime(expires);
  return parsed.ok ? parsed.value + graceMs : 0;
}
