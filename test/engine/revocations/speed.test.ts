/**
 * How soon a revocation is in force: in the process that is told at once, and in every other within two seconds, or it
 * decides nothing. By the mechanism, on a clock of the test's own: a busy machine only makes real time longer.
 */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Ledger } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { openRedisLedger } from "../../../engine/ledger/redis.ts";
import { Revocations } from "../../../engine/revocations/revocations.ts";
import type { Reply } from "../../../engine/state/redis/connection.ts";
import { START } from "../../support/engine.ts";
import { seedFrom } from "../../support/seed.ts";
import {
  issSub,
  RISC,
  setClaims,
  signalsWorld,
  signSet,
  TRANSMITTER,
} from "../../support/signals.ts";

const ORDER = { kind: "agent", id: "bot", by: "ann", because: "ticket" } as const;
const REQUEST = { agent: { id: "bot" }, tool: { name: "look" } };

describe("in the process that is told", () => {
  /** A disk or a Redis that takes for ever. */
  class Slow extends MemoryLedger {
    override put(): never {
      return new Promise(() => {}) as never;
    }
  }

  test("an order is in force before it is kept, however long that takes", async () => {
    const revocations = new Revocations({ ledger: new Slow(), now: () => START });
    expect(revocations.refusalOf(REQUEST)).toBeUndefined();
    void revocations.revoke(ORDER);
    expect(revocations.refusalOf(REQUEST)?.code).toBe("revoked");
  });

  test("an event is in force as soon as its signature was verified", async () => {
    const at = await signalsWorld(TRANSMITTER, new Slow());
    expect(await at.ask()).toBe("allow");
    const event = setClaims(`${RISC}account-disabled`, {}, issSub("alice"));
    void at.receiver.receive(await signSet(event));
    await expect.poll(() => at.recorded.length, { timeout: 30_000 }).toBe(1);
    expect(await at.ask()).toBe("revoked");
  });
});

/** What the script keeps, without Redis. */
class Server {
  readonly #entries = new Map<string, { readonly text: string; readonly number: number }>();
  #last = 0;

  since(number: number): readonly string[] {
    const found = [...this.#entries].filter(([, entry]) => entry.number > number);
    const changes = found.flatMap(([key, entry]) => changeOf(key, entry));
    return [String(this.#last), "all", "", "", "0", ...changes];
  }

  put([kind = "", id = "", , next = ""]: readonly string[]): readonly string[] {
    this.#last += 1;
    this.#entries.set(`${kind} ${id}`, { text: next, number: this.#last });
    return ["kept", "0", "0", String(this.#last)];
  }
}

/** One process's way there: as long as the test says, or it fails. */
class Line {
  delayMs = 0;
  isDown = false;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  async send([, , count = "0", ...rest]: readonly string[]): Promise<unknown> {
    return this.#ask(() => this.#server.since(Number(rest[Number(count)])));
  }

  run(_operation: string, _keys: readonly string[], given: readonly string[]): Promise<Reply> {
    return this.#ask(() => this.#server.put(given));
  }

  /** Half there and half back: what is answered was so a while ago. */
  async #ask(asked: () => Reply): Promise<Reply> {
    await this.#pass();
    const said = asked();
    await this.#pass();
    return said;
  }

  async #pass(): Promise<void> {
    const { isDown } = this;
    await new Promise((resolve) => setTimeout(resolve, this.delayMs / 2));
    if (isDown) throw new Error("Redis is away");
  }
}

function changeOf(key: string, { text, number }: { text: string; number: number }): string[] {
  const space = key.indexOf(" ");
  return [key.slice(0, space), key.slice(space + 1), text, String(number)];
}

describe("in a process that shares its ledger", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const ledgerOf = (line: Line): Promise<Ledger> =>
    openRedisLedger({
      send: (command) => line.send(command),
      run: (...asked) => line.run(...asked),
      generation: () => "",
      saw: () => {},
      namespace: "test",
      elapsedMs: () => performance.now(),
      now: Date.now,
    });

  test("a revocation is in force after the time between two questions", async () => {
    const server = new Server();
    const opening = [ledgerOf(new Line(server)), ledgerOf(new Line(server))];
    await vi.advanceTimersByTimeAsync(10);
    const [here, there] = (await Promise.all(opening)).map(
      (ledger) => new Revocations({ ledger, now: Date.now }),
    );
    const revoked = here?.revoke(ORDER);
    await vi.advanceTimersByTimeAsync(10);
    await revoked;
    expect(there?.refusalOf(REQUEST)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(300);
    expect(there?.refusalOf(REQUEST)?.code).toBe("revoked");
  });

  const SEED = seedFrom("WRIT_REVOCATION_SPEED_SEED");
  /** For how long Redis answers so slowly, or not at all. */
  const spell = fc.record({
    forMs: fc.integer({ min: 50, max: 3_000 }),
    delayMs: fc.integer({ min: 0, max: 2_500 }),
    isDown: fc.boolean(),
  });

  test(`whatever ails its way there, nobody decides without it for two seconds (seed ${SEED})`, async () => {
    const seen = { revoked: 0, state_unavailable: 0 };
    const spells = fc.array(spell, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(spell, spells, async (before, after) => {
        const server = new Server();
        const line = new Line(server);
        const opening = [ledgerOf(new Line(server)), ledgerOf(line)];
        await vi.advanceTimersByTimeAsync(10);
        const [here, there] = await Promise.all(opening);
        if (here === undefined || there === undefined) throw new Error("there are two");
        const told = new Revocations({ ledger: there, now: Date.now });
        Object.assign(line, before);
        await vi.advanceTimersByTimeAsync(before.forMs);
        const keeping = new Revocations({ ledger: here, now: Date.now }).revoke(ORDER);
        await vi.advanceTimersByTimeAsync(10);
        await keeping;
        const keptMs = performance.now();
        for (const { forMs, ...ailing } of after) {
          Object.assign(line, ailing);
          for (let passed = 0; passed < forMs; passed += 50) {
            await vi.advanceTimersByTimeAsync(50);
            if (performance.now() - keptMs < 2_000) continue;
            const code = told.refusalOf(REQUEST)?.code;
            expect(["revoked", "state_unavailable"]).toContain(code);
            seen[code as keyof typeof seen] += 1;
          }
        }
        here.close();
        there.close();
        vi.clearAllTimers();
      }),
      { seed: SEED, numRuns: 100 },
    );
    expect(Math.min(seen.revoked, seen.state_unavailable), "both were seen").toBeGreaterThan(0);
  }, 60_000);
});
