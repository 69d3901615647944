/** A task that was granted: who gets a grant, what it is good for, and until when. */
import { describe, expect, test } from "vitest";
import { createAudit } from "../../../engine/audit/audited.ts";
import type { Vouched } from "../../../engine/engine.ts";
import { createEngine } from "../../../engine/engine.ts";
import { type Measures, measured } from "../../../engine/http/measured.ts";
import type { DecisionService } from "../../../engine/http/service.ts";
import { publicJwk } from "../../../engine/identity/issue.ts";
import { ENTRIES_MOST, FOR_EVER, type Ledger } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { openMemoryLog } from "../../support/audit.ts";
import { recordsIn } from "../../support/audited.ts";
import { drive, outcomeOf, programOf, START } from "../../support/engine.ts";
import { chainOf, issuerOf, type Json, LINKS, signer } from "../../support/identity.ts";
import {
  asking,
  definite,
  grantOf,
  handedOn,
  holder,
  keyOf,
  POLICY,
  type Rig,
  rigOf,
  told,
} from "./support.ts";

const ARGS = { task: "pay_invoice", lasts: "1m", depth: 0, holder: "", scope: [], tools: [] };

/** `allow`, or the cause or code of the denial. */
async function started(rig: Rig, more?: Json): Promise<string> {
  const { decision, cause, code, grant } = await rig.start(more);
  if (decision === "allow" && grant === undefined) throw new Error("allowed, and not granted");
  if (decision !== "allow" && grant !== undefined) throw new Error("granted, and not allowed");
  return cause ?? code ?? decision;
}

async function problemsOf(rig: Rig, body: unknown): Promise<readonly string[]> {
  const answer = await rig.tasks.start(body);
  if (answer.kind !== "malformed") throw new Error(JSON.stringify(answer));
  return answer.faults.map(({ at }) => at);
}

test("a task is started, worked on and ended", async () => {
  const rig = await rigOf();
  const { id, token, identity } = await rig.grant();
  expect(identity).toBe(`spiffe://acme.example/task/${id}`);
  expect(await rig.ask([token], "look")).toBe("allow");
  expect(await rig.ask([token], "pay")).toBe("allow");
  expect(await rig.tasks.find(id)).toMatchObject({ status: "active", agent: "bot", root: "alice" });
  expect(await rig.tasks.end(id, token)).toMatchObject({
    status: "ended",
    ended: { by: "bot", because: "by who holds its grant" },
  });
  expect(await rig.ask([token], "pay")).toBe("revoked");
  expect(await rig.tasks.find(id)).toMatchObject({ status: "ended" });
  expect(rig.records.map(({ action, by }) => [action, by])).toEqual([
    ["task.start", "bot"],
    ["task.end", "bot"],
  ]);
  expect(rig.faults).toEqual([]);
});

describe("starting a task is a decision", () => {
  test("of the policy in force, which is told what would be granted", async () => {
    const rig = await rigOf();
    const { grant, reasons } = await rig.start();
    expect(reasons).toMatchObject([{ rule: "starting", effect: "permit" }]);
    expect(grant).toMatchObject({
      scope: ["pay"],
      tools: { look: {}, pay: {} },
      purpose: "payments",
      expires_at: "2026-01-02T12:10:00Z",
      depth: 2,
    });
  });

  test.each<[string, Json, string]>([
    ["a task that is not declared", { intent: { task: "rob_bank" } }, "invalid_request"],
    ["a task that no rule permits", { intent: { task: "roam" } }, "not_permitted"],
    ["more time than the policy gives", grantOf({ lasts: "16m" }), "not_permitted"],
    ["an agent that is not trusted", { agent: { id: "bot", trust: 0.5 } }, "not_permitted"],
    ["an agent of which no trust is told", { agent: { id: "bot" } }, "not_permitted"],
    ["a principal that is none", { principal: { id: "alice" } }, "not_permitted"],
    ["another purpose", { intent: { task: "pay_invoice", purpose: "support" } }, "purpose_outside"],
    [
      "a purpose nobody declared",
      { intent: { task: "pay_invoice", purpose: "fun" } },
      "invalid_request",
    ],
    ["a tool that the task has not", grantOf({ tools: { mail: {} } }), "tools_widened"],
    [
      "an attribute nobody declared",
      { agent: { id: "bot", trust: 0.9, size: 1 } },
      "invalid_request",
    ],
    [
      "tokens of somebody unknown",
      { principal: undefined, delegation: { tokens: ["a.b.c"] } },
      "token_malformed",
    ],
    [
      "a chain that leads to somebody else",
      {
        principal: undefined,
        delegation: { chain: [{ from: { id: "alice", kind: "human" }, to: "other", scope: [] }] },
      },
      "agent_mismatch",
    ],
  ])("and %s is refused", async (_, more, expected) => {
    const rig = await rigOf();
    expect(await started(rig, more)).toBe(expected);
    expect(rig.records).toEqual([]);
  });

  test("and where the policy says nothing of it, it is refused", async () => {
    const policy = "tool look { effect read }\ntask pay_invoice { sequence look }\npermit anything";
    expect(await started(await rigOf({ policy }))).toBe("invalid_request");
  });

  test("which is counted like any other", async () => {
    const rig = await rigOf();
    for (let count = 0; count < 20; count += 1) expect(await started(rig)).toBe("allow");
    expect(await started(rig)).toBe("forbidden");
  });

  test("that may wait for somebody", async () => {
    const policy = `${POLICY}\nhold asked tool start_task until approved by group "staff"`;
    const rig = await rigOf({ policy });
    expect(await rig.start()).toMatchObject({ decision: "hold", reasons: [{ rule: "asked" }] });
  });

  describe("with bounds", () => {
    const asked = (tools: Json) => grantOf({ tools });
    const bounded = asked({ pay: { amount: { max: 5 } }, look: {} });

    test("which rules read, where the policy says of what type they are", async () => {
      const most = "args.bounds.pay.amount.max";
      const read = `forbid much tool start_task unless has ${most} and ${most} <= 5.00`;
      const type = "bounds: { pay: { amount: { max: Decimal?, * }?, * }?, * }?";
      const policy = `${POLICY.replace("bounds: Any?", type)}\n${read}`;
      const rig = await rigOf({ policy });
      expect(await started(rig, bounded)).toBe("allow");
      const wider = asked({ pay: { amount: { max: 6 } }, look: { page: { in: [1] } } });
      expect(await started(rig, wider)).toBe("forbidden");
      expect(await started(rig, asked({ pay: {} }))).toBe("forbidden");
    });

    test("which no policy allows that does not know of them", async () => {
      const policy = POLICY.replace("bounds: Any?,", "");
      const rig = await rigOf({ policy });
      expect(await started(rig, bounded)).toBe("invalid_request");
      expect(await started(rig, asked({ pay: {}, look: {} }))).toBe("allow");
    });
  });

  test("whose call gives its share back where the grant cannot be kept", async () => {
    const full = new MemoryLedger(undefined, { ...ENTRIES_MOST, task: 1 });
    const rig = await rigOf({ ledger: full });
    expect(await started(rig)).toBe("allow");
    for (let count = 0; count < 30; count += 1) {
      expect(await started(rig)).toBe("state_unavailable");
    }
  });

  test("which is recorded and counted as it was answered, also where it got no grant", async () => {
    const { log, disk, path } = await openMemoryLog();
    const audit = createAudit({ log, options: { fields: [] }, clock: () => START });
    const { evidence } = audit;
    const program = programOf(POLICY);
    const engine = createEngine({ program, digest: "sha256:test", clock: () => START, evidence });
    let counted: Measures | undefined;
    const around = (service: DecisionService) => {
      const made = measured(audit.around(service));
      counted = made.measures;
      return made.service;
    };
    const ledger = new MemoryLedger(undefined, { ...ENTRIES_MOST, task: 1 });
    const rig = await rigOf({ engine, around, ledger });
    const answers = [await rig.start(), await rig.start(), await rig.start()];
    expect(answers.map(outcomeOf)).toEqual(["allow", "state_unavailable", "state_unavailable"]);
    const records = recordsIn(disk.text(path));
    const told = answers.map(({ id }) =>
      records.flatMap((one) => (one.id === id ? [one.code ?? one.decision] : [])),
    );
    expect(told).toEqual([
      ["allow"],
      ["allow", "state_unavailable"],
      ["allow", "state_unavailable"],
    ]);
    const settled = records.filter(({ kind }) => kind === "outcome").map(({ status }) => status);
    expect(settled).toEqual(["ok", "error", "error"]);
    expect(counted?.read()).toMatchObject({
      total: { allow: 1, deny: 2 },
      codes: { state_unavailable: 2 },
    });
    await log.close();
  });

  test("that is none where it is not recorded or kept", async () => {
    class Broken extends MemoryLedger {
      override put(): never {
        throw new Error("the disk is full");
      }
    }
    const unkept = await rigOf({ ledger: new Broken() });
    expect(await started(unkept)).toBe("state_unavailable");
    const ledger = new MemoryLedger();
    const record = () => Promise.reject(new Error("the log is full"));
    const unrecorded = await rigOf({ ledger, record });
    expect(await started(unrecorded)).toBe("state_unavailable");
    const [[, entry] = []] = ledger.entries("task");
    expect(JSON.parse(entry?.text ?? "")).toMatchObject({ status: "ended" });
  });

  test("of a policy that is another by then, there is no grant", async () => {
    const rig = await rigOf({ policy: POLICY });
    const answer = await rig.start();
    expect(answer.policy.digest).toBe("sha256:test");
    const { engine } = drive(POLICY, { digest: "sha256:next" });
    expect(await started(await rigOf({ engine }))).toBe("state_unavailable");
  });
});

describe("what is no request to start a task says where", () => {
  const jwk = publicJwk(holder.verifying);
  test.each<[string, Json, readonly string[]]>([
    ["no grant", { grant: undefined }, ["/grant"]],
    ["no key", grantOf({ key: undefined }), ["/grant/key"]],
    ["a private key", grantOf({ key: { ...jwk, d: jwk.x } }), ["/grant/key"]],
    ["a weak curve", grantOf({ key: { ...jwk, crv: "X25519" } }), ["/grant/key"]],
    ["no time", grantOf({ lasts: undefined }), ["/grant/lasts"]],
    ["a day and more", grantOf({ lasts: "25h" }), ["/grant/lasts"]],
    ["half a second", grantOf({ lasts: "1500ms" }), ["/grant/lasts"]],
    ["no time at all", grantOf({ lasts: "0s" }), ["/grant/lasts"]],
    ["a depth beyond any chain", grantOf({ depth: 8 }), ["/grant/depth"]],
    ["half a hop", grantOf({ depth: 0.5 }), ["/grant/depth"]],
    [
      "a bound that is none",
      grantOf({ tools: { pay: { amount: {} } } }),
      ["/grant/tools/pay/amount"],
    ],
    ["something else", grantOf({ forever: true }), ["/grant/forever"]],
    ["a tool", { tool: { name: "pay" } }, ["/tool"]],
    ["no session", { session: undefined }, ["/session"]],
    ["no task", { intent: {} }, ["/intent/task"]],
    [
      "a run of its own choice",
      { intent: { task: "pay_invoice", task_id: "t-1" } },
      ["/intent/task_id"],
    ],
    ["nobody who delegates", { principal: undefined }, ["/principal"]],
    ["oneself", { principal: { id: "bot" } }, ["/principal"]],
    ["no agent", { agent: undefined }, ["/agent"]],
    ["an agent of no kind", { agent: { id: "bot", kind: "dog" } }, ["/agent/kind"]],
  ])("%s", async (_, more, at) => {
    expect(await problemsOf(await rigOf(), definite(asking(more)))).toEqual(at);
  });

  test("and so does what is no object", async () => {
    expect(await problemsOf(await rigOf(), [])).toEqual([""]);
  });
});

describe("a grant is within what the agent was handed", () => {
  const issuer = signer();
  const issuers = [
    issuerOf(issuer, { type: "link", issuer: LINKS, roots: ["alice"], humans: ["alice"] }),
  ];
  const asked = async (claims: (index: number) => Json, more: Json = {}) => {
    const { tokens } = await chainOf(["alice", "planner", "bot"], issuer, claims);
    return { principal: undefined, delegation: { tokens }, ...more };
  };
  const startBy = async (rig: Rig, more: Json) => {
    const { grant, decision, cause, code } = await rig.start(more);
    return { grant, said: cause ?? code ?? decision };
  };
  const scope = () => ({ scope: ["pay", "mail"] });

  test("and calls show everybody through whom it came", async () => {
    const policy = `${POLICY}\nforbid shallow tool look unless delegation.depth == 2 and delegation.verified and delegation.root is human`;
    const rig = await rigOf({ issuers, policy });
    const { grant, said } = await startBy(rig, await asked(scope));
    expect(said).toBe("allow");
    expect(grant).toMatchObject({ scope: ["pay"] });
    expect(await rig.ask([grant?.token ?? ""], "look")).toBe("allow");
    const helper = handedOn([grant?.token ?? ""], "helper");
    const agent = { agent: { id: "helper" } };
    expect(await rig.ask(helper.tokens, "pay", agent)).toBe("allow");
    expect(await rig.ask(helper.tokens, "look", agent)).toBe("forbidden");
  });

  test.each<[string, (index: number) => Json, Json, string]>([
    [
      "a scope that it has not",
      () => ({ scope: ["mail"] }),
      grantOf({ scope: ["pay"] }),
      "scope_widened",
    ],
    [
      "more hops",
      (index) => ({ ...scope(), depth: 2 - index }),
      grantOf({ depth: 2 }),
      "depth_widened",
    ],
    ["more time", () => ({ ...scope(), exp: START / 1_000 + 300 }), {}, "expiry_widened"],
    ["another purpose", () => ({ ...scope(), purpose: "support" }), {}, "purpose_outside"],
    [
      "a tool that it has not",
      () => ({ ...scope(), tools: { look: {} } }),
      grantOf({ tools: { pay: {} } }),
      "tools_widened",
    ],
    [
      "a wider bound",
      () => ({ ...scope(), tools: { pay: { amount: { max: 5 } } } }),
      grantOf({ tools: { pay: { amount: { max: 6 } } } }),
      "tools_widened",
    ],
    ["a chain that says no start", () => ({ ...scope(), tools: { pay: {} } }), {}, "tool_outside"],
  ])("and %s is refused", async (_, claims, more, expected) => {
    const rig = await rigOf({ issuers });
    expect((await startBy(rig, await asked(claims, more))).said).toBe(expected);
  });

  test("and has its bounds, tool by tool", async () => {
    const rig = await rigOf({ issuers });
    const tools = {
      "writ:start_task": {},
      "writ:continue_task": {},
      pay: { amount: { max: 5 } },
      mail: {},
    };
    const { grant } = await startBy(rig, await asked(() => ({ ...scope(), tools })));
    expect(grant?.tools).toEqual({ pay: { amount: { max: 5 } } });
    const tokens = [grant?.token ?? ""];
    const paying = (amount: number) => ({ tool: { name: "pay", args: { amount } } });
    expect(await rig.ask(tokens, "pay", paying(6))).toBe("argument_outside");
    expect(await rig.ask(tokens, "look")).toBe("tool_outside");
    expect(await rig.ask(tokens, "pay", paying(5))).toBe("allow");
  });

  test("and ends with any of it", async () => {
    const rig = await rigOf({ issuers });
    const one = await startBy(rig, await asked(scope));
    const two = await startBy(rig, await asked((index) => ({ ...scope(), jti: `other-${index}` })));
    const tokens = [one, two].map(({ grant }) => [grant?.token ?? ""]);
    const order = { kind: "token", id: "link-0", by: "carol", because: "it leaked" } as const;
    await rig.revocations.revoke(order);
    expect(await rig.ask(tokens[0] ?? [], "look")).toBe("revoked");
    expect(await rig.ask(tokens[1] ?? [], "look")).toBe("allow");
    await rig.revocations.revoke({ ...order, kind: "agent", id: "planner" });
    expect(await rig.ask(tokens[1] ?? [], "look")).toBe("revoked");
    expect(await rig.tasks.find(two.grant?.id ?? "")).toMatchObject({ status: "revoked" });
    rig.nowMs += 1_000;
    await rig.revocations.reactivate({ ...order, kind: "agent", id: "planner" });
    expect(await rig.ask(tokens[1] ?? [], "look")).toBe("revoked");
  });

  test("and has a root of the kind that was told beside the chain", async () => {
    const policy = `${POLICY}\nforbid nobody tool look unless delegation.root is human`;
    const rig = await rigOf({ policy });
    const chain = [{ from: "alice", to: "bot", scope: ["pay"] }];
    const { token } = await rig.grant({ delegation: { chain } });
    expect(await rig.ask([token], "look")).toBe("allow");
  });

  test("and ends with anybody who was asserted to have handed it on", async () => {
    const rig = await rigOf();
    const chain = [
      { from: { id: "alice", kind: "human" }, to: "planner", scope: ["pay"] },
      { from: "planner", to: { id: "bot" }, scope: ["pay"] },
    ];
    const { token } = await rig.grant({ principal: undefined, delegation: { chain } });
    expect(await rig.ask([token], "look")).toBe("allow");
    const order = { kind: "agent", id: "planner", by: "carol", because: "odd" } as const;
    await rig.revocations.revoke(order);
    expect(await rig.ask([token], "look")).toBe("revoked");
  });

  test("and what rests on an assertion is never verified", async () => {
    const policy = `${POLICY}\nforbid unverified tool pay unless delegation.verified`;
    const rig = await rigOf({ issuers, policy });
    const asserted = await rig.grant();
    expect(await rig.ask([asserted.token], "look")).toBe("allow");
    expect(await rig.ask([asserted.token], "pay")).toBe("forbidden");
    const { grant } = await startBy(rig, await asked(scope));
    expect(await rig.ask([grant?.token ?? ""], "pay")).toBe("allow");
  });
});

describe("a grant is good for one run of one task in one session", () => {
  test.each<[string, Json, string]>([
    ["another task", { intent: { task: "answer_mail" } }, "task_mismatch"],
    ["another run", { intent: { task: "pay_invoice", task_id: "t-other" } }, "task_mismatch"],
    ["another session", { session: { id: "other" } }, "task_mismatch"],
    ["no session", { session: undefined }, "task_mismatch"],
    ["another agent", { agent: { id: "helper", trust: 0.9 } }, "agent_mismatch"],
    ["another person", { principal: { id: "bob" } }, "root_mismatch"],
    ["another purpose", { intent: { purpose: "support" } }, "purpose_outside"],
    ["a tool of no step", { tool: { name: "mail" } }, "scope_lacking"],
    ["its own start", { tool: { name: "writ:start_task", args: ARGS } }, "task_mismatch"],
  ])("and not for %s", async (_, more, expected) => {
    const rig = await rigOf();
    const { token } = await rig.grant();
    expect(await rig.ask([token], "look", more)).toBe(expected);
    expect(await rig.ask([token], "look")).toBe("allow");
  });

  test("which a request may name, and need not", async () => {
    const rig = await rigOf();
    const { id, token } = await rig.grant();
    const intent = { task: "pay_invoice", task_id: id };
    expect(await rig.ask([token], "look", { intent })).toBe("allow");
    expect(await rig.ask([], "look", { delegation: undefined, intent })).toBe("task_mismatch");
  });

  test("whose sequence and limits are its own", async () => {
    const rig = await rigOf();
    const [one, two] = [await rig.grant(), await rig.grant()];
    expect(await rig.ask([one.token], "pay")).toBe("allow");
    expect(await rig.ask([one.token], "look")).toBe("out_of_sequence");
    expect(await rig.ask([two.token], "look")).toBe("allow");
    expect(await rig.ask([one.token], "pay")).toBe("allow");
    expect(await rig.ask([one.token], "pay")).toBe("out_of_sequence");
    expect(await rig.ask([two.token], "pay")).toBe("allow");
    expect(await rig.ask([two.token], "pay")).toBe("allow");
  });

  test("whose counters are its own", async () => {
    const rig = await rigOf();
    const [one, two] = [await rig.grant(), await rig.grant()];
    const paying = (amount: number) => ({ tool: { name: "pay", args: { amount } } });
    expect(await rig.ask([one.token], "pay", paying(9))).toBe("allow");
    expect(await rig.ask([one.token], "pay", paying(2))).toBe("limit_reached");
    expect(await rig.ask([two.token], "pay", paying(9))).toBe("allow");
    expect(await rig.ask([one.token], "pay", paying(1))).toBe("allow");
  });

  test("which is no other than the ungranted one of its session", async () => {
    const rig = await rigOf();
    const { token } = await rig.grant();
    const intent = { task: "pay_invoice" };
    const plain = { delegation: undefined, principal: { id: "alice" }, intent };
    const without = (tool: string) => rig.ask([], tool, plain);
    expect(await rig.ask([token], "pay")).toBe("allow");
    expect(await without("look")).toBe("allow");
    expect(await rig.ask([token], "look")).toBe("out_of_sequence");
  });

  test("and starts no other", async () => {
    const rig = await rigOf();
    const { token } = await rig.grant();
    const delegation = { tokens: [token] };
    expect(await started(rig, { principal: undefined, delegation })).toBe("task_mismatch");
  });
});

describe("a grant ends", () => {
  test("by its time", async () => {
    const rig = await rigOf();
    const { id, token } = await rig.grant();
    rig.nowMs += 599_000;
    expect(await rig.ask([token], "look")).toBe("allow");
    rig.nowMs += 1_000;
    expect(await rig.ask([token], "look")).toBe("token_expired");
    expect(await rig.tasks.find(id)).toMatchObject({ status: "expired" });
  });

  test("with every link below it", async () => {
    const rig = await rigOf();
    const { id, token } = await rig.grant();
    const helper = handedOn([token], "helper", holder, { depth: 1 });
    const deeper = handedOn(helper.tokens, "tool-runner", helper.key, { from: "helper" });
    const as = (agent: string) => ({ agent: { id: agent } });
    expect(await rig.ask(helper.tokens, "pay", as("helper"))).toBe("allow");
    expect(await rig.ask(deeper.tokens, "pay", as("tool-runner"))).toBe("allow");
    await rig.tasks.end(id, token);
    expect(await rig.ask(helper.tokens, "pay", as("helper"))).toBe("revoked");
    expect(await rig.ask(deeper.tokens, "pay", as("tool-runner"))).toBe("revoked");
    const late = handedOn([token], "later");
    expect(await rig.ask(late.tokens, "pay", as("later"))).toBe("revoked");
  });

  test("by who shows it, and by nobody else", async () => {
    const rig = await rigOf();
    const [{ id, token }, other] = [await rig.grant(), await rig.grant()];
    expect(await rig.tasks.end(id, other.token)).toBe("refused");
    expect(await rig.tasks.end(id, `${token}A`)).toBe("refused");
    expect(await rig.tasks.end("t-unknown", token)).toBe("unknown");
    expect(await rig.ask([token], "look")).toBe("allow");
    expect(await rig.tasks.end(id, token)).toMatchObject({ status: "ended" });
    expect(await rig.tasks.end(id, token)).toMatchObject({ status: "ended" });
    expect(rig.records.filter(({ action }) => action === "task.end")).toHaveLength(1);
    expect(await rig.ask([other.token], "look")).toBe("allow");
  });

  test("by revoking the task, this run or all of them", async () => {
    const rig = await rigOf();
    const [one, two] = [await rig.grant(), await rig.grant()];
    const order = { kind: "task", by: "carol", because: "stop" } as const;
    await rig.revocations.revoke({ ...order, id: one.id });
    expect(await rig.ask([one.token], "look")).toBe("revoked");
    expect(await rig.ask([two.token], "look")).toBe("allow");
    await rig.revocations.revoke({ ...order, id: "pay_invoice" });
    expect(await rig.ask([two.token], "look")).toBe("revoked");
    expect(await rig.ask([two.token], "look", { intent: { task: "pay_invoice" } })).toBe("revoked");
  });

  test("in force at once, though it cannot be kept", async () => {
    let broken = false;
    class Breaking extends MemoryLedger {
      override put(change: Parameters<Ledger["put"]>[0]) {
        if (broken) throw new Error("the disk is full");
        return super.put(change);
      }
    }
    const rig = await rigOf({ ledger: new Breaking() });
    const { id, token } = await rig.grant();
    broken = true;
    await expect(rig.tasks.end(id, token)).rejects.toThrow("disk");
    expect(await rig.ask([token], "look")).toBe("revoked");
    expect(await rig.tasks.find(id)).toMatchObject({ status: "ended" });
  });
});

describe("the policy is asked whether a task may go on", () => {
  const trusted = (trust: number) => ({ agent: { id: "bot", trust } });

  test("at every call, with the agent as it shows itself: what it refuses has ended for good", async () => {
    const rig = await rigOf();
    const { id, token } = await rig.grant();
    const helper = handedOn([token], "helper");
    expect(await rig.ask([token], "look", trusted(0.7))).toBe("allow");
    expect(await rig.ask([token], "look", trusted(0.69))).toBe("revoked");
    expect(await rig.ask([token], "look", trusted(1))).toBe("revoked");
    expect(await rig.ask(helper.tokens, "pay", { agent: { id: "helper", trust: 1 } })).toBe(
      "revoked",
    );
    expect(await rig.tasks.find(id)).toMatchObject({ status: "ended", ended: { by: "writ" } });
    expect(rig.records.at(-1)).toMatchObject({ action: "task.end", by: "writ" });
  });

  test("as it was, where nothing is said of it", async () => {
    const rig = await rigOf();
    const { token } = await rig.grant();
    expect(await rig.ask([token], "look", { agent: { id: "bot" } })).toBe("allow");
  });

  test("and not with what is said of somebody else", async () => {
    const rig = await rigOf();
    const helper = handedOn([(await rig.grant()).token], "helper");
    expect(await rig.ask(helper.tokens, "pay", { agent: { id: "helper", trust: 0 } })).toBe(
      "allow",
    );
  });

  test("when somebody tells how the agent is trusted now", async () => {
    const rig = await rigOf();
    const [one, two] = [await rig.grant(), await rig.grant({ session: { id: "two" } })];
    const signal = (id: string, trust: number) => rig.tasks.signal(told(id, trust));
    expect(await signal("bot", 0.8)).toMatchObject({
      agent: "bot",
      tasks: [{ status: "active" }, { status: "active" }],
    });
    expect(await signal("nobody", 0)).toMatchObject({ tasks: [] });
    expect(await rig.ask([one.token], "look")).toBe("allow");
    const { tasks } = await signal("bot", 0.1);
    const ended = tasks.map(({ id, status }) => `${status} ${id}`);
    expect(ended.sort()).toEqual([`ended ${one.id}`, `ended ${two.id}`].sort());
    expect(await rig.ask([one.token], "look")).toBe("revoked");
    expect(await rig.ask([two.token], "look", { session: { id: "two" } })).toBe("revoked");
    expect(await signal("bot", 1)).toMatchObject({ tasks: [] });
    const because = "no rule permits this, as ann told: odd calls";
    expect((await rig.tasks.find(one.id))?.ended).toMatchObject({ by: "writ", because });
  });

  test("each of them, also where the end of one cannot be recorded", async () => {
    let mayRecord = true;
    const record = async () => {
      if (!mayRecord) throw new Error("the log is full");
    };
    const rig = await rigOf({ record });
    const grants = [await rig.grant(), await rig.grant(), await rig.grant()];
    mayRecord = false;
    const signal = rig.tasks.signal(told("bot", 0.1));
    await expect(signal).rejects.toThrow("the log is full");
    for (const { id, token } of grants) {
      expect(await rig.tasks.find(id)).toMatchObject({ status: "ended" });
      expect(await rig.ask([token], "look")).toBe("revoked");
    }
  });

  test("and where it cannot be told, nothing is called and nothing is ended", async () => {
    const without = POLICY.replace(', continue_task named "writ:continue_task"', "").replace(
      "tool start_task, continue_task",
      "tool start_task",
    );
    const unsaid = await rigOf({ policy: without });
    const first = await unsaid.grant();
    expect(await unsaid.ask([first.token], "look")).toBe("state_unavailable");
    expect(await unsaid.tasks.find(first.id)).toMatchObject({ status: "active" });
    expect(await unsaid.tasks.signal(told("bot"))).toMatchObject({
      tasks: [{ status: "undecided" }],
    });

    const whole = await rigOf();
    const { preview: _, ...engine } = whole.service;
    const ahead = await rigOf({ engine });
    const second = await ahead.grant();
    expect(await ahead.ask([second.token], "look")).toBe("state_unavailable");

    const failing = await rigOf({
      engine: { ...whole.service, preview: () => Promise.reject(new Error("out of reach")) },
    });
    const third = await failing.grant();
    expect(await failing.ask([third.token], "look")).toBe("internal_error");
    expect(failing.faults).toHaveLength(1);
  });

  test("and one that was ended while it was asked has ended", async () => {
    let meanwhile = async () => {};
    const { engine } = drive(POLICY);
    const preview = async (input: unknown, vouched?: Vouched) => {
      const answer = engine.preview(input, vouched);
      await meanwhile();
      return answer;
    };
    const rig = await rigOf({ engine: { ...engine, preview } });
    const { id, token } = await rig.grant();
    meanwhile = async () => void (await rig.tasks.end(id, token));
    expect(await rig.ask([token], "look")).toBe("revoked");
  });

  test("and a question asked ahead ends nothing", async () => {
    const rig = await rigOf();
    const { id, token } = await rig.grant();
    const request = {
      ...trusted(0.1),
      session: { id: "s" },
      delegation: { tokens: [token] },
      tool: { name: "look" },
    };
    expect(await rig.service.preview?.(request)).toMatchObject({
      value: { decision: "deny", code: "revoked" },
    });
    const { tool, ...ahead } = request;
    expect(await rig.service.foresee?.({ ...ahead, tool })).toMatchObject({
      value: { standing: "denied" },
    });
    expect(await rig.tasks.find(id)).toMatchObject({ status: "active" });
    expect(await rig.ask([token], "look")).toBe("allow");
  });
});

describe("nothing but the grant itself is one", () => {
  test("not another token of the same key and name, and none of a ledger that was lost", async () => {
    const key = keyOf();
    const ledger = new MemoryLedger();
    const rig = await rigOf({ key, ledger });
    const { id, token } = await rig.grant();
    const elsewhere = await rigOf({ key });
    expect(await elsewhere.ask([token], "look")).toBe("task_unknown");
    const entry = ledger.get("task", id);
    const text = (entry?.text ?? "").replace(/"digest":"./, '"digest":"!');
    await ledger.put({
      kind: "task",
      id,
      was: entry,
      next: { text, untilMs: FOR_EVER },
      nowMs: START,
    });
    expect(await rig.ask([token], "look")).toBe("task_unknown");
  });

  test("not one of another key", async () => {
    const [one, two] = [await rigOf({ key: keyOf() }), await rigOf({ key: keyOf() })];
    const { token } = await one.grant();
    expect(await two.ask([token], "look")).toBe("key_unknown");
  });

  test("where it was kept, it is one after a restart, and one that ended stays so", async () => {
    const [key, ledger] = [keyOf(), new MemoryLedger()];
    const rig = await rigOf({ key, ledger });
    const [one, two] = [await rig.grant(), await rig.grant()];
    await rig.tasks.end(one.id, one.token);
    const again = await rigOf({ key, ledger });
    expect(await again.ask([one.token], "look")).toBe("revoked");
    expect(await again.ask([two.token], "look")).toBe("allow");
  });
});
