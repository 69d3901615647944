/** Whoever heard of an allowed call, the file of the process that allowed it has heard of it before. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openSightings } from "../../engine/state/redis/sightings.ts";
import { randomFrom } from "../differential/random.ts";
import { describeRedis, startRedis } from "../support/redis.ts";
import { seedFrom } from "../support/seed.ts";

const SEED = seedFrom("WRIT_KILL_SEED");
const KILLS = 10;
const CHILD = fileURLToPath(new URL("../support/sightings-child.ts", import.meta.url));

describeRedis("a process that is killed", () => {
  test(`has kept what was answered, ${KILLS} of ${KILLS} times (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    const redis = await startRedis();
    const directory = mkdtempSync(join(tmpdir(), "writ-seen-"));
    const path = join(directory, "seen.json");
    try {
      let allowed = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        allowed += await killed(fork(CHILD, [redis.url, path]), 1 + random.below(400));
        const sightings = openSightings(path, "test");
        expect(sightings.last?.writes).toBeGreaterThanOrEqual(allowed);
        sightings.close();
      }
      const writes = Number(await redis.command("HGET", "writ:{test}:meta", "writes"));
      expect(writes).toBeGreaterThanOrEqual(allowed);
    } finally {
      await redis.stop();
      rmSync(directory, { recursive: true });
    }
  }, 120_000);
});

/** How many calls it told of, once it is gone. */
async function killed(child: ChildProcess, atLeast: number): Promise<number> {
  let told = 0;
  child.on("message", () => {
    told += 1;
    if (told === atLeast) child.kill("SIGKILL");
  });
  await once(child, "exit");
  return told;
}
