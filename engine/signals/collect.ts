/** Fetches security events from a transmitter that keeps them (RFC 8936), and says which of them were taken. */
import type { Fetched } from "../egress/fetch.ts";
import { readJson } from "../json.ts";
import type { JsonLimits } from "../limits.ts";
import { isObject } from "../value-reader.ts";
import type { Received, Receiver } from "./receive.ts";
import type { EventError } from "./refusal.ts";

export interface CollectorParts {
  readonly transmitter: string;
  readonly receiver: Pick<Receiver, "receive">;
  /** Asks the transmitter, with this body. */
  readonly ask: (body: Uint8Array) => Promise<Fetched>;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Told when it begins to fail, and when it goes on. */
  readonly onNotice: (notice: string) => void;
}

export interface Collector {
  readonly transmitter: string;
  /** Fetches and takes whatever is there; whether it could be asked. Never rejects. */
  collect(): Promise<boolean>;
  /** When it could be asked last: milliseconds since the Unix epoch. */
  collectedAtMs(): number | undefined;
}

const EVENTS_MOST = 100;

/** Of tokens of 16 KiB each. */
export const ANSWER_LIMITS: JsonLimits = {
  byteCount: 4 * 1024 * 1024,
  depth: 8,
  memberCount: 2 * EVENTS_MOST,
  valueCount: 1_000,
};

/** In one go; what is still there then is fetched the next time. */
const ROUNDS_MOST = 100;

/** What became of what was fetched before: by the names that the transmitter has for events. */
interface Said {
  readonly ack: readonly string[];
  readonly setErrs: Readonly<
    Record<string, { readonly err: EventError; readonly description: string }>
  >;
}

const NOTHING: Said = { ack: [], setErrs: {} };

export function createCollector(parts: CollectorParts): Collector {
  let collectedAtMs: number | undefined;
  let isFailing = false;
  const failed = (why: string): boolean => {
    if (!isFailing) parts.onNotice(`events of ${parts.transmitter} cannot be fetched: ${why}`);
    isFailing = true;
    return false;
  };
  return {
    transmitter: parts.transmitter,
    collectedAtMs: () => collectedAtMs,
    async collect() {
      try {
        const why = await collectAll(parts);
        if (why !== undefined) return failed(why);
      } catch (fault) {
        return failed(fault instanceof Error ? fault.name : "it failed");
      }
      if (isFailing) parts.onNotice(`events of ${parts.transmitter} are fetched again`);
      isFailing = false;
      collectedAtMs = parts.now();
      return true;
    },
  };
}

/** Until there is no more, and all of it was answered; why not, where it could not be asked. */
async function collectAll(parts: CollectorParts): Promise<string | undefined> {
  let said = NOTHING;
  for (let round = 0; round < ROUNDS_MOST; round += 1) {
    const answer = await askFor(said, parts);
    if (!answer.ok) return answer.why;
    said = await takeAll(answer.sets, parts.receiver);
    const isAnswered = said.ack.length === 0 && Object.keys(said.setErrs).length === 0;
    if (isAnswered) return answer.sets.length > 0 ? "they cannot be kept here" : undefined;
  }
  return undefined;
}

type Answer =
  | { readonly ok: true; readonly sets: readonly (readonly [id: string, set: string])[] }
  | { readonly ok: false; readonly why: string };

async function askFor(said: Said, { ask }: CollectorParts): Promise<Answer> {
  const body = { maxEvents: EVENTS_MOST, returnImmediately: true, ...said };
  const fetched = await ask(new TextEncoder().encode(JSON.stringify(body)));
  if (fetched.kind !== "body") {
    return refused(fetched.kind === "failed" ? fetched.because : "it was answered with 304");
  }
  const read = readJson(fetched.bytes, ANSWER_LIMITS);
  const sets = read.ok && isObject(read.value) ? read.value.sets : undefined;
  if (!isObject(sets)) return refused("the answer is no JSON with `sets`");
  const all = Object.entries(sets).flatMap(([id, set]) =>
    typeof set === "string" ? [[id, set] as const] : [],
  );
  return all.length < Object.keys(sets).length
    ? refused("the answer has a set that is no text")
    : { ok: true, sets: all };
}

function refused(why: string): Answer {
  return { ok: false, why };
}

/** In their order. What could not be kept is said nothing of, and sent again. */
async function takeAll(
  sets: readonly (readonly [id: string, set: string])[],
  receiver: Pick<Receiver, "receive">,
): Promise<Said> {
  const received: (readonly [string, Received])[] = [];
  for (const [id, set] of sets) received.push([id, await receiver.receive(set)]);
  return {
    ack: received.flatMap(([id, { kind }]) => (kind === "accepted" ? [id] : [])),
    setErrs: Object.fromEntries(
      received.flatMap(([id, one]) =>
        one.kind === "refused" ? [[id, { err: one.err, description: one.why }]] : [],
      ),
    ),
  };
}
