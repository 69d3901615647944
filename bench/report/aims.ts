/** What was aimed at, and what a run reached. */
import { type Results, resultOf, sizesOf } from "../results.ts";
import { type Aim, whole } from "./text.ts";

/** What the host writes itself is no peer. */
const BASELINES = ["hand-written", "hand-written-boolean"];

export function aims(results: Results): readonly Aim[] {
  return [
    ...besideByHand(results),
    ...flat(results),
    ...besidePeers(results),
    ...loading(results),
    ...withState(results),
  ];
}

function besideByHand(results: Results): Aim[] {
  const own = resultOf(results, "writ", 20);
  const byHand = resultOf(results, "hand-written", 20);
  const boolean = resultOf(results, "hand-written-boolean", 20);
  if (own === undefined || byHand === undefined || boolean === undefined) return [];
  const ratio = byHand.speed.perSecond / own.speed.perSecond;
  const bare = boolean.speed.perSecond / own.speed.perSecond;
  const says = `${times(ratio)} of the one that names rules and code as Writ does; ${times(bare)} of the one that says yes or no`;
  return [
    {
      aim: "at most 3 times the hand-written function, 20 rules",
      reached: says,
      met: ratio <= 3,
    },
  ];
}

function flat(results: Results): Aim[] {
  const few = resultOf(results, "writ", 20);
  const many = resultOf(results, "writ", 10_000);
  if (few === undefined || many === undefined) return [];
  const ratio = few.speed.perSecond / many.speed.perSecond;
  const p50 = many.speed.p50Us / few.speed.p50Us;
  return [
    {
      aim: "flat (at most 1.5 times) from 20 to 10,000 rules",
      reached: `${times(ratio)} the time by throughput, ${times(p50)} by p50`,
      met: ratio <= 1.5,
    },
  ];
}

function besidePeers(results: Results): Aim[] {
  const sizes = sizesOf(results);
  const ratios = sizes.flatMap((size) => {
    const own = resultOf(results, "writ", size);
    const peers = results.measured.filter(
      ({ engine, ruleCount, reasons }) =>
        ruleCount === size &&
        reasons !== "none" &&
        !engine.startsWith("writ") &&
        !BASELINES.includes(engine),
    );
    const fastest = peers.toSorted((a, b) => b.speed.perSecond - a.speed.perSecond)[0];
    if (own === undefined || fastest === undefined) return [];
    return [{ size, title: fastest.title, ratio: own.speed.perSecond / fastest.speed.perSecond }];
  });
  if (ratios.length === 0) return [];
  return [
    {
      aim: "at least 4 times the decisions/s of the fastest peer that gives reasons, at every size",
      reached: ratios
        .map(({ size, title, ratio }) => `${whole(size)}: ${times(ratio)} (${title})`)
        .join("; "),
      met: ratios.every(({ ratio }) => ratio >= 4),
    },
  ];
}

function loading(results: Results): Aim[] {
  const result = resultOf(results, "writ", 10_000);
  if (result?.fromBuilt === undefined) return [];
  return [
    {
      aim: "10,000 rules from text in under 5 s",
      reached: `${(result.load.loadMs / 1_000).toFixed(1)} s (compiled, digested, loaded, ready)`,
      met: result.load.loadMs < 5_000,
    },
    {
      aim: "10,000 rules from built IR in under 1 s",
      reached: `${(result.fromBuilt.loadMs / 1_000).toFixed(2)} s (read, checked, digested, ready)`,
      met: result.fromBuilt.loadMs < 1_000,
    },
  ];
}

const STATE_AIMS = [
  { name: "state-decide-reserve", what: "two counters read and reserved", mostUs: 1 },
  { name: "state-all-decide", what: "two counters, a latch and a sequence", mostUs: 2 },
] as const;

function withState({ state }: Results): Aim[] {
  return STATE_AIMS.flatMap(({ name, what, mostUs }) => {
    const found = state.find((measured) => measured.name === name);
    if (found === undefined) return [];
    const reached = `p50 ${found.p50Us.toFixed(2)} µs`;
    return [{ aim: `under ${mostUs} µs with ${what}`, reached, met: found.p50Us < mostUs }];
  });
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)} times`;
}
