import type { LoadCost } from "./child.ts";
import type { BenchEngine } from "./engine.ts";
import type { Machine } from "./machine.ts";
import type { Speed } from "./measure.ts";
import type { PartTimes } from "./parts.ts";
import type { StateSpeed } from "./state.ts";

/** What `bench/results/latest.json` holds. */
export interface Results {
  readonly machine: Machine & { readonly v8: string };
  readonly measured: readonly Result[];
  readonly state: readonly StateSpeed[];
  readonly parts: readonly PartTimes[];
  /** How long the run took. */
  readonly seconds: number;
}

export interface Result extends Pick<BenchEngine, "title" | "reasons" | "how"> {
  readonly engine: string;
  readonly ruleCount: number;
  readonly speed: Speed;
  /** From source. */
  readonly load: LoadCost;
  /** From what was built before. */
  readonly fromBuilt?: LoadCost;
}

export function sizesOf({ measured }: Results): readonly number[] {
  return [...new Set(measured.map(({ ruleCount }) => ruleCount))];
}

export function resultOf(
  { measured }: Results,
  engine: string,
  ruleCount: number,
): Result | undefined {
  return measured.find((result) => result.engine === engine && result.ruleCount === ruleCount);
}
