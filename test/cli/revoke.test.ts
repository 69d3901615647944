import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { directoryWith, PAYMENT, SMALL, writ } from "../support/cli.ts";
import { describeRedis, startRedis } from "../support/redis.ts";
import { serving } from "../support/serving.ts";

/** Asks a service for PAYMENT, and runs `writ revoke` beside it. */
async function served(
  cwd: string,
  ask: (
    decide: () => Promise<string>,
    run: (...words: string[]) => ReturnType<typeof writ>,
  ) => Promise<void>,
  words: readonly string[] = [],
): Promise<void> {
  const { code, err } = await serving([...words, "--json", "."], cwd, async (printed) => {
    const { url } = JSON.parse(printed.split("\n")[0] ?? "");
    const decide = async () => {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify(PAYMENT);
      const answer = await fetch(`${url}/decide`, { method: "POST", headers, body });
      const { decision, code } = (await answer.json()) as Record<string, string>;
      return code ?? decision ?? "";
    };
    await ask(decide, (...given) => writ(["revoke", ...given], { cwd }));
  });
  expect({ code, err }).toEqual({ code: 0, err: "" });
}

const BECAUSE = ["--because", "ticket 4711"];

test("what is revoked is denied at once, still after a restart, and until it is re-activated", async () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  await served(cwd, async (decide, run) => {
    expect((await run()).out).toBe("nothing is revoked\n");
    expect(await decide()).toBe("allow");
    expect(await run("agent", "robot", ...BECAUSE)).toMatchObject({
      code: 0,
      out: "revoked agent robot\n",
    });
    expect(await decide()).toBe("revoked");
    expect((await run("list")).out).toMatch(/^agent robot\s+revoked\s+by .*: ticket 4711\n$/);
  });
  await served(cwd, async (decide, run) => {
    expect(await decide()).toBe("revoked");
    const back = ["reactivate", "agent", "robot", ...BECAUSE];
    expect(await run(...back)).toMatchObject({ code: 0, out: "may act again: agent robot\n" });
    expect(await decide()).toBe("allow");
    expect(await run(...back)).toMatchObject({ code: 1 });
    const listed = JSON.parse((await run("--json")).out);
    expect(listed).toMatchObject({ revocations: [{ kind: "agent", active: false }], count: 1 });
  });
  const recorded = readFileSync(join(cwd, ".writ/audit.jsonl"), "utf8");
  for (const action of ["revoke", "reactivate"]) {
    expect(recorded).toContain(`"action":"revocation.${action}"`);
  }
});

test("everything can be stopped, and set going again", async () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  await served(cwd, async (decide, run) => {
    expect(await run("everything", ...BECAUSE)).toMatchObject({ code: 0 });
    expect(await decide()).toBe("revoked");
    expect(await run("reactivate", "everything", ...BECAUSE)).toMatchObject({ code: 0 });
    expect(await decide()).toBe("allow");
  });
});

test("what makes no sense is misuse, and changes nothing", async () => {
  const cwd = directoryWith({ "p.writ": SMALL });
  await served(cwd, async (decide, run) => {
    for (const [words, said] of [
      [["agents", "robot"], "what is revoked is one of"],
      [["agent"], "which agent?"],
      [["everything", "robot"], "everything has no id"],
      [["agent", "robot"], "a change needs a reason"],
      [["agent", "robot", ...BECAUSE, "--before", "noon"], "no time of RFC 3339"],
      [["reactivate", "agent", "robot", ...BECAUSE, "--before", "2026-01-02T12:00:00Z"], "leave"],
    ] as const) {
      const ran = await run(...words);
      expect(ran, words.join(" ")).toMatchObject({ code: 2, err: expect.stringContaining(said) });
    }
    expect(await decide()).toBe("allow");
  });
});

describeRedis("with state in Redis", () => {
  test("what one process is told to revoke, another denies", async () => {
    const redis = await startRedis(["--appendonly", "yes"]);
    onTestFinished(() => redis.stop());
    const state = ["--state", redis.url];
    const [here, there] = [directoryWith({ "p.writ": SMALL }), directoryWith({ "p.writ": SMALL })];
    await served(
      here,
      async (_, run) => {
        await served(
          there,
          async (decide) => {
            expect(await decide()).toBe("allow");
            expect(await run("agent", "robot", ...BECAUSE)).toMatchObject({ code: 0 });
            await expect.poll(decide, { timeout: 30_000 }).toBe("revoked");
          },
          state,
        );
      },
      state,
    );
  }, 60_000);
});
