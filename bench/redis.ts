/**
 * How fast decisions are whose state is in Redis on this machine, beside the barest script call with as many keys
 * and arguments; and how many of them needed one round trip. `node bench/redis.ts [SECONDS]`
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createSharedEngine } from "../engine/shared-engine.ts";
import { type Link, type OpenLink, openLink } from "../engine/state/redis/link.ts";
import { connectRedis } from "../engine/state/redis/store.ts";
import { programOf } from "../test/support/engine.ts";
import { startRedis } from "../test/support/redis.ts";
import { redisAt } from "../test/support/redis-address.ts";
import { type Ask, measureAtOnce, openBareScript, type Speed } from "./bare-script.ts";
import { toldBy } from "./told.ts";

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
  const address = redisAt(url);
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

interface Shared {
  readonly count: number;
  readonly trips: number;
}

async function share(url: string, seconds: number): Promise<Shared> {
  const { ask, trips, close } = await deciding(url);
  for (let n = 0; n < 1_000; n++) await ask(n);
  trips.count = 0;
  let count = 0;
  const counting: Ask = (n) => {
    count += 1;
    return ask(n);
  };
  await measureAtOnce(counting, IN_FLIGHT, seconds);
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
  const bare = await openBareScript(redis.url);
  for (let n = 0; n < 2_000; n++) await Promise.all([ask(n), bare.ask(n)]);
  const rows: Record<string, Speed> = {};
  rows["decision, one at a time"] = await measureAtOnce(ask, 1, seconds);
  rows["bare script, one at a time"] = await measureAtOnce(bare.ask, 1, seconds);
  trips.count = 0;
  const many = await measureAtOnce(ask, IN_FLIGHT, seconds);
  rows[`decision, ${IN_FLIGHT} at a time`] = many;
  const alone = percent(many.perSecond * seconds, trips.count);
  rows[`bare script, ${IN_FLIGHT} at a time`] = await measureAtOnce(bare.ask, IN_FLIGHT, seconds);
  console.table(rows);
  const path = fileURLToPath(import.meta.url);
  const children = [0, 1].map(() => fork(path, [first, redis.url]));
  const told = await Promise.all(children.map((child) => toldBy<Shared>(child)));
  const sum = (of: (one: Shared) => number) => told.reduce((total, one) => total + of(one), 0);
  console.log(`round trips beyond one a decision: ${alone} with one process,`);
  console.log(
    `${percent(
      sum(({ count }) => count),
      sum(({ trips: all }) => all),
    )} with two whose calls all count on one hot counter (${Math.round(sum(({ count }) => count) / seconds)}/s together)`,
  );
  bare.close();
  close();
  await redis.stop();
}

function percent(decisions: number, made: number): string {
  return `${Math.max(0, (100 * (made - decisions)) / decisions).toFixed(2)} %`;
}
