/** Policies that are alike: each declares some of these, in some order, and what one has the next may have otherwise. */
import type { Program } from "../../../lang/ir.ts";
import type { Random } from "../../differential/random.ts";
import { programOf } from "../../support/engine.ts";

export type Tool = "read" | "note" | "pay" | "check" | "stop";

export type Per = "session" | "agent" | "resource.sensitivity";

export interface Counted {
  readonly op: "count" | "sum" | "distinct";
  readonly base: "attempts" | "allowed" | "completed";
  readonly tools: readonly Tool[];
  readonly per: Per;
  readonly windowMs?: number;
}

export interface Latched {
  readonly base: "allowed" | "completed";
  readonly set: Tool;
  readonly reset?: Tool;
  readonly per: Per;
}

const ALL: readonly Tool[] = ["read", "pay", "check"];
const TEN_MINUTES = 600_000;

const COUNTERS: Readonly<Record<string, Counted>> = {
  "counter tries = count attempts read, pay, check per session": {
    ...{ op: "count", base: "attempts", tools: ALL, per: "session" },
  },
  "counter tries = count attempts read, pay, check per agent": {
    ...{ op: "count", base: "attempts", tools: ALL, per: "agent" },
  },
  "counter spend = sum args.n of allowed pay per session": {
    ...{ op: "sum", base: "allowed", tools: ["pay"], per: "session" },
  },
  "counter spent = sum args.n of allowed pay per session": {
    ...{ op: "sum", base: "allowed", tools: ["pay"], per: "session" },
  },
  "counter spend = sum args.n of allowed pay per agent within 10m": {
    ...{ op: "sum", base: "allowed", tools: ["pay"], per: "agent", windowMs: TEN_MINUTES },
  },
  "counter graded = count attempts read, pay, check per resource.sensitivity": {
    ...{ op: "count", base: "attempts", tools: ALL, per: "resource.sensitivity" },
  },
  "counter payees = distinct args.to of completed pay per session": {
    ...{ op: "distinct", base: "completed", tools: ["pay"], per: "session" },
  },
  "counter payees = distinct args.to of completed pay per agent within 10m": {
    ...{ op: "distinct", base: "completed", tools: ["pay"], per: "agent", windowMs: TEN_MINUTES },
  },
};

const LATCHES: Readonly<Record<string, Latched>> = {
  "latch checked = completed check per session reset by completed pay": {
    ...{ base: "completed", set: "check", reset: "pay", per: "session" },
  },
  "latch checked = completed check per agent reset by completed pay": {
    ...{ base: "completed", set: "check", reset: "pay", per: "agent" },
  },
  "latch proven = completed check per resource.sensitivity reset by completed pay": {
    ...{ base: "completed", set: "check", reset: "pay", per: "resource.sensitivity" },
  },
  "latch seen = allowed read per session": { base: "allowed", set: "read", per: "session" },
  "latch paid = completed pay per session": { base: "completed", set: "pay", per: "session" },
};

/** By their texts, as patterns of the tools' first letters. */
export const SEQUENCES: Readonly<Record<string, string>> = {
  "check, pay": "cp",
  "check, read*, pay": "cr*p",
  "(check | pay), read, pay": "(?:c|p)rp",
};

const LEVELS = ["low", "inner", "high", "secret"];

export interface Swapped {
  readonly program: Program;
  readonly text: string;
  /** In the order of the program, by `meaningIn`. */
  readonly counters: readonly string[];
  readonly latches: readonly string[];
  /** Lowest first. */
  readonly levels: readonly string[];
  readonly labels: readonly string[];
  readonly asksOrigin: boolean;
  readonly sequence: string | undefined;
  readonly tools: readonly Tool[];
}

/** `originChance`: where one policy asks for no origin, none is known of what was returned then. */
export function randomPolicy(random: Random, originChance: number): Swapped {
  const tools = shuffled<Tool>([...ALL, ...random.some<Tool>(["note", "stop"], 0.6)], random);
  const labels = shuffled(["untrusted", "private", ...random.some(["odd"], 0.5)], random);
  const levels = random.chance(0.2) ? [] : atLeastTwo(random);
  const isPossible = (text: string) => levels.length > 0 || !text.includes(" per resource.");
  const counters = declared(Object.keys(COUNTERS).filter(isPossible), random);
  const latches = declared(Object.keys(LATCHES).filter(isPossible), random);
  const asksOrigin = random.chance(originChance);
  const sequence = random.chance(0.7) ? random.pick(Object.keys(SEQUENCES)) : undefined;
  const text = [
    `label ${labels.join(", ")}`,
    ...(levels.length > 0 ? [`level Sensitivity = ${levels.join(" < ")}`] : []),
    "resource file {}",
    ...tools.map((tool) => TOOLS[tool]),
    ...counters,
    ...latches,
    ...(sequence === undefined ? [] : [`task errand { sequence ${sequence} }`]),
    "permit anything",
    ...(tools.includes("stop") ? ["forbid ending tool stop then interrupt session"] : []),
    ...(asksOrigin
      ? ["forbid planted tool pay when args.n < 0 and untrusted in origin(args.to)"]
      : []),
  ].join("\n");
  const program = programOf(text);
  const meanings = (texts: readonly string[]) => texts.map((one) => meaningIn(one, levels));
  return {
    ...{ program, text, levels, labels, asksOrigin, sequence, tools },
    ...{ counters: meanings(counters), latches: meanings(latches) },
  };
}

/** Two that say the same mean the same, and no others; of the same levels, where their keys are levels. */
function meaningIn(text: string, levels: readonly string[]): string {
  return text.includes(" per resource.") ? `${text} # ${levels.join(" < ")}` : text;
}

export function counterOf(meaning: string): Counted {
  const [text = ""] = meaning.split(" # ");
  const counted = COUNTERS[text];
  if (counted === undefined) throw new Error(`${text} is no counter`);
  return counted;
}

export function latchOf(meaning: string): Latched {
  const [text = ""] = meaning.split(" # ");
  const latched = LATCHES[text];
  if (latched === undefined) throw new Error(`${text} is no latch`);
  return latched;
}

const TOOLS: Readonly<Record<Tool, string>> = {
  read: "tool read { effect read, yields untrusted }",
  note: "tool note { effect write, args { to: String }, yields private }",
  pay: "tool pay { effect write, args { to: String, n: Int } }",
  check: "tool check { effect execute }",
  stop: "tool stop { effect execute }",
};

/** One of each name. */
function declared(texts: readonly string[], random: Random): readonly string[] {
  const byName = new Map<string, string>();
  for (const text of shuffled(random.some(texts, 0.6), random)) {
    byName.set(text.split(" ")[1] ?? "", text);
  }
  return [...byName.values()];
}

function atLeastTwo(random: Random): readonly string[] {
  const levels = random.some(shuffled(LEVELS, random), 0.6);
  return levels.length >= 2 ? levels : ["low", "high"];
}

function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}
