/** The shortest plan found that still goes wrong: parts are left out as long as any can be. */
import type { Plan } from "./plan.ts";

const RUNS_MOST = 300;

export async function minimise(
  plan: Plan,
  goesWrong: (plan: Plan) => Promise<boolean>,
): Promise<Plan> {
  let { happenings } = plan;
  let runs = 0;
  for (let size = Math.ceil(happenings.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < happenings.length && runs < RUNS_MOST; ) {
      const without = [...happenings.slice(0, at), ...happenings.slice(at + size)];
      runs += 1;
      if (await goesWrong({ ...plan, happenings: without })) happenings = without;
      else at += size;
    }
  }
  return { ...plan, happenings };
}
