/** Long work in short steps, between which everything else that waits has its turn. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** So many steps before others have their turn. */
export async function inTurns<Step>(
  steps: Iterable<Step>,
  atATurn: number,
  take: (step: Step) => void = () => {},
): Promise<void> {
  let count = 0;
  for (const step of steps) {
    take(step);
    count += 1;
    if (count % atATurn === 0) await nextTurn();
  }
}
