/**
 * How fast decisions are whose state is in Redis on this machine, beside the barest script call with as many keys
 * and arguments; and how many of them needed one round trip. `node bench/redis.ts [SECONDS]`
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createHistogram } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { createSharedEngine } from "../engine/shared-engine.ts";
import { parseRedisAddress } from "../engine/state/redis/address.ts";
import { type Link, type OpenLink, openLink } from "../engine/state/redis/link.ts";
import { connectRedis } from "../engine/state/redis/store.ts";
import { programOf } from "../test/support/engine.ts";
import { startRedis } from "../test/support/redis.ts";

/** Two counters, a latch and a sequence, and a hot counter that all agents share. */
const PROGRAM = programOf(`
  tool pay { effect write, args { amount: Decimal } }
  tool check { effect execute }
  counter spend = sum args.amount of allowed pay per agent within 1h
  counter tries = count attempts per session within 10s
  counter hot = count allowed pay per tool within 1h
  latch checked = completed check per session
  task errand { sequence (check | pay)+ limit calls <= 1000000000 }
  permit pay tool pay when has session and spend + args.amount <= 900000000.00 and hot < 900000000000
  permit check tool check
  forbid many when has session and tries >= 900000000
`);

const IN_FLIGHT = 64;
const KEYS = 12;
const ARGS = 70;

type Ask = (n: number) => Promise<unknown>;

interface Measured {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** So many at a time, each asking again as soon as it has its answer. */
async function measure(ask: Ask, inFlight: number, seconds: number): Promise<Measured> {
  const histogram = createHistogram();
  const end = performance.now() + seconds * 1_000;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      const began = performance.now();
      await ask(count++);
      histogram.record(Math.max(1, Math.round((performance.now() - began) * 1_000)));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const perSecond = Math.round(count / seconds);
  return { perSecond, p50Us: histogram.percentile(50), p99Us: histogram.percentile(99) };
}

/** Counts what is sent: one run of the script is one round trip. */
function counted(trips: { count: number }): OpenLink {
  return async (address, timeoutMs): Promise<Link> => {
    const link = await openLink(address, timeoutMs);
    return {
      ...link,
      send: (command) => {
        if (command[0] === "FCALL") trips.count += 1;
        return link.send(command);
      },
    };
  };
}

async function deciding(url: string) {
  const address = parseRedisAddress(url);
  if (typeof address === "string") throw new Error(address);
  const trips = { count: 0 };
  const store = await connectRedis({ address, openLink: counted(trips), timeoutMs: 10_000 });
  const engine = createSharedEngine({ program: PROGRAM, digest: "sha256:bench", store });
  const ask: Ask = async (n) => {
    const answer = await engine.decide({
      agent: { id: `bot${n % 1_000}` },
      session: { id: `s${process.pid}-${n % 1_000}` },
      tool: { name: "pay", args: { amount: 1 } },
    });
    if (answer.kind !== "answer" || answer.value.decision !== "allow") {
      throw new Error(JSON.stringify(answer));
    }
  };
  return { ask, trips, close: () => store.close() };
}

async function share(url: string, seconds: number): Promise<{ count: number; trips: number }> {
  const { ask, trips, close } = await deciding(url);
  for (let n = 0; n < 1_000; n++) await ask(n);
  trips.count = 0;
  let count = 0;
  const counting: Ask = (n) => {
    count += 1;
    return ask(n);
  };
  await measure(counting, IN_FLIGHT, seconds);
  close();
  return { count, trips: trips.count };
}

const [first = "2", url] = process.argv.slice(2);
const seconds = Number(first);

if (url !== undefined) {
  const found = await share(url, seconds);
  process.send?.(found);
} else {
  const redis = await startRedis();
  const { ask, trips, close } = await deciding(redis.url);
  const link = await openLink(addressOf(redis.url), 1_000);
  const bare = await bareCall(link);
  for (let n = 0; n < 2_000; n++) await Promise.all([ask(n), bare(n)]);
  const rows: Record<string, Measured> = {};
  rows["decision, one at a time"] = await measure(ask, 1, seconds);
  rows["bare script, one at a time"] = await measure(bare, 1, seconds);
  trips.count = 0;
  const many = await measure(ask, IN_FLIGHT, seconds);
  rows[`decision, ${IN_FLIGHT} at a time`] = many;
  const alone = percent(many.perSecond * seconds, trips.count);
  rows[`bare script, ${IN_FLIGHT} at a time`] = await measure(bare, IN_FLIGHT, seconds);
  console.table(rows);
  const path = fileURLToPath(import.meta.url);
  const children = [0, 1].map(() => fork(path, [first, redis.url]));
  const told = await Promise.all(children.map(toldBy));
  const sum = (of: (one: { count: number; trips: number }) => number) =>
    told.reduce((total, one) => total + of(one), 0);
  console.log(`round trips beyond one a decision: ${alone} with one process,`);
  console.log(
    `${percent(
      sum(({ count }) => count),
      sum(({ trips: all }) => all),
    )} with two whose calls all count on one hot counter (${Math.round(sum(({ count }) => count) / seconds)}/s together)`,
  );
  link.end();
  close();
  await redis.stop();
}

function percent(decisions: number, made: number): string {
  return `${Math.max(0, (100 * (made - decisions)) / decisions).toFixed(2)} %`;
}

async function toldBy(child: ChildProcess): Promise<{ count: number; trips: number }> {
  const [found] = await once(child, "message");
  child.disconnect();
  return found;
}

function addressOf(text: string) {
  const address = parseRedisAddress(text);
  if (typeof address === "string") throw new Error(address);
  return address;
}

/** Reads one field of each key and writes one: what the least script would do. */
async function bareCall({ send }: Link): Promise<Ask> {
  const script = `for _, key in ipairs(KEYS) do redis.call('HGET', key, ARGV[1]) end
    redis.call('HSET', KEYS[1], ARGV[1], '1') return ARGV[1]`;
  const sha = String(await send(["SCRIPT", "LOAD", script]));
  const keys = Array.from({ length: KEYS }, (_, at) => `bare:{x}:${at}`);
  const args = Array.from({ length: ARGS }, (_, at) => `argument ${at}`);
  return (n) => send(["EVALSHA", sha, String(KEYS), ...keys, `field${n % 1_000}`, ...args]);
}
