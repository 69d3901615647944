/**
 * One process that keeps its state in a file, killed at any moment, on a disk that fills and breaks: what was
 * acknowledged still counts, and nothing is allowed that it should have prevented.
 */
import { expect, test } from "vitest";
import { seedFrom } from "../support/seed.ts";
import { planFrom } from "./plan.ts";
import { simulateFile } from "./simulate-file.ts";

const SEED = seedFrom("WRIT_SIM_FILE_SEED");
const IS_ONE = process.env.WRIT_SIM_FILE_SEED !== undefined;
const SEEDS = IS_ONE ? 1 : 200;

test(`${SEEDS} runs with a file from seed ${SEED} keep what is promised`, async () => {
  const hits = new Map<string, number>();
  for (let seed = SEED; seed < SEED + SEEDS; seed++) {
    const told = await simulateFile(planFrom(seed));
    expect(told.violation, `WRIT_SIM_FILE_SEED=${seed}`).toBeUndefined();
    for (const [what, count] of told.hits) hits.set(what, (hits.get(what) ?? 0) + count);
  }
  if (IS_ONE) return;
  const wanted = [
    ...["killed", "killed while it wrote", "full", "room again", "broken", "broken behind it"],
    ...["allow", "not_permitted", "session_interrupted", "state_unavailable", "out_of_sequence"],
    ...["outcome answer", "outcome unavailable"],
  ];
  const seldom = wanted.filter((what) => (hits.get(what) ?? 0) < SEEDS / 20);
  expect(seldom, JSON.stringify([...hits])).toEqual([]);
}, 120_000);
