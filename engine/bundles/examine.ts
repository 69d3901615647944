/** All that a bundle must pass before it is decided by: signature, contents, age, and its own tests (SPEC §11.5). */
import type { Program } from "../../lang/ir.ts";
import type { VerifyingKey } from "../signing-key.ts";
import { failedTests } from "../testing/gate.ts";
import { type Admission, refusalOf } from "./admit.ts";
import { readSignedBundle } from "./contents.ts";
import type { Manifest } from "./manifest.ts";
import { type Refusal, refuse } from "./refusal.ts";

export interface Examination extends Admission {
  readonly keys: readonly VerifyingKey[];
  /** False: tests are not run, and need not be there. */
  readonly runsTests: boolean;
}

export interface Passed {
  readonly ok: true;
  readonly manifest: Manifest;
  readonly manifestDigest: string;
  /** Who signed it. */
  readonly keyId: string;
  readonly program: Program;
  readonly testCount: number;
}

export function examine(bytes: Uint8Array, examination: Examination): Passed | Refusal {
  const reading = readSignedBundle(bytes, examination.keys);
  if (!reading.ok) return reading;
  const { manifest, manifestDigest, keyId, contents } = reading;
  const refusal = refusalOf(manifest, manifestDigest, examination);
  if (refusal !== undefined) return refusal;
  const { program, tests } = contents;
  if (examination.runsTests) {
    if (tests === undefined) return refuse("tests_missing", "it was built without its tests");
    const failed = failedTests({ program, tests });
    if (failed.length > 0) return refuse("tests_failed", spellFailures(failed));
  }
  return { ok: true, manifest, manifestDigest, keyId, program, testCount: tests?.length ?? 0 };
}

const SHOWN_FAILURES = 3;

function spellFailures(failed: readonly string[]): string {
  const shown = failed.slice(0, SHOWN_FAILURES).join("; ");
  const more = failed.length - SHOWN_FAILURES;
  return `${failed.length} of its tests failed: ${shown}${more > 0 ? `; and ${more} more` : ""}`;
}
