/** Where tasks of sessions stand, in the terms of the policy that asks (SPEC §8.1). Pure. */
import { decodeTask } from "../codec.ts";
import { type KeptSequence, SEQUENCES_MOST, sequenceIn } from "../past.ts";
import type { StateScope, TaskState } from "../store.ts";
import { type Memory, type Session, type TaskEntry, writtenTask } from "../tables.ts";
import { runOf } from "../task-run.ts";
import type { Policy } from "./policy.ts";

export function taskNow(
  { sessionId, taskId }: Pick<StateScope, "sessionId" | "taskId">,
  index: number,
  policy: Policy,
): TaskState | "changed" | undefined {
  const session = policy.memory.sessions.get(sessionId ?? "");
  const entry = session?.tasks?.get(runOf(policy.program.tasks[index]?.name ?? "", taskId));
  return entry === undefined ? undefined : taskUnder(policy, index, entry);
}

/** In the terms of this policy, or of the one that it began under where this has another sequence for it. */
export function taskUnder(policy: Policy, index: number, entry: TaskEntry): TaskState | "changed" {
  const present = policy.sequences[index];
  if (present?.meaning === entry.meaning) return stateIn(present, entry);
  const past = policy.memory.sequences.get(entry.meaning);
  return past === undefined ? "changed" : { ...stateIn(past, entry), past };
}

function stateIn(sequence: KeptSequence, entry: TaskEntry): TaskState {
  if ("state" in entry && entry.sequence === sequence) return entry.state;
  return decodeTask(writtenTask(entry), sequenceIn(sequence), sequence.program);
}

interface TaskPlace {
  readonly sessionId: string;
  readonly session: Session;
  readonly run: string;
  /** In the policy; −1 where it has no such task any more. */
  readonly index: number;
}

export function keepTask(
  { sessionId, session, run, index }: TaskPlace,
  state: TaskState,
  { sequences, memory }: Policy,
): void {
  const sequence = state.past ?? sequences[index];
  if (sequence === undefined) throw new Error("a call of no task of the policy");
  keepSequence(sequence, memory);
  session.tasks ??= new Map();
  if (!session.tasks.has(run)) memory.taskCount += 1;
  session.tasks.set(run, { meaning: sequence.meaning, state, sequence });
  memory.keeper?.task(sessionId, run);
}

function keepSequence(sequence: KeptSequence, { sequences, sessions, keeper }: Memory): void {
  if (sequences.has(sequence.meaning)) return;
  sequences.set(sequence.meaning, sequence);
  keeper?.sequence(sequence.meaning);
  if (sequences.size <= SEQUENCES_MOST) return;
  const used = new Set([sequence.meaning]);
  for (const { tasks } of sessions.values()) {
    for (const { meaning } of tasks?.values() ?? []) used.add(meaning);
  }
  const unused = [...sequences.keys()].filter((meaning) => !used.has(meaning));
  for (const meaning of unused.length > 0 ? unused : [...sequences.keys()].slice(0, 1)) {
    sequences.delete(meaning);
    keeper?.sequence(meaning);
  }
}
