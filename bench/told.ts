/** Processes that are given one order and give one report, as messages. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What the child says first; it is ended then. Throws where it ends without a word. */
export async function toldBy<Told>(child: ChildProcess, order?: object | string): Promise<Told> {
  if (order !== undefined) child.send(order);
  const [told] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => {
      throw new Error(`${child.spawnargs.join(" ")} ended without a report`);
    }),
  ]);
  child.kill();
  return told;
}

/** In the child: does the first order that comes, and ends. */
export function tell<Order, Report>(run: (order: Order) => Promise<Report>): void {
  process.once("message", (order: Order) => {
    run(order).then(
      (report) => process.send?.(report, () => process.disconnect()),
      (fault: unknown) => {
        console.error(fault);
        process.exit(1);
      },
    );
  });
}
