import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { seedFrom } from "../../support/seed.ts";
import { temporary } from "./stores.ts";
import { inFile, inMemory, type Reopened, ROOMY, TIGHT } from "./swap-state.ts";
import { swaps } from "./swaps.ts";

const SEED = seedFrom("WRIT_SWAPS_SEED");
const IS_ONE = process.env.WRIT_SWAPS_SEED !== undefined;
const STEPS = 80;
const MOST = 150;
const FULL = ["no room", "outcome unknown_call"];
const FILLED = ["filled in", "filled latch"];
const DIRECTORY = temporary();

afterAll(() => rmSync(DIRECTORY, { recursive: true }));

test.each([
  { name: "in memory", count: 60, open: () => inMemory(ROOMY), wanted: ["went", ...FILLED] },
  {
    name: "in memory, in full tables",
    count: 60,
    open: () => inMemory(TIGHT),
    wanted: ["went", ...FULL],
  },
  {
    ...{ name: "in a file", count: 40, wanted: ["restart", ...FILLED] },
    open: (seed: number): Reopened => inFile(join(DIRECTORY, String(seed)), ROOMY),
  },
  {
    ...{ name: "in a file, in full tables", count: 25, wanted: FULL },
    open: (seed: number): Reopened => inFile(join(DIRECTORY, `tight${seed}`), TIGHT),
  },
])(
  `what calls left behind is known to each policy as it should be, $name (seed ${SEED})`,
  async ({ count, open, wanted }) => {
    const hits = new Map<string, number>();
    const all = [
      ...["allow", "state_unavailable", "out_of_sequence", "prerequisite_pending", "swap"],
      ...["outcome answer", "forgotten", "pending", "sensitive", "origin unavailable", ...wanted],
      ...["again answer", "again already_settled", "session_interrupted", "forbidden"],
      ...["interrupt", "reinstate", "declassify"],
    ];
    const missing = () => all.filter((what) => !hits.has(what));
    // The rarest comes in one history of eight: few histories go on until it has.
    for (let at = 0; at < count || (at < MOST && missing().length > 0); at++) {
      const seed = SEED + at;
      const told = await swaps(open(seed), seed, STEPS);
      expect(told.wrong, `WRIT_SWAPS_SEED=${seed}`).toBeUndefined();
      if (IS_ONE) return;
      for (const [what, times] of told.hits) hits.set(what, (hits.get(what) ?? 0) + times);
    }
    expect(missing(), JSON.stringify([...hits])).toEqual([]);
  },
  60_000,
);
