/** The answer leaves after its record, and says nothing but no while nothing can be recorded. */
import { describe, expect, test } from "vitest";
import { createActive } from "../../../engine/active.ts";
import { createAudit } from "../../../engine/audit/audited.ts";
import { cloudEventOf } from "../../../engine/audit/ocsf.ts";
import { durable } from "../../../engine/durable.ts";
import { createEngine } from "../../../engine/engine.ts";
import { handOut, withholding } from "../../../engine/http/hand-out.ts";
import { measured } from "../../../engine/http/measured.ts";
import { createIds } from "../../../engine/ids.ts";
import { openMemoryLog, verify } from "../../support/audit.ts";
import { audited, recordsIn } from "../../support/audited.ts";
import { PAYMENT, SMALL } from "../../support/cli.ts";
import { diskFault } from "../../support/disk.ts";
import { programOf, START } from "../../support/engine.ts";

const CHAINED = {
  agent: { id: "worker", kind: "autonomous", groups: ["helpers"], attested: true },
  principal: { id: "alice", kind: "human", payees: ["bob"] },
  delegation: {
    chain: [
      { from: "alice", to: "planner", scope: ["pay", "look"], purpose: "payments" },
      { from: "planner", to: "worker", scope: ["pay"] },
    ],
  },
  intent: { purpose: "payments", source: "user", reason: "said so", instruction: "pay bob" },
  tool: { name: "pay", args: { to: "bob", amount: 12.5 } },
  session: { id: "s" },
};

const PASSED_ON = { from: { id: "planner" }, to: { id: "worker" } };

/** Signed by nobody. */
function jws(typ: string, claims: object): string {
  const parts = [{ alg: "ES256", typ }, claims].map((part) => JSON.stringify(part));
  return [...parts, "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");
}

describe("what is recorded", () => {
  test.each([
    [
      "links",
      [
        jws("writ-link+jwt", { iss: "i", from: "alice", to: "planner", scope: ["pay"] }),
        jws("writ-link+jwt", { parent: "x", from: "planner", to: "worker", scope: 5 }),
      ],
      [{ from: { id: "alice" }, scope: ["pay"], to: { id: "planner" } }, PASSED_ON],
    ],
    [
      "actors",
      [jws("at+jwt", { sub: "alice", act: { sub: "worker", act: { sub: "planner" } } })],
      [{ from: { id: "alice" }, to: { id: "planner" } }, PASSED_ON],
    ],
    [
      "a client",
      [jws("at+jwt", { sub: "alice", client_id: "worker", scope: "pay look" })],
      [{ from: { id: "alice" }, scope: ["pay", "look"], to: { id: "worker" } }],
    ],
    ["nobody", [jws("at+jwt", { sub: "alice" }), "no token"], undefined],
  ])("whom tokens that do not hold claim: %s", async (_, tokens, hops) => {
    const { service, records } = await audited(SMALL);
    const answer = await service.decide({ ...PAYMENT, delegation: { tokens } });
    expect(answer).toMatchObject({ value: { decision: "deny", code: "delegation_invalid" } });
    const [record] = await records("decision");
    expect(record?.verified).toBe(false);
    expect(record?.chain).toEqual(hops?.map((hop) => ({ claimed: true, ...hop })));
  });

  test("no secret that a token claims to be of", async () => {
    const { service, disk, path } = await audited(SMALL);
    const sub = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    const tokens = [jws("at+jwt", { sub, client_id: "worker" })];
    await service.decide({ ...PAYMENT, delegation: { tokens } });
    expect(disk.text(path)).toContain('"claimed":true');
    expect(disk.text(path)).not.toContain(sub);
  });

  test("who, for whom, through whom, what, and what decided", async () => {
    const { service, records } = await audited(SMALL, { fields: [["tool", "args", "amount"]] });
    const answer = await service.decide(CHAINED, { delegationVerified: true });
    const [record] = await records("decision");
    expect(answer).toMatchObject({ kind: "answer", value: { decision: "allow" } });
    expect(record).toEqual({
      kind: "decision",
      at: "2026-01-02T12:00:00Z",
      id: "d1",
      call: "c2",
      decision: "allow",
      request: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      agent: { id: "worker", kind: "autonomous", attested: true },
      principal: { id: "alice", kind: "human" },
      chain: [
        {
          from: { id: "alice", kind: "human" },
          to: { id: "planner", kind: "autonomous" },
          scope: ["pay", "look"],
          purpose: "payments",
          approved: false,
        },
        {
          from: { id: "planner", kind: "autonomous" },
          to: { id: "worker", kind: "autonomous" },
          scope: ["pay"],
          approved: false,
        },
      ],
      verified: true,
      purpose: "payments",
      source: "user",
      tool: { name: "pay", effect: "write" },
      session: { id: "s", status: "active", labels: [] },
      counters: [{ name: "spend", value: 0 }],
      latches: [],
      origins: [],
      rules: [{ rule: "paying", effect: "permit", at: expect.stringMatching(/^policy\.writ:/) }],
      obligations: [{ id: "o1", type: "log", level: "full" }],
      policy: { package: "small", digest: "sha256:test" },
      micros: expect.any(Number),
      fields: { "/tool/args/amount": 12.5 },
    });
  });

  test("outcomes, whatever they settle", async () => {
    const { service, records } = await audited(SMALL);
    await service.decide(PAYMENT);
    const body = { call: "c2", status: "ok", labels: ["untrusted"], values: "secret" };
    await service.outcome(body);
    await service.outcome({ call: "c9", status: "error" });
    expect(await records("outcome")).toEqual([
      {
        kind: "outcome",
        at: "2026-01-02T12:00:00Z",
        call: "c2",
        status: "ok",
        settlement: "settled",
        labels: ["untrusted"],
      },
      expect.objectContaining({ call: "c9", settlement: "unknown" }),
    ]);
  });

  test("an outcome that is reported many times at once, each time", async () => {
    const { service, records } = await audited(SMALL);
    await service.decide(PAYMENT);
    const body = { call: "c2", status: "ok" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => service.outcome(body)));
    expect(answers.map(({ kind }) => kind)).toEqual(Array(5).fill("answer"));
    expect(await records("outcome")).toHaveLength(5);
  });

  test("of a request that the policy does not know, names and the places that are wrong", async () => {
    const { ask, records } = await audited(SMALL);
    expect(await ask({ ...PAYMENT, tool: { name: "pay", args: { to: 7, secret: "x" } } })).toBe(
      "deny",
    );
    expect(await records("decision")).toMatchObject([
      {
        code: "invalid_request",
        agent: { id: "robot" },
        tool: { name: "pay" },
        wrong: ["/tool/args"],
      },
    ]);
    const [record] = await records("decision");
    expect(record).not.toHaveProperty("because");
  });

  test("what no engine decided, as the denial it is", async () => {
    const { log, disk, path } = await openMemoryLog();
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    const active = createActive({ now: () => START, ids: createIds() });
    const answer = await audit.around(active).decide(PAYMENT);
    expect(answer).toMatchObject({ value: { code: "no_policy" } });
    expect(disk.text(path)).toContain('"code":"no_policy"');
    await log.close();
  });

  test("an allow that is not handed out, as the denial that is answered instead", async () => {
    const { log, disk, path } = await openMemoryLog();
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    const engine = createEngine({
      program: programOf(`tool go { effect read }
        permit going tool go with redact ["a"]`),
      digest: "sha256:test",
      clock: () => START,
      evidence: audit.evidence,
    });
    const { service, measures } = measured(audit.around(withholding(engine)));
    const request = { agent: { id: "bot" }, tool: { name: "go" } };
    const answers = await Promise.all(
      [true, false, false].map((declared) => handOut(service, request, () => declared)),
    );
    const told = answers.map((answer) => (answer.kind === "answer" ? answer.value : undefined));
    expect(told.map((one) => one?.code ?? one?.decision)).toEqual([
      "allow",
      "unsupported_obligation",
      "unsupported_obligation",
    ]);
    const records = recordsIn(disk.text(path));
    for (const [at, refused] of [false, true, true].entries()) {
      const of = records.filter(({ id }) => id === told[at]?.id);
      expect(of.map(({ decision, code }) => code ?? decision)).toEqual([
        "allow",
        ...(refused ? ["unsupported_obligation"] : []),
      ]);
    }
    expect(records.filter(({ kind }) => kind === "outcome").map(({ status }) => status)).toEqual([
      "error",
      "error",
    ]);
    expect(measures.read()).toMatchObject({
      total: { allow: 1, deny: 2 },
      codes: { unsupported_obligation: 2 },
    });
    await log.close();
  });

  test("operators, before what they do", async () => {
    const { log, disk, path } = await openMemoryLog();
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    await audit.operator({ action: "session.reinstate", by: "carol", details: { session: "s" } });
    expect(disk.text(path)).toContain('"action":"session.reinstate"');
    disk.faults.before = () => {
      throw diskFault("EIO");
    };
    const again = audit.operator({ action: "session.reinstate", by: "carol" });
    await expect(again).rejects.toThrow("EIO");
  });
});

describe("no write, no allow", () => {
  test("an answer waits for its write", async () => {
    const { disk, service } = await audited(SMALL);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    disk.faults.before = () => promise;
    let isAnswered = false;
    const answering = Promise.resolve(service.decide(PAYMENT)).then((answer) => {
      isAnswered = true;
      return answer;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
    expect(isAnswered).toBe(false);
    resolve(undefined);
    expect(await answering).toMatchObject({ value: { decision: "allow" } });
  });

  test.each(["ENOSPC", "EIO", "EFBIG"])(
    "after %s nothing is allowed, nor even decided",
    async (code) => {
      const { disk, path, ask, service, log } = await audited(SMALL);
      expect(await ask(PAYMENT)).toBe("allow");
      disk.faults.before = () => {
        throw diskFault(code);
      };
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(PAYMENT)));
      expect(new Set(answers)).toEqual(new Set(["unavailable"]));
      expect(service.readiness()).toMatchObject({ ready: false });
      expect(await ask(PAYMENT)).toBe("unavailable");
      expect([await service.preview?.(PAYMENT), await service.foresee?.(PAYMENT)]).toMatchObject([
        { kind: "unavailable" },
        { kind: "unavailable" },
      ]);
      expect(await service.outcome({ call: "c2", status: "ok" })).toMatchObject({
        kind: "unavailable",
      });
      disk.faults.before = () => undefined;
      await log.close();
      expect((await verify(disk, path, { live: true })).ok).toBe(true);
    },
  );

  test("an answer that took long waits for its own record, not for what is written by then", async () => {
    const { log, disk, path } = await openMemoryLog({ limits: { retryMs: 1 } });
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    const engine = createEngine({
      program: programOf(SMALL),
      digest: "sha256:test",
      clock: () => START,
      evidence: audit.evidence,
    });
    const { promise: kept, resolve: keep } = Promise.withResolvers<void>();
    const slow = audit.around({
      ...engine,
      decide: async (input) => {
        const answer = engine.decide(input);
        await kept;
        return answer;
      },
    });
    disk.faults.before = (operation) => {
      if (operation === "write") throw diskFault("ENOSPC");
      return undefined;
    };
    const answering = slow.decide(PAYMENT);
    await expect.poll(() => log.readiness().ready).toBe(false);
    disk.faults.before = () => undefined;
    await expect.poll(() => log.readiness().ready).toBe(true);
    keep();
    expect((await answering).kind).toBe("unavailable");
    expect(disk.text(path)).not.toContain('"decision":"allow"');
    await log.close();
  });

  test("an allow that was not recorded is none, whoever gave it", async () => {
    const { log } = await openMemoryLog();
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    const service = audit.around({
      decide: () => ({
        kind: "answer",
        value: {
          decision: "allow",
          id: "d-1",
          reasons: [],
          obligations: [],
          policy: { package: "p", digest: "d" },
        },
      }),
      outcome: () => ({ kind: "unknown_call", because: "none" }),
      readiness: () => ({ ready: true }),
    });
    expect((await service.decide(PAYMENT)).kind).toBe("unavailable");
    await log.close();
  });

  test("where what an allowed call leaves behind cannot be kept, the denial is recorded, too", async () => {
    const { log, disk, path } = await openMemoryLog();
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    const digest = "sha256:test";
    const { evidence } = audit;
    const engine = createEngine({
      program: programOf(SMALL),
      digest,
      clock: () => START,
      evidence,
    });
    let isFull = true;
    const flushed = async () => {
      if (isFull) throw diskFault("ENOSPC");
    };
    const service = audit.around(durable(engine, { flushed, readiness: () => ({ ready: true }) }));
    for (const answered of ["deny", "allow"]) {
      const before = recordsIn(disk.text(path)).length;
      const answer = await service.decide(PAYMENT);
      if (answer.kind !== "answer") throw new Error(answer.kind);
      const { id, decision, code } = answer.value;
      expect(decision).toBe(answered);
      const records = recordsIn(disk.text(path)).slice(before);
      const last = { kind: "decision", id, decision, ...(code && { code }) };
      expect(records.at(-1)).toMatchObject(last);
      expect(records).toHaveLength(isFull ? 2 : 1);
      const events = records.map((record) => cloudEventOf({ kind: "decision", ...record }, "log"));
      expect(new Set(events.map((event) => event?.id)).size).toBe(records.length);
      isFull = false;
    }
    await log.close();
  });

  test("whichever operation of the disk fails, every allow has its record", async () => {
    for (let nth = 1; nth < 30; nth++) {
      const { disk, path, service } = await audited(
        SMALL,
        {},
        {},
        { limits: { checkpointCount: 4 } },
      );
      let count = 0;
      disk.faults.before = () => {
        if (++count === nth) throw diskFault("EIO");
        return undefined;
      };
      const answers = [];
      for (let n = 0; n < 12; n++) answers.push(await service.decide(PAYMENT));
      const text = disk.text(path);
      for (const answer of answers) {
        if (answer.kind === "answer" && answer.value.decision === "allow") {
          expect(text).toContain(`"id":"${answer.value.id}"`);
        }
      }
    }
  });
});
