/** The barest script call with as many keys and arguments as a decision has. */
import { createHistogram } from "node:perf_hooks";
import { parseRedisAddress } from "../../engine/state/redis/address.ts";
import { type Link, openLink } from "../../engine/state/redis/link.ts";
import type { Speed } from "./results.ts";

const KEYS = 12;
const ARGS = 60;

export async function measureBareScript(
  url: string,
  inFlight: number,
  seconds: number,
): Promise<Speed> {
  const address = parseRedisAddress(url);
  if (typeof address === "string") throw new Error(address);
  const link = await openLink(address, 1_000);
  const ask = await bareCall(link);
  const histogram = createHistogram();
  let count = 0;
  const endMs = performance.now() + seconds * 1_000;
  const one = async () => {
    while (performance.now() < endMs) {
      const began = process.hrtime.bigint();
      await ask(count++);
      histogram.record(Math.max(1, Number(process.hrtime.bigint() - began)));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  link.end();
  const [p50Us = 0, p99Us = 0] = [50, 99].map((at) => histogram.percentile(at) / 1_000);
  return { perSecond: count / seconds, p50Us, p99Us };
}

/** Reads one field of each key and writes one: what the least script would do. */
async function bareCall({ send }: Link): Promise<(n: number) => Promise<unknown>> {
  const script = `for _, key in ipairs(KEYS) do redis.call('HGET', key, ARGV[1]) end
    redis.call('HSET', KEYS[1], ARGV[1], '1') return ARGV[1]`;
  const sha = String(await send(["SCRIPT", "LOAD", script]));
  const keys = Array.from({ length: KEYS }, (_, at) => `bare:{x}:${at}`);
  const args = Array.from({ length: ARGS }, (_, at) => `argument ${at}`);
  return (n) => send(["EVALSHA", sha, String(KEYS), ...keys, `field${n % 1_000}`, ...args]);
}
