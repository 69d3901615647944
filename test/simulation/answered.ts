/** What a run of the script was asked and what it read, taken out of the command and its answer. */
import { tablesOf } from "../../engine/state/redis/tables.ts";
import type { LuaReply } from "../support/lua-script.ts";
import { COUNTERS, VERSIONS } from "./policy.ts";

export interface Run {
  readonly name: string;
  /** Whom it believes to ask: `""` where it knows of nobody. */
  readonly generation: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** Whether who asks has been told anything by this store before. */
  readonly knows: boolean;
  readonly isNew: boolean;
  /** Whether what is decided is kept, and not only looked at. */
  readonly keeps: boolean;
}

/** Of a command that runs the script: `FCALL name count keys… operation generation writes expected arguments…`. */
export function readRun([command, , count, ...rest]: readonly string[]): Run | undefined {
  if (command !== "FCALL" && command !== "EVALSHA") return undefined;
  const keys = rest.slice(0, Number(count));
  const [name = "", generation = "", , expected = "", ...args] = rest.slice(Number(count));
  const [knows, isNew] = [generation !== "", expected === ""];
  return { name, generation, keys, args, knows, isNew, keeps: args[0] === "keep" };
}

export interface CounterReading {
  readonly counter: keyof typeof COUNTERS;
  readonly agent: string;
  /** As the model counts: amounts whole. */
  readonly value: number;
}

/** By the key of the table, with what one is worth. */
const TABLES = new Map(
  VERSIONS.flatMap(({ program }) =>
    Object.entries(COUNTERS).map(([name, index]) => {
      const meaning = tablesOf(program).counters[index]?.meaning ?? "";
      const worth = name === "paid" || name === "total" ? 10_000 : 1;
      return [meaning, { counter: name as keyof typeof COUNTERS, worth }] as const;
    }),
  ),
);

/** `attempt`'s arguments before its cells: what for, and eight bounds. */
const BEFORE_CELLS = 9;

/** Of the counters that an attempt read; those that it could not read are left out. */
export function readingsIn({ keys, args }: Run, reply: readonly LuaReply[]): CounterReading[] {
  const found: CounterReading[] = [];
  const readings = reply[3] as readonly LuaReply[];
  let [at, key] = [BEFORE_CELLS, 1];
  const take = () => args[at++] ?? "";
  const count = Number(take());
  for (let index = 0; index < count; index++) {
    const kind = take();
    const meaning = (keys[key] ?? "").split(":").at(-1) ?? "";
    key += kind === "distinct" ? 3 : 1;
    if (kind !== "latch") take();
    // Whose session's it is, of those that are.
    take();
    const agent = take();
    at += 2;
    at += 1 + 2 * Number(args[at]);
    const table = kind === "latch" ? undefined : TABLES.get(meaning);
    const reading = String(readings[index]);
    if (table === undefined || reading === "u") continue;
    found.push({ counter: table.counter, agent, value: Number(reading) / table.worth });
  }
  return found;
}
