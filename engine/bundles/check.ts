/**
 * Checks of a source of bundles: whatever goes wrong in one is a refusal, counted in the status that `/ready` and
 * metrics read, and told once.
 */
import { messageOf } from "../fault.ts";
import { type Refusal, type RefusalCode, refuse } from "./refusal.ts";

/** Of one source, as its checks leave it. Times are milliseconds since the Unix epoch. */
export interface CheckState {
  activationCount: number;
  readonly refusalCounts: Map<RefusalCode, number>;
  checkedAtMs?: number;
  /** Why the latest check came to nothing. */
  failing?: {
    readonly code: RefusalCode;
    readonly because: string;
    readonly sinceMs: number;
  };
}

export type CheckEvent =
  /** Of one cause in a row, the first alone is told. */
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly source: string }
  /** After refusals, the source holds again what is decided by. */
  | { readonly kind: "recovered"; readonly source: string };

export interface CheckParts {
  readonly source: { readonly shown: string };
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly onEvent: (event: CheckEvent) => void;
}

/** A bug in loading is no reason to stop deciding. */
export async function caught(
  load: () => Promise<Refusal | undefined>,
): Promise<Refusal | undefined> {
  try {
    return await load();
  } catch (fault) {
    const what = messageOf(fault);
    return refuse("crashed", `loading it failed: ${what}`);
  }
}

/** Whether it went well; notes and tells what is new. */
export function checked(
  refusal: Refusal | undefined,
  state: CheckState,
  { source: { shown: source }, now, onEvent }: CheckParts,
): boolean {
  state.checkedAtMs = now();
  const known = state.failing;
  if (refusal === undefined) {
    delete state.failing;
    if (known !== undefined) onEvent({ kind: "recovered", source });
    return true;
  }
  const { code, because } = refusal;
  state.refusalCounts.set(code, (state.refusalCounts.get(code) ?? 0) + 1);
  if (known?.code === code && known.because === because) return false;
  state.failing = { code, because, sinceMs: now() };
  onEvent({ kind: "refused", refusal, source });
  return false;
}
