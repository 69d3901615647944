/**
 * What SPEC §7 says of calls that were decided under one policy after the other, by remembering all of them: slow, and
 * plain. It does not say when a session is forgotten, but is told, and says whether it may have been.
 */
import { bucketOf } from "../../../engine/state/window.ts";
import {
  counterOf,
  latchOf,
  type Per,
  SEQUENCES,
  type Swapped,
  type Tool,
} from "./swap-policies.ts";

/** One session of a name, from when it begins until it is forgotten. */
export interface Life {
  readonly startedAtMs: number;
  usedAtMs: number;
  isInterrupted: boolean;
  readonly labels: Set<string>;
  /** Levels of what was, or may be, returned. */
  readonly returned: Set<string>;
  /** Missing where something was returned that was not kept. */
  seen: { readonly text: string; readonly label: string }[] | undefined;
  task:
    | { readonly sequence: string; readonly usedAtMs: number; readonly steps: Past[] }
    | undefined;
}

export interface Past {
  readonly policy: Swapped;
  /** Counters and latches that were given it: those of its policy, and those that were filled in from the log. */
  readonly knownTo: Set<string>;
  /** Those that may have gone, since they held nothing, and were given it again when they came back. */
  readonly perhapsKnownTo: Set<string>;
  readonly atMs: number;
  readonly begin: number;
  readonly tool: Tool;
  readonly session: string;
  readonly agent: string;
  /** Missing where there was no room for the session. */
  readonly life: Life | undefined;
  readonly to?: string | undefined;
  readonly n: number;
  readonly level?: string | undefined;
  readonly allowed: boolean;
  readonly isStep: boolean;
  /** Missing while it is under way. */
  end?: number;
  status?: "ok" | "error";
  /** It was reported too late to change what is of sessions. */
  tooLate?: boolean;
}

export interface Outcome {
  readonly status: "ok" | "error";
  readonly value?: string | undefined;
  readonly label?: string | undefined;
  readonly level?: string | undefined;
}

export class Model {
  readonly idleMs: number;
  readonly lives = new Map<string, Life>();
  readonly calls: Past[] = [];
  /** Counters and latches that were given anything from the log. */
  readonly #filled = new Set<string>();
  #inForce: ReadonlySet<string> = new Set();
  /** When each was in force last. */
  readonly #leftMs = new Map<string, number>();
  /** In which session of its name a call was reported. */
  readonly #settledIn = new Map<Past, Life>();
  #now = 0;

  constructor(idleMs: number) {
    this.idleMs = idleMs;
  }

  /** What there is of a session by now. Whether that may be: none is forgotten that is in use, or was ended. */
  observe(session: string, startedAtMs: number | undefined, nowMs: number): boolean {
    const life = this.lives.get(session);
    if (life?.startedAtMs === startedAtMs) return true;
    this.lives.delete(session);
    if (startedAtMs !== undefined) this.lives.set(session, newLife(startedAtMs));
    if (life === undefined) return true;
    return !life.isInterrupted && nowMs - life.usedAtMs > this.idleMs;
  }

  instruct(life: Life, text: string, { asksOrigin }: Swapped): void {
    if (asksOrigin) life.seen?.push({ text, label: "user" });
  }

  decided(call: Omit<Past, "begin" | "knownTo" | "perhapsKnownTo">): Past {
    this.#now += 1;
    this.inForce(call.policy, call.atMs);
    const knownTo = new Set([...call.policy.counters, ...call.policy.latches]);
    const perhapsKnownTo = new Set<string>();
    const past: Past = { ...call, begin: this.#now, knownTo, perhapsKnownTo };
    this.calls.push(past);
    const { life, policy, isStep, allowed, atMs } = past;
    if (life !== undefined) life.usedAtMs = atMs;
    if (life !== undefined && allowed) join(life, past);
    if (life !== undefined && isStep && allowed && policy.sequence !== undefined) {
      const { sequence = policy.sequence, steps = [] } = life.task ?? {};
      life.task = { sequence, usedAtMs: atMs, steps: [...steps, past] };
    }
    return past;
  }

  settled(call: Past, outcome: Outcome, nowMs: number, policy: Swapped): void {
    this.#now += 1;
    call.status = outcome.status;
    call.end = this.#now;
    call.tooLate = nowMs - call.atMs > this.idleMs;
    const life = this.lives.get(call.session);
    if (life === undefined) throw new Error("a call whose session was not brought back");
    life.usedAtMs = nowMs;
    this.#settledIn.set(call, life);
    returned(life, call, outcome, policy);
  }

  /** Since it decides, or was given something. */
  inForce({ counters, latches }: Swapped, nowMs: number): void {
    const declared = new Set([...counters, ...latches]);
    for (const one of this.#inForce) if (!declared.has(one)) this.#leftMs.set(one, nowMs);
    this.#inForce = declared;
  }

  /** What was decided since it was last in force, and is a request that `policy` knows. */
  filled(declared: string, policy: Swapped, fromMs: number, nowMs: number): void {
    this.#filled.add(declared);
    const leftMs = this.#leftMs.get(declared) ?? 0;
    const mayHaveGone = nowMs - leftMs > DAY_MS;
    this.#leftMs.set(declared, Math.max(leftMs, fromMs));
    for (const call of this.calls) {
      if (!isKnown(call, policy)) continue;
      if (call.atMs >= leftMs) call.knownTo.add(declared);
      else if (mayHaveGone) call.perhapsKnownTo.add(declared);
    }
  }

  isFilled(declared: string): boolean {
    return this.#filled.has(declared);
  }

  /** Since when it knows all, where that is not from the beginning or for its whole window. */
  late(declared: string, nowMs: number): number | undefined {
    const [first] = this.calls;
    if (first === undefined) return undefined;
    let sinceMs = nowMs;
    for (const { policy, atMs } of this.calls.toReversed()) {
      if (![...policy.counters, ...policy.latches].includes(declared)) break;
      sinceMs = atMs;
    }
    const counted = declared.startsWith("counter") ? counterOf(declared) : undefined;
    const windowMs = counted?.windowMs ?? Number.POSITIVE_INFINITY;
    return sinceMs > Math.max(first.atMs, nowMs - windowMs) ? sinceMs : undefined;
  }

  /** The least and the most that a counter may read. */
  counter(declared: string, key: string, nowMs: number): readonly [number, number] {
    const { op, base, tools, per, windowMs } = counterOf(declared);
    const own = this.#under(key, per).filter(
      ({ tool, allowed }) => tools.includes(tool) && (base === "attempts" || allowed),
    );
    const counted = own.filter(({ knownTo }) => knownTo.has(declared));
    const isFilled = this.isFilled(declared);
    const all = counted.filter(
      ({ status, tooLate }) =>
        base === "attempts" ||
        status !== "error" ||
        (!isFilled && tooLate === true && per === "session"),
    );
    // Of what was filled in, nothing is given back.
    const perhaps = own.filter(({ perhapsKnownTo }) => perhapsKnownTo.has(declared));
    const most = isFilled ? [...new Set([...counted, ...perhaps])] : all;
    const of = (some: readonly Past[]) => {
      if (op === "distinct") return new Set(some.map(({ to }) => to)).size;
      return some.reduce((sum, { n }) => sum + (op === "sum" ? n : 1), 0);
    };
    if (windowMs === undefined) return [of(all), of(most)];
    const now = bucketOf(nowMs, windowMs);
    return [
      of(all.filter(({ atMs }) => atMs > nowMs - windowMs)),
      of(most.filter(({ atMs }) => bucketOf(atMs, windowMs) >= now - 32)),
    ];
  }

  /** Either may have been last where they were under way together (SPEC §7.2). `ofAll`: as if it had been in force always. */
  latch(declared: string, key: string, ofAll = false): boolean | "pending" {
    const { base, set, reset, per } = latchOf(declared);
    const calls = this.#under(key, per).filter(
      ({ allowed, knownTo }) => allowed && (ofAll || knownTo.has(declared)),
    );
    const asCalled = (tool: Tool | undefined): Change[] =>
      calls
        .filter((call) => call.tool === tool)
        .flatMap(({ begin, end, status, tooLate }) => {
          if (base === "allowed") return [{ begin, end: begin, isSure: true }];
          // What it did with a key of a session is not taken from it any more.
          if (tooLate === true && per === "session" && !ofAll)
            return [{ begin, end: Infinity, isSure: false }];
          if (status === "error") return [];
          return [{ begin, end: end ?? Infinity, isSure: end !== undefined }];
        });
    const late = ofAll ? [] : this.#tooLate(declared, key);
    const lateOf = (tool: Tool | undefined) =>
      late.filter((call) => call.tool === tool).map(perhaps);
    const sets = [...asCalled(set), ...lateOf(set)];
    const resets = [...asCalled(reset), ...lateOf(reset)];
    const maySet = sets.some(({ end }) => !resets.some((one) => one.isSure && one.begin > end));
    const isSet = sets.some(({ isSure }) => isSure);
    const mayUnset =
      !isSet || resets.some(({ end }) => !sets.some((one) => one.isSure && one.begin > end));
    if (maySet && mayUnset) return "pending";
    return maySet;
  }

  /** Of earlier sessions of the name, or of this one: succeeded too late to tell whose it is. */
  #tooLate(declared: string, session: string): readonly Past[] {
    const { base, per } = latchOf(declared);
    if (base !== "completed" || per !== "session") return [];
    const life = this.lives.get(session);
    return this.calls.filter(
      (call) =>
        call.allowed &&
        call.session === session &&
        call.status === "ok" &&
        call.tooLate === true &&
        call.policy.latches.includes(declared) &&
        this.#settledIn.get(call) === life,
    );
  }

  /** Calls that stand under a key. */
  #under(key: string, per: Per): readonly Past[] {
    const life = this.lives.get(key);
    const isUnder: Record<Per, (call: Past) => boolean> = {
      session: (call) => call.life !== undefined && call.life === life,
      agent: ({ agent }) => agent === key,
      "resource.sensitivity": ({ level }) => level === key,
    };
    return this.calls.filter(isUnder[per]);
  }

  /** Its position; a level that the policy does not have is its highest. */
  sensitivity(session: string, { levels }: Swapped): number {
    const all = [...(this.lives.get(session)?.returned ?? [])].map((name) => {
      const position = levels.indexOf(name);
      return position < 0 ? Math.max(0, levels.length - 1) : position;
    });
    return Math.max(0, ...all);
  }

  origin(session: string, text: string): readonly string[] | "unavailable" {
    const life = this.lives.get(session);
    if (life === undefined) return [];
    if (life.seen === undefined) return "unavailable";
    const labels = life.seen.filter((one) => one.text === text).map(({ label }) => label);
    return [...new Set(labels)].sort();
  }

  /** What a call that names the task is answered, as far as its sequence goes. */
  step(session: string, tool: Tool, nowMs: number, policy: Swapped): string {
    const task = this.lives.get(session)?.task;
    const sequence = task?.sequence ?? policy.sequence ?? "";
    if (task !== undefined && sequence !== policy.sequence && nowMs - task.usedAtMs > DAY_MS) {
      return "out_of_sequence";
    }
    const steps = (task?.steps ?? []).filter(({ status }) => status !== "error");
    const fits = (some: readonly Past[]) =>
      isBeginning([...some.map((one) => one.tool), tool].map((one) => one[0]).join(""), sequence);
    if (!fits(steps)) return "out_of_sequence";
    const open = steps.filter(({ status }) => status === undefined);
    let ways: readonly (readonly Past[])[] = [steps];
    for (const one of open) {
      ways = [...ways, ...ways.map((list) => list.filter((step) => step !== one))];
    }
    return ways.every(fits) ? "allow" : "prerequisite_pending";
  }
}

/** Whether it is a request that the policy knows. */
function isKnown({ tool, isStep, level }: Past, { tools, sequence, levels }: Swapped): boolean {
  if (isStep && sequence === undefined) return false;
  return tools.includes(tool) && (level === undefined || levels.includes(level));
}

function newLife(startedAtMs: number): Life {
  const known = { labels: new Set<string>(), returned: new Set<string>(), seen: [] };
  const begun = { startedAtMs, usedAtMs: startedAtMs, isInterrupted: false };
  return { ...begun, ...known, task: undefined };
}

const DAY_MS = 24 * 3_600_000;

interface Change {
  readonly begin: number;
  readonly end: number;
  readonly isSure: boolean;
}

function perhaps({ end = 0 }: Past): Change {
  return { begin: 0, end, isSure: false };
}

const ENDINGS = ["", "c", "r", "p", "cp", "rp", "crp", "rrp"];

/** Whether something can follow that makes the sequence of it. */
function isBeginning(letters: string, sequence: string): boolean {
  const whole = new RegExp(`^${SEQUENCES[sequence]}$`);
  return ENDINGS.some((rest) => whole.test(letters + rest));
}

const YIELDS: Readonly<Partial<Record<Tool, string>>> = { read: "untrusted", note: "private" };

/** What it may return, whatever becomes of it. */
function join(life: Life, { tool, level }: Past): void {
  const own = YIELDS[tool];
  if (own !== undefined) life.labels.add(own);
  if (level !== undefined) life.returned.add(level);
}

function returned(life: Life, call: Past, outcome: Outcome, policy: Swapped): void {
  const { value, label, level } = outcome;
  const own = YIELDS[call.tool];
  join(life, call);
  if (label !== undefined) life.labels.add(label);
  if (level !== undefined) life.returned.add(level);
  if (value === undefined) return;
  const isPlain = call.tool === "read" || call.policy.asksOrigin;
  if (!policy.asksOrigin || !isPlain) life.seen = undefined;
  if (call.to === value) return;
  for (const one of [own, label]) {
    if (one !== undefined) life.seen?.push({ text: value, label: one });
  }
}
