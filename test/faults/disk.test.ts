/**
 * A running service whose disk fails. Whatever fails: nobody is allowed what is not recorded and counted, the service
 * says why it is not ready, and goes on when the disk does, or ends; and the next start finds all that was acknowledged.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { directoryWith, writ } from "../support/cli.ts";
import { type DiskFault, type FaultyService, serveOnFaulty } from "../support/faulty-process.ts";
import { serve } from "../support/served.ts";
import { straceIsThere } from "../support/strace.ts";

const LIMIT = 4;
const POLICY = `package small
tool pay { effect write }
counter pays = count allowed pay per agent
permit paying tool pay when pays < ${LIMIT}
`;
const PAY = { agent: { id: "robot" }, tool: { name: "pay" }, session: { id: "s" } };

const LOG = "audit.jsonl";
const TURNS = "state.db-turns-0";
/** Beginning the file is the first, a first decision the second. */
const SECOND_DECISION = "3";

/** Ids of what was allowed. */
type Allowed = string[];

async function pay(service: Pick<FaultyService, "ask">, allowed: Allowed): Promise<string> {
  const { status, json } = await service.ask("/decide", PAY);
  if (json?.decision === "allow") allowed.push(json.id);
  return status === 200 ? [json.decision, json.code].filter(Boolean).join(" ") : `${status}`;
}

/** Each answers a probe of its own, as an orchestrator would send it. */
async function untilReady({ ask }: FaultyService): Promise<void> {
  while ((await ask("/ready")).status !== 200) await pause(50);
}

/** The next start, on a disk that does what it is told. */
async function expectNothingLost(cwd: string, allowed: Allowed): Promise<void> {
  const service = await serve(["small"], cwd);
  const before = [...allowed];
  for (let n = 0; n < LIMIT; n++) await pay(service, allowed);
  expect(allowed.length).toBeLessThanOrEqual(LIMIT);
  expect((await service.stop()).code).toBe(0);
  expect(await writ(["audit", "verify"], { cwd })).toMatchObject({ code: 0 });
  const log = readFileSync(join(cwd, ".writ", LOG), "utf8");
  expect(before.filter((id) => !log.includes(id))).toEqual([]);
}

/** With what it says last, and as what it exits. */
async function expectStopped({ ended }: FaultyService, because: RegExp): Promise<void> {
  const { code, out } = await ended;
  const last = JSON.parse(out.trim().split("\n").at(-1) ?? "");
  expect({ code, ...last }).toEqual({
    code: 2,
    event: "stopped",
    because: expect.stringMatching(because),
  });
}

interface Case {
  readonly what: string;
  readonly faults: readonly DiskFault[];
  readonly words?: readonly string[];
  /** Of the decision that meets the fault. */
  readonly answer: string;
  /** Why it is not ready then. */
  readonly because: RegExp;
}

const of = (file: string, call: DiskFault["call"], error: string, when: string): DiskFault => ({
  file,
  call,
  error,
  when,
});

const PASSING: readonly Case[] = [
  {
    what: "the log has no room",
    faults: [of(LOG, "pwrite64", "ENOSPC", SECOND_DECISION)],
    answer: "503",
    because: /^nothing can be recorded: the disk is full \(ENOSPC\)$/,
  },
  {
    what: "the log cannot be written for once",
    faults: [of(LOG, "pwrite64", "EIO", SECOND_DECISION)],
    answer: "503",
    because: /^nothing can be recorded: EIO$/,
  },
  {
    what: "state has no room",
    faults: [of(TURNS, "pwrite64", "ENOSPC", SECOND_DECISION)],
    answer: "deny state_unavailable",
    because: /^state cannot be kept in .*state\.db: ENOSPC/,
  },
  {
    what: "this user may have no more of the disk",
    faults: [of(TURNS, "pwrite64", "EDQUOT", SECOND_DECISION)],
    answer: "deny state_unavailable",
    because: /^state cannot be kept in .*state\.db: EDQUOT/,
  },
];

const LASTING: readonly Case[] = [
  {
    what: "state is on a disk that became read-only",
    faults: [of(TURNS, "pwrite64", "EROFS", `${SECOND_DECISION}+`)],
    answer: "deny state_unavailable",
    because: /^state cannot be kept in .*state\.db: EROFS/,
  },
  {
    what: "state has no room any more",
    faults: [of(TURNS, "pwrite64", "ENOSPC", `${SECOND_DECISION}+`)],
    answer: "deny state_unavailable",
    because: /^state cannot be kept in .*state\.db: ENOSPC/,
  },
];

const ENDING: readonly Omit<Case, "answer">[] = [
  {
    what: "what was recorded may not be on the disk",
    faults: [of(LOG, "fdatasync", "EIO", SECOND_DECISION)],
    words: ["--audit-sync"],
    because: /^nothing can be recorded: what was written may be lost: EIO$/,
  },
  {
    what: "what was half recorded cannot be taken back",
    faults: [of(LOG, "pwrite64", "EIO", SECOND_DECISION), of(LOG, "ftruncate", "EIO", "1+")],
    because: /^nothing can be recorded: EIO, and what was half written could not be taken back$/,
  },
];

describe.runIf(straceIsThere())("a service whose disk fails", { timeout: 60_000 }, () => {
  const started = async (faults: readonly DiskFault[], words: readonly string[] = []) => {
    const cwd = directoryWith({ "small/p.writ": POLICY });
    const service = await serveOnFaulty(cwd, faults, ["small", ...words]);
    return { cwd, service, allowed: [] as Allowed };
  };

  test.each(PASSING)(
    "$what: nothing is allowed until it has",
    async ({ faults, answer, because }) => {
      const { cwd, service, allowed } = await started(faults);
      expect(await pay(service, allowed)).toBe("allow");
      expect(await pay(service, allowed)).toBe(answer);
      const { status, json } = await service.ask("/ready");
      expect([status, json.detail]).toEqual([503, expect.stringMatching(because)]);
      expect((await service.ask("/health")).status).toBe(200);
      await untilReady(service);
      expect(await pay(service, allowed)).toBe("allow");
      service.stop();
      expect(await service.ended).toMatchObject({ code: 0 });
      await expectNothingLost(cwd, allowed);
    },
  );

  test.each(LASTING)(
    "$what: nothing is allowed, and its end says why",
    async ({ faults, answer, because }) => {
      const { cwd, service, allowed } = await started(faults);
      expect(await pay(service, allowed)).toBe("allow");
      expect(await pay(service, allowed)).toBe(answer);
      expect(await pay(service, allowed)).toBe("deny state_unavailable");
      expect((await service.ask("/ready")).json.detail).toMatch(because);
      expect((await service.ask("/health")).status).toBe(200);
      service.stop();
      await expectStopped(service, because);
      await expectNothingLost(cwd, allowed);
    },
  );

  test.each(ENDING)("$what: the service ends, and says why", async ({ faults, words, because }) => {
    const { cwd, service, allowed } = await started(faults, words);
    expect(await pay(service, allowed)).toBe("allow");
    await pay(service, allowed);
    await expectStopped(service, because);
    expect(allowed).toHaveLength(1);
    await expectNothingLost(cwd, allowed);
  });

  test.each([
    of(LOG, "pwrite64", "ENOSPC", "1"),
    of(LOG, "openat", "EROFS", "1+"),
    of(TURNS, "write", "ENOSPC", "1"),
    of("state.db-wal", "pwrite64", "EIO", "2+"),
    of("ledger.db-wal", "pwrite64", "ENOSPC", "2+"),
  ])("$file at the start, $call: $error: it does not start, and calls it no bug", async (fault) => {
    const { cwd, service } = await started([fault]);
    expect(service.url).toBeUndefined();
    const { code, out } = await service.ended;
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 2, error: { kind: "misuse" } });
    await expectNothingLost(cwd, []);
  });

  test("what is revoked where that cannot be kept is refused, in force all the same, and said to be", async () => {
    const { cwd, service } = await started([of("ledger.db-wal", "pwrite64", "ENOSPC", "6+")]);
    const revoked = await writ(["revoke", "agent", "robot", "--because", "lost"], { cwd });
    expect(revoked).toMatchObject({ code: 2, err: expect.stringMatching(/not known to be kept/) });
    expect(await pay(service, [])).toBe("deny revoked");
    const ready = await fetch(`${service.url}/ready`);
    const warnings = ["cannot be kept in", "revoke again"].map((said) =>
      expect.stringContaining(said),
    );
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", warnings }]);
    service.stop();
    expect(await service.ended).toMatchObject({ code: 0 });
    await expectNothingLost(cwd, []);
  });

  test("a socket that cannot be removed keeps no service from ending", async () => {
    const { cwd, service } = await started([of("admin.sock", "unlink", "EROFS", "1")]);
    service.stop();
    const { code, out } = await service.ended;
    expect([code, out]).toEqual([2, expect.stringMatching(/EROFS.*admin\.sock/)]);
    await expectNothingLost(cwd, []);
  });
});
