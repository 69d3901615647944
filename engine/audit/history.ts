/**
 * Recorded decisions, counted by a policy that was not there yet (SPEC §7.9). Only records that hold their request
 * whole can be; another one ends how far back anything can be said. Pure.
 */
import type { CallFilter, CounterDecl, Program } from "../../lang/ir.ts";
import type { Evaluator, Touch } from "../evaluate/evaluator.ts";
import { createInterpreter } from "../evaluate/interpret.ts";
import { NO_FACTS } from "../facts.ts";
import { createRequestReader, type RequestReader, type SessionFacts } from "../request-reader.ts";
import { LatchHistory, type PastDecision } from "../state/past-latches.ts";
import type { Missing, PastUse, PastUses } from "../state/past-uses.ts";
import { sensitivityAmong, sensitivityLevels } from "../state/sensitivity.ts";
import { latchTouches, toldApart } from "../state/touched.ts";
import { Unknown } from "../value.ts";
import { isObject } from "../value-reader.ts";
import type { RecordedDecision } from "./again.ts";
import { sessionFrom, type Whole, type WholeSession } from "./whole.ts";

export interface HistoryParts extends Missing {
  readonly program: Program;
  readonly digest: string;
}

/** More than this is not gone through: then nothing can be said. */
export const USES_MOST = 1_000_000;

type AnyRecord = { readonly kind: string; readonly at?: string };

/** Given the records of a log, in their order. */
export class History {
  readonly #parts: HistoryParts;
  readonly #read: RequestReader;
  readonly #evaluator: Evaluator;
  #uses: (PastUse & { readonly call: string | undefined })[] = [];
  readonly #failed = new Set<string>();
  readonly #latches = new LatchHistory();
  /** Of the earliest record. */
  #firstMs = Number.POSITIVE_INFINITY;
  /** Of the latest that cannot be counted: times in a log may repeat, and go back. */
  #uncountableMs = Number.NEGATIVE_INFINITY;
  #through = -1;
  /** Lines before the next record are missing. */
  #isGap = false;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.#read = createRequestReader(parts.program);
    this.#evaluator = createInterpreter(parts.program);
  }

  /** `line`: its number in the log. */
  add(record: AnyRecord, line: number): void {
    if (this.#through >= 0 && line !== this.#through + 1) this.#isGap = true;
    this.#through = Math.max(this.#through, line);
    const atMs = Date.parse(record.at ?? "");
    if (Number.isNaN(atMs)) return;
    this.#firstMs = Math.min(this.#firstMs, atMs);
    if (this.#isGap) this.#uncountable(atMs);
    this.#isGap = false;
    if (record.kind === "decision")
      this.#decision(record as unknown as RecordedDecision, atMs, line);
    if (record.kind === "outcome") this.#outcome(record as unknown as RecordedOutcome);
  }

  /** `undefined` where the log says nothing that could be counted. */
  past(): PastUses | undefined {
    const count = this.#uses.length + this.#latches.keyCount;
    if (this.#firstMs === Number.POSITIVE_INFINITY || count > USES_MOST) return undefined;
    const uses = this.#uses.filter(({ call }) => call === undefined || !this.#failed.has(call));
    const latches = this.#latches.all();
    const fromMs = Math.max(this.#firstMs, this.#uncountableMs + 1);
    return { uses, latches, fromMs, through: this.#through };
  }

  /** Something up to then, about which nothing can be said. */
  #uncountable(atMs: number): void {
    this.#uncountableMs = Math.max(this.#uncountableMs, atMs);
    this.#latches.missed();
  }

  #decision(record: RecordedDecision, atMs: number, line: number): void {
    const { whole, policy, decision, call, code } = record;
    // It follows the allow that it stands in the place of, which was counted.
    if (code === "unsupported_obligation") return;
    const uncounted = this.#uncounted(policy.digest, atMs, line);
    const unlatched = this.#unlatched(policy.digest, atMs);
    if (uncounted.length === 0 && unlatched.size === 0) return;
    if (whole === undefined || whole.altered === true) {
      this.#uncountable(atMs);
      return;
    }
    const { now = atMs, session, delegation, verified = false } = whole;
    const reading = this.#read(whole.request, {
      nowMs: now,
      verified,
      delegation,
      session: () => session && this.#factsOf(session, record),
    });
    const allowed = decision === "allow" ? call : undefined;
    if (!reading.ok) {
      const filters = this.#filtersOf(uncounted, unlatched);
      if (this.#mayBeCounted(record, whole, filters)) this.#uncountable(atMs);
      return;
    }
    this.#evaluator.fuel.begin();
    const touches = this.#evaluator.touches(reading.request, { ...NO_FACTS, nowMs: now });
    for (const touch of touches) {
      if (uncounted.includes(touch.index)) this.#use(touch, now, allowed);
    }
    this.#latch(touches, unlatched, { call: allowed, atMs: now });
  }

  #filtersOf(counters: readonly number[], latches: ReadonlySet<number>): readonly CallFilter[] {
    const { program } = this.#parts;
    const found = [
      ...counters.map((index) => program.counters[index]?.calls),
      ...[...latches].flatMap((index) => {
        const { calls, reset } = program.latches[index] ?? {};
        return [calls, reset];
      }),
    ];
    return found.filter((filter) => filter !== undefined);
  }

  /** A request that this policy does not know, though it knows its tool; one that none knew is no call. */
  #mayBeCounted(
    { code, decision }: RecordedDecision,
    { request }: Whole,
    filters: readonly CallFilter[],
  ): boolean {
    if (code === "invalid_request" || !isObject(request) || !isObject(request.tool)) return false;
    const { name } = request.tool;
    const named = this.#parts.program.tools.flatMap(({ wire }, at) => (wire === name ? [at] : []));
    return filters.some(
      ({ base, tools }) =>
        (base === "attempts" || decision === "allow") &&
        named.some((tool) => tools === undefined || tools.includes(tool)),
    );
  }

  /** The policy of then may have had other levels: that of its position is another here. */
  #factsOf(session: WholeSession, { session: named }: RecordedDecision): SessionFacts {
    const levels = sensitivityLevels(this.#parts.program);
    const told = session.sensitivity > 0 ? [named?.sensitivity ?? ""] : [];
    return { ...sessionFrom(session), sensitivity: sensitivityAmong(told, levels) };
  }

  #uncounted(by: string, atMs: number, line: number): readonly number[] {
    const { digest, counters, fromMs, isCounted = (_, own) => own === digest } = this.#parts;
    if (atMs < fromMs) return [];
    return [...counters].filter((index) => !isCounted(index, by, line));
  }

  /** Of this policy's own, those of before the latch was forgotten: in its first and last millisecond it counted itself. */
  #unlatched(by: string, atMs: number): ReadonlySet<number> {
    const { digest, latches } = this.#parts;
    const isOwn = by === digest;
    const lacking = [...latches].filter(([, { fromMs, untilMs }]) =>
      isOwn ? atMs > fromMs && atMs < untilMs : atMs >= fromMs && atMs <= untilMs,
    );
    return new Set(lacking.map(([index]) => index));
  }

  #latch(touches: readonly Touch[], unlatched: ReadonlySet<number>, decided: PastDecision) {
    const own = touches.filter(({ kind, index }) => kind !== "counter" && unlatched.has(index));
    const { call } = decided;
    const allowed = call === undefined ? undefined : { call };
    this.#latches.decided(latchTouches(own, this.#parts.program.latches, { allowed }), decided);
  }

  #use({ kind, index, key, amount }: Touch, atMs: number, allowed: string | undefined): void {
    const declared = this.#parts.program.counters[index];
    if (kind !== "counter" || declared === undefined) return;
    const isAttempt = declared.calls.base === "attempts";
    if (key instanceof Unknown || (!isAttempt && allowed === undefined)) return;
    const counted = countedAmount(amount, declared.op);
    if (counted === undefined || this.#uses.length > USES_MOST) return;
    // An attempt stays one, whatever becomes of the call.
    this.#uses.push({ index, key, atMs, amount: counted, call: isAttempt ? undefined : allowed });
  }

  #outcome({ call, status, settlement }: RecordedOutcome): void {
    if (settlement !== "settled") return;
    if (status === "error") this.#failed.add(call);
    this.#latches.settled(call, status === "ok");
  }
}

interface RecordedOutcome {
  readonly call: string;
  readonly status: string;
  readonly settlement: string;
}

/** A number too large to be told is the largest there is; one that is not there adds nothing. */
function countedAmount(
  amount: Touch["amount"],
  op: CounterDecl["op"],
): PastUse["amount"] | undefined {
  if (!(amount instanceof Unknown)) return op === "distinct" ? toldApart(amount) : amount;
  return amount.cause === "overflow" && op === "sum" ? Number.MAX_SAFE_INTEGER : undefined;
}
