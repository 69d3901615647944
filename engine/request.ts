import type { RecordValue } from "./value.ts";

/**
 * A request after validation (SPEC §12.2): typed, normalised, complete. The roots are what expressions read;
 * each is a record without prototype whose members are run-time values.
 */
export interface DecisionRequest {
  /** Index of the declared tool. */
  readonly tool: number;
  readonly roots: Roots;
}

export interface Roots {
  /** `id`, `kind`, `groups` (Set), `attested`, `trust?`, declared attributes */
  readonly agent: RecordValue;
  /** `id`, `kind`, `groups` (Set), declared attributes */
  readonly principal: RecordValue | undefined;
  /** `chain` (List of records `from`, `to`, `scope`, `purpose?`, `issued_at?`, `expires_at?`, `approved`), `depth`, `root` (`id`, `kind`), `verified`, `scope`, `purpose?`, `expires_at?`, `tools?` (Set) */
  readonly delegation: RecordValue | undefined;
  /** `purpose?` (effective: asked for, else the delegation's), `task?`, `task_id?`, `source`, `plan?` (List of String) */
  readonly intent: RecordValue;
  /** `name`, `server?`, `effect`, `digest?` */
  readonly tool: RecordValue;
  readonly args: RecordValue;
  /** `type`, `id?`, `sensitivity`, `labels` (Set), `tenant?`, declared attributes */
  readonly resource: RecordValue | undefined;
  /** `id`, `started_at`, `status`, `labels` (Set), `sensitivity`, declared attributes */
  readonly session: RecordValue | undefined;
  /** `now`, `ip?`, `deployment?`, declared attributes */
  readonly environment: RecordValue;
}
