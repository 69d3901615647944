/** Takes security events that are pushed (RFC 8935): what they take back is kept before that is said. */
import type { OperatorAction } from "../audit/record.ts";
import { canonicalJson } from "../canonical-json.ts";
import { messageOf } from "../fault.ts";
import type { DelegationCause } from "../identity/cause.ts";
import { LEEWAY_MS } from "../identity/chain.ts";
import { readInstant } from "../identity/claims.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { RevocationOrder } from "../revocations/revocation.ts";
import type { Revocations } from "../revocations/revocations.ts";
import type { Verdict } from "../revocations/standing.ts";
import { type Effect, EVENTS, nameOfEvent } from "./events.ts";
import { type EventError, type EventRefusal, refuseEvent } from "./refusal.ts";
import { AGE_MOST_MS, type SecurityEvents, verifySet } from "./set.ts";
import type { Transmitter } from "./transmitter.ts";

export interface ReceiverParts {
  readonly transmitters: readonly Transmitter[];
  readonly revocations: Pick<Revocations, "revoke" | "stand" | "tighten">;
  readonly ledger: Pick<Ledger, "get" | "put">;
  /** Milliseconds since the Unix epoch, by the later of the clocks there are. */
  readonly now: () => number;
  /** Resolves once it is recorded; missing = nothing is. */
  readonly record?: ((action: OperatorAction) => Promise<void>) | undefined;
  /** Of what a transmitter that is known sent and was not taken, or what it should not do: for operators. */
  readonly onNotice: (notice: string) => void;
}

/**
 * `applied` = something was taken back, or somebody may act again; `left` = nothing comes of such an event; `stale` and
 * `duplicate` were said before.
 */
export const RECEIPTS = ["applied", "left", "stale", "duplicate"] as const;
export type Receipt = (typeof RECEIPTS)[number];

export type Received =
  | { readonly kind: "accepted"; readonly receipt: Receipt }
  | { readonly kind: "refused"; readonly err: EventError; readonly why: string }
  /** Whoever sent it should send it again. */
  | { readonly kind: "unavailable"; readonly because: string };

export interface Receiver {
  receive(text: string): Promise<Received>;
  /** Since it began, by what became of them. */
  counts(): Readonly<Record<Receipt | EventError | "unavailable", number>>;
}

export function createReceiver(parts: ReceiverParts): Receiver {
  const counts = {
    applied: 0,
    left: 0,
    stale: 0,
    duplicate: 0,
    invalid_request: 0,
    invalid_key: 0,
    invalid_issuer: 0,
    invalid_audience: 0,
    authentication_failed: 0,
    access_denied: 0,
    unavailable: 0,
  };
  return {
    async receive(text) {
      const received = await receive(text, parts);
      if (received.kind === "accepted") counts[received.receipt] += 1;
      else if (received.kind === "refused") counts[received.err] += 1;
      else counts.unavailable += 1;
      return received;
    },
    counts: () => ({ ...counts }),
  };
}

async function receive(text: string, parts: ReceiverParts): Promise<Received> {
  const set = await verifySet(text, parts.transmitters, parts.now());
  if (!set.ok) {
    if (set.cause === "keys_unavailable") return { kind: "unavailable", because: set.why };
    return { kind: "refused", err: errorOf(set.cause), why: set.why };
  }
  if (parts.ledger.get("event", keyOf(set)) !== undefined) return accepted("duplicate");
  const effects = effectsOf(set);
  const names = Object.keys(set.events).map(nameOfEvent).join(", ");
  if (!("length" in effects)) {
    parts.onNotice(`an event of ${set.transmitter.name} (${names}) is refused: ${effects.why}`);
    return { kind: "refused", err: effects.err, why: effects.why };
  }
  // Then what comes no more is missed by nobody.
  if (names === "stream-updated") {
    parts.onNotice(`${set.transmitter.name} has changed or stopped its stream of events`);
  }
  return applyAll(set, effects, names, parts);
}

function accepted(receipt: Receipt): Received {
  return { kind: "accepted", receipt };
}

/** What is said of tokens, as RFC 8935 says it of events. */
function errorOf(cause: DelegationCause | undefined): EventError {
  switch (cause) {
    case "issuer_unknown":
      return "invalid_issuer";
    case "audience_mismatch":
      return "invalid_audience";
    case "algorithm_refused":
    case "key_unknown":
    case "key_refused":
      return "invalid_key";
    case "signature_invalid":
      return "authentication_failed";
    default:
      return "invalid_request";
  }
}

function keyOf({ transmitter, id }: SecurityEvents): string {
  return JSON.stringify([transmitter.name, id]);
}

function effectsOf(set: SecurityEvents): readonly Effect[] | EventRefusal {
  const all: Effect[] = [];
  for (const [type, event] of Object.entries(set.events)) {
    const read = EVENTS.get(type);
    if (read === undefined) {
      return refuseEvent("invalid_request", "it has an event of a type that is not known here");
    }
    const at = timeOf(event.event_timestamp, set);
    if (typeof at !== "number") return at;
    if (event.subject !== undefined && !isSame(event.subject, set.subject)) {
      return refuseEvent("invalid_request", "`subject` of its event is another than its `sub_id`");
    }
    const effects = read({ event, subject: set.subject, at, transmitter: set.transmitter });
    if ("ok" in effects) return effects;
    all.push(...effects);
  }
  return all;
}

/** In seconds. A time to come would take back what nobody has issued yet. */
function timeOf(json: unknown, { at, issuedAtMs }: SecurityEvents): number | EventRefusal {
  const ms = json === undefined ? at * 1_000 : readInstant(json, "", []);
  if (ms !== undefined && ms <= issuedAtMs + LEEWAY_MS) return ms / 1_000;
  return refuseEvent("invalid_request", "the time of its event is none, or after it was issued");
}

function isSame(one: unknown, other: unknown): boolean {
  return other !== undefined && canonicalJson(one) === canonicalJson(other);
}

/** All of it, and then that it was taken: what fails between is done again when the event is sent again. */
async function applyAll(
  set: SecurityEvents,
  effects: readonly Effect[],
  names: string,
  { revocations, ledger, record, now, onNotice }: ReceiverParts,
): Promise<Received> {
  const by = set.transmitter.name;
  const { keepMs } = set.transmitter;
  const said: Said = {
    by,
    because: `event ${names}, ${set.id}`.slice(0, 500),
    ...(keepMs === undefined ? {} : { keepUntilMs: now() + keepMs }),
  };
  const verdicts: Verdict[] = [];
  // All at once: what one of them waits for, or fails at, keeps no other from being in force.
  const act = () =>
    allOf(effects.map(async (one) => void verdicts.push(await apply(one, said, revocations))));
  const told = async () =>
    record?.({
      action: `event.${names}`,
      by,
      details: { id: set.id, effects: effects.map(spell) },
    });
  try {
    // What it takes back of somebody whom it lets act again waits for no record either.
    for (const one of effects) if (loosens(one)) revocations.tighten({ ...one, ...said });
    await (effects.some(loosens) ? told().then(act) : allOf([act(), told()]));
    const conflict = verdicts.find((one) => one.kind === "conflict");
    if (conflict?.kind === "conflict") {
      onNotice(`an event of ${by} (${names}) is in conflict with what was said: ${conflict.why}`);
      return { kind: "refused", err: "invalid_request", why: conflict.why };
    }
    const next = { text: "taken", untilMs: set.issuedAtMs + AGE_MOST_MS };
    // Where there is no room it is not remembered, and taken again: that changes nothing.
    await ledger.put({ kind: "event", id: keyOf(set), was: undefined, next, nowMs: now() });
  } catch (fault) {
    onNotice(`an event of ${by} (${names}) was not kept or recorded: ${messageOf(fault)}`);
    return {
      kind: "unavailable",
      because: "what it takes back is not known to be kept and recorded",
    };
  }
  return accepted(receiptOf(verdicts));
}

/** What tightens waits for nothing, and what loosens for its record. */
function loosens(effect: Effect): effect is Extract<Effect, { kind: "stand" }> {
  return effect.kind === "stand" && effect.standing.status === "active";
}

/** Rejects with the first that did, once all have ended. */
async function allOf(running: readonly Promise<unknown>[]): Promise<void> {
  for (const one of await Promise.allSettled(running)) {
    if (one.status === "rejected") throw one.reason;
  }
}

type Said = Pick<RevocationOrder, "by" | "because" | "keepUntilMs">;

async function apply(
  effect: Effect,
  said: Said,
  revocations: ReceiverParts["revocations"],
): Promise<Verdict> {
  if (effect.kind === "stand") {
    const { by, because } = said;
    return revocations.stand({ id: effect.id, standing: effect.standing, by, because });
  }
  const { target, beforeMs } = effect;
  await revocations.revoke({ ...target, ...said, ...(beforeMs === undefined ? {} : { beforeMs }) });
  return { kind: "new" };
}

function receiptOf(verdicts: readonly Verdict[]): Receipt {
  if (verdicts.length === 0) return "left";
  if (verdicts.some(({ kind }) => kind === "new")) return "applied";
  return verdicts.some(({ kind }) => kind === "stale") ? "stale" : "duplicate";
}

/** For the record. */
function spell(effect: Effect): object {
  if (effect.kind === "stand") {
    const { of, version, status } = effect.standing;
    return { kind: "standing", id: effect.id, of, version, status };
  }
  const { target, beforeMs } = effect;
  return {
    ...target,
    ...(beforeMs === undefined ? {} : { before: new Date(beforeMs).toISOString() }),
  };
}
