/** The barest script call on Redis with as many keys and arguments as a decision has, and how it is asked. */
import { createHistogram } from "node:perf_hooks";
import { type Link, openLink } from "../engine/state/redis/link.ts";
import { redisAt } from "../test/support/redis-address.ts";

export type Ask = (n: number) => Promise<unknown>;

export interface Speed {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const KEYS = 12;
const ARGS = 60;

/** So many at a time, each asking again as soon as it has its answer. */
export async function measureAtOnce(ask: Ask, inFlight: number, seconds: number): Promise<Speed> {
  const histogram = createHistogram();
  const endMs = performance.now() + seconds * 1_000;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const began = process.hrtime.bigint();
      await ask(count++);
      histogram.record(Math.max(1, Number(process.hrtime.bigint() - began)));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const [p50Us = 0, p99Us = 0] = [50, 99].map((at) => histogram.percentile(at) / 1_000);
  return { perSecond: count / seconds, p50Us, p99Us };
}

/** Reads one field of each key and writes one: what the least script would do. */
export async function openBareScript(
  url: string,
): Promise<{ readonly ask: Ask; readonly close: () => void }> {
  const { send, end }: Link = await openLink(redisAt(url), 1_000);
  const script = `for _, key in ipairs(KEYS) do redis.call('HGET', key, ARGV[1]) end
    redis.call('HSET', KEYS[1], ARGV[1], '1') return ARGV[1]`;
  const sha = String(await send(["SCRIPT", "LOAD", script]));
  const keys = Array.from({ length: KEYS }, (_, at) => `bare:{x}:${at}`);
  const args = Array.from({ length: ARGS }, (_, at) => `argument ${at}`);
  const ask: Ask = (n) =>
    send(["EVALSHA", sha, String(KEYS), ...keys, `field${n % 1_000}`, ...args]);
  return { ask, close: () => end() };
}
