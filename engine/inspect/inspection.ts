/** Looks at live state for operators, in the words of the policy. */
import type { Program } from "../../lang/ir.ts";
import { spellTime } from "../../lang/scalar/time.ts";
import { spellPlace } from "../policy.ts";
import type { Awaitable, SessionRow, StateReport, WantedSessions } from "../state/report.ts";
import { declarationsOf, type SpelledCounter, type SpelledLatch } from "./declarations.ts";
import { detailOf, sessionOf } from "./session.ts";
import type { CounterView, LatchView, SessionDetail, SessionsView, StateView } from "./view.ts";

export interface Inspection {
  /** `keysMost`: of each counter and latch, those nearest to a limit. */
  state(keysMost: number): Promise<StateView>;
  sessions(wanted: SessionSearch): Promise<SessionsView>;
  /** `undefined` where there is no such session. */
  session(id: string): Promise<SessionDetail | undefined>;
}

export interface SessionSearch extends Omit<WantedSessions, "after"> {
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

export interface InspectionParts {
  readonly program: Program;
  readonly digest: string;
  readonly report: StateReport;
  readonly now: () => number;
}

/** `after` names no page. */
export class NoSuchPage extends Error {}

export function createInspection(parts: InspectionParts): Inspection {
  // Made when first asked: most engines are never looked at.
  let known: ReturnType<typeof declarationsOf> | undefined;
  const declared = () => {
    known ??= declarationsOf(parts.program);
    return known;
  };
  return {
    state: (keysMost) => stateOf(declared(), keysMost, parts),
    sessions: (wanted) => sessionsOf(wanted, parts),
    session: (id) => detailOf(id, declared(), parts),
  };
}

async function stateOf(
  { counters, latches }: ReturnType<typeof declarationsOf>,
  keysMost: number,
  parts: InspectionParts,
): Promise<StateView> {
  const { program, digest, report, now } = parts;
  const { sessions, interruptedCount, tasks, calls, keysMost: bound } = await report.totals();
  return {
    at: spellTime(now()),
    policy: { package: program.package, digest, rules: program.rules.length },
    sessions: { ...sessions, interrupted: interruptedCount },
    tasks,
    calls,
    keys_most: bound,
    counters: await inOrder(counters, (counter) => counterView(counter, keysMost, parts)),
    latches: await inOrder(latches, (latch) => latchView(latch, keysMost, parts)),
  };
}

/** One after the other: looking is not worth more than deciding. */
async function inOrder<Item, View>(
  items: readonly Item[],
  view: (item: Item) => Awaitable<View>,
): Promise<readonly View[]> {
  const views: View[] = [];
  for (const item of items) views.push(await view(item));
  return views;
}

async function counterView(
  counter: SpelledCounter,
  most: number,
  { program, report, now }: InspectionParts,
): Promise<CounterView> {
  const { index, name, op, per, within } = counter;
  const { keyCount, sinceMs, highest } = await report.counter(index, { nowMs: now(), most });
  return {
    name,
    op,
    per,
    ...(within === undefined ? {} : { within }),
    ...(sinceMs === undefined ? {} : { since: spellTime(sinceMs) }),
    keys: keyCount,
    limits: counter.limits.map(({ most, name, effect, at }) => ({
      most: counter.amount(most),
      rule: name,
      effect,
      at: spellPlace(program, at),
    })),
    highest: highest.map((reading) => counter.reading(reading)),
  };
}

async function latchView(
  { index, name, per, key }: SpelledLatch,
  most: number,
  { report, now }: InspectionParts,
): Promise<LatchView> {
  const found = await report.latch(index, { nowMs: now(), most });
  return {
    name,
    per,
    ...(found.sinceMs === undefined ? {} : { since: spellTime(found.sinceMs) }),
    keys: found.keyCount,
    set: found.setCount,
    pending: found.pendingCount,
    some: found.keys.map((one) => ({ ...one, key: key(one.key) })),
  };
}

// ── Sessions ───────────────────────────────────────────────────────────────────────────────────────────────

async function sessionsOf(
  { after, ...wanted }: SessionSearch,
  { program, report, now }: InspectionParts,
): Promise<SessionsView> {
  // One more than is shown tells whether there is another page.
  const rows = await report.sessions({
    ...wanted,
    most: wanted.most + 1,
    after: after === undefined ? undefined : placeAt(after),
  });
  const shown = rows.slice(0, wanted.most);
  const last = shown.at(-1);
  return {
    at: spellTime(now()),
    sessions: shown.map((row) => sessionOf(row, program)),
    ...(rows.length > shown.length && last !== undefined ? { next: pageAfter(last) } : {}),
  };
}

function pageAfter({ usedAtMs, id }: SessionRow): string {
  return `${usedAtMs}:${id}`;
}

function placeAt(after: string): Pick<SessionRow, "usedAtMs" | "id"> {
  const [, usedAt, id] = /^(\d{1,16}):(.+)$/su.exec(after) ?? [];
  if (usedAt === undefined || id === undefined) throw new NoSuchPage();
  return { usedAtMs: Number(usedAt), id };
}
