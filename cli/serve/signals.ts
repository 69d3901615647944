/** Security events of transmitters, pushed here or fetched there: whose they are is said in the identity configuration. */
import { dirname, resolve } from "node:path";
import { latestOf } from "../../engine/clock.ts";
import { fetchBytes } from "../../engine/egress/fetch.ts";
import { type ServerParts, serveEvents, type Vitals } from "../../engine/http/index.ts";
import { openTransmitters } from "../../engine/identity/open.ts";
import {
  ANSWER_LIMITS,
  type Collector,
  type CollectorParts,
  createCollector,
} from "../../engine/signals/collect.ts";
import { createReceiver } from "../../engine/signals/receive.ts";
import type { TransmitterConfig } from "../../engine/signals/transmitter.ts";
import { type Input, type Io, Misuse } from "../command.ts";
import type { ServedAudit } from "./audit.ts";
import { bearerIn } from "./bearer.ts";
import type { ServedGrants } from "./grants.ts";
import { openSigners, readIdentityFile } from "./identity.ts";
import { pollEvery } from "./source.ts";
import type { OpenState } from "./state.ts";

interface SignalsOpening {
  readonly grants: Pick<ServedGrants, "revocations" | "kept">;
  readonly audit: Pick<ServedAudit, "operator">;
  readonly state: Pick<OpenState, "clock">;
}

export interface ServedSignals {
  readonly vitals: Pick<Vitals, "events" | "polled">;
  readonly open: NonNullable<ServerParts["extend"]>;
  close(): Promise<void>;
}

const NONE: ServedSignals = { vitals: {}, open: () => {}, close: async () => {} };

/** Resolves when what waits at transmitters was fetched, or cannot be. Where nobody is configured, nothing is served. */
export async function openSignals(
  { grants, audit, state }: SignalsOpening,
  { values }: Input,
  io: Io,
): Promise<ServedSignals> {
  const path = values.get("identity");
  const configs = path === undefined ? [] : readIdentityFile(path, io).transmitters;
  if (path === undefined || configs.length === 0) return NONE;
  const onNotice = (notice: string) => io.err(`${notice}\n`);
  const receiver = createReceiver({
    transmitters: await openSigners(path, configs, openTransmitters, io),
    revocations: grants.revocations,
    ledger: grants.kept.ledger,
    now: latestOf(state.clock),
    record: audit.operator,
    onNotice,
  });
  const stopping = new AbortController();
  const shared = { receiver, now: Date.now, onNotice };
  const polls = configs.flatMap((config) => pollOf(config, path, shared, stopping.signal, io));
  await Promise.all(polls.map(({ collector }) => collector.collect()));
  const stops = polls.map(({ collector, everyMs }) => collectEvery(everyMs, collector));
  const isPushed = configs.some(({ poll }) => poll === undefined);
  return {
    vitals: {
      events: receiver.counts,
      polled: () => polls.flatMap(({ collector }) => atOf(collector)),
    },
    open: (app) => void (isPushed && serveEvents(app, receiver)),
    async close() {
      stopping.abort();
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

function atOf({ transmitter, collectedAtMs }: Collector) {
  const atMs = collectedAtMs();
  return atMs === undefined ? [] : [{ transmitter, atMs }];
}

/** What stops it resolves when nothing is being taken any more. */
function collectEvery(everyMs: number, collector: Collector): () => Promise<unknown> {
  let running: Promise<unknown> = Promise.resolve();
  const stop = pollEvery(everyMs, () => {
    const collecting = collector.collect();
    running = collecting;
    return collecting;
  });
  return () => {
    stop();
    return running;
  };
}

const TIMEOUT_MS = 10_000;

function pollOf(
  { name, poll }: TransmitterConfig,
  path: string,
  shared: Omit<CollectorParts, "transmitter" | "ask">,
  signal: AbortSignal,
  io: Io,
): readonly { readonly collector: Collector; readonly everyMs: number }[] {
  if (poll === undefined) return [];
  const { url, everyMs, privateNetworks, credential } = poll;
  const file = resolve(dirname(resolve(io.cwd, path)), credential ?? "");
  const token = credential === undefined ? undefined : bearerIn(file, credential);
  const fetch = (body: Uint8Array) =>
    fetchBytes({
      url: new URL(url),
      privateNetworks,
      token: token?.(),
      accept: "application/json",
      post: { contentType: "application/json", body },
      byteCountMax: ANSWER_LIMITS.byteCount,
      timeoutMs: TIMEOUT_MS,
      signal,
    });
  const ask: CollectorParts["ask"] = async (body) => {
    try {
      return await fetch(body);
    } catch (fault) {
      // A credential that is gone or spoilt later ends nothing but what is fetched with it.
      if (!(fault instanceof Misuse)) throw fault;
      return { kind: "failed", code: "unreachable", because: fault.message };
    }
  };
  return [{ collector: createCollector({ ...shared, transmitter: name, ask }), everyMs }];
}
