/** One token of single use, however it is spelled and wherever it is sent, is good for one allowed call. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handOut } from "../../../engine/http/hand-out.ts";
import { usedOnce } from "../../../engine/identity/once.ts";
import { identified } from "../../../engine/identity/service.ts";
import type { Ledger } from "../../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import { openRedisLedger } from "../../../engine/ledger/redis.ts";
import { connectRedis } from "../../../engine/state/redis/store.ts";
import { drive, outcomeOf, START } from "../../support/engine.ts";
import {
  chainOf,
  configOf,
  issuerOf,
  type Json,
  LINKS,
  NOW_S,
  sign,
  signer,
  verifierOf,
} from "../../support/identity.ts";
import { describeRedis, startRedis, type TestRedis } from "../../support/redis.ts";
import { redisAt } from "../../support/redis-address.ts";

const issuer = signer("ES256");
const ISSUERS = [
  issuerOf(issuer, { type: "link", issuer: LINKS, roots: ["alice"], single_use: true }),
];

const POLICY = `
tool look { effect read }
tool pay { effect write, args { amount: Decimal } }
permit looking tool look
permit paying tool pay when args.amount < 10.00
hold some tool pay when args.amount > 5.00 until approved by group "staff"
`;

const LOOK: Json = { name: "look" };
const paying = (amount: number): Json => ({ name: "pay", args: { amount } });

/** One process: its own engine, its own verified tokens, and a ledger that may be shared. */
async function replica(ledger: Ledger) {
  const driver = drive(POLICY);
  const faults: unknown[] = [];
  const onFault = (fault: unknown) => void faults.push(fault);
  const identity = await verifierOf(ISSUERS);
  const once = usedOnce(driver.engine, { ledger, now: () => driver.nowMs, onFault });
  const service = identified(once, { identity, onFault });
  return {
    faults,
    async ask(tokens: readonly unknown[], tool: Json = LOOK): Promise<string> {
      const delegation = { tokens };
      const answer = await service.decide({
        agent: { id: "bot" },
        principal: { id: "alice" },
        delegation,
        tool,
      });
      if (answer.kind !== "answer") return answer.kind;
      return answer.value.cause ?? outcomeOf(answer.value);
    },
  };
}

let named = 0;
const tokensOf = async () =>
  (await chainOf(["alice", "bot"], issuer, () => ({ jti: `errand-${named++}` }))).tokens;

test("a token that an allow was made with stays used where that cannot be handed out", async () => {
  const ledger = new MemoryLedger();
  const identity = await verifierOf(ISSUERS);
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const { engine } = drive(`${POLICY}\noblige noted tool look with notify "desk"`);
  const once = usedOnce(engine, { ledger, now: () => START, onFault });
  const service = identified(once, { identity, onFault });
  const delegation = { tokens: await tokensOf() };
  const request = { agent: { id: "bot" }, delegation, tool: LOOK };
  const answer = await handOut(service, request, () => false);
  expect(answer).toMatchObject({ value: { code: "unsupported_obligation" } });
  expect(await service.decide(request)).toMatchObject({ value: { cause: "token_used" } });
});

test("ahead of a call, a used token is told of as used, and asking uses none", async () => {
  const ledger = new MemoryLedger();
  const identity = await verifierOf(ISSUERS);
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const once = usedOnce(drive(POLICY).engine, { ledger, now: () => START, onFault });
  const service = identified(once, { identity, onFault });
  const request = { agent: { id: "bot" }, delegation: { tokens: await tokensOf() }, tool: LOOK };
  const ahead = async () => [await service.preview?.(request), await service.foresee?.(request)];
  for (let asked = 0; asked < 2; asked++) {
    expect(await ahead()).toMatchObject([
      { value: { decision: "allow" } },
      { value: { standing: "allowed" } },
    ]);
  }
  expect(await service.decide(request)).toMatchObject({ value: { decision: "allow" } });
  expect(await ahead()).toMatchObject([
    { value: { decision: "deny", cause: "token_used" } },
    { value: { standing: "denied", code: "delegation_invalid" } },
  ]);
});

test("a token that another process used and gave back a moment ago is not taken for used", async () => {
  const shared = new MemoryLedger();
  /** Learns of what others have done when it changes the same: as a process with Redis does. */
  let isStale = true;
  const late: Ledger = Object.assign(Object.create(shared) as Ledger, {
    get: (...of: Parameters<Ledger["get"]>) => (isStale ? undefined : shared.get(...of)),
    put: (change: Parameters<Ledger["put"]>[0]) => {
      isStale = false;
      return shared.put(change);
    },
  });
  const [here, there] = [await replica(shared), await replica(late)];
  const tokens = await tokensOf();
  expect(await here.ask(tokens, paying(50))).toBe("not_permitted");
  expect(await there.ask(tokens)).toBe("allow");
  isStale = true;
  expect(await there.ask(tokens)).toBe("token_used");
});

/** The other signature that the same key could have made: (r, n − s) for (r, s). */
function malleated(token: string): string {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const bytes = Buffer.from(signature, "base64url");
  const n = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const s = BigInt(`0x${bytes.subarray(32).toString("hex")}`);
  const other = Buffer.from((n - s).toString(16).padStart(64, "0"), "hex");
  const twin = Buffer.concat([bytes.subarray(0, 32), other]).toString("base64url");
  return `${header}.${claims}.${twin}`;
}

/** Twenty ways to send one token; some are refused for themselves, and none is another token. */
function spellings(token: string): readonly (readonly unknown[])[] {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const standard = token.replaceAll("-", "+").replaceAll("_", "/");
  const lastBits = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  return [
    [token],
    [token],
    [token],
    [malleated(token)],
    [malleated(token)],
    [`${token}=`],
    [`${token}==`],
    [` ${token}`],
    [`${token}\n`],
    [`Bearer ${token}`],
    [standard === token ? `${token}+` : standard],
    [lastBits],
    [token.replaceAll(".", "%2E")],
    [`${header}.${claims}.${signature}.`],
    [`${header}=.${claims}.${signature}`],
    [`${header}.${claims} .${signature}`],
    [token, token],
    [[token]],
    [{ token }],
    [`${token}\u0000`],
  ];
}

async function replays(ledgers: readonly [Ledger, Ledger]): Promise<void> {
  const [one, two] = [await replica(ledgers[0]), await replica(ledgers[1])];
  const [token = ""] = await tokensOf();
  const sent = spellings(token);
  expect(sent).toHaveLength(20);
  const both = sent.flatMap((tokens) => [one.ask(tokens), two.ask(tokens)]);
  const answers = await Promise.all(both);
  expect(answers.filter((answer) => answer === "allow")).toHaveLength(1);
  expect(answers.filter((answer) => answer === "token_used").length).toBeGreaterThanOrEqual(9);
  expect([...one.faults, ...two.faults]).toEqual([]);
}

test("the second signature of a token verifies, so that its digest does not name it", async () => {
  const [token = ""] = await tokensOf();
  const { ask } = await replica(new MemoryLedger());
  expect(malleated(token)).not.toBe(token);
  expect(await ask([malleated(token)])).toBe("allow");
  expect(await ask([token])).toBe("token_used");
});

test("in twenty spellings at two engines with one ledger, one use succeeds", async () => {
  const ledger = new MemoryLedger();
  await replays([ledger, ledger]);
});

describe("a token of single use", () => {
  test("is not used by calls that are denied or held", async () => {
    const { ask } = await replica(new MemoryLedger());
    const tokens = await tokensOf();
    expect(await ask(tokens, paying(20))).toBe("not_permitted");
    expect(await ask(tokens, paying(7))).toBe("hold");
    expect(await ask(tokens, paying(1))).toBe("allow");
    expect(await ask(tokens, paying(1))).toBe("token_used");
  });

  test("is used with whatever chain continues it", async () => {
    const { ask } = await replica(new MemoryLedger());
    const { tokens } = await chainOf(["alice", "planner", "bot"], issuer);
    expect(await ask(tokens)).toBe("allow");
    expect(await ask(tokens)).toBe("token_used");
  });

  test("must have a name", async () => {
    const { ask } = await replica(new MemoryLedger());
    const idp = signer("ES256");
    const [config] = configOf([
      issuerOf(idp, { type: "access-token", issuer: "https://idp", single_use: true }),
    ]);
    expect(config?.singleUse).toBe(true);
    expect(await ask(await tokensOf())).toBe("allow");
    const verifier = await verifierOf([
      issuerOf(idp, { type: "access-token", issuer: "https://idp", single_use: true }),
    ]);
    const claims = {
      iss: "https://idp",
      sub: "alice",
      client_id: "bot",
      aud: "https://writ.acme.example",
      iat: NOW_S,
      exp: NOW_S + 60,
    };
    const unnamed = await verifier.verify([await sign(claims, idp, { typ: "at+jwt" })]);
    expect(unnamed).toMatchObject({ ok: false, cause: "claims_invalid" });
  });

  test("is denied where there is no room to remember it, or it cannot be kept", async () => {
    const full = new MemoryLedger(undefined, {
      approval: 1,
      revocation: 1,
      use: 1,
      request: 1,
      event: 1,
      task: 1,
    });
    const { ask } = await replica(full);
    expect(await ask(await tokensOf())).toBe("allow");
    expect(await ask(await tokensOf())).toBe("state_unavailable");
    class Broken extends MemoryLedger {
      override put(): never {
        throw new Error("the disk is gone");
      }
    }
    const broken = await replica(new Broken());
    expect(await broken.ask(await tokensOf())).toBe("state_unavailable");
    expect(broken.faults).toHaveLength(1);
  });
});

describeRedis("with the ledger in Redis", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => await redis?.stop());

  test("in twenty spellings at two processes, one use succeeds", async () => {
    const address = redisAt(redis.url);
    const open = async () => {
      const store = await connectRedis({ address, settleMs: 0, timeoutMs: 5_000 });
      const ledger = await openRedisLedger({
        send: store.command,
        run: store.run,
        generation: store.wholeGeneration,
        saw: store.saw,
        namespace: address.namespace,
        elapsedMs: () => 0,
        now: () => START,
      });
      return { ledger, store };
    };
    const [one, two] = [await open(), await open()];
    await replays([one.ledger, two.ledger]);
    for (const { ledger, store } of [one, two]) {
      ledger.close();
      store.close();
    }
  });
});
