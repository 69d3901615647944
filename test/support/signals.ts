/** A receiver of security events, in front of an engine that is asked with tokens. */
import type { OperatorAction } from "../../engine/audit/record.ts";
import type { Decision } from "../../engine/decision.ts";
import { readIdentityConfig } from "../../engine/identity/config.ts";
import { openTransmitters } from "../../engine/identity/open.ts";
import { identified } from "../../engine/identity/service.ts";
import type { Ledger } from "../../engine/ledger/ledger.ts";
import { MemoryLedger } from "../../engine/ledger/memory.ts";
import { revocable } from "../../engine/revocations/revocable.ts";
import { Revocations } from "../../engine/revocations/revocations.ts";
import { createReceiver, type Received, type Receiver } from "../../engine/signals/receive.ts";
import type { Transmitter } from "../../engine/signals/transmitter.ts";
import { drive } from "./engine.ts";
import { HERE, issuerOf, type Json, NOW_S, sign, signer, verifierOf } from "./identity.ts";

export const IDP = "https://idp.acme.example";
export const OTHER = "https://idp.other.example";
export const SIGNALS = "https://signals.acme.example";
export const EVENTS_HERE = "https://writ.acme.example/events";

export const keys = { idp: signer("ES256"), other: signer("ES256"), signals: signer("ES256") };
const spire = signer("ES256");

/** Two providers of which each names its own people, and a trust domain. */
export const ISSUERS: readonly Json[] = [
  issuerOf(keys.idp, { type: "access-token", issuer: IDP, prefix: "", human: { claim: "amr" } }),
  issuerOf(keys.other, { type: "access-token", issuer: OTHER, prefix: "other:" }),
  issuerOf(spire, {
    type: "jwt-svid",
    trust_domain: "acme.example",
    keys: { jwks: { keys: [{ ...spire.jwk, use: "jwt-svid" }] } },
  }),
];

export const TRANSMITTER: Json = {
  issuer: SIGNALS,
  keys: { jwks: { keys: [keys.signals.jwk] } },
  algorithms: ["ES256"],
  audience: EVENTS_HERE,
  speaks_for: [IDP, "acme.example"],
  sessions: "idp-",
};

export function readSignals(transmitters: readonly Json[]) {
  return readIdentityConfig({ audience: HERE, issuers: ISSUERS, transmitters });
}

export async function transmittersOf(...given: readonly Json[]): Promise<readonly Transmitter[]> {
  const read = readSignals(given);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const onFault = (fault: Error) => {
    throw fault;
  };
  return openTransmitters(read.transmitters, { directory: "/", elapsedMs: () => 0, onFault });
}

export const CAEP = "https://schemas.openid.net/secevent/caep/event-type/";
export const RISC = "https://schemas.openid.net/secevent/risc/event-type/";
export const AGENT = "https://mcguinness.github.io/secevent/agent/";

export const issSub = (sub: string, iss = IDP) => ({ format: "iss_sub", iss, sub });

let count = 0;

/** What a transmitter signs of one event. */
export function setClaims(type: string, event: Json, subject: unknown, more: Json = {}): Json {
  count += 1;
  return {
    iss: SIGNALS,
    aud: EVENTS_HERE,
    iat: NOW_S,
    jti: `event-${count}`,
    sub_id: subject,
    events: { [type]: event },
    ...more,
  };
}

export function signSet(claims: Json, by = keys.signals): Promise<string> {
  return sign(claims, by, { typ: "secevent+jwt" });
}

export interface SignalsWorld {
  nowMs: number;
  readonly revocations: Revocations;
  readonly receiver: Receiver;
  readonly notices: string[];
  readonly recorded: OperatorAction[];
  /** Pushes one event. */
  tell(type: string, event: Json, subject: unknown, more?: Json): Promise<Received>;
  /** Decides a call of an agent for somebody, by a token of `iss` with these claims; its code, or `allow`. */
  ask(claims?: Json, iss?: string, request?: Json): Promise<string>;
}

export async function signalsWorld(
  transmitter: Json = TRANSMITTER,
  ledger: Ledger = new MemoryLedger(),
  record?: (action: OperatorAction) => Promise<void>,
): Promise<SignalsWorld> {
  const driver = drive("tool look { effect read }\npermit looking tool look");
  const now = () => driver.nowMs;
  const revocations = new Revocations({ ledger, now });
  const verifier = await verifierOf(ISSUERS, { revocations, clock: now });
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const service = identified(revocable(driver.engine, revocations), {
    identity: verifier,
    onFault,
  });
  const notices: string[] = [];
  const recorded: OperatorAction[] = [];
  const receiver = createReceiver({
    transmitters: await transmittersOf(transmitter),
    revocations,
    ledger,
    now,
    record: record ?? (async (action) => void recorded.push(action)),
    onNotice: (notice) => notices.push(notice),
  });
  return {
    get nowMs() {
      return driver.nowMs;
    },
    set nowMs(ms) {
      driver.nowMs = ms;
    },
    revocations,
    receiver,
    notices,
    recorded,
    tell: async (type, event, subject, more = {}) =>
      receiver.receive(await signSet(setClaims(type, event, subject, more))),
    async ask(claims = {}, iss = IDP, request = {}) {
      const token = await tokenOf(claims, iss);
      const agent = String(claims.client_id ?? "bot");
      const id = iss === OTHER ? `other:${agent}` : agent;
      const asked = { agent: { id }, tool: { name: "look" }, delegation: { tokens: [token] } };
      const answer = await service.decide({ ...asked, ...request });
      if (answer.kind !== "answer") throw new Error(JSON.stringify(answer));
      return codeOf(answer.value);
    },
  };
}

function codeOf({ decision, code, cause }: Decision): string {
  return cause ?? code ?? decision;
}

export function tokenOf(claims: Json, iss = IDP): Promise<string> {
  const usual = { sub: "alice", client_id: "bot", jti: "t-1", scope: "", amr: ["pwd"] };
  const times = { aud: HERE, iat: NOW_S - 60, exp: NOW_S + 36_000 };
  return sign({ iss, ...usual, ...times, ...claims }, iss === IDP ? keys.idp : keys.other, {
    typ: "at+jwt",
  });
}

/** `applied` and the like, or the error. */
export function toldOf(received: Received): string {
  if (received.kind === "accepted") return received.receipt;
  return received.kind === "refused" ? received.err : "unavailable";
}
