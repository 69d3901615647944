import { afterAll, beforeAll, expect, test } from "vitest";
import { writ } from "../support/cli.ts";
import { describeRedis, startRedis, type TestRedis } from "../support/redis.ts";

const META = "writ:{test}:meta";

describeRedis("writ state confirm", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  const confirm = (...words: string[]) => writ(["state", "confirm", redis.url, ...words]);

  test("takes a loss back, and keeps who said so and why", async () => {
    const lost = "it is empty, and was not";
    await redis.command("HSET", META, "generation", "first", "lost", lost, "writes", "7");
    const { code, out } = await confirm("--because", "restored", "--operator", "ann");
    expect(out).toBe(`confirmed for ${redis.url} that it is empty, and was not\n`);
    expect(code).toBe(0);
    const { generation, ...rest } = Object.fromEntries(
      pairsOf(await redis.command("HGETALL", META)),
    );
    // From here on it is another one: who knows the one before knows what was lost.
    expect(rest).toEqual({ writes: "7", "past first": "1", evicted: "anew" });
    expect(generation).toMatch(/^[0-9a-f-]{36}$/);
    const [kept = ""] = (await redis.command(
      "LRANGE",
      "writ:{test}:confirmations",
      "0",
      "-1",
    )) as string[];
    expect(JSON.parse(kept)).toEqual({
      lost: "it is empty, and was not",
      operator: "ann",
      because: "restored",
      atMs: expect.any(Number),
    });
  });

  test("says where nothing is lost, and changes nothing", async () => {
    await redis.command("DEL", META, "writ:{test}:confirmations");
    const { code, out } = await confirm("--because", "to be sure", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ ok: false, place: redis.url });
    expect(await redis.command("EXISTS", "writ:{test}:confirmations")).toBe(0);
  });

  test("needs a reason, an address, and a Redis", async () => {
    await redis.command("HSET", META, "lost", "it is empty, and was not");
    const silent = await confirm();
    expect([silent.code, silent.err]).toEqual([2, expect.stringContaining("needs a reason")]);
    expect(await redis.command("HGET", META, "lost")).toBe("it is empty, and was not");
    const nowhere = ["state", "confirm", "redis://127.0.0.1:1/test", "--because", "x"];
    const away = await writ(nowhere);
    expect([away.code, away.err]).toEqual([2, expect.stringContaining("nothing was confirmed in")]);
    expect((await writ(["state", "forget", redis.url])).code).toBe(2);
  });
});

function pairsOf(reply: unknown): [string, string][] {
  const words = reply as string[];
  return words.flatMap((word, at): [string, string][] =>
    at % 2 === 0 ? [[word, words[at + 1] ?? ""]] : [],
  );
}
