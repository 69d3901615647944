/** Events that are fetched: each is taken once, acknowledged when it is kept, and not before. */
import { expect, test } from "vitest";
import type { Fetched } from "../../../engine/egress/fetch.ts";
import { createCollector } from "../../../engine/signals/collect.ts";
import type { Received } from "../../../engine/signals/receive.ts";
import { START } from "../../support/engine.ts";
import { type EventStream, eventStream } from "../../support/event-stream.ts";
import {
  CAEP,
  issSub,
  OTHER,
  readSignals,
  setClaims,
  signalsWorld,
  signSet,
  TRANSMITTER,
} from "../../support/signals.ts";

const REVOKED = `${CAEP}session-revoked`;
const setOf = (subject: unknown, more = {}) => signSet(setClaims(REVOKED, {}, subject, more));

const bodyOf = (json: unknown): Fetched => ({
  kind: "body",
  bytes: new TextEncoder().encode(typeof json === "string" ? json : JSON.stringify(json)),
  etag: undefined,
});

type Ask = (body: Uint8Array) => Promise<Fetched>;

const askOf =
  (stream: EventStream): Ask =>
  async (body) =>
    bodyOf(stream.answer(JSON.parse(Buffer.from(body).toString())));

function collectorOf(ask: Ask, receive: (text: string) => Promise<Received>) {
  const notices: string[] = [];
  const collector = createCollector({
    transmitter: "signals",
    receiver: { receive },
    ask,
    now: () => START,
    onNotice: (notice) => notices.push(notice),
  });
  return { collector, notices };
}

test("all that waits is taken, acknowledged, or refused with why", async () => {
  const at = await signalsWorld();
  const stream = eventStream({
    one: await setOf(issSub("alice"), { jti: "one" }),
    two: await setOf(issSub("alice", OTHER), { jti: "two" }),
    three: "no token",
  });
  const { collector, notices } = collectorOf(askOf(stream), at.receiver.receive);
  expect(collector.collectedAtMs()).toBeUndefined();
  expect(await collector.collect()).toBe(true);
  expect(collector.collectedAtMs()).toBe(START);
  expect(await at.ask()).toBe("revoked");
  expect(stream.waiting.size).toBe(0);
  expect([...stream.errors]).toEqual([
    ["two", { err: "access_denied", description: expect.any(String) }],
    ["three", { err: "invalid_request", description: expect.any(String) }],
  ]);
  expect(stream.asked).toMatchObject([
    { returnImmediately: true, ack: [], setErrs: {} },
    { ack: ["one"] },
  ]);
  expect(notices).toEqual([]);
});

test("however many there are, they are fetched in one go", async () => {
  const sets = Array.from({ length: 250 }, (_, index) => [`e-${index}`, `${index}`] as const);
  const stream = eventStream(Object.fromEntries(sets));
  const taken: string[] = [];
  const { collector } = collectorOf(askOf(stream), async (text) => {
    taken.push(text);
    return { kind: "accepted", receipt: "applied" };
  });
  expect(await collector.collect()).toBe(true);
  expect(taken).toHaveLength(250);
  expect(stream.asked).toHaveLength(4);
});

test("what cannot be kept is not acknowledged, and fetched again", async () => {
  const stream = eventStream({ one: "1", two: "2" });
  let isBroken = true;
  const { collector, notices } = collectorOf(askOf(stream), async (text) =>
    isBroken && text === "2"
      ? { kind: "unavailable", because: "the disk is full" }
      : { kind: "accepted", receipt: "applied" },
  );
  expect(await collector.collect()).toBe(false);
  expect([...stream.waiting.keys()]).toEqual(["two"]);
  expect(collector.collectedAtMs()).toBeUndefined();
  isBroken = false;
  expect(await collector.collect()).toBe(true);
  expect(stream.waiting.size).toBe(0);
  expect(notices).toEqual([
    "events of signals cannot be fetched: they cannot be kept here",
    "events of signals are fetched again",
  ]);
});

test.each<[what: string, answer: Ask, why: string]>([
  [
    "does not answer",
    async () => ({ kind: "failed", code: "unreachable", because: "nobody is there" }),
    "nobody is there",
  ],
  ["answers with nothing new", async () => ({ kind: "same" }), "304"],
  ["answers with no JSON", async () => bodyOf("<html>"), "no JSON with `sets`"],
  ["answers without sets", async () => bodyOf({}), "no JSON with `sets`"],
  ["answers with a list", async () => bodyOf({ sets: [] }), "no JSON with `sets`"],
  ["answers with no text", async () => bodyOf({ sets: { one: {} } }), "a set that is no text"],
  ["says one thing twice", async () => bodyOf('{"sets":{},"sets":{}}'), "no JSON with `sets`"],
  ["fails in a way of its own", () => Promise.reject(new TypeError("secret")), "TypeError"],
])("a transmitter that %s is told once, until it does again", async (_, answer, why) => {
  let ask = answer;
  const { collector, notices } = collectorOf(
    (body) => ask(body),
    async () => {
      throw new Error("nothing is to be taken");
    },
  );
  expect([await collector.collect(), await collector.collect()]).toEqual([false, false]);
  expect(notices).toEqual([expect.stringContaining(why)]);
  ask = askOf(eventStream());
  expect(await collector.collect()).toBe(true);
  expect(notices.at(-1)).toBe("events of signals are fetched again");
  ask = answer;
  await collector.collect();
  expect(notices).toHaveLength(3);
});

test("a transmitter that never has enough is not asked for ever", async () => {
  let asked = 0;
  const { collector } = collectorOf(
    async () => {
      asked += 1;
      return bodyOf({ sets: { [`e-${asked}`]: "x" } });
    },
    async () => ({ kind: "accepted", receipt: "left" }),
  );
  expect(await collector.collect()).toBe(true);
  expect(asked).toBe(100);
});

const POLL = { url: "https://signals.acme.example/poll", every: "5s", credential: "poll.token" };

test.each<[what: string, poll: unknown, said: string]>([
  ["a text", "often", "/transmitters/0/poll is not an object"],
  ["no URL", { every: "5s" }, "/poll/url is missing"],
  ["no TLS", { ...POLL, url: "http://signals.acme.example/" }, "is not https"],
  ["no time", { url: POLL.url }, "/poll/every is no duration"],
  ["no time at all", { ...POLL, every: "1ms" }, "is less than 100ms"],
  ["a member nobody knows", { ...POLL, token: "x" }, "/poll/token is no member"],
])("a configuration with %s is refused", (_, poll, said) => {
  const read = readSignals([{ ...TRANSMITTER, poll }]);
  const problems = read.ok ? [] : read.problems.map(({ at, message }) => `${at} ${message}`);
  expect(problems.join("\n")).toContain(said);
});

test("a configuration with it is accepted", () => {
  expect(readSignals([{ ...TRANSMITTER, poll: POLL }])).toMatchObject({
    transmitters: [{ poll: { everyMs: 5_000, privateNetworks: false, credential: "poll.token" } }],
  });
});
