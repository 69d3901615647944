/** What a latch may be, by trying every order in which calls may have had their effect: slow, and plain. */

export interface LatchCall {
  readonly kind: "latch" | "reset";
  /** Whether it is one of the calls that are meant; where that is not known, it may have no effect. */
  readonly certain: boolean;
  /** When it was decided. */
  readonly begin: number;
  /** When its outcome came: as it began where it is counted at once, missing while it is under way. */
  end?: number;
}

/** Of calls that did not fail. */
export function readingOf(calls: readonly LatchCall[]): boolean | "pending" {
  const found = new Set<boolean>();
  collect(calls, false, found);
  const [value = false, other] = found;
  return other === undefined ? value : "pending";
}

/** What all of them may leave behind, one after the other: each at any time while it is under way, or never. */
function collect(calls: readonly LatchCall[], value: boolean, found: Set<boolean>): void {
  if (calls.length === 0) found.add(value);
  for (const call of calls) {
    const isNext = calls.every(({ end = call.begin }) => end >= call.begin);
    if (!isNext) continue;
    const left = calls.filter((other) => other !== call);
    collect(left, call.kind === "latch", found);
    if (!call.certain || call.end === undefined) collect(left, value, found);
  }
}
