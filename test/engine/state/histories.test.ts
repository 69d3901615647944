import { expect, test } from "vitest";
import { seedFrom } from "../../support/seed.ts";
import { history, LITTLE_ROOM } from "./histories.ts";
import { IN_MEMORY, ON_SQLITE, RESTARTED } from "./stores.ts";

const SEED = seedFrom("WRIT_HISTORY_SEED");
const HISTORIES = 40;
const STEPS = 120;

test.each([
  { store: ON_SQLITE, name: ON_SQLITE.name, count: HISTORIES },
  {
    store: ON_SQLITE,
    name: `${ON_SQLITE.name} with little room`,
    count: HISTORIES,
    more: LITTLE_ROOM,
  },
  // Opening the file takes longer than a thousand decisions.
  { store: RESTARTED, name: RESTARTED.name, count: 6 },
])(
  `the same histories have the same answers on $name (seed ${SEED})`,
  // Minutes, where others use the processors too.
  { timeout: 240_000 },
  async ({ store, count, more }) => {
    for (let seed = SEED; seed < SEED + count; seed++) {
      const expected = await history(IN_MEMORY, seed, STEPS, more);
      expect(await history(store, seed, STEPS, more), `WRIT_HISTORY_SEED=${seed}`).toEqual(
        expected,
      );
    }
  },
);

test("the histories are worth comparing: every answer that state can give comes up", async () => {
  const counts = new Map<string, number>();
  const missing = () =>
    [
      ...["allow", "forbidden", "not_permitted", "session_interrupted", "out_of_sequence"],
      ...["prerequisite_pending", "limit_reached", "state_unavailable", "ok", "error"],
    ].filter((name) => (counts.get(name) ?? 0) < 5);
  // Where a seed has little of something, it goes on: luck says how long it takes, not whether it passes.
  const isOver = (tried: number) => tried >= (missing().length === 0 ? 4 : 24) * HISTORIES;
  for (let seed = SEED; !isOver(seed - SEED); seed++) {
    for (const told of await history(IN_MEMORY, seed, STEPS)) {
      const { kind, value } = JSON.parse(told) as {
        kind?: string;
        value?: Record<string, unknown>;
      };
      const name = String(value?.code ?? value?.decision ?? value?.status ?? kind ?? told);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  expect(missing(), JSON.stringify([...counts])).toEqual([]);
}, 60_000);
