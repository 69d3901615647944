/** The fake Redis of simulations answers as a real one does: to random commands, alone and from inside a script. */
import { createClient } from "@redis/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Random, randomFrom } from "../differential/random.ts";
import { FakeRedis } from "../support/fake-redis.ts";
import { describeRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("WRIT_FAKE_SEED");
const COMMANDS = 6_000;

/** What the fake writes down of a failure is what this gives of a real one: the kind of it. */
const kindOf = (fault: unknown): string =>
  /\b(WRONGTYPE|NOSCRIPT|no such key)\b/.exec(String(fault))?.[0] ?? `ERR ${fault}`;

/** A command in a script, and what it answered as a script sees it. */
const CALLING = `
  local reply = redis.call((unpack or table.unpack)(ARGV))
  if type(reply) == 'boolean' then return reply and 'true' or 'false' end
  if type(reply) == 'table' and reply.ok then return reply.ok end
  return reply
`;

describeRedis("the fake Redis", () => {
  let redis: TestRedis;
  let client: ReturnType<typeof connection>;

  beforeAll(async () => {
    redis = await startRedis();
    client = connection(redis.port);
    await client.connect();
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });

  test(`answers as a real one (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    const fake = new FakeRedis(() => 0);
    const ask = async (command: string[]) => {
      const actual = await client.sendCommand(command).catch(kindOf);
      return sorted(command, actual);
    };
    for (let count = 0; count < COMMANDS; count++) {
      const plain = commandFrom(random);
      const command = random.chance(0.3) ? ["EVAL", CALLING, "0", ...plain] : plain;
      const expected = await ask(command);
      expect(sorted(command, answerOf(fake, command)), `${count}: ${command.join(" ")}`).toEqual(
        expected,
      );
    }
  }, 60_000);

  test("a script that is not known, one that fails, and numbers that come back", async () => {
    const fake = new FakeRedis(() => 0);
    const scripts = [
      "return { 1, 2.9, 'three', false, true, { 5 } }",
      "return { 1, nil, 3 }",
      "return string.format('%.0f', 9007199254740991)",
      "return tostring(tonumber('1') < 2)",
      "return 3.99",
      "return false",
    ];
    for (const script of scripts) {
      const command = ["EVAL", script, "0"];
      expect(fake.send(command), script).toEqual(await client.sendCommand(command));
    }
    const unknown = ["EVALSHA", "0".repeat(40), "0"];
    expect(answerOf(fake, unknown)).toBe(await client.sendCommand(unknown).catch(kindOf));
  });
});

function connection(port: number) {
  const made = createClient({
    socket: { host: "127.0.0.1", port },
    RESP: 2,
    disableClientInfo: true,
  });
  made.on("error", () => {});
  return made;
}

function answerOf(fake: FakeRedis, command: readonly string[]): unknown {
  try {
    return fake.send(command);
  } catch (fault) {
    return kindOf(fault);
  }
}

/** A hash has no order that a scan must keep. */
function sorted(command: readonly string[], reply: unknown): unknown {
  if (!Array.isArray(reply)) return reply;
  if (command.includes("HGETALL")) return pairsOf(reply);
  if (!command.includes("HSCAN")) return reply;
  const [cursor, entries] = reply as [string, string[]];
  return [cursor, pairsOf(entries)];
}

function pairsOf(entries: readonly string[]): readonly string[] {
  return entries
    .flatMap((field, at) => (at % 2 === 0 ? [`${field} ${entries[at + 1]}`] : []))
    .sort();
}

const KEYS = ["one", "two", "three"];
const FIELDS = ["a", "b", "ü", ""];

/** Small numbers of keys and fields, so that they meet; now and then of another kind than what is there. */
function commandFrom(random: Random): string[] {
  const [key, field] = [random.pick(KEYS), random.pick(FIELDS)];
  const number = () => String(random.below(6));
  const bound = () => random.pick(["-inf", "+inf", "2", "(2", "4", "(4", "(0"]);
  const made: readonly string[][] = [
    ["HSET", key, field, number(), random.pick(FIELDS), number()],
    ["HSETNX", key, field, number()],
    ["HGET", key, field],
    ["HMGET", key, field, random.pick(FIELDS)],
    ["HLEN", key],
    ["HDEL", key, field, random.pick(FIELDS)],
    ["HSCAN", key, "0", "COUNT", "100"],
    ["ZADD", key, number(), field],
    ["ZADD", key, "NX", number(), field],
    ["ZREM", key, field],
    ["ZCARD", key],
    ["ZSCORE", key, field],
    ["ZCOUNT", key, bound(), bound()],
    ["ZRANGEBYSCORE", key, bound(), bound(), "LIMIT", number(), number()],
    ["ZRANGEBYSCORE", key, bound(), bound()],
    ["ZRANGEBYSCORE", key, bound(), bound(), "WITHSCORES", "LIMIT", number(), number()],
    ["GET", key],
    ["INCR", key],
    ["HGETALL", key],
    ["RPUSH", key, field],
    ["LLEN", key],
    ["LINDEX", key, random.pick(["-1", "0", "1", "-3"])],
    ["LRANGE", key, random.pick(["0", "1", "5"]), random.pick(["-1", "2"])],
    ["RENAME", key, random.pick(KEYS)],
    ...(random.chance(0.3) ? [["DEL", key]] : []),
  ];
  return random.pick(made);
}
