/** What happens in one run, drawn from its seed before it begins, so that any of it can be left out. */
import { type Random, randomFrom } from "../differential/random.ts";
import type { Ill } from "../support/fake-redis.ts";
import type { Asked, Status } from "./model.ts";
import { SEND_FAULTS, type SendFault } from "./network.ts";
import { WINDOW_MS } from "./policy.ts";

export const REPLICAS = 3;

export type Happening =
  | { readonly kind: "decide"; readonly replica: number; readonly asked: Asked }
  /** Of the call that `of` was answered with, if it was. */
  | {
      readonly kind: "outcome";
      readonly replica: number;
      readonly of: number;
      readonly status: Status;
      readonly returned: string;
    }
  | {
      readonly kind: "interrupt" | "reinstate";
      readonly replica: number;
      readonly session: string;
    }
  | { readonly kind: "send fault"; readonly replica: number; readonly fault: SendFault }
  | ToReplica
  | ToServer;

export type ToReplica =
  | { readonly kind: "cut" | "reload"; readonly replica: number }
  /** With the disk that it had, or with an empty one. */
  | { readonly kind: "crash"; readonly replica: number; readonly disk: "same" | "new" }
  | { readonly kind: "drift"; readonly replica: number; readonly rate: number }
  | { readonly kind: "wall"; readonly replica: number; readonly byMs: number };

export type ToServer =
  /** `from`: with what it had, with what the last copy had, or with nothing. */
  | { readonly kind: "restart"; readonly downMs: number; readonly from: "all" | "copy" | "nothing" }
  | { readonly kind: "copy" | "flush" | "forget scripts" | "confirm" }
  | { readonly kind: "evict"; readonly draw: number }
  | { readonly kind: "hang" | Ill; readonly forMs: number }
  | { readonly kind: "server drift"; readonly rate: number }
  | { readonly kind: "server step"; readonly byMs: number };

/** `id` stays what it is when others are left out. */
export type Planned = Happening & { readonly id: number; readonly atMs: number };

export interface Plan {
  readonly seed: number;
  /** A Redis that knows scripts, and no functions. */
  readonly isOld: boolean;
  readonly happenings: readonly Planned[];
}

const HOUR = 3_600_000;
const DECISIONS = 24;

export function planFrom(seed: number): Plan {
  const random = randomFrom(seed);
  const traits = traitsOf(random);
  const happenings: Planned[] = [];
  let atMs = 50;
  let id = 0;
  const add = (happening: Happening, later = 0): number => {
    happenings.push({ ...happening, id, atMs: atMs + later });
    return id++;
  };
  for (let decisions = 0; decisions < DECISIONS; decisions++) {
    atMs += gapMs(random);
    if (random.chance(traits.sendFaults)) add(sendFault(random));
    if (random.chance(traits.disasters)) addDisaster(add, random, traits);
    if (random.chance(0.04)) add(aboutSession(random));
    const asked = askedFrom(random, traits);
    const of = add({ kind: "decide", replica: random.below(REPLICAS), asked });
    if (random.chance(traits.reported)) addOutcomes(add, of, random);
  }
  happenings.sort((a, b) => a.atMs - b.atMs || a.id - b.id);
  return { seed, isOld: random.chance(0.1), happenings };
}

/** What kind of run it is: in most, only some things go wrong, so that others are seen undisturbed. */
interface Traits {
  readonly sendFaults: number;
  readonly disasters: number;
  /** Whose clocks go wrong: if all may run ahead, nobody could tell. */
  readonly clocks: "server" | "replicas";
  readonly agents: readonly string[];
  readonly errand: number;
  /** How often calls are made that set a latch, reset it and ask for it, many of them together. */
  readonly latching: number;
  /** How often something is fetched, or what was fetched is passed on. */
  readonly reading: number;
  /** How many calls are reported. */
  readonly reported: number;
}

function traitsOf(random: Random): Traits {
  return {
    sendFaults: random.pick([0, 0.05, 0.25]),
    disasters: random.pick([0, 0.04, 0.15]),
    clocks: random.pick(["server", "replicas"]),
    agents: random.pick([["a"], ["a"], ["a", "b"]]),
    errand: random.pick([0.1, 0.5]),
    latching: random.pick([0, 0, 0.6]),
    reading: random.pick([0, 0, 0.6]),
    reported: random.pick([0.5, 0.9]),
  };
}

/** Mostly at once, so that calls race; now and then long enough for a window to move on. */
function gapMs(random: Random): number {
  const kind = random.below(20);
  if (kind < 11) return random.below(3);
  if (kind < 16) return random.below(200);
  if (kind < 19) return 500 + random.below(5_000);
  return random.chance(0.5) ? random.below(WINDOW_MS) : WINDOW_MS + random.below(16_000) - 8_000;
}

function sendFault(random: Random): Happening {
  return { kind: "send fault", replica: random.below(REPLICAS), fault: random.pick(SEND_FAULTS) };
}

function aboutSession(random: Random): Happening {
  const kind = random.chance(0.6) ? "interrupt" : "reinstate";
  return { kind, replica: random.below(REPLICAS), session: random.pick(["s1", "s2"]) };
}

function askedFrom(random: Random, { agents, errand, latching, reading }: Traits): Asked {
  const agent = random.pick(agents);
  const session = random.chance(0.7) ? { session: random.pick(["s1", "s2"]) } : {};
  if (random.chance(errand)) {
    const tool = random.pick(["check", "check", "look", "look", "send", "spoil"] as const);
    const to = tool === "send" ? { to: random.pick(["x", "y", "z", "v", "w"]) } : {};
    return { tool, agent, session: "s1", ...to, inTask: tool !== "spoil" && random.chance(0.8) };
  }
  if (random.chance(latching)) {
    const tool = random.pick(["check", "spoil", "look", "rest"] as const);
    return { tool, agent, session: random.pick(["s1", "s1", "s2"]) };
  }
  if (random.chance(reading)) {
    const tool = random.pick(["fetch", "fetch", "post", "post", "leak"] as const);
    const to = tool === "post" ? { to: random.pick(RETURNED) } : {};
    return { tool, agent, session: random.pick(["s1", "s1", "s2"]), ...to };
  }
  const kind = random.below(20);
  if (kind < 11) return { tool: "pay", agent, amount: 10 + random.below(50), ...session };
  if (kind < 15) {
    return { tool: "send", agent, to: random.pick(["x", "y", "z", "v", "w"]), ...session };
  }
  if (kind === 15) return { tool: "stop", agent, ...session };
  return { tool: random.pick(["check", "look", "spoil", "rest"] as const), agent, ...session };
}

/** What calls return, and what is written to: by themselves, so that where they come from is plain. */
const RETURNED = ["ann@a.example", "bob@b.example", "cyd@c.example"] as const;

type Add = (happening: Happening, later?: number) => number;

function addOutcomes(add: Add, of: number, random: Random): void {
  const times = random.chance(0.15) ? 2 : 1;
  for (let count = 0; count < times; count++) {
    const status = random.chance(0.7) ? "ok" : "error";
    const later = random.pick([2, 10, 100, 4_000]) + random.below(5);
    const returned = random.pick(RETURNED);
    add({ kind: "outcome", replica: random.below(REPLICAS), of, status, returned }, later);
  }
}

/** Those who ask in the very moment that a server is back. */
function addAskers(add: Add, laterMs: number, random: Random, traits: Traits): void {
  for (let count = 0; count < 3; count++) {
    const asked = askedFrom(random, traits);
    add({ kind: "decide", replica: random.below(REPLICAS), asked }, laterMs + random.below(400));
  }
}

function addDisaster(add: Add, random: Random, traits: Traits): void {
  const { clocks } = traits;
  const replica = random.below(REPLICAS);
  const forMs = 20 + random.below(3_000);
  switch (random.below(21)) {
    case 0:
      add({ kind: "restart", downMs: forMs, from: "all" });
      addAskers(add, forMs, random, traits);
      return;
    case 1:
    case 2: {
      add({ kind: "copy" });
      add({ kind: "restart", downMs: forMs, from: "copy" }, random.below(2_000));
      return void add({ kind: "confirm" }, 1_200 + forMs);
    }
    case 3:
      add({ kind: "restart", downMs: forMs, from: "nothing" });
      return void add({ kind: "confirm" }, 1_200 + forMs);
    case 4:
      add({ kind: "flush" });
      return void add({ kind: "confirm" }, 1_200);
    case 5:
      return void add({ kind: "hang", forMs });
    case 6:
      return void add({ kind: "read-only", forMs });
    case 7:
      return void add({ kind: "full", forMs });
    case 8:
      return void add({ kind: "loading", forMs });
    case 9:
      return void add({ kind: "evicting", forMs });
    case 10:
      return void add({ kind: "forget scripts" });
    case 11:
      return void add({ kind: "crash", replica, disk: random.pick(["same", "new"]) });
    case 12:
      return void add({ kind: "reload", replica });
    case 13:
      return void add({ kind: "cut", replica });
    case 14:
      return void addEnd(add, forMs, random);
    case 15:
      return void addEviction(add, random);
    case 16:
      return void add({ kind: "wall", replica, byMs: random.pick([-24, -1, 1, 24]) * HOUR });
    default:
      if (clocks === "replicas") {
        return void add({ kind: "drift", replica, rate: random.pick([0, 0.5, 2, 10]) });
      }
      if (random.chance(0.5)) {
        return void add({ kind: "server drift", rate: random.pick([0, 0.5, 2]) });
      }
      return void add({ kind: "server step", byMs: random.pick([-24, -1, 1, 24]) * HOUR });
  }
}

/** Of all at once: processes, and the server with what it had not written down. */
function addEnd(add: Add, downMs: number, random: Random): void {
  add({ kind: "copy" });
  const later = random.below(2_000);
  add({ kind: "restart", downMs, from: random.pick(["copy", "nothing"]) }, later);
  for (let replica = 0; replica < REPLICAS; replica++) {
    add({ kind: "crash", replica, disk: random.chance(0.7) ? "same" : "new" }, later);
  }
  add({ kind: "confirm" }, later + downMs + 1_200);
}

/** Whoever finds that keys are missing begins anew. */
function addEviction(add: Add, random: Random): void {
  for (let times = 0; times < 3; times++) add({ kind: "evict", draw: random.below(1_000) });
  add({ kind: "flush" }, 2_500);
  add({ kind: "confirm" }, 3_700);
}

/** As an enforcement point would ask it. */
export function requestOf({ tool, agent, amount, to, session, inTask }: Asked): object {
  const args = { ...(amount === undefined ? {} : { amount }), ...(to === undefined ? {} : { to }) };
  return {
    agent: { id: agent },
    tool: { name: tool, args },
    ...(session === undefined ? {} : { session: { id: session } }),
    ...(inTask === true ? { intent: { task: "errand" } } : {}),
  };
}
