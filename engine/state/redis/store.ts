/** State in Redis or Valkey, shared by all processes that name the same place (SPEC §7.6). */
import type { Program } from "../../../lang/ir.ts";
import type { Json } from "../../../lang/type.ts";
import type { Readiness } from "../../answer.ts";
import type { Evaluator } from "../../evaluate/evaluator.ts";
import { createWatching, type Watching } from "../../evaluate/leeway.ts";
import { parseJsonText } from "../../json-text.ts";
import { type Call, isFreeCall, type Joining, joiningFrom, joiningOf } from "../call.ts";
import { decodeCall, encodeCall } from "../codec.ts";
import { returningOf } from "../origin/returned.ts";
import { Seen } from "../origin.ts";
import { type KeptSequence, matchIn, SEQUENCES_MOST, sequenceIn } from "../past.ts";
import type { Missing, PastUses } from "../past-uses.ts";
import type { Interruption } from "../report.ts";
import { sensitivityLevels } from "../sensitivity.ts";
import { settle as settleStep } from "../sequence.ts";
import type {
  Attempt,
  Attempted,
  Guess,
  SharedPolicy,
  SharedState,
  SharedStore,
} from "../shared.ts";
import {
  type Effects,
  type Late,
  type SettledOutcome,
  type Settlement,
  StateUnavailable,
  type TaskMatch,
} from "../store.ts";
import { MEMORY_LIMITS, type MemoryLimits } from "../tables.ts";
import { isGranted, RUN_MOST_MS, runOf, taskIdIn, taskOfRun } from "../task-run.ts";
import { isAwaited } from "../touched.ts";
import { DISTINCT_MOST } from "../window.ts";
import type { RedisAddress } from "./address.ts";
import { Arguments, type Cell } from "./arguments.ts";
import { chargesOf, settlementOf } from "./changes.ts";
import { type Connection, connect, type Reply } from "./connection.ts";
import { Counted } from "./counting.ts";
import { Noted, pastOf, type SeenNote, type TaskNote } from "./guess.ts";
import { KNOWN_LIMITS, Known, type KnownLimits } from "./known.ts";
import { type OpenLink, openLink } from "./link.ts";
import {
  begunIn,
  FULL,
  meaningIn,
  readTask,
  spellJoining,
  spellLabels,
  spellSeen,
  spellTask,
} from "./record.ts";
import { reportOf } from "./report.ts";
import { SEEN_AT_ONCE } from "./script/seen.ts";
import { SCRIPT } from "./script.ts";
import type { Sightings } from "./sightings.ts";
import { type Places, placesIn, type Tables, tablesOf, taskField } from "./tables.ts";
import { MACHINE_TIMERS, pause, type Timers } from "./timers.ts";

export interface RedisParts {
  readonly address: RedisAddress;
  readonly limits?: Partial<MemoryLimits>;
  /** An answer may take so long before it counts as none. */
  readonly timeoutMs?: number;
  /** What was seen of the store before, and where that is kept; without, a loss from before this process goes unnoticed. */
  readonly sightings?: Sightings;
  /** Names the log in which this process finds what it decided; missing where it keeps none. */
  readonly log?: string | undefined;
  /** Told of what is worth knowing, once each. */
  readonly onNotice?: (notice: string) => void;
  /** For tests: how a connection is made, what runs in Redis, what measures time here, and what is remembered. */
  readonly openLink?: OpenLink;
  readonly script?: string;
  readonly monotonic?: () => number;
  readonly timers?: Timers;
  readonly known?: KnownLimits;
  readonly settleMs?: number;
}

export const REDIS_TIMEOUT_MS = 50;
const SETTLE_MS = 500;
const SETTLED_MOST = 65_536;
/** Of one session's log: more than what `Seen` keeps, so that what fills it is there for all to see. */
const ENTRIES_MOST = 20_000;
const LENGTH_MOST = 8 * 1_048_576;

export interface RedisStore extends SharedStore {
  /** For what is kept beside state: rejects where state could not be reached either. */
  command(command: readonly string[]): Promise<unknown>;
  /** An operation of the script, for the same. */
  readonly run: Connection["run"];
  /** As `Connection` has it. */
  readonly wholeGeneration: () => string;
  readonly saw: Connection["saw"];
}

/** Rejects where the server cannot be reached or must not be trusted with state, saying why. */
export async function connectRedis(parts: RedisParts): Promise<RedisStore> {
  const { address, limits = {}, timers = MACHINE_TIMERS, log, onNotice = () => {} } = parts;
  const connection = await connect({
    address,
    script: parts.script ?? SCRIPT,
    openLink: parts.openLink ?? openLink,
    monotonic: parts.monotonic ?? (() => performance.now()),
    timers,
    timeoutMs: parts.timeoutMs ?? REDIS_TIMEOUT_MS,
    settleMs: parts.settleMs ?? SETTLE_MS,
    sightings: parts.sightings,
    onNotice,
  });
  const shared = {
    connection,
    known: new Known(parts.known ?? KNOWN_LIMITS),
    published: new Map(),
    places: placesIn(address.namespace),
    limits: { ...MEMORY_LIMITS, ...limits },
    deciding: new Map(),
    timers,
    log,
    generation: connection.generation,
  };
  return {
    open: (policy) => new RedisState(policy, shared),
    command: (command) => connection.read(command),
    run: (...asked) => connection.run(...asked),
    wholeGeneration: () => connection.wholeGeneration,
    saw: (...seen) => connection.saw(...seen),
    readiness: (): Readiness => connection.readiness(),
    close: () => connection.close(),
  };
}

/** What outlives a policy. */
interface Shared {
  readonly connection: Connection;
  readonly known: Known;
  /** Sequences by meaning, and when this process last kept them. */
  readonly published: Map<string, number>;
  readonly places: Places;
  readonly limits: MemoryLimits;
  /** By which policies something is being decided, and how much. */
  readonly deciding: Map<RedisState, number>;
  readonly timers: Timers;
  readonly log: string | undefined;
  /** Of the store, by which the rest is known: a loss that was confirmed begins another. */
  generation: string;
}

function forgetLost(shared: Shared): void {
  const { connection, known, published } = shared;
  if (shared.generation === connection.generation) return;
  shared.generation = connection.generation;
  known.forget();
  published.clear();
}

const QUIET_MS = 10;

/** A sequence is given up when others were begun with since: that tasks still go on in it is said so often. */
const PUBLISH_EVERY_MS = 3_600_000;

const GONE_MS = 1_000;

/** So often a decision may be made because what it rests on has changed meanwhile. */
const TRIES_MOST = 8;
/** After so many, one at a time: calls of this process would else go on overtaking one another. */
const TRIES_AT_ONCE = 2;

/** Whether what the decision leaves behind is kept. */
type Intent = "keep" | "look";

class RedisState implements SharedState {
  readonly evaluator: Evaluator;
  readonly report: SharedState["report"];
  readonly #program: Program;
  readonly #tables: Tables;
  readonly #watching: Watching;
  readonly #shared: Shared;
  readonly #counted: Counted;
  readonly #turns = new Turns();

  constructor({ program, digest, evaluator }: SharedPolicy, shared: Shared) {
    this.#program = program;
    this.#tables = tablesOf(program);
    this.#watching = createWatching(program, evaluator);
    this.#shared = shared;
    this.#counted = new Counted({ program, digest, tables: this.#tables, ...shared });
    this.evaluator = this.#watching.evaluator;
    const late = (nowMs: number) => this.late(nowMs);
    this.report = reportOf({ program, tables: this.#tables, late, ...shared });
  }

  async attempt<Made extends Attempt>(decideOn: (guess: Guess) => Made): Promise<Attempted<Made>> {
    const { deciding } = this.#shared;
    deciding.set(this, (deciding.get(this) ?? 0) + 1);
    try {
      return await this.#decide("keep", decideOn);
    } finally {
      const left = (deciding.get(this) ?? 1) - 1;
      if (left > 0) deciding.set(this, left);
      else deciding.delete(this);
    }
  }

  async look<Made extends Attempt>(decideOn: (guess: Guess) => Made): Promise<Made> {
    const { made } = await this.#decide("look", decideOn);
    return made;
  }

  async #decide<Made extends Attempt>(
    intent: Intent,
    decideOn: (guess: Guess) => Made,
  ): Promise<Attempted<Made>> {
    for (let tries = 0; tries < TRIES_AT_ONCE; tries++) {
      const attempted = await this.#decideOnce(intent, decideOn);
      if (attempted !== undefined) return attempted;
    }
    return this.#turns.take(async () => {
      for (let tries = TRIES_AT_ONCE; tries < TRIES_MOST; tries++) {
        const attempted = await this.#decideOnce(intent, decideOn);
        if (attempted !== undefined) return attempted;
      }
      throw new StateUnavailable("other calls keep changing what this decision rests on");
    });
  }

  /** `undefined` where what it rests on was otherwise; how, is known by now. */
  async #decideOnce<Made extends Attempt>(
    intent: Intent,
    decideOn: (guess: Guess) => Made,
  ): Promise<Attempted<Made> | undefined> {
    forgetLost(this.#shared);
    const noted = this.#newNotes();
    const made = this.#watching.watch(noted.ranges, () => decideOn(noted));
    if (noted.missing !== undefined) {
      await this.#fetchSequence(noted.missing);
      return undefined;
    }
    const { effects } = made;
    if (effects === undefined) return { made, result: "kept" };
    const charged = chargesOf(noted, effects);
    if (isFree(noted, effects, charged.cells)) return { made, result: "free" };
    const call = callOf(effects, charged, this.#program, this.#tables);
    if (intent === "keep" && this.#counted.isDue()) {
      await this.#counted.ask();
      return undefined;
    }
    if (intent === "keep") await this.#publishSequence(noted, effects);
    const result = await this.#commit(intent, noted, effects, charged.cells, call);
    if (result === "conflict") return undefined;
    return { made, result: result === "kept" && call === undefined ? "free" : result };
  }

  late(nowMs: number): Late | undefined {
    return this.#counted.late(nowMs);
  }

  async missing(hostMs: number): Promise<Missing | undefined> {
    // What the policy before is deciding yet must be in the log by then.
    while ([...this.#shared.deciding.keys()].some((state) => state !== this)) {
      await pause(this.#shared.timers, QUIET_MS);
    }
    return this.#counted.missing(hostMs);
  }

  fill(past: PastUses, hostMs: number): Promise<void> {
    return this.#counted.fill(past, hostMs);
  }

  /** Before a task begins with it: whoever reads the task finds its sequence. */
  async #publishSequence({ task }: Noted, { allowed }: Effects): Promise<void> {
    if (task === undefined || allowed?.task === undefined) return;
    const { connection, known, published } = this.#shared;
    const { meaning, program } = allowed.task.state.past ?? task.table.sequence;
    const nowMs = connection.steady.expectedMs ?? 0;
    const before = published.get(meaning);
    if (before !== undefined && nowMs - before < PUBLISH_EVERY_MS) return;
    await this.#sequence(meaning, JSON.stringify(program));
    known.sequences.set(meaning, { meaning, program });
    published.set(meaning, nowMs);
  }

  async #fetchSequence(meaning: string): Promise<void> {
    const text = await this.#sequence(meaning, "");
    // A decoded boundary: a policy that one of the processes wrote.
    const found = text === "" ? "gone" : { meaning, program: parseJsonText(text) as Program };
    // Another process may begin with it again.
    const ttl = text === "" ? GONE_MS : 0;
    this.#shared.known.sequences.set(meaning, found, { ttl });
  }

  async #sequence(meaning: string, text: string): Promise<string> {
    const { connection, places } = this.#shared;
    const args = new Arguments(places).key(places.sequences, places.sequencesUsed);
    args.text(meaning, text).number(SEQUENCES_MOST);
    const [status, , , kept] = await connection.run("sequence", args.keys, args.values);
    if (status !== "ok") throw new StateUnavailable("the script answered something else");
    return String(kept);
  }

  #newNotes(): Noted {
    const { known, connection } = this.#shared;
    const nowMs = connection.steady.expectedMs ?? 0;
    return new Noted({ program: this.#program, tables: this.#tables, known, nowMs });
  }

  async #commit(
    intent: Intent,
    noted: Noted,
    effects: Effects,
    cells: readonly Cell[],
    call: Call | undefined,
  ): Promise<"kept" | "full" | "conflict"> {
    const { connection, known, places, limits } = this.#shared;
    const args = new Arguments(places).text(intent);
    const { keyCount, taskCount, callCount, reservationMs } = limits;
    args.number(keyCount, DISTINCT_MOST, taskCount, RUN_MOST_MS, callCount, reservationMs);
    args.number(ENTRIES_MOST, LENGTH_MOST).cells(cells);
    this.#writeSession(args, noted, effects, call);
    this.#writeSeen(args, noted);
    args.part(noted.task, (task) => this.#writeTask(args, task, taskAfter(noted, effects)));
    args.part(call, (held) =>
      args
        .key(places.calls, places.open)
        .text(effects.allowed?.call ?? "", JSON.stringify(encodeCall(held))),
    );
    const reply = await connection.run("attempt", args.keys, args.values);
    const result = resultOf(reply);
    if (result !== "full") this.#learn(result, reply, noted, cells, effects);
    if (result === "conflict") await this.#readSeen(noted, reply);
    if (result === "kept" && call !== undefined && effects.allowed !== undefined) {
      known.calls.set(effects.allowed.call, call);
    }
    return result;
  }

  /** The rest of a long log, some at a time. That it is another's by then, whoever decides by it finds out. */
  async #readSeen({ seen }: Noted, [, , , , facts, , total]: Reply): Promise<void> {
    if (seen === undefined) return;
    const { connection, known, places } = this.#shared;
    const { sessionId } = seen;
    for (;;) {
      const { count } = known.seen(sessionId, String(facts));
      if (count >= Number(total)) return;
      const [from, to] = [String(count), String(count + SEEN_AT_ONCE - 1)];
      const parts = await connection.read(["LRANGE", places.seen(sessionId), from, to]);
      if (!Array.isArray(parts) || parts.length === 0) return;
      known.learnSeen(sessionId, String(facts), count, parts.map(String));
    }
  }

  /** A decision may name a session without the reader having asked for it; none names another than it asked for. */
  #writeSession(
    args: Arguments,
    { sessionNote, startedAtMs }: Noted,
    effects: Effects,
    call: Call | undefined,
  ): void {
    if (effects.sessionId !== sessionNote?.id) throw new Error("a session was not read");
    args.part(sessionNote, ({ id, facts }) => {
      const why = effects.interrupt === undefined ? "" : JSON.stringify(effects.interrupt);
      const joining = call === undefined ? NOTHING : joiningOf(call.returning);
      return args
        .sessions(this.#shared.limits)
        .text(id, facts, String(startedAtMs), why, ...spellJoining(joining));
    });
  }

  #writeSeen(args: Arguments, { seen }: Noted): void {
    const { places } = this.#shared;
    args.part(seen, ({ sessionId, count, entries }) =>
      args
        .key(places.seen(sessionId), places.lengths)
        .text(sessionId, String(count))
        .number(entries.length)
        .text(...entries),
    );
  }

  #writeTask(args: Arguments, { field, known, isGranted }: TaskNote, after: string): Arguments {
    const { tasks, runs } = this.#shared.places;
    return args.key(tasks, runs).text(field, known.version, after, isGranted ? "1" : "");
  }

  #learn(
    result: "kept" | "conflict",
    reply: Reply,
    noted: Noted,
    cells: readonly Cell[],
    effects: Effects,
  ): void {
    const { known } = this.#shared;
    const { sessionNote, task, seen } = noted;
    const [, , , readings, found, value, count, tail] = reply;
    const facts = String(found);
    for (const [index, { table, field }] of cells.entries()) {
      known.learnCell(table, field, String((readings as readonly unknown[])[index]));
    }
    if (sessionNote !== undefined) known.learnFacts(sessionNote.id, facts);
    if (result === "conflict") {
      if (task !== undefined) known.learnTask(task.field, String(value));
      if (seen !== undefined) learnLog(known, seen, facts, Number(count), tail);
      return;
    }
    if (task !== undefined && value !== "") {
      known.learnTask(task.field, `${String(value)} ${taskAfter(noted, effects)}`);
    }
    if (seen !== undefined && String(seen.count + seen.entries.length) === count) {
      known.learnSeen(seen.sessionId, facts, seen.count, seen.entries);
    }
  }

  async settle(outcome: SettledOutcome, match: TaskMatch): Promise<Settlement> {
    if (isFreeCall(outcome.call)) return { ok: true, repeated: false };
    const found = this.#shared.known.calls.get(outcome.call) ?? (await this.#fetchCall(outcome));
    if ("ok" in found) return found;
    for (let tries = 0; tries < TRIES_MOST; tries++) {
      const settled = await this.#settleOnce(outcome, found, match);
      if (settled !== "conflict") return settled;
    }
    throw new StateUnavailable("other calls keep changing what this outcome settles");
  }

  async #fetchCall({ call, status }: SettledOutcome): Promise<Call | Settlement> {
    const { connection, places } = this.#shared;
    const args = new Arguments(places).key(places.calls, places.settled, places.settledBefore);
    args.text(call, status);
    const [found, , , text] = await connection.run("call", args.keys, args.values);
    if (found !== "ok") return settlementFrom(found);
    return decodeCall(parseJsonText(String(text)) as Json);
  }

  async #settleOnce(
    outcome: SettledOutcome,
    call: Call,
    match: TaskMatch,
  ): Promise<Settlement | "conflict"> {
    forgetLost(this.#shared);
    const { connection, known, places, limits } = this.#shared;
    const succeeded = outcome.status === "ok";
    const task = this.#taskOf(call);
    const past = task && pastOf(task.known.text, task.table, known);
    if (task !== undefined && task.known.version !== "" && past === "unknown") {
      await this.#fetchSequence(meaningIn(task.known.text));
      return "conflict";
    }
    const after = task && this.#taskSettled(task, past, outcome, match);
    const args = new Arguments(places);
    args.number(SETTLED_MOST, ENTRIES_MOST, LENGTH_MOST, limits.keyCount);
    args.key(places.calls, places.open, places.settled, places.settledBefore);
    args.text(outcome.call, outcome.status).cells(settlementOf(call, succeeded));
    const joining = joiningFrom(outcome, call, sensitivityLevels(this.#program));
    args.part(call.sessionId, (id) =>
      args
        .sessions(limits)
        .text(id, begunIn(known.facts(id)), String(outcome.nowMs), ...spellJoining(joining)),
    );
    const returned = this.#returned(outcome, call);
    args.part(returned, ({ id, parts }) =>
      args
        .key(places.seen(id), places.lengths)
        .text(id, "")
        .number(parts.length)
        .text(...parts),
    );
    args.part(task, (known) => this.#writeTask(args, known, after ?? ""));
    const reply = await connection.run("settle", args.keys, args.values);
    const [status, , , detail, version, count] = reply;
    if (status === "conflict") {
      const found = String(version);
      if (task !== undefined) known.learnTask(task.field, String(detail));
      if (call.sessionId !== undefined) known.learnFacts(call.sessionId, found);
      return "conflict";
    }
    if (status === "full")
      throw new StateUnavailable("no room for the session or a latch of an outcome");
    known.calls.delete(outcome.call);
    if (status !== "ok") return settlementFrom(status);
    if (call.sessionId !== undefined && detail !== "") {
      known.learnFacts(call.sessionId, String(detail));
      if (returned !== undefined && count !== "") {
        const { id, parts } = returned;
        known.learnSeen(id, String(detail), Number(count) - parts.length, parts);
      }
    }
    if (task !== undefined && version !== "") {
      known.learnTask(task.field, `${String(version)} ${after}`);
    }
    return { ok: true, repeated: false };
  }

  #taskOf({ task, sessionId }: Call): TaskNote | undefined {
    if (task === undefined) return undefined;
    // A policy that has no such task has none of its sequences: the one it began with is asked for.
    const none = { name: taskOfRun(task), sequence: { meaning: "", program: this.#program } };
    const table = this.#tables.tasks.find(({ name }) => name === none.name) ?? none;
    const field = taskField(sessionId, task);
    return { field, table, known: this.#shared.known.task(field), isGranted: isGranted(task) };
  }

  /** A task whose sequence is kept no longer stays where it is: nothing follows in it. */
  #taskSettled(
    { known, table }: TaskNote,
    past: KeptSequence | undefined | "unknown",
    { call, status }: SettledOutcome,
    match: TaskMatch,
  ): string | undefined {
    if (known.version === "" || past === "unknown") return undefined;
    const state = readTask(known.text, table, past);
    const sequence = sequenceIn(past ?? table.sequence);
    if (state === "changed" || sequence === undefined) return undefined;
    const matches = past === undefined ? match(this.#tables.tasks.indexOf(table)) : matchIn(past);
    const progress = settleStep(sequence, state.progress, call, status === "ok", matches);
    return spellTask({ ...state, progress }, table);
  }

  /** What the session's log gets, without what is known to be in it: so it must still be the session that is known. */
  #returned(
    { parts }: SettledOutcome,
    { sessionId, returning }: Call,
  ): { readonly id: string; readonly parts: readonly string[] } | undefined {
    if (sessionId === undefined) return undefined;
    const { known } = this.#shared;
    const before = known.seen(sessionId, known.facts(sessionId)).seen;
    if (!this.#program.readsOrigin) {
      const isNews = parts.length > 0 && !before.isFull();
      return isNews ? { id: sessionId, parts: [FULL] } : undefined;
    }
    const returned = new Seen();
    returned.observe(returning, parts);
    const entries = returned.entriesFrom(0).filter((entry) => !before.has(entry));
    return entries.length === 0 ? undefined : { id: sessionId, parts: spellSeen(entries) };
  }

  async interrupt(sessionId: string, nowMs: number, why: Interruption): Promise<void> {
    const done = await this.#toSession("interrupt", sessionId, nowMs, JSON.stringify(why));
    if (!done) throw new Error("no room to remember that a session was interrupted");
  }

  reinstate(sessionId: string): Promise<boolean> {
    return this.#toSession("reinstate", sessionId, 0, "");
  }

  declassify(sessionId: string, label: string): Promise<boolean> {
    return this.#toSession("declassify", sessionId, 0, spellLabels([label]));
  }

  async #toSession(what: string, id: string, nowMs: number, word: string): Promise<boolean> {
    const { connection, known, places, limits } = this.#shared;
    const args = new Arguments(places).sessions(limits);
    args.text(what, id, String(nowMs), word);
    const [status, , , facts] = await connection.run("session", args.keys, args.values);
    if (status !== "ok") return false;
    known.learnFacts(id, String(facts));
    return true;
  }
}

/** Work of this process that is done one after the other. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<Done>(work: () => Promise<Done>): Promise<Done> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

const NOTHING: Joining = { labels: [], sensitivity: [] };

/** A session may have been ended meanwhile, so a request that names one always asks. */
function isFree({ seen, task }: Noted, { sessionId }: Effects, cells: readonly Cell[]): boolean {
  return cells.length === 0 && sessionId === undefined && seen === undefined && task === undefined;
}

function callOf(
  { allowed, request, sessionId, touches, nowMs }: Effects,
  { held, latches }: Pick<Call, "held" | "latches">,
  program: Program,
  tables: Tables,
): Call | undefined {
  const tool = program.tools[request.tool];
  if (allowed === undefined || tool === undefined) return undefined;
  if (!isAwaited({ touches, sessionId }, program)) return undefined;
  const task = allowed.task && tables.tasks[allowed.task.index];
  return {
    atMs: nowMs,
    tool: tool.wire,
    sessionId,
    held,
    latches,
    task: task && runOf(task.name, taskIdIn(request)),
    returning: returningOf(tool, request.roots, program),
  };
}

/** `""` where the decision leaves it as it is. */
function taskAfter({ task }: Noted, { allowed }: Effects): string {
  if (task === undefined || allowed?.task === undefined) return "";
  return spellTask(allowed.task.state, task.table);
}

/** A log that is shorter than what was looked into is of another session: it came from its beginning. */
function learnLog(
  known: Known,
  { sessionId, count }: SeenNote,
  facts: string,
  total: number,
  tail: unknown,
): void {
  if (!Array.isArray(tail)) return;
  known.learnSeen(sessionId, facts, total < count ? 0 : count, tail.map(String));
}

function resultOf([status]: Reply): "kept" | "full" | "conflict" {
  if (status === "ok") return "kept";
  if (status === "full" || status === "conflict") return status;
  throw new StateUnavailable("the script answered something else");
}

function settlementFrom(status: unknown): Settlement {
  if (status === "repeated") return { ok: true, repeated: true };
  if (status === "settled" || status === "unknown") return { ok: false, why: status };
  throw new StateUnavailable("the script answered something else");
}
