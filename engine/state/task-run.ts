/** Which run of a task progress is kept for, in its session (SPEC §8.1). Pure. */
import type { DecisionRequest } from "../request.ts";
import { textIn } from "../value-reader.ts";

/** The task's name, and of a run that was granted its id behind a space, which no name has. */
export function runOf(name: string, taskId: string | undefined): string {
  return taskId === undefined ? name : `${name} ${taskId}`;
}

export function taskOfRun(run: string): string {
  const [name = ""] = run.split(" ", 1);
  return name;
}

/**
 * Once so long has passed since its first call, nobody can show the grant of a run any more: none lasts longer than a day
 * (SPEC §16.1). An hour more, since two clocks are compared.
 */
export const RUN_MOST_MS = 25 * 3_600_000;

export function isGranted(run: string): boolean {
  return run.includes(" ");
}

/** Of the run that a request is of; `undefined` where it was not granted. */
export function taskIdIn({ roots }: DecisionRequest): string | undefined {
  return textIn(roots.intent, "task_id");
}
