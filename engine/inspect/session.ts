/** One session as operators see it: what it did, where its tasks stand, what counts it. */
import type { LimitDecl, Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import { sequenceIn } from "../state/past.ts";
import type { SessionReport, SessionRow, WantedKeys } from "../state/report.ts";
import { sensitivityLevels } from "../state/sensitivity.ts";
import { standingOf } from "../state/sequence.ts";
import type { TaskState } from "../state/store.ts";
import type { SpelledCounter, SpelledLatch } from "./declarations.ts";
import type { InspectionParts } from "./inspection.ts";
import type { SessionDetail, SessionView, TaskView } from "./view.ts";

/** Calls under way that are named. */
const CALLS_MOST = 100;
/** Keys of one counter or latch that name the session beside others, such as each of its tools. */
const KEYS_MOST = 20;

export function sessionOf(row: SessionRow, program: Program): SessionView {
  const { id, startedAtMs, usedAtMs, labels, sensitivity, interrupted, interruption } = row;
  return {
    id,
    since: spellTime(startedAtMs),
    used: spellTime(usedAtMs),
    labels,
    sensitivity: sensitivityLevels(program)[sensitivity] ?? sensitivity,
    interrupted,
    ...(interruption === undefined ? {} : { interruption: spellInterruption(interruption) }),
  };
}

function spellInterruption({
  by,
  names,
  because,
  atMs,
}: NonNullable<SessionRow["interruption"]>): NonNullable<SessionView["interruption"]> {
  return { by, names, ...(because === undefined ? {} : { because }), at: spellTime(atMs) };
}

export async function detailOf(
  id: string,
  declared: {
    readonly counters: readonly SpelledCounter[];
    readonly latches: readonly SpelledLatch[];
  },
  parts: InspectionParts,
): Promise<SessionDetail | undefined> {
  const found = await parts.report.session(id, CALLS_MOST);
  if (found === undefined) return undefined;
  return {
    at: spellTime(parts.now()),
    ...sessionOf(found, parts.program),
    calls: found.callCount,
    under_way: found.calls.map(({ call, tool, atMs }) => ({ call, tool, since: spellTime(atMs) })),
    tasks: tasksOf(found, parts.program),
    counters: await countersOf(id, declared.counters, parts),
    latches: await latchesOf(id, declared.latches, parts),
  };
}

async function countersOf(
  id: string,
  counters: readonly SpelledCounter[],
  { report, now }: InspectionParts,
): Promise<SessionDetail["counters"]> {
  const own: SessionDetail["counters"][number][] = [];
  for (const counter of counters) {
    const { index, name, per, within } = counter;
    const wanted = keysNaming(id, counter, now());
    if (wanted === undefined) continue;
    for (const reading of (await report.counter(index, wanted)).highest) {
      own.push({ name, per, ...(within && { within }), ...counter.reading(reading) });
    }
  }
  return own;
}

async function latchesOf(
  id: string,
  latches: readonly SpelledLatch[],
  { report, now }: InspectionParts,
): Promise<SessionDetail["latches"]> {
  const own: SessionDetail["latches"][number][] = [];
  for (const latch of latches) {
    const wanted = keysNaming(id, latch, now());
    if (wanted === undefined) continue;
    for (const { key, state } of (await report.latch(latch.index, wanted)).keys) {
      own.push({ name: latch.name, key: latch.key(key), state });
    }
  }
  return own;
}

function keysNaming(
  id: string,
  { sessionAt }: SpelledLatch,
  nowMs: number,
): WantedKeys | undefined {
  if (sessionAt === undefined) return undefined;
  return { nowMs, most: KEYS_MOST, part: { at: sessionAt, value: id } };
}

function tasksOf({ tasks }: SessionReport, program: Program): readonly TaskView[] {
  return tasks.flatMap(({ index, state }) => {
    const declared = program.tasks[index];
    if (declared === undefined) return [];
    const { name, limits } = declared;
    const sequence = state.past === undefined ? declared.sequence : sequenceIn(state.past);
    return [
      {
        name,
        since: spellTime(state.startedAtMs),
        ...(state.past === undefined ? {} : { policy: state.policy }),
        calls: state.callCount,
        ...Object.assign({}, ...limits.map((limit) => limitOf(limit, state))),
        under_way: state.progress.steps.filter(({ done }) => !done).length,
        ...(sequence === undefined ? {} : standingOf(sequence, state.progress)),
      },
    ];
  });
}

/** Limits of counters stand with the counters. */
function limitOf(limit: LimitDecl, { startedAtMs }: TaskState): Partial<TaskView> {
  switch (limit.kind) {
    case "calls":
      return { calls_most: limit.most };
    case "duration":
      return { until: spellTime(startedAtMs + limit.mostMs) };
    case "counter":
      return {};
  }
}
