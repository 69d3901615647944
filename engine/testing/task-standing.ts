/** Where a task may stand when a call of it is tried: behind any step of its sequence, not only before the first. Pure. */
import type { Expr, SequenceDecl, StepDecl } from "../../lang/ir.ts";
import { childrenOf } from "../explain/walk.ts";
import type { TaskState } from "../state/store.ts";

/**
 * Positions that some call may follow. Steps that read what earlier ones bound are left out, with those before
 * them: such a value comes from a call that was made, and not from chance.
 */
export function standingsIn(sequence: SequenceDecl | undefined): readonly number[] {
  if (sequence === undefined) return [];
  const { positions, follow } = sequence;
  const isFree = (next: number) => positions[next] === undefined || !readsEarlier(positions[next]);
  return [...follow.keys()].filter((at) => {
    const next = follow[at] ?? [];
    return next.length > 0 && next.every(isFree);
  });
}

function readsEarlier({ binds, predicates }: StepDecl): boolean {
  const own = new Set(binds.map(({ id }) => id));
  return predicates.some((predicate) => readsOther(predicate, own));
}

/** Locals of a loop count as others: a step less is tried then. */
function readsOther(expr: Expr, own: ReadonlySet<number>): boolean {
  if (expr.kind === "local") return !own.has(expr.id);
  return childrenOf(expr).some((child) => readsOther(child, own));
}

/** As if the steps up to `position` had just been taken and reported. */
export function standingAt(position: number, nowMs: number): TaskState {
  const all = [{ position, bound: new Map() }];
  const progress = { base: all, steps: [], all };
  return { startedAtMs: nowMs, usedAtMs: nowMs, policy: "sha256:0", callCount: 1, progress };
}
