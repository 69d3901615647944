/** What a task was started with is not shown again, and must count all the same. */
import { describe, expect, test } from "vitest";
import type { DecisionService } from "../../../engine/http/service.ts";
import { refuseDelegation } from "../../../engine/identity/cause.ts";
import { usedOnce } from "../../../engine/identity/once.ts";
import { digestOfToken } from "../../../engine/identity/token.ts";
import { twinOf } from "../../../engine/identity/twin.ts";
import { MemoryLedger } from "../../../engine/ledger/memory.ts";
import type { Statuses } from "../../../engine/status/statuses.ts";
import { START } from "../../support/engine.ts";
import {
  chainOf,
  HERE,
  issuerOf,
  type Json,
  LINKS,
  NOW_S,
  sign,
  signer,
} from "../../support/identity.ts";
import { keyOf, POLICY, type Rig, rigOf, told } from "./support.ts";

const IDP = "https://idp.acme.example";
const idp = signer();
const config = (more: Json = {}): Json =>
  issuerOf(idp, {
    type: "access-token",
    issuer: IDP,
    human: { claim: "amr" },
    status: { lists: [`${IDP}/lists/`] },
    ...more,
  });

const access = (more: Json = {}, by = idp) =>
  sign(
    {
      iss: IDP,
      sub: "alice",
      client_id: "bot",
      amr: ["pwd"],
      scope: "pay",
      aud: HERE,
      iat: NOW_S,
      exp: NOW_S + 3_600,
      jti: "at-1",
      ...more,
    },
    by,
    { typ: "at+jwt" },
  );

const LISTED = { status: { status_list: { uri: `${IDP}/lists/1`, idx: 3 } } };

async function startedBy(rig: Rig, token: string): Promise<readonly string[]> {
  const { token: grant } = await rig.grant({
    principal: undefined,
    delegation: { tokens: [token] },
  });
  return [grant];
}

test("a grant counts as long as the key does that its tokens were verified with", async () => {
  const [key, ledger] = [keyOf(), new MemoryLedger()];
  const rig = await rigOf({ key, ledger, issuers: [config()] });
  const grant = await startedBy(rig, await access());
  expect(await rig.ask(grant, "look")).toBe("allow");
  const rotated = await rigOf({ key, ledger, issuers: [{ ...config(), ...keysOf() }] });
  expect(await rotated.ask(grant, "look")).toBe("key_unknown");
  const gone = await rigOf({ key, ledger });
  expect(await gone.ask(grant, "look")).toBe("issuer_unknown");
  expect(await rig.ask(grant, "look")).toBe("allow");
});

function keysOf(): Json {
  return { keys: { jwks: { keys: [signer().jwk] } } };
}

describe("a grant counts as long as the status does of a token that it was started with", () => {
  const REVOKED = { ok: false, code: "revoked", why: "it is invalid" } as const;
  const SUSPENDED = refuseDelegation("status_suspended", "it is suspended");

  test.each<[string, boolean]>([
    ["known at once", false],
    ["read first", true],
  ])("%s", async (_, waits) => {
    let said: ReturnType<Statuses["refusal"]>;
    const asked: unknown[] = [];
    const statuses: Statuses = {
      refusal: (reference) => {
        asked.push(reference);
        return waits ? Promise.resolve(said) : said;
      },
    };
    const rig = await rigOf({ issuers: [config()], statuses });
    const grant = await startedBy(rig, await access(LISTED));
    expect(await rig.ask(grant, "look")).toBe("allow");
    said = SUSPENDED;
    expect(await rig.ask(grant, "look")).toBe("status_suspended");
    said = undefined;
    expect(await rig.ask(grant, "look")).toBe("allow");
    said = REVOKED;
    expect(await rig.ask(grant, "look")).toBe("revoked");
    expect(asked.at(-1)).toEqual({ uri: `${IDP}/lists/1`, index: 3 });
  });

  test("also where it is told otherwise while the task is started", async () => {
    let count = 0;
    const statuses: Statuses = { refusal: () => (count++ === 0 ? SUSPENDED : undefined) };
    const rig = await rigOf({ issuers: [config()], statuses });
    const delegation = { tokens: [await access(LISTED)] };
    const { decision, cause, grant } = await rig.start({ principal: undefined, delegation });
    expect([decision, cause, grant]).toEqual(["deny", "status_suspended", undefined]);
    expect(count).toBe(2);
  });

  test("which is not asked where the configuration ignores it, or there is none", async () => {
    const statuses: Statuses = { refusal: () => SUSPENDED };
    const ignoring = await rigOf({ issuers: [config({ status: "ignore" })], statuses });
    expect(await ignoring.ask(await startedBy(ignoring, await access(LISTED)), "look")).toBe(
      "allow",
    );
    const none = await rigOf({ issuers: [config()], statuses });
    expect(await none.ask(await startedBy(none, await access()), "look")).toBe("allow");
  });
});

test("a grant ends with a token that it was started with, whichever of its two spellings was revoked", async () => {
  const es = signer("ES256");
  const keys = { keys: { jwks: { keys: [es.jwk] } }, algorithms: ["ES256"] };
  const rig = await rigOf({ issuers: [config(keys)] });
  const token = await access({}, es);
  const [grant] = await startedBy(rig, token);
  const id = digestOfToken(twinOf({ token, algorithm: "ES256" }) ?? "");
  expect(await rig.ask([grant ?? ""], "look")).toBe("allow");
  await rig.revocations.revoke({ kind: "token", id, by: "ann", because: "ticket 1" });
  expect(await rig.ask([grant ?? ""], "look")).toBe("revoked");
});

test("a grant ends with a link of its chain that is revoked as of whoever issued the first", async () => {
  const links = signer();
  const rig = await rigOf({
    issuers: [
      issuerOf(links, { type: "link", issuer: LINKS, roots: ["alice"], humans: ["alice"] }),
    ],
  });
  const scope = ["pay"];
  const { tokens } = await chainOf(["alice", "planner", "bot"], links, () => ({
    scope,
    exp: NOW_S + 3_600,
  }));
  const { token: grant } = await rig.grant({ principal: undefined, delegation: { tokens } });
  expect(await rig.ask([grant], "look")).toBe("allow");
  const said = { by: "ann", because: "ticket 1" };
  await rig.revocations.revoke({ kind: "token", id: "link-1", issuer: "https://other", ...said });
  expect(await rig.ask([grant], "look")).toBe("allow");
  await rig.revocations.revoke({ kind: "token", id: "link-1", issuer: LINKS, ...said });
  expect(await rig.ask([grant], "look")).toBe("revoked");
});

test("what was attested when a task was started is not attested in its calls", async () => {
  const svids = signer();
  const domain = { type: "jwt-svid", trust_domain: "acme.example", attested: true };
  const keys = { jwks: { keys: [{ ...svids.jwk, use: "jwt-svid" }] } };
  const issuers = [config(), issuerOf(svids, { ...domain, keys })];
  const agent = "spiffe://acme.example/bot";
  const policy = `${POLICY}\nforbid unattested tool look, start_task unless agent.attested`;
  const rig = await rigOf({ issuers, policy });
  const svid = await sign({ sub: agent, aud: HERE, exp: NOW_S + 300, iat: NOW_S }, svids, {
    typ: "JWT",
  });
  const tokens = [await access({ client_id: agent }), svid];
  const as = { agent: { id: agent, trust: 0.9 } };
  const started = { ...as, principal: undefined, delegation: { tokens } };
  const { token } = await rig.grant(started);
  expect(await rig.ask([token], "look", as)).toBe("forbidden");
  expect(await rig.ask([token, svid], "look", as)).toBe("allow");
  rig.nowMs += 300_000;
  expect(await rig.ask([token], "pay", as)).toBe("allow");
});

test("a task that was started with a token of single use goes on, and is ended by what the agent shows", async () => {
  const ledger = new MemoryLedger();
  const parts = { ledger, now: () => START, onFault: (fault: unknown) => expect.fail(`${fault}`) };
  const around = (service: DecisionService) => usedOnce(service, parts);
  const rig = await rigOf({ ledger, around, issuers: [config({ single_use: true })] });
  const token = await access();
  const grant = await startedBy(rig, token);
  const again = { principal: undefined, delegation: { tokens: [token] } };
  expect((await rig.start(again)).cause).toBe("token_used");
  expect(await rig.ask(grant, "look")).toBe("allow");
  const statusOf = async (trust: number) => {
    const { tasks } = await rig.tasks.signal(told("bot", trust));
    return tasks.map(({ status }) => status);
  };
  expect(await statusOf(0.9)).toEqual(["active"]);
  expect(await statusOf(0.1)).toEqual(["ended"]);
});
